use chrono::{DateTime, Utc};
use serde::Serialize;
use serde_json::Value;
use utoipa::ToSchema;
use uuid::Uuid;

#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct AuditEntry {
    pub id: Uuid,
    pub at: DateTime<Utc>,
    /// `user:<id>`, `key:<id>`, `operator:<id>` or `system`.
    pub actor: String,
    pub action: String,
    pub object: String,
    pub detail: Value,
}

impl From<tenancy::AuditEntry> for AuditEntry {
    fn from(found: tenancy::AuditEntry) -> Self {
        Self {
            id: found.id,
            at: found.at,
            actor: found.actor,
            action: found.action,
            object: found.object,
            detail: found.detail,
        }
    }
}
