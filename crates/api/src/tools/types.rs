use serde::Serialize;
use serde_json::Value;
use utoipa::ToSchema;

/// Something an agent may be given to work with.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct Tool {
    pub name: String,
    pub title: String,
    pub description: String,
    /// The JSON schema of what it takes.
    pub parameters: Value,
}
