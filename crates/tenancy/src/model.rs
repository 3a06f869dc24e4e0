use std::str::FromStr;

use chrono::{DateTime, Utc};
use kernel::{ApiKeyId, MemberId, ProjectId, TenantId, UserId};
use serde::Serialize;
use serde_json::Value;
use uuid::Uuid;

/// Whether an organisation may work. A suspended one can be read, nothing else.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum OrganisationStatus {
    Active,
    Suspended,
}

impl OrganisationStatus {
    pub const fn name(self) -> &'static str {
        match self {
            Self::Active => "active",
            Self::Suspended => "suspended",
        }
    }
}

impl FromStr for OrganisationStatus {
    type Err = ();

    fn from_str(name: &str) -> Result<Self, ()> {
        [Self::Active, Self::Suspended].into_iter().find(|status| status.name() == name).ok_or(())
    }
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Organisation {
    pub id: TenantId,
    /// What `apply` and people on the command line call it.
    pub name: String,
    pub display_name: String,
    pub status: OrganisationStatus,
    /// Its share of the turns when organisations compete for workers, 1 to 100.
    pub weight: i32,
    /// How many of its runs may be under way at once over all nodes.
    pub max_running: Option<i32>,
    pub created_at: DateTime<Utc>,
}

/// How much an organisation has.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Counts {
    pub projects: i64,
    pub agents: i64,
    pub connections: i64,
    pub conversations: i64,
    pub messages_30d: i64,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Project {
    pub id: ProjectId,
    pub name: String,
    pub created_at: DateTime<Utc>,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct User {
    pub id: UserId,
    pub email: String,
    pub display_name: String,
}

/// One grant of a role to a user, over the whole organisation or one project of it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Member {
    pub id: MemberId,
    pub user: User,
    pub role: String,
    pub project: Option<ProjectId>,
    pub created_at: DateTime<Utc>,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ApiKey {
    pub id: ApiKeyId,
    pub name: String,
    /// How the key begins, to tell keys apart.
    pub prefix: String,
    pub role: String,
    pub created_by: Option<UserId>,
    pub created_at: DateTime<Utc>,
    pub expires_at: Option<DateTime<Utc>>,
    pub revoked_at: Option<DateTime<Utc>>,
    pub last_used_at: Option<DateTime<Utc>>,
}

#[derive(Clone, Debug, PartialEq)]
pub struct AuditEntry {
    pub id: Uuid,
    pub at: DateTime<Utc>,
    pub actor: String,
    pub action: String,
    pub object: String,
    pub detail: Value,
}

/// Who is asking, and where they belong.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Me {
    /// `None`: an API key asks.
    pub user: Option<User>,
    pub operator: bool,
    pub organisations: Vec<MyOrganisation>,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct MyOrganisation {
    pub id: TenantId,
    pub name: String,
    pub display_name: String,
    pub status: OrganisationStatus,
    /// `None`: they have roles in some of its projects only.
    pub role: Option<String>,
    pub projects: Vec<MyProject>,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct MyProject {
    pub id: ProjectId,
    pub name: String,
    /// The project's own grant where there is one, else the organisation's.
    pub role: String,
}
