use std::str::FromStr;

use chrono::{DateTime, Utc};
use kernel::{ApiKeyId, InvitationId, MemberId, ProjectId, TenantId, UserId};
use serde::Serialize;
use serde_json::Value;
use uuid::Uuid;

use crate::{Actor, Lapse};

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

/// What has become of an invitation.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum InvitationState {
    Pending,
    Accepted,
    Revoked,
}

impl InvitationState {
    pub const fn name(self) -> &'static str {
        match self {
            Self::Pending => "pending",
            Self::Accepted => "accepted",
            Self::Revoked => "revoked",
        }
    }
}

impl FromStr for InvitationState {
    type Err = ();

    fn from_str(name: &str) -> Result<Self, ()> {
        [Self::Pending, Self::Accepted, Self::Revoked].into_iter().find(|state| state.name() == name).ok_or(())
    }
}

/// A role that waits for whoever holds the link.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Invitation {
    pub id: InvitationId,
    pub email: String,
    pub role: String,
    pub project: Option<ProjectId>,
    /// Whose rights it stands on; `None`: an actor of a kind that this binary does not know.
    pub invited_by: Option<Actor>,
    pub state: InvitationState,
    pub created_at: DateTime<Utc>,
    pub expires_at: DateTime<Utc>,
}

/// An invitation as whoever holds its link sees it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Offer {
    pub invitation: Invitation,
    /// The organisation's display name.
    pub organisation: String,
    /// The project's name, where the role is for one alone.
    pub project: Option<String>,
    /// Why it cannot be accepted; `None`: it can.
    pub lapse: Option<Lapse>,
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
