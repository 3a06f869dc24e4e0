use chrono::{DateTime, Utc};
use kernel::{ProviderId, Secret};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

/// The protocol a provider speaks.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "kebab-case")]
pub(crate) enum Wire {
    OpenaiChat,
    Anthropic,
    Ollama,
    /// The offline model that ships with the product.
    Builtin,
}

#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct Provider {
    #[schema(value_type = Uuid)]
    pub id: ProviderId,
    pub name: String,
    pub wire: Wire,
    pub base_url: String,
    /// Whether an API key is stored; the key itself is never shown.
    pub has_key: bool,
    pub created_at: DateTime<Utc>,
}

#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct CreateProvider {
    pub name: String,
    pub wire: Wire,
    #[serde(default)]
    #[schema(default = "")]
    pub base_url: String,
    #[schema(value_type = Option<String>, format = Password)]
    pub api_key: Option<Secret>,
}

#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct ChangeProvider {
    pub name: Option<String>,
    pub wire: Option<Wire>,
    pub base_url: Option<String>,
    /// Replaces the stored key.
    #[schema(value_type = Option<String>, format = Password)]
    pub api_key: Option<Secret>,
}
