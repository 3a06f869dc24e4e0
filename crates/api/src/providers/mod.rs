//! Where models are called.

pub(crate) mod types;

use axum::extract::State;
use axum::http::StatusCode;
use db::TenantTx;
use kernel::ProviderId;
use llm::store::{self, KeyChange, ProviderSpec};
use serde_json::json;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use crate::extract::{Id, InOrganisation, Json, List, permit};
use crate::problem::Problem;
use crate::state::AppState;
use types::{ChangeProvider, CreateProvider, Provider, ProviderTest};

pub(crate) fn routes() -> OpenApiRouter<AppState> {
    OpenApiRouter::default()
        .routes(routes!(list_providers, create_provider))
        .routes(routes!(change_provider, delete_provider))
        .routes(routes!(test_provider))
}

/// The organisation's providers, by name.
#[utoipa::path(
    get,
    path = "/api/organisations/{organisation}/providers",
    tag = "providers",
    responses((status = 200, body = List<Provider>))
)]
async fn list_providers(
    State(app): State<AppState>,
    who: InOrganisation<permit::ModelsRead>,
) -> Result<Json<List<Provider>>, Problem> {
    let mut tx = who.begin(&app).await?;
    let providers = store::list_providers(&mut tx).await?;
    Ok(Json(List::whole(providers.into_iter().map(Provider::from).collect())))
}

/// Adds a provider. Its address may lie in a private network only where the installation permits that.
#[utoipa::path(
    post,
    path = "/api/organisations/{organisation}/providers",
    tag = "providers",
    responses((status = 201, body = Provider))
)]
async fn create_provider(
    State(app): State<AppState>,
    who: InOrganisation<permit::ModelsWrite>,
    Json(new): Json<CreateProvider>,
) -> Result<(StatusCode, Json<Provider>), Problem> {
    let mut tx = who.begin(&app).await?;
    if store::list_providers(&mut tx).await?.iter().any(|provider| provider.name == new.name) {
        return Err(Problem::conflict("a provider of this name stands already"));
    }
    let spec = ProviderSpec {
        name: new.name,
        wire: new.wire.into(),
        base_url: new.base_url,
        private_allowed: false,
        api_key: new.api_key.map_or(KeyChange::Keep, KeyChange::Set),
    };
    let written = store::upsert_provider(&mut tx, &app.sealer, &spec).await?;
    let made = store::find_provider(&mut tx, written.id).await?;
    store::check_reach(&app.egress, &made)?;
    record(&mut tx, &who, "provider.create", written.id, &made.name).await?;
    tx.commit().await?;
    app.all_in_force().await?;
    Ok((StatusCode::CREATED, Json(made.into())))
}

/// Changes a provider. A stored key is not taken along to another host.
#[utoipa::path(
    patch,
    path = "/api/organisations/{organisation}/providers/{provider}",
    tag = "providers",
    responses((status = 200, body = Provider))
)]
async fn change_provider(
    State(app): State<AppState>,
    who: InOrganisation<permit::ModelsWrite>,
    Id(id): Id<ProviderId>,
    Json(change): Json<ChangeProvider>,
) -> Result<Json<Provider>, Problem> {
    let mut tx = who.begin(&app).await?;
    let old = store::find_provider(&mut tx, id).await?;
    let moves = change.moves(&old);
    let spec = change.onto(old);
    store::update_provider(&mut tx, &app.sealer, id, &spec).await?;
    let changed = store::find_provider(&mut tx, id).await?;
    if moves {
        store::check_reach(&app.egress, &changed)?;
    }
    record(&mut tx, &who, "provider.change", id, &changed.name).await?;
    tx.commit().await?;
    app.all_in_force().await?;
    Ok(Json(changed.into()))
}

/// Removes a provider that no model group names, and its key.
#[utoipa::path(
    delete,
    path = "/api/organisations/{organisation}/providers/{provider}",
    tag = "providers",
    responses((status = 204))
)]
async fn delete_provider(
    State(app): State<AppState>,
    who: InOrganisation<permit::ModelsWrite>,
    Id(id): Id<ProviderId>,
) -> Result<StatusCode, Problem> {
    let mut tx = who.begin(&app).await?;
    let gone = store::find_provider(&mut tx, id).await?;
    let epoch = store::delete_provider(&mut tx, id).await?;
    record(&mut tx, &who, "provider.delete", id, &gone.name).await?;
    tx.commit().await?;
    app.in_force(epoch).await?;
    Ok(StatusCode::NO_CONTENT)
}

/// Really calls the provider with its key, asks which models it has, and tells what came of it.
#[utoipa::path(
    post,
    path = "/api/organisations/{organisation}/providers/{provider}/test",
    tag = "providers",
    responses((status = 200, body = ProviderTest))
)]
async fn test_provider(
    State(app): State<AppState>,
    who: InOrganisation<permit::ModelsWrite>,
    Id(id): Id<ProviderId>,
) -> Result<Json<ProviderTest>, Problem> {
    let mut tx = who.begin(&app).await?;
    store::find_provider(&mut tx, id).await?;
    drop(tx);
    let tested = app.pool.test_provider(who.access.tenant, id).await?;
    Ok(Json(tested.ok_or(llm::Error::NotFound("provider"))?.into()))
}

async fn record<P>(
    tx: &mut TenantTx,
    who: &InOrganisation<P>,
    action: &str,
    id: ProviderId,
    name: &str,
) -> Result<(), Problem> {
    let object = format!("provider:{id}");
    Ok(tenancy::audit::record(tx, &who.access.actor, action, &object, json!({"name": name})).await?)
}
