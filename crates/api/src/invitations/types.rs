use chrono::{DateTime, Utc};
use kernel::{InvitationId, ProjectId, Secret};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::state::AppState;

/// A role that waits for whoever holds the link.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct Invitation {
    #[schema(value_type = Uuid)]
    pub id: InvitationId,
    pub email: String,
    pub role: String,
    /// null: the whole organisation.
    #[schema(value_type = Option<Uuid>)]
    pub project_id: Option<ProjectId>,
    /// As in the audit log; null: nobody any more.
    pub invited_by: Option<String>,
    pub created_at: DateTime<Utc>,
    pub expires_at: DateTime<Utc>,
}

#[derive(Serialize, ToSchema)]
pub(crate) struct CreatedInvitation {
    /// What the person opens: shown here and never again.
    pub link: String,
    #[serde(flatten)]
    pub invitation: Invitation,
}

#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct CreateInvitation {
    pub email: String,
    /// owner, admin, member, viewer or a role of the organisation's own; at most the maker's own rights.
    pub role: String,
    #[schema(value_type = Option<Uuid>)]
    pub project_id: Option<ProjectId>,
}

impl CreatedInvitation {
    /// The token stands in the fragment, which browsers send nowhere: no log and no proxy sees it.
    pub(crate) fn of(app: &AppState, (made, token): (tenancy::Invitation, Secret)) -> Self {
        Self { link: app.link(&format!("/invitation#{}", token.expose())), invitation: made.into() }
    }
}

impl From<tenancy::Invitation> for Invitation {
    fn from(found: tenancy::Invitation) -> Self {
        Self {
            id: found.id,
            email: found.email,
            role: found.role,
            project_id: found.project,
            invited_by: found.invited_by.map(|actor| actor.to_string()),
            created_at: found.created_at,
            expires_at: found.expires_at,
        }
    }
}
