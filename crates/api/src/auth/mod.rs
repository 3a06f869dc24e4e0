//! Signing in and out.

mod cookie;
mod invitation;
pub(crate) mod types;

use std::net::IpAddr;

use axum::extract::{Extension, State};
use axum::http::header::{SET_COOKIE, USER_AGENT};
use axum::http::{HeaderMap, StatusCode};
use axum::response::{IntoResponse as _, Response};
use tenancy::{Login, Principal, Tokens};
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use crate::extract::{Json, bearer};
use crate::problem::Problem;
use crate::serve::Peer;
use crate::state::AppState;
use cookie::Cookie;
use types::{LogIn, Refresh, SignedIn};

pub(crate) fn routes() -> OpenApiRouter<AppState> {
    OpenApiRouter::default()
        .routes(routes!(log_in))
        .routes(routes!(refresh))
        .routes(routes!(log_out))
        .routes(routes!(invitation::offer))
        .routes(routes!(invitation::accept))
}

/// Signs in with e-mail and password. The refresh token is set as a cookie.
#[utoipa::path(post, path = "/api/auth/login", tag = "auth", responses((status = 200, body = SignedIn)))]
async fn log_in(
    State(app): State<AppState>,
    Extension(peer): Extension<Peer>,
    headers: HeaderMap,
    Json(login): Json<LogIn>,
) -> Result<Response, Problem> {
    let login = Login {
        email: &login.email,
        password: &login.password,
        user_agent: user_agent(&headers),
        address: Some(address(peer, &headers)),
    };
    let tokens = app.identity.login(login).await?;
    Ok(signed_in(Cookie::of(&app, peer), tokens, false))
}

/// Trades a refresh token (the cookie's, or the body's) for a fresh access token and the next refresh token.
///
/// A token that was used before revokes the whole session.
#[utoipa::path(post, path = "/api/auth/refresh", tag = "auth", responses((status = 200, body = SignedIn)))]
async fn refresh(
    State(app): State<AppState>,
    Extension(peer): Extension<Peer>,
    headers: HeaderMap,
    body: Option<Json<Refresh>>,
) -> Result<Response, Problem> {
    let cookie = Cookie::of(&app, peer);
    let shown = body.and_then(|Json(refresh)| refresh.refresh_token);
    let in_body = shown.is_some();
    let nothing = || Problem::unauthenticated("there is no session here; log in");
    let token = shown.or_else(|| cookie.read(&headers)).ok_or_else(nothing)?;
    match app.identity.refresh(&token).await {
        Ok(tokens) => Ok(signed_in(cookie, tokens, in_body)),
        Err(error) => {
            let mut response = Problem::from(error).into_response();
            if response.status() == StatusCode::UNAUTHORIZED {
                response.headers_mut().insert(SET_COOKIE, cookie.clear());
            }
            Ok(response)
        }
    }
}

/// Ends the session at once, on every node: the bearer's, or the cookie's.
#[utoipa::path(post, path = "/api/auth/logout", tag = "auth", responses((status = 204)))]
async fn log_out(
    State(app): State<AppState>,
    Extension(peer): Extension<Peer>,
    headers: HeaderMap,
) -> Result<Response, Problem> {
    let cookie = Cookie::of(&app, peer);
    if let Some(token) = bearer(&headers)
        && let Ok(Principal::User { session, .. }) = app.identity.authenticate(token).await
    {
        app.identity.logout(session).await?;
    }
    if let Some(token) = cookie.read(&headers) {
        app.identity.logout_by_refresh_token(&token).await?;
    }
    Ok((StatusCode::NO_CONTENT, [(SET_COOKIE, cookie.clear())]).into_response())
}

fn signed_in(cookie: Cookie, tokens: Tokens, in_body: bool) -> Response {
    let set = cookie.set(&tokens.refresh_token, tokens.refresh_expires_in);
    let body = SignedIn {
        access_token: tokens.access_token.expose().to_owned(),
        expires_in: tokens.expires_in.as_secs(),
        user: tokens.user.into(),
        refresh_token: in_body.then(|| tokens.refresh_token.expose().to_owned()),
    };
    ([(SET_COOKIE, set)], Json(body)).into_response()
}

fn user_agent(headers: &HeaderMap) -> &str {
    headers.get(USER_AGENT).and_then(|agent| agent.to_str().ok()).unwrap_or_default()
}

/// Where a log-in comes from, for its limit: a proxy on this machine is believed about who it speaks for.
fn address(peer: Peer, headers: &HeaderMap) -> IpAddr {
    let address = peer.addr.ip();
    let forwarded = headers.get("x-forwarded-for").and_then(|list| list.to_str().ok()?.rsplit(',').next());
    match forwarded.and_then(|last| last.trim().parse().ok()) {
        Some(client) if address.is_loopback() => client,
        _ => address,
    }
}
