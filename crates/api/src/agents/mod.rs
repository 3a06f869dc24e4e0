//! Agents: designed as a draft, published as versions.

mod trial;
pub(crate) mod types;
mod versions;

use agents::{NewAgent, store};
use axum::extract::State;
use axum::http::StatusCode;
use db::TenantTx;
use kernel::AgentId;
use serde_json::json;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use crate::extract::{After, Id, InProject, Json, List, Permit, Query, permit};
use crate::problem::Problem;
use crate::state::AppState;
use types::{Agent, ChangeAgent, CreateAgent};

pub(crate) fn routes() -> OpenApiRouter<AppState> {
    OpenApiRouter::default()
        .routes(routes!(list_agents, create_agent))
        .routes(routes!(agent, change_agent, delete_agent))
        .routes(routes!(versions::publish_agent))
        .routes(routes!(versions::list_agent_versions))
        .routes(routes!(versions::roll_back_agent))
        .routes(routes!(trial::try_agent))
}

/// The project's agents, newest first.
#[utoipa::path(
    get,
    path = "/api/organisations/{organisation}/projects/{project}/agents",
    tag = "agents",
    params(After),
    responses((status = 200, body = List<Agent>))
)]
async fn list_agents(
    State(app): State<AppState>,
    who: InProject<permit::AgentsRead>,
    Query(after): Query<After>,
) -> Result<Json<List<Agent>>, Problem> {
    let mut tx = who.begin(&app).await?;
    let page = store::list_agents(&mut tx, who.project, after.page()?).await?;
    Ok(Json(List::of(page, Agent::from)))
}

/// Makes an agent with a draft.
#[utoipa::path(
    post,
    path = "/api/organisations/{organisation}/projects/{project}/agents",
    tag = "agents",
    responses((status = 201, body = Agent))
)]
async fn create_agent(
    State(app): State<AppState>,
    who: InProject<permit::AgentsWrite>,
    Json(new): Json<CreateAgent>,
) -> Result<(StatusCode, Json<Agent>), Problem> {
    let draft = new.config.unwrap_or_default();
    draft.validate(&app.tools)?;
    let mut tx = who.begin(&app).await?;
    let made = store::insert_agent(&mut tx, &NewAgent { project: who.project, name: new.name, draft }).await?;
    record(&mut tx, &who, "agent.create", made.id, json!({"name": made.name})).await?;
    tx.commit().await?;
    Ok((StatusCode::CREATED, Json(made.into())))
}

/// One agent.
#[utoipa::path(
    get,
    path = "/api/organisations/{organisation}/projects/{project}/agents/{agent}",
    tag = "agents",
    responses((status = 200, body = Agent))
)]
async fn agent(
    State(app): State<AppState>,
    who: InProject<permit::AgentsRead>,
    Id(id): Id<AgentId>,
) -> Result<Json<Agent>, Problem> {
    let mut tx = who.begin(&app).await?;
    Ok(Json(find(&mut tx, &who, id).await?.into()))
}

/// Changes an agent's name, which is in force with the next message, or its draft.
#[utoipa::path(
    patch,
    path = "/api/organisations/{organisation}/projects/{project}/agents/{agent}",
    tag = "agents",
    responses((status = 200, body = Agent))
)]
async fn change_agent(
    State(app): State<AppState>,
    who: InProject<permit::AgentsWrite>,
    Id(id): Id<AgentId>,
    Json(change): Json<ChangeAgent>,
) -> Result<Json<Agent>, Problem> {
    let mut tx = who.begin(&app).await?;
    let before = find(&mut tx, &who, id).await?;
    if let Some(draft) = &change.draft {
        draft.validate(&app.tools)?;
        store::update_draft(&mut tx, id, draft).await?;
    }
    let name = change.name.filter(|name| *name != before.name);
    if let Some(name) = &name {
        store::rename_agent(&mut tx, id, name).await?;
    }
    let changed = find(&mut tx, &who, id).await?;
    let detail = json!({"name": name, "draft": change.draft.is_some()});
    record(&mut tx, &who, "agent.change", id, detail).await?;
    tx.commit().await?;
    if name.is_some() {
        app.all_in_force().await?;
    }
    Ok(Json(changed.into()))
}

/// Deletes an agent that no connection uses.
#[utoipa::path(
    delete,
    path = "/api/organisations/{organisation}/projects/{project}/agents/{agent}",
    tag = "agents",
    responses((status = 204))
)]
async fn delete_agent(
    State(app): State<AppState>,
    who: InProject<permit::AgentsWrite>,
    Id(id): Id<AgentId>,
) -> Result<StatusCode, Problem> {
    let mut tx = who.begin(&app).await?;
    let gone = find(&mut tx, &who, id).await?;
    store::delete_agent(&mut tx, id).await?;
    record(&mut tx, &who, "agent.delete", id, json!({"name": gone.name})).await?;
    tx.commit().await?;
    app.all_in_force().await?;
    Ok(StatusCode::NO_CONTENT)
}

/// The agent, where it belongs to the project that the caller was let into.
async fn find<P: Permit>(tx: &mut TenantTx, who: &InProject<P>, id: AgentId) -> Result<agents::Agent, Problem> {
    let found = store::find_agent(tx, id).await?.ok_or_else(Problem::not_found)?;
    who.owns(found.project)?;
    Ok(found)
}

async fn record<P>(
    tx: &mut TenantTx,
    who: &InProject<P>,
    action: &str,
    id: AgentId,
    detail: serde_json::Value,
) -> Result<(), Problem> {
    Ok(tenancy::audit::record(tx, &who.access.actor, action, &format!("agent:{id}"), detail).await?)
}
