use kernel::{Secret, UserId};
use serde::{Deserialize, Serialize};
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
