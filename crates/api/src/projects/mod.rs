//! Projects.

pub(crate) mod types;

use axum::http::StatusCode;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use crate::extract::{Json, List};
use crate::problem::Problem;
use crate::state::AppState;
use types::{NameProject, Project};

pub(crate) fn routes() -> OpenApiRouter<AppState> {
    OpenApiRouter::default().routes(routes!(list_projects, create_project)).routes(routes!(
        project,
        rename_project,
        delete_project
    ))
}

/// The projects that the caller may see.
#[utoipa::path(get, path = "/api/organisations/{organisation}/projects", tag = "projects", responses((status = 200, body = List<Project>)))]
async fn list_projects() -> Result<Json<List<Project>>, Problem> {
    Err(Problem::of_status(StatusCode::NOT_IMPLEMENTED))
}

/// Makes a project.
#[utoipa::path(post, path = "/api/organisations/{organisation}/projects", tag = "projects", responses((status = 201, body = Project)))]
async fn create_project(Json(_body): Json<NameProject>) -> Result<(StatusCode, Json<Project>), Problem> {
    Err(Problem::of_status(StatusCode::NOT_IMPLEMENTED))
}

/// One project.
#[utoipa::path(get, path = "/api/organisations/{organisation}/projects/{project}", tag = "projects", responses((status = 200, body = Project)))]
async fn project() -> Result<Json<Project>, Problem> {
    Err(Problem::of_status(StatusCode::NOT_IMPLEMENTED))
}

/// Renames a project.
#[utoipa::path(patch, path = "/api/organisations/{organisation}/projects/{project}", tag = "projects", responses((status = 200, body = Project)))]
async fn rename_project(Json(_body): Json<NameProject>) -> Result<Json<Project>, Problem> {
    Err(Problem::of_status(StatusCode::NOT_IMPLEMENTED))
}

/// Deletes a project and everything in it.
#[utoipa::path(delete, path = "/api/organisations/{organisation}/projects/{project}", tag = "projects", responses((status = 204)))]
async fn delete_project() -> Result<StatusCode, Problem> {
    Err(Problem::of_status(StatusCode::NOT_IMPLEMENTED))
}
