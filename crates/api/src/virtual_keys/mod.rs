//! Keys for the gateway of model calls.

pub(crate) mod types;

use axum::extract::State;
use axum::http::StatusCode;
use db::TenantTx;
use kernel::{ProjectId, VirtualKeyId};
use llm::keys;
use serde_json::json;
use tenancy::{Access, Permission};
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use crate::extract::{After, Belonging, Id, InOrganisation, Json, List, Query};
use crate::problem::Problem;
use crate::state::AppState;
use types::{ChangeVirtualKey, CreateVirtualKey, CreatedVirtualKey, VirtualKey};

pub(crate) fn routes() -> OpenApiRouter<AppState> {
    OpenApiRouter::default()
        .routes(routes!(list_virtual_keys, create_virtual_key))
        .routes(routes!(change_virtual_key, delete_virtual_key))
}

/// The virtual keys of the organisation, or of those projects in which the caller may see them, newest first.
#[utoipa::path(
    get,
    path = "/api/organisations/{organisation}/virtual-keys",
    tag = "virtual keys",
    params(After),
    responses((status = 200, body = List<VirtualKey>))
)]
async fn list_virtual_keys(
    State(app): State<AppState>,
    who: InOrganisation<Belonging>,
    Query(after): Query<After>,
) -> Result<Json<List<VirtualKey>>, Problem> {
    let mut tx = who.begin(&app).await?;
    let page = keys::list_keys(&mut tx, &who.access, &after.page()?).await?;
    Ok(Json(List::of(page, VirtualKey::from)))
}

/// Makes a virtual key. One that is made up is shown in this answer and never again. Whoever may make keys in a project
/// alone names that project.
#[utoipa::path(
    post,
    path = "/api/organisations/{organisation}/virtual-keys",
    tag = "virtual keys",
    responses((status = 201, body = CreatedVirtualKey))
)]
async fn create_virtual_key(
    State(app): State<AppState>,
    who: InOrganisation<Belonging>,
    Json(new): Json<CreateVirtualKey>,
) -> Result<(StatusCode, Json<CreatedVirtualKey>), Problem> {
    let mut tx = who.begin(&app).await?;
    check_project(&mut tx, &who.access, new.project_id).await?;
    who.access.require(Permission::KeysWrite, new.project_id)?;
    if keys::find_key_by_name(&mut tx, &new.name).await?.is_some() {
        return Err(Problem::conflict("a virtual key of this name stands already"));
    }
    let (written, key) = keys::upsert_key(&mut tx, &who.access, &new.into()).await?;
    let made = keys::find_key(&mut tx, &who.access, Permission::KeysWrite, written.id).await?;
    record(&mut tx, &who.access, "virtual_key.create", &made).await?;
    tx.commit().await?;
    app.all_in_force().await?;
    let key = key.map(|key| key.expose().to_owned());
    Ok((StatusCode::CREATED, Json(CreatedVirtualKey { key, virtual_key: made.into() })))
}

/// Changes a virtual key, or puts another key in its place.
#[utoipa::path(
    patch,
    path = "/api/organisations/{organisation}/virtual-keys/{virtual_key}",
    tag = "virtual keys",
    responses((status = 200, body = VirtualKey))
)]
async fn change_virtual_key(
    State(app): State<AppState>,
    who: InOrganisation<Belonging>,
    Id(id): Id<VirtualKeyId>,
    Json(change): Json<ChangeVirtualKey>,
) -> Result<Json<VirtualKey>, Problem> {
    let mut tx = who.begin(&app).await?;
    let old = keys::find_key(&mut tx, &who.access, Permission::KeysWrite, id).await?;
    let spec = change.onto(old);
    let namesake = keys::find_key_by_name(&mut tx, &spec.name).await?;
    if namesake.is_some_and(|namesake| namesake.id != id) {
        return Err(Problem::conflict("a virtual key of this name stands already"));
    }
    keys::update_key(&mut tx, &who.access, id, &spec).await?;
    let changed = keys::find_key(&mut tx, &who.access, Permission::KeysWrite, id).await?;
    record(&mut tx, &who.access, "virtual_key.change", &changed).await?;
    tx.commit().await?;
    app.all_in_force().await?;
    Ok(Json(changed.into()))
}

/// Removes a virtual key: its next call is refused.
#[utoipa::path(
    delete,
    path = "/api/organisations/{organisation}/virtual-keys/{virtual_key}",
    tag = "virtual keys",
    responses((status = 204))
)]
async fn delete_virtual_key(
    State(app): State<AppState>,
    who: InOrganisation<Belonging>,
    Id(id): Id<VirtualKeyId>,
) -> Result<StatusCode, Problem> {
    let mut tx = who.begin(&app).await?;
    let gone = keys::find_key(&mut tx, &who.access, Permission::KeysWrite, id).await?;
    let epoch = keys::delete_key(&mut tx, &who.access, id).await?;
    record(&mut tx, &who.access, "virtual_key.delete", &gone).await?;
    tx.commit().await?;
    app.in_force(epoch).await?;
    Ok(StatusCode::NO_CONTENT)
}

/// A project of another organisation is not told apart from one that does not exist.
async fn check_project(tx: &mut TenantTx, access: &Access, project: Option<ProjectId>) -> Result<(), Problem> {
    if let Some(project) = project {
        tenancy::projects::find(tx, access, project).await?;
    }
    Ok(())
}

async fn record(tx: &mut TenantTx, access: &Access, action: &str, key: &keys::VirtualKey) -> Result<(), Problem> {
    let detail = json!({ "name": key.name, "prefix": key.prefix });
    Ok(tenancy::audit::record(tx, &access.actor, action, &format!("virtual_key:{}", key.id), detail).await?)
}
