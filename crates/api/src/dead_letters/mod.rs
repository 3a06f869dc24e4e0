//! What could not be done.

pub(crate) mod types;

use axum::http::StatusCode;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use crate::extract::{After, Json, List, Query};
use crate::problem::Problem;
use crate::state::AppState;
use types::DeadLetter;

pub(crate) fn routes() -> OpenApiRouter<AppState> {
    OpenApiRouter::default()
        .routes(routes!(list_dead_letters))
        .routes(routes!(replay_dead_letter))
        .routes(routes!(dismiss_dead_letter))
}

/// What could not be done, newest first.
#[utoipa::path(get, path = "/api/organisations/{organisation}/projects/{project}/dead-letters", tag = "dead letters", params(After), responses((status = 200, body = List<DeadLetter>)))]
async fn list_dead_letters(Query(_query): Query<After>) -> Result<Json<List<DeadLetter>>, Problem> {
    Err(Problem::of_status(StatusCode::NOT_IMPLEMENTED))
}

/// Tries again.
#[utoipa::path(post, path = "/api/organisations/{organisation}/projects/{project}/dead-letters/{letter}/replay", tag = "dead letters", responses((status = 202)))]
async fn replay_dead_letter() -> Result<StatusCode, Problem> {
    Err(Problem::of_status(StatusCode::NOT_IMPLEMENTED))
}

/// Lets it be.
#[utoipa::path(delete, path = "/api/organisations/{organisation}/projects/{project}/dead-letters/{letter}", tag = "dead letters", responses((status = 204)))]
async fn dismiss_dead_letter() -> Result<StatusCode, Problem> {
    Err(Problem::of_status(StatusCode::NOT_IMPLEMENTED))
}
