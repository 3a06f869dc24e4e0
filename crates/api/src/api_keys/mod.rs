//! Keys for programs.

pub(crate) mod types;

use axum::extract::State;
use axum::http::StatusCode;
use kernel::ApiKeyId;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use crate::extract::{After, Id, InOrganisation, Json, List, Query, permit};
use crate::problem::Problem;
use crate::state::AppState;
use types::{ApiKey, CreateApiKey, CreatedApiKey};

pub(crate) fn routes() -> OpenApiRouter<AppState> {
    OpenApiRouter::default().routes(routes!(list_api_keys, create_api_key)).routes(routes!(revoke_api_key))
}

/// The organisation's API keys that are not revoked, newest first.
#[utoipa::path(
    get,
    path = "/api/organisations/{organisation}/api-keys",
    tag = "API keys",
    params(After),
    responses((status = 200, body = List<ApiKey>))
)]
async fn list_api_keys(
    State(app): State<AppState>,
    who: InOrganisation<permit::KeysRead>,
    Query(after): Query<After>,
) -> Result<Json<List<ApiKey>>, Problem> {
    let page = tenancy::api_keys::list(&app.db, &who.access, &after.page()?).await?;
    Ok(Json(List::of(page, ApiKey::from)))
}

/// Makes an API key; it is shown in this answer and never again.
#[utoipa::path(
    post,
    path = "/api/organisations/{organisation}/api-keys",
    tag = "API keys",
    responses((status = 201, body = CreatedApiKey))
)]
async fn create_api_key(
    State(app): State<AppState>,
    who: InOrganisation<permit::KeysWrite>,
    Json(new): Json<CreateApiKey>,
) -> Result<(StatusCode, Json<CreatedApiKey>), Problem> {
    let (made, key) = tenancy::api_keys::create(&app.db, &who.access, &new.name, &new.role, new.expires_at).await?;
    let created = CreatedApiKey { key: key.expose().to_owned(), api_key: made.into() };
    Ok((StatusCode::CREATED, Json(created)))
}

/// Revokes an API key at once.
#[utoipa::path(
    delete,
    path = "/api/organisations/{organisation}/api-keys/{key}",
    tag = "API keys",
    responses((status = 204))
)]
async fn revoke_api_key(
    State(app): State<AppState>,
    who: InOrganisation<permit::KeysWrite>,
    Id(key): Id<ApiKeyId>,
) -> Result<StatusCode, Problem> {
    tenancy::api_keys::revoke(&app.db, &who.access, key).await?;
    Ok(StatusCode::NO_CONTENT)
}
