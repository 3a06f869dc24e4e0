//! Signing in and out.

pub(crate) mod types;

use axum::http::StatusCode;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use crate::extract::Json;
use crate::problem::Problem;
use crate::state::AppState;
use types::{LogIn, Refresh, SignedIn};

pub(crate) fn routes() -> OpenApiRouter<AppState> {
    OpenApiRouter::default().routes(routes!(log_in)).routes(routes!(refresh)).routes(routes!(log_out))
}

/// Signs in with e-mail and password. The refresh token is set as a cookie.
#[utoipa::path(post, path = "/api/auth/login", tag = "auth", responses((status = 200, body = SignedIn)))]
async fn log_in(Json(_body): Json<LogIn>) -> Result<Json<SignedIn>, Problem> {
    Err(Problem::of_status(StatusCode::NOT_IMPLEMENTED))
}

/// Trades a refresh token (the cookie's, or the body's) for a fresh access token and the next refresh token.
/// A token that was used before revokes the whole session.
#[utoipa::path(post, path = "/api/auth/refresh", tag = "auth", responses((status = 200, body = SignedIn)))]
async fn refresh(_body: Option<Json<Refresh>>) -> Result<Json<SignedIn>, Problem> {
    Err(Problem::of_status(StatusCode::NOT_IMPLEMENTED))
}

/// Ends the session at once, on every node.
#[utoipa::path(post, path = "/api/auth/logout", tag = "auth", responses((status = 204)))]
async fn log_out() -> Result<StatusCode, Problem> {
    Err(Problem::of_status(StatusCode::NOT_IMPLEMENTED))
}
