use chrono::{DateTime, Utc};
use kernel::ModelGroupId;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

/// Models that stand in for one another under one name.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct ModelGroup {
    #[schema(value_type = Uuid)]
    pub id: ModelGroupId,
    pub name: String,
    /// Tried in this order.
    pub models: Vec<Model>,
    /// Names of the groups tried after it.
    pub fallbacks: Vec<String>,
    pub created_at: DateTime<Utc>,
}

#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct Model {
    /// The provider's name.
    pub provider: String,
    pub model: String,
}

#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct CreateModelGroup {
    pub name: String,
    pub models: Vec<Model>,
    #[serde(default)]
    pub fallbacks: Vec<String>,
}

#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct ChangeModelGroup {
    pub name: Option<String>,
    pub models: Option<Vec<Model>>,
    pub fallbacks: Option<Vec<String>>,
}
