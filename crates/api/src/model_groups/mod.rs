//! Groups of models that agents name.

pub(crate) mod types;

use axum::extract::State;
use axum::http::StatusCode;
use db::TenantTx;
use kernel::ModelGroupId;
use llm::store::{self, GroupSpec};
use serde_json::json;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use crate::extract::{Id, InOrganisation, Json, List, permit};
use crate::problem::Problem;
use crate::state::AppState;
use types::{ChangeModelGroup, CreateModelGroup, ModelGroup, ModelHealth};

pub(crate) fn routes() -> OpenApiRouter<AppState> {
    OpenApiRouter::default()
        .routes(routes!(list_model_groups, create_model_group))
        .routes(routes!(change_model_group, delete_model_group))
        .routes(routes!(tell_model_group_health))
}

/// The organisation's model groups, by name.
#[utoipa::path(
    get,
    path = "/api/organisations/{organisation}/model-groups",
    tag = "model groups",
    responses((status = 200, body = List<ModelGroup>))
)]
async fn list_model_groups(
    State(app): State<AppState>,
    who: InOrganisation<permit::ModelsRead>,
) -> Result<Json<List<ModelGroup>>, Problem> {
    let mut tx = who.begin(&app).await?;
    let groups = store::list_groups(&mut tx).await?;
    Ok(Json(List::whole(groups.into_iter().map(ModelGroup::from).collect())))
}

/// Makes a model group.
#[utoipa::path(
    post,
    path = "/api/organisations/{organisation}/model-groups",
    tag = "model groups",
    responses((status = 201, body = ModelGroup))
)]
async fn create_model_group(
    State(app): State<AppState>,
    who: InOrganisation<permit::ModelsWrite>,
    Json(new): Json<CreateModelGroup>,
) -> Result<(StatusCode, Json<ModelGroup>), Problem> {
    let mut tx = who.begin(&app).await?;
    if store::list_groups(&mut tx).await?.iter().any(|group| group.name == new.name) {
        return Err(Problem::conflict("a model group of this name stands already"));
    }
    let written = store::upsert_group(&mut tx, &GroupSpec::from(new)).await?;
    let made = store::find_group(&mut tx, written.id).await?;
    record(&mut tx, &who, "model_group.create", written.id, &made.name).await?;
    tx.commit().await?;
    app.all_in_force().await?;
    Ok((StatusCode::CREATED, Json(made.into())))
}

/// Changes a model group.
#[utoipa::path(
    patch,
    path = "/api/organisations/{organisation}/model-groups/{group}",
    tag = "model groups",
    responses((status = 200, body = ModelGroup))
)]
async fn change_model_group(
    State(app): State<AppState>,
    who: InOrganisation<permit::ModelsWrite>,
    Id(id): Id<ModelGroupId>,
    Json(change): Json<ChangeModelGroup>,
) -> Result<Json<ModelGroup>, Problem> {
    let mut tx = who.begin(&app).await?;
    let old = store::find_group(&mut tx, id).await?;
    store::update_group(&mut tx, id, &change.onto(old)).await?;
    let changed = store::find_group(&mut tx, id).await?;
    record(&mut tx, &who, "model_group.change", id, &changed.name).await?;
    tx.commit().await?;
    app.all_in_force().await?;
    Ok(Json(changed.into()))
}

/// Removes a model group that no other falls back to.
#[utoipa::path(
    delete,
    path = "/api/organisations/{organisation}/model-groups/{group}",
    tag = "model groups",
    responses((status = 204))
)]
async fn delete_model_group(
    State(app): State<AppState>,
    who: InOrganisation<permit::ModelsWrite>,
    Id(id): Id<ModelGroupId>,
) -> Result<StatusCode, Problem> {
    let mut tx = who.begin(&app).await?;
    let gone = store::find_group(&mut tx, id).await?;
    let epoch = store::delete_group(&mut tx, id).await?;
    record(&mut tx, &who, "model_group.delete", id, &gone.name).await?;
    tx.commit().await?;
    app.in_force(epoch).await?;
    Ok(StatusCode::NO_CONTENT)
}

/// How the models do that a call to the group may come to: its own, then those of its fallbacks. As the node sees it
/// that answers; other nodes make calls of their own.
#[utoipa::path(
    get,
    path = "/api/organisations/{organisation}/model-groups/{group}/health",
    tag = "model groups",
    responses((status = 200, body = List<ModelHealth>))
)]
async fn tell_model_group_health(
    State(app): State<AppState>,
    who: InOrganisation<permit::ModelsRead>,
    Id(id): Id<ModelGroupId>,
) -> Result<Json<List<ModelHealth>>, Problem> {
    let mut tx = who.begin(&app).await?;
    let group = store::find_group(&mut tx, id).await?;
    drop(tx);
    let health = app.pool.health(who.access.tenant, &group.name).await?.unwrap_or_default();
    Ok(Json(List::whole(health.into_iter().map(ModelHealth::from).collect())))
}

async fn record<P>(
    tx: &mut TenantTx,
    who: &InOrganisation<P>,
    action: &str,
    id: ModelGroupId,
    name: &str,
) -> Result<(), Problem> {
    let object = format!("model_group:{id}");
    Ok(tenancy::audit::record(tx, &who.access.actor, action, &object, json!({"name": name})).await?)
}
