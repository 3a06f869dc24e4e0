use kernel::{ProjectId, Secret, TenantId};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::auth::types::User;
use crate::organisations::types::OrganisationStatus;

/// Who is asking, and where they may go.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct Me {
    /// null: an API key asks.
    pub user: Option<User>,
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

impl From<tenancy::Me> for Me {
    fn from(found: tenancy::Me) -> Self {
        Self {
            user: found.user.map(User::from),
            operator: found.operator,
            organisations: found.organisations.into_iter().map(MyOrganisation::from).collect(),
        }
    }
}

impl From<tenancy::MyOrganisation> for MyOrganisation {
    fn from(found: tenancy::MyOrganisation) -> Self {
        let show = |project: tenancy::MyProject| MyProject { id: project.id, name: project.name, role: project.role };
        Self {
            id: found.id,
            name: found.name,
            display_name: found.display_name,
            status: found.status.into(),
            role: found.role,
            projects: found.projects.into_iter().map(show).collect(),
        }
    }
}
