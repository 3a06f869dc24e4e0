//! Projects: the parts of an organisation.

pub(crate) mod types;

use axum::extract::State;
use axum::http::StatusCode;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use crate::extract::{After, Belonging, InOrganisation, InProject, Json, List, Query, permit};
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

/// The projects that the caller may see, newest first.
#[utoipa::path(
    get,
    path = "/api/organisations/{organisation}/projects",
    tag = "projects",
    params(After),
    responses((status = 200, body = List<Project>))
)]
async fn list_projects(
    State(app): State<AppState>,
    who: InOrganisation<Belonging>,
    Query(after): Query<After>,
) -> Result<Json<List<Project>>, Problem> {
    let mut tx = who.begin(&app).await?;
    let page = tenancy::projects::list(&mut tx, &who.access, &after.page()?).await?;
    Ok(Json(List::of(page, Project::from)))
}

/// Makes a project.
#[utoipa::path(
    post,
    path = "/api/organisations/{organisation}/projects",
    tag = "projects",
    responses((status = 201, body = Project))
)]
async fn create_project(
    State(app): State<AppState>,
    who: InOrganisation<permit::ProjectWrite>,
    Json(new): Json<NameProject>,
) -> Result<(StatusCode, Json<Project>), Problem> {
    let mut tx = who.begin(&app).await?;
    let made = tenancy::projects::create(&mut tx, &who.access, &new.name).await?;
    tx.commit().await?;
    Ok((StatusCode::CREATED, Json(made.into())))
}

/// One project.
#[utoipa::path(
    get,
    path = "/api/organisations/{organisation}/projects/{project}",
    tag = "projects",
    responses((status = 200, body = Project))
)]
async fn project(State(app): State<AppState>, who: InProject<permit::ProjectRead>) -> Result<Json<Project>, Problem> {
    let mut tx = who.begin(&app).await?;
    Ok(Json(tenancy::projects::find(&mut tx, &who.access, who.project).await?.into()))
}

/// Renames a project.
#[utoipa::path(
    patch,
    path = "/api/organisations/{organisation}/projects/{project}",
    tag = "projects",
    responses((status = 200, body = Project))
)]
async fn rename_project(
    State(app): State<AppState>,
    who: InProject<permit::ProjectWrite>,
    Json(change): Json<NameProject>,
) -> Result<Json<Project>, Problem> {
    let mut tx = who.begin(&app).await?;
    let renamed = tenancy::projects::rename(&mut tx, &who.access, who.project, &change.name).await?;
    tx.commit().await?;
    Ok(Json(renamed.into()))
}

/// Deletes a project and everything in it.
///
/// The project itself goes last. Where that takes longer than a request may, or is cut off in any other way, the project
/// still stands: delete it again, and the deletion goes on where it was.
#[utoipa::path(
    delete,
    path = "/api/organisations/{organisation}/projects/{project}",
    tag = "projects",
    responses((status = 204))
)]
async fn delete_project(
    State(app): State<AppState>,
    who: InProject<permit::ProjectDelete>,
) -> Result<StatusCode, Problem> {
    let epoch = tenancy::projects::delete(&app.db, &who.access, who.project).await?;
    app.in_force(epoch).await?;
    Ok(StatusCode::NO_CONTENT)
}
