//! What the operator of the installation does with organisations.

pub(crate) mod types;

use axum::http::StatusCode;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use crate::extract::{After, Json, List, Query};
use crate::problem::Problem;
use crate::state::AppState;
use types::{CreateOrganisation, OperateOrganisation, OperatedOrganisation, OperatedOrganisationDetail};

pub(crate) fn routes() -> OpenApiRouter<AppState> {
    OpenApiRouter::default().routes(routes!(list_all_organisations, create_organisation)).routes(routes!(
        operated_organisation,
        operate_organisation,
        delete_organisation
    ))
}

/// All organisations of the installation.
#[utoipa::path(get, path = "/api/operator/organisations", tag = "operator", params(After), responses((status = 200, body = List<OperatedOrganisation>)))]
async fn list_all_organisations(Query(_query): Query<After>) -> Result<Json<List<OperatedOrganisation>>, Problem> {
    Err(Problem::of_status(StatusCode::NOT_IMPLEMENTED))
}

/// Makes an organisation with its roles and the project "default".
#[utoipa::path(post, path = "/api/operator/organisations", tag = "operator", responses((status = 201, body = OperatedOrganisation)))]
async fn create_organisation(
    Json(_body): Json<CreateOrganisation>,
) -> Result<(StatusCode, Json<OperatedOrganisation>), Problem> {
    Err(Problem::of_status(StatusCode::NOT_IMPLEMENTED))
}

/// One organisation, with counts of what it holds.
#[utoipa::path(get, path = "/api/operator/organisations/{organisation}", tag = "operator", responses((status = 200, body = OperatedOrganisationDetail)))]
async fn operated_organisation() -> Result<Json<OperatedOrganisationDetail>, Problem> {
    Err(Problem::of_status(StatusCode::NOT_IMPLEMENTED))
}

/// Renames, suspends, resumes or bounds an organisation.
#[utoipa::path(patch, path = "/api/operator/organisations/{organisation}", tag = "operator", responses((status = 200, body = OperatedOrganisation)))]
async fn operate_organisation(Json(_body): Json<OperateOrganisation>) -> Result<Json<OperatedOrganisation>, Problem> {
    Err(Problem::of_status(StatusCode::NOT_IMPLEMENTED))
}

/// Deletes an organisation and everything in it.
#[utoipa::path(delete, path = "/api/operator/organisations/{organisation}", tag = "operator", responses((status = 204)))]
async fn delete_organisation() -> Result<StatusCode, Problem> {
    Err(Problem::of_status(StatusCode::NOT_IMPLEMENTED))
}
