//! Keys for programs.

pub(crate) mod types;

use axum::http::StatusCode;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use crate::extract::{Json, List};
use crate::problem::Problem;
use crate::state::AppState;
use types::{ApiKey, CreateApiKey, CreatedApiKey};

pub(crate) fn routes() -> OpenApiRouter<AppState> {
    OpenApiRouter::default().routes(routes!(list_api_keys, create_api_key)).routes(routes!(revoke_api_key))
}

/// The organisation's API keys.
#[utoipa::path(get, path = "/api/organisations/{organisation}/api-keys", tag = "API keys", responses((status = 200, body = List<ApiKey>)))]
async fn list_api_keys() -> Result<Json<List<ApiKey>>, Problem> {
    Err(Problem::of_status(StatusCode::NOT_IMPLEMENTED))
}

/// Makes an API key; it is shown in this answer and never again.
#[utoipa::path(post, path = "/api/organisations/{organisation}/api-keys", tag = "API keys", responses((status = 201, body = CreatedApiKey)))]
async fn create_api_key(Json(_body): Json<CreateApiKey>) -> Result<(StatusCode, Json<CreatedApiKey>), Problem> {
    Err(Problem::of_status(StatusCode::NOT_IMPLEMENTED))
}

/// Revokes an API key at once.
#[utoipa::path(delete, path = "/api/organisations/{organisation}/api-keys/{key}", tag = "API keys", responses((status = 204)))]
async fn revoke_api_key() -> Result<StatusCode, Problem> {
    Err(Problem::of_status(StatusCode::NOT_IMPLEMENTED))
}
