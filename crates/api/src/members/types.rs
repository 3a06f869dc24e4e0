use chrono::{DateTime, Utc};
use kernel::{MemberId, ProjectId, Secret, UserId};
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
    pub email: String,
    /// owner, admin, member, viewer or a role of the organisation's own.
    pub role: String,
    #[schema(value_type = Option<Uuid>)]
    pub project_id: Option<ProjectId>,
    /// For a user who is created by this call.
    pub display_name: Option<String>,
    #[schema(value_type = Option<String>, format = Password)]
    pub password: Option<Secret>,
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
