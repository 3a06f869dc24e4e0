//! An organisation, as its own people see it.

pub(crate) mod types;

use axum::http::StatusCode;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use crate::extract::Json;
use crate::problem::Problem;
use crate::state::AppState;
use types::{ChangeOrganisation, Organisation};

pub(crate) fn routes() -> OpenApiRouter<AppState> {
    OpenApiRouter::default().routes(routes!(organisation, change_organisation))
}

/// The organisation.
#[utoipa::path(get, path = "/api/organisations/{organisation}", tag = "organisations", responses((status = 200, body = Organisation)))]
async fn organisation() -> Result<Json<Organisation>, Problem> {
    Err(Problem::of_status(StatusCode::NOT_IMPLEMENTED))
}

/// Changes how the organisation is called in the portal.
#[utoipa::path(patch, path = "/api/organisations/{organisation}", tag = "organisations", responses((status = 200, body = Organisation)))]
async fn change_organisation(Json(_body): Json<ChangeOrganisation>) -> Result<Json<Organisation>, Problem> {
    Err(Problem::of_status(StatusCode::NOT_IMPLEMENTED))
}
