use chrono::{DateTime, Utc};
use kernel::{MemberId, ProjectId, UserId};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

/// One grant of a role to a person, in the whole organisation or in one project.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct Member {
    #[schema(value_type = Uuid)]
    pub id: MemberId,
    #[schema(value_type = Uuid)]
    pub user_id: UserId,
    pub email: String,
    pub display_name: String,
    pub role: String,
    /// null: the whole organisation.
    #[schema(value_type = Option<Uuid>)]
    pub project_id: Option<ProjectId>,
    pub created_at: DateTime<Utc>,
}

#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct AddMember {
    /// Somebody who belongs to the organisation already; everybody else is invited.
    #[schema(value_type = Uuid)]
    pub user_id: UserId,
    /// owner, admin, member, viewer or a role of the organisation's own; at most the maker's own rights.
    pub role: String,
    /// null: the whole organisation.
    #[schema(value_type = Option<Uuid>)]
    pub project_id: Option<ProjectId>,
}

#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct ChangeMember {
    pub role: String,
}

impl From<tenancy::Member> for Member {
    fn from(found: tenancy::Member) -> Self {
        Self {
            id: found.id,
            user_id: found.user.id,
            email: found.user.email,
            display_name: found.user.display_name,
            role: found.role,
            project_id: found.project,
            created_at: found.created_at,
        }
    }
}
