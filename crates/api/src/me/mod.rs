//! The one who asks.

pub(crate) mod types;

use axum::http::StatusCode;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use crate::extract::Json;
use crate::problem::Problem;
use crate::state::AppState;
use types::{ChangePassword, Me};

pub(crate) fn routes() -> OpenApiRouter<AppState> {
    OpenApiRouter::default().routes(routes!(me)).routes(routes!(change_password))
}

/// Who is asking, and where they may go.
#[utoipa::path(get, path = "/api/me", tag = "me", responses((status = 200, body = Me)))]
async fn me() -> Result<Json<Me>, Problem> {
    Err(Problem::of_status(StatusCode::NOT_IMPLEMENTED))
}

/// Changes one's own password; every other session ends.
#[utoipa::path(put, path = "/api/me/password", tag = "me", responses((status = 204)))]
async fn change_password(Json(_body): Json<ChangePassword>) -> Result<StatusCode, Problem> {
    Err(Problem::of_status(StatusCode::NOT_IMPLEMENTED))
}
