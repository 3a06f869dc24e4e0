use kernel::{ProjectId, Secret, TenantId};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::auth::types::User;
use crate::organisations::types::OrganisationStatus;

/// Who is asking, and where they may go.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct Me {
    pub user: User,
    /// Whether they run the installation.
    pub operator: bool,
    pub organisations: Vec<MyOrganisation>,
}

#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct MyOrganisation {
    #[schema(value_type = Uuid)]
    pub id: TenantId,
    pub name: String,
    pub display_name: String,
    pub status: OrganisationStatus,
    /// The role in the whole organisation; null where roles are granted by project alone.
    pub role: Option<String>,
    pub projects: Vec<MyProject>,
}

#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct MyProject {
    #[schema(value_type = Uuid)]
    pub id: ProjectId,
    pub name: String,
    /// The role that counts here: the project's grant where it gives more.
    pub role: String,
}

#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct ChangePassword {
    #[schema(value_type = String, format = Password)]
    pub current: Secret,
    #[schema(value_type = String, format = Password)]
    pub new: Secret,
}
