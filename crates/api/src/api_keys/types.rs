use chrono::{DateTime, Utc};
use kernel::{ApiKeyId, UserId};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct ApiKey {
    #[schema(value_type = Uuid)]
    pub id: ApiKeyId,
    pub name: String,
    /// How the key begins, to tell keys apart.
    pub prefix: String,
    pub role: String,
    #[schema(value_type = Option<Uuid>)]
    pub created_by: Option<UserId>,
    pub created_at: DateTime<Utc>,
    pub expires_at: Option<DateTime<Utc>>,
    pub revoked_at: Option<DateTime<Utc>>,
    pub last_used_at: Option<DateTime<Utc>>,
}

#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct CreatedApiKey {
    /// The key itself: shown here and never again.
    pub key: String,
    #[serde(flatten)]
    pub api_key: ApiKey,
}

#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct CreateApiKey {
    pub name: String,
    /// At most the maker's own rights.
    pub role: String,
    pub expires_at: Option<DateTime<Utc>>,
}

impl From<tenancy::ApiKey> for ApiKey {
    fn from(found: tenancy::ApiKey) -> Self {
        Self {
            id: found.id,
            name: found.name,
            prefix: found.prefix,
            role: found.role,
            created_by: found.created_by,
            created_at: found.created_at,
            expires_at: found.expires_at,
            revoked_at: found.revoked_at,
            last_used_at: found.last_used_at,
        }
    }
}
