//! Runs and their steps.

pub(crate) mod types;

use axum::http::StatusCode;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use crate::extract::Json;
use crate::problem::Problem;
use crate::state::AppState;
use types::Run;

pub(crate) fn routes() -> OpenApiRouter<AppState> {
    OpenApiRouter::default().routes(routes!(run))
}

/// One run with all its steps.
#[utoipa::path(get, path = "/api/organisations/{organisation}/projects/{project}/runs/{run}", tag = "runs", responses((status = 200, body = Run)))]
async fn run() -> Result<Json<Run>, Problem> {
    Err(Problem::of_status(StatusCode::NOT_IMPLEMENTED))
}
