use chrono::{DateTime, Utc};
use kernel::{ProjectId, Secret, UserId};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use uuid::Uuid;

/// One grant of a role to a person, in the whole organisation or in one project.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct Member {
    pub id: Uuid,
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
