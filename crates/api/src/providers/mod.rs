//! Where models are called.

pub(crate) mod types;

use axum::http::StatusCode;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use crate::extract::{Json, List};
use crate::problem::Problem;
use crate::state::AppState;
use types::{ChangeProvider, CreateProvider, Provider};

pub(crate) fn routes() -> OpenApiRouter<AppState> {
    OpenApiRouter::default()
        .routes(routes!(list_providers, create_provider))
        .routes(routes!(change_provider, delete_provider))
}

/// The organisation's providers.
#[utoipa::path(get, path = "/api/organisations/{organisation}/providers", tag = "providers", responses((status = 200, body = List<Provider>)))]
async fn list_providers() -> Result<Json<List<Provider>>, Problem> {
    Err(Problem::of_status(StatusCode::NOT_IMPLEMENTED))
}

/// Adds a provider.
#[utoipa::path(post, path = "/api/organisations/{organisation}/providers", tag = "providers", responses((status = 201, body = Provider)))]
async fn create_provider(Json(_body): Json<CreateProvider>) -> Result<(StatusCode, Json<Provider>), Problem> {
    Err(Problem::of_status(StatusCode::NOT_IMPLEMENTED))
}

/// Changes a provider.
#[utoipa::path(patch, path = "/api/organisations/{organisation}/providers/{provider}", tag = "providers", responses((status = 200, body = Provider)))]
async fn change_provider(Json(_body): Json<ChangeProvider>) -> Result<Json<Provider>, Problem> {
    Err(Problem::of_status(StatusCode::NOT_IMPLEMENTED))
}

/// Removes a provider and its key.
#[utoipa::path(delete, path = "/api/organisations/{organisation}/providers/{provider}", tag = "providers", responses((status = 204)))]
async fn delete_provider() -> Result<StatusCode, Problem> {
    Err(Problem::of_status(StatusCode::NOT_IMPLEMENTED))
}
