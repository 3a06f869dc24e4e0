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

impl From<tenancy::Organisation> for Organisation {
    fn from(found: tenancy::Organisation) -> Self {
        Self {
            id: found.id,
            name: found.name,
            display_name: found.display_name,
            status: found.status.into(),
            created_at: found.created_at,
        }
    }
}

impl From<tenancy::OrganisationStatus> for OrganisationStatus {
    fn from(status: tenancy::OrganisationStatus) -> Self {
        match status {
            tenancy::OrganisationStatus::Active => Self::Active,
            tenancy::OrganisationStatus::Suspended => Self::Suspended,
        }
    }
}

impl From<OrganisationStatus> for tenancy::OrganisationStatus {
    fn from(status: OrganisationStatus) -> Self {
        match status {
            OrganisationStatus::Active => Self::Active,
            OrganisationStatus::Suspended => Self::Suspended,
        }
    }
}
