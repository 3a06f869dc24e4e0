use chrono::{DateTime, Utc};
use kernel::{Secret, UserId};
use serde::{Deserialize, Serialize};
use tenancy::Lapse;
use utoipa::ToSchema;

#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct LogIn {
    pub email: String,
    #[schema(value_type = String, format = Password)]
    pub password: Secret,
}

#[derive(Debug, Default, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct Refresh {
    /// For clients without cookies; a browser sends none and its cookie counts.
    #[schema(value_type = Option<String>)]
    pub refresh_token: Option<Secret>,
}

/// What a signed-in client holds. The refresh token travels in a cookie that scripts cannot read.
#[derive(Serialize, ToSchema)]
pub(crate) struct SignedIn {
    /// The bearer for every other call.
    pub access_token: String,
    /// Seconds until the access token expires.
    pub expires_in: u64,
    pub user: User,
    /// The next refresh token, for a client that sent the last one in the body.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub refresh_token: Option<String>,
}

#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct InvitationToken {
    /// What follows the `#` of an invitation's link.
    #[schema(value_type = String)]
    pub token: Secret,
}

#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct AcceptInvitation {
    /// What follows the `#` of an invitation's link.
    #[schema(value_type = String)]
    pub token: Secret,
    #[schema(value_type = String, format = Password)]
    pub password: Secret,
    /// For a person who is new here; others keep theirs.
    pub display_name: Option<String>,
}

/// What an invitation's link offers.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct Offer {
    /// The organisation's display name.
    pub organisation: String,
    pub email: String,
    pub role: String,
    /// The project's name; null: the role is for the whole organisation.
    pub project: Option<String>,
    pub expires_at: DateTime<Utc>,
    pub state: OfferState,
}

/// Whether an invitation can be accepted, and why not.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub(crate) enum OfferState {
    Open,
    Accepted,
    Revoked,
    Expired,
    /// The organisation is.
    Suspended,
    /// Whoever sent it may not give this role any more.
    Void,
}

impl From<tenancy::Offer> for Offer {
    fn from(found: tenancy::Offer) -> Self {
        Self {
            organisation: found.organisation,
            email: found.invitation.email,
            role: found.invitation.role,
            project: found.project,
            expires_at: found.invitation.expires_at,
            state: match found.lapse {
                None => OfferState::Open,
                Some(Lapse::Accepted) => OfferState::Accepted,
                Some(Lapse::Revoked) => OfferState::Revoked,
                Some(Lapse::Expired) => OfferState::Expired,
                Some(Lapse::Suspended) => OfferState::Suspended,
                Some(Lapse::Void) => OfferState::Void,
            },
        }
    }
}

#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct User {
    #[schema(value_type = Uuid)]
    pub id: UserId,
    pub email: String,
    pub display_name: String,
}

impl From<tenancy::User> for User {
    fn from(found: tenancy::User) -> Self {
        Self { id: found.id, email: found.email, display_name: found.display_name }
    }
}
