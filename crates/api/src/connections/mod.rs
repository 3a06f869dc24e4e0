//! Connections: the installations of channels.

pub(crate) mod types;

use axum::extract::State;
use axum::http::StatusCode;
use channels::{Author, connection, deed};
use db::TenantTx;
use kernel::ConnectionId;
use serde_json::json;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use crate::extract::{After, Id, InProject, Json, List, Permit, Query, permit};
use crate::problem::Problem;
use crate::state::AppState;
use types::{ChangeConnection, Check, Checked, Connection, CreateConnection};

pub(crate) fn routes() -> OpenApiRouter<AppState> {
    OpenApiRouter::default()
        .routes(routes!(list_connections, create_connection))
        .routes(routes!(connection, change_connection, delete_connection))
        .routes(routes!(check_connection))
}

/// The project's connections, newest first.
#[utoipa::path(
    get,
    path = "/api/organisations/{organisation}/projects/{project}/connections",
    tag = "connections",
    params(After),
    responses((status = 200, body = List<Connection>))
)]
async fn list_connections(
    State(app): State<AppState>,
    who: InProject<permit::ConnectionsRead>,
    Query(after): Query<After>,
) -> Result<Json<List<Connection>>, Problem> {
    let mut tx = who.begin(&app).await?;
    let page = connection::list(&mut tx, who.project, Default::default(), &after.page()?).await?;
    Ok(Json(List::of(page, |found| Connection::new(&app, found))))
}

/// Connects a channel. In force on every node when this returns.
#[utoipa::path(
    post,
    path = "/api/organisations/{organisation}/projects/{project}/connections",
    tag = "connections",
    responses((status = 201, body = Connection))
)]
async fn create_connection(
    State(app): State<AppState>,
    who: InProject<permit::ConnectionsWrite>,
    Json(new): Json<CreateConnection>,
) -> Result<(StatusCode, Json<Connection>), Problem> {
    let new = new.within(who.project)?;
    let mut tx = who.begin(&app).await?;
    let made = app.channels.create_connection(&mut tx, new, Author::Member).await?;
    record(&mut tx, &who, deed::CREATE, &made).await?;
    tx.commit().await?;
    app.all_in_force().await?;
    Ok((StatusCode::CREATED, Json(Connection::new(&app, made))))
}

/// One connection, with what is wrong with it.
#[utoipa::path(
    get,
    path = "/api/organisations/{organisation}/projects/{project}/connections/{connection}",
    tag = "connections",
    responses((status = 200, body = Connection))
)]
async fn connection(
    State(app): State<AppState>,
    who: InProject<permit::ConnectionsRead>,
    Id(id): Id<ConnectionId>,
) -> Result<Json<Connection>, Problem> {
    let mut tx = who.begin(&app).await?;
    let found = find(&mut tx, &who, id).await?;
    Ok(Json(Connection::new(&app, found)))
}

/// Changes a connection. In force on every node when this returns.
#[utoipa::path(
    patch,
    path = "/api/organisations/{organisation}/projects/{project}/connections/{connection}",
    tag = "connections",
    responses((status = 200, body = Connection))
)]
async fn change_connection(
    State(app): State<AppState>,
    who: InProject<permit::ConnectionsWrite>,
    Id(id): Id<ConnectionId>,
    Json(change): Json<ChangeConnection>,
) -> Result<Json<Connection>, Problem> {
    let mut tx = who.begin(&app).await?;
    find(&mut tx, &who, id).await?;
    let changed = app.channels.update_connection(&mut tx, id, change.into(), Author::Member).await?;
    record(&mut tx, &who, deed::CHANGE, &changed).await?;
    tx.commit().await?;
    app.all_in_force().await?;
    Ok(Json(Connection::new(&app, changed)))
}

/// Removes a connection and its secrets; its conversations stay.
#[utoipa::path(
    delete,
    path = "/api/organisations/{organisation}/projects/{project}/connections/{connection}",
    tag = "connections",
    responses((status = 204))
)]
async fn delete_connection(
    State(app): State<AppState>,
    who: InProject<permit::ConnectionsWrite>,
    Id(id): Id<ConnectionId>,
) -> Result<StatusCode, Problem> {
    let mut tx = who.begin(&app).await?;
    let gone = find(&mut tx, &who, id).await?;
    app.channels.delete_connection(&mut tx, id).await?;
    record(&mut tx, &who, deed::DELETE, &gone).await?;
    tx.commit().await?;
    app.all_in_force().await?;
    Ok(StatusCode::NO_CONTENT)
}

/// Calls the channel to see whether the connection works.
#[utoipa::path(
    post,
    path = "/api/organisations/{organisation}/projects/{project}/connections/{connection}/check",
    tag = "connections",
    responses((status = 200, body = Checked))
)]
async fn check_connection(
    State(app): State<AppState>,
    who: InProject<permit::ConnectionsWrite>,
    Id(id): Id<ConnectionId>,
) -> Result<Json<Checked>, Problem> {
    let mut tx = who.begin(&app).await?;
    find(&mut tx, &who, id).await?;
    // No transaction is open while the channel is called.
    drop(tx);
    let checks = app.channels.check_connection(who.access.tenant, id).await?;
    Ok(Json(Checked { checks: checks.into_iter().map(Check::from).collect() }))
}

/// The connection, where it belongs to the project that the caller was let into.
async fn find<P: Permit>(
    tx: &mut TenantTx,
    who: &InProject<P>,
    id: ConnectionId,
) -> Result<channels::Connection, Problem> {
    let found = connection::find(tx, id).await?.ok_or_else(Problem::not_found)?;
    who.owns(found.project)?;
    Ok(found)
}

async fn record<P>(
    tx: &mut TenantTx,
    who: &InProject<P>,
    action: &str,
    about: &channels::Connection,
) -> Result<(), Problem> {
    let detail = json!({"name": about.name, "channel": about.channel.as_str(), "enabled": about.enabled});
    let object = format!("connection:{}", about.id);
    Ok(tenancy::audit::record(tx, &who.access.actor, action, &object, detail).await?)
}
