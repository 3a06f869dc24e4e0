use chrono::{DateTime, Utc};
use kernel::ProjectId;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct Project {
    #[schema(value_type = Uuid)]
    pub id: ProjectId,
    pub name: String,
    pub created_at: DateTime<Utc>,
}

#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct NameProject {
    pub name: String,
}

impl From<tenancy::Project> for Project {
    fn from(found: tenancy::Project) -> Self {
        Self { id: found.id, name: found.name, created_at: found.created_at }
    }
}
