//! Groups of models that agents name.

pub(crate) mod types;

use axum::http::StatusCode;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use crate::extract::{Json, List};
use crate::problem::Problem;
use crate::state::AppState;
use types::{ChangeModelGroup, CreateModelGroup, ModelGroup};

pub(crate) fn routes() -> OpenApiRouter<AppState> {
    OpenApiRouter::default()
        .routes(routes!(list_model_groups, create_model_group))
        .routes(routes!(change_model_group, delete_model_group))
}

/// The organisation's model groups.
#[utoipa::path(get, path = "/api/organisations/{organisation}/model-groups", tag = "model groups", responses((status = 200, body = List<ModelGroup>)))]
async fn list_model_groups() -> Result<Json<List<ModelGroup>>, Problem> {
    Err(Problem::of_status(StatusCode::NOT_IMPLEMENTED))
}

/// Makes a model group.
#[utoipa::path(post, path = "/api/organisations/{organisation}/model-groups", tag = "model groups", responses((status = 201, body = ModelGroup)))]
async fn create_model_group(Json(_body): Json<CreateModelGroup>) -> Result<(StatusCode, Json<ModelGroup>), Problem> {
    Err(Problem::of_status(StatusCode::NOT_IMPLEMENTED))
}

/// Changes a model group.
#[utoipa::path(patch, path = "/api/organisations/{organisation}/model-groups/{group}", tag = "model groups", responses((status = 200, body = ModelGroup)))]
async fn change_model_group(Json(_body): Json<ChangeModelGroup>) -> Result<Json<ModelGroup>, Problem> {
    Err(Problem::of_status(StatusCode::NOT_IMPLEMENTED))
}

/// Removes a model group.
#[utoipa::path(delete, path = "/api/organisations/{organisation}/model-groups/{group}", tag = "model groups", responses((status = 204)))]
async fn delete_model_group() -> Result<StatusCode, Problem> {
    Err(Problem::of_status(StatusCode::NOT_IMPLEMENTED))
}
