use chrono::{DateTime, Utc};
use kernel::TenantId;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub(crate) enum OrganisationStatus {
    Active,
    /// Its people may read; nothing is written and nothing runs.
    Suspended,
}

#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct Organisation {
    #[schema(value_type = Uuid)]
    pub id: TenantId,
    pub name: String,
    pub display_name: String,
    pub status: OrganisationStatus,
    pub created_at: DateTime<Utc>,
}

#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct ChangeOrganisation {
    pub display_name: String,
}
