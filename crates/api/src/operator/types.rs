use chrono::{DateTime, Utc};
use kernel::TenantId;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::extract::present;
use crate::invitations::types::CreatedInvitation;
use crate::organisations::types::OrganisationStatus;

/// An organisation as the operator of the installation sees it.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct OperatedOrganisation {
    #[schema(value_type = Uuid)]
    pub id: TenantId,
    pub name: String,
    pub display_name: String,
    pub status: OrganisationStatus,
    /// Its share of the turns when organisations compete for workers.
    pub weight: i32,
    /// How many of its runs may be under way at once; null: no bound of its own.
    pub max_running: Option<i32>,
    pub created_at: DateTime<Utc>,
}

#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct OperatedOrganisationDetail {
    #[serde(flatten)]
    pub organisation: OperatedOrganisation,
    pub counts: Counts,
}

#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct Counts {
    pub projects: i64,
    pub agents: i64,
    pub connections: i64,
    pub conversations: i64,
    /// Inbound messages of the last 30 days.
    pub messages_30d: i64,
}

#[derive(Serialize, ToSchema)]
pub(crate) struct CreatedOrganisation {
    #[serde(flatten)]
    pub organisation: OperatedOrganisation,
    /// null: no owner was named.
    pub owner_invitation: Option<CreatedInvitation>,
}

#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct CreateOrganisation {
    /// Lower-case letters, digits and hyphens; unique in the installation.
    pub name: String,
    pub display_name: String,
    /// Is invited to become the organisation's owner.
    pub owner_email: Option<String>,
}

#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct OperateOrganisation {
    pub display_name: Option<String>,
    pub status: Option<OrganisationStatus>,
    pub weight: Option<i32>,
    /// null takes the bound away.
    #[serde(default, deserialize_with = "present")]
    #[schema(value_type = Option<i32>)]
    pub max_running: Option<Option<i32>>,
}

impl From<tenancy::Organisation> for OperatedOrganisation {
    fn from(found: tenancy::Organisation) -> Self {
        Self {
            id: found.id,
            name: found.name,
            display_name: found.display_name,
            status: found.status.into(),
            weight: found.weight,
            max_running: found.max_running,
            created_at: found.created_at,
        }
    }
}

impl From<tenancy::Counts> for Counts {
    fn from(found: tenancy::Counts) -> Self {
        Self {
            projects: found.projects,
            agents: found.agents,
            connections: found.connections,
            conversations: found.conversations,
            messages_30d: found.messages_30d,
        }
    }
}

impl From<OperateOrganisation> for tenancy::organisations::Change {
    fn from(change: OperateOrganisation) -> Self {
        Self {
            display_name: change.display_name,
            status: change.status.map(Into::into),
            weight: change.weight,
            max_running: change.max_running,
        }
    }
}
