//! What agents may be given to work with.

pub(crate) mod types;

use axum::http::StatusCode;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use crate::extract::{Json, List};
use crate::problem::Problem;
use crate::state::AppState;
use types::Tool;

pub(crate) fn routes() -> OpenApiRouter<AppState> {
    OpenApiRouter::default().routes(routes!(list_tools))
}

/// The catalogue of tools.
#[utoipa::path(get, path = "/api/organisations/{organisation}/tools", tag = "tools", responses((status = 200, body = List<Tool>)))]
async fn list_tools() -> Result<Json<List<Tool>>, Problem> {
    Err(Problem::of_status(StatusCode::NOT_IMPLEMENTED))
}
