//! The other end of an invitation: whoever holds the link sees what it offers, and joins.

use axum::extract::{Extension, State};
use axum::http::HeaderMap;
use axum::response::Response;
use tenancy::Acceptance;

use super::cookie::Cookie;
use super::types::{AcceptInvitation, InvitationToken, Offer, SignedIn};
use super::{address, signed_in, user_agent};
use crate::extract::Json;
use crate::problem::Problem;
use crate::serve::Peer;
use crate::state::AppState;

/// What an invitation's link offers, and whether it still can be accepted.
#[utoipa::path(post, path = "/api/auth/invitation", tag = "auth", responses((status = 200, body = Offer)))]
pub(super) async fn offer(
    State(app): State<AppState>,
    Json(shown): Json<InvitationToken>,
) -> Result<Json<Offer>, Problem> {
    Ok(Json(app.identity.offer(&shown.token).await?.into()))
}

/// Accepts an invitation and signs in. A person who is new here sets their password by this; whoever has a user
/// already proves theirs. A session whose cookie comes along ends: the new one takes its place.
#[utoipa::path(post, path = "/api/auth/invitation/accept", tag = "auth", responses((status = 200, body = SignedIn)))]
pub(super) async fn accept(
    State(app): State<AppState>,
    Extension(peer): Extension<Peer>,
    headers: HeaderMap,
    Json(accepted): Json<AcceptInvitation>,
) -> Result<Response, Problem> {
    let acceptance = Acceptance {
        token: &accepted.token,
        password: &accepted.password,
        display_name: accepted.display_name.as_deref().unwrap_or_default(),
        user_agent: user_agent(&headers),
        address: Some(address(peer, &headers)),
    };
    let cookie = Cookie::of(&app, peer);
    let tokens = app.identity.accept(acceptance).await?;
    if let Some(former) = cookie.read(&headers) {
        app.identity.logout_by_refresh_token(&former).await?;
    }
    Ok(signed_in(cookie, tokens, false))
}
