use agents::store;
use axum::extract::State;
use axum::http::StatusCode;
use kernel::AgentId;
use serde_json::json;

use super::types::{AgentVersion, RollBack};
use super::{find, record};
use crate::extract::{Id, InProject, Json, List, permit};
use crate::problem::Problem;
use crate::state::AppState;

/// Makes the draft the version that conversations get. A draft that is published already stays that version.
#[utoipa::path(
    post,
    path = "/api/organisations/{organisation}/projects/{project}/agents/{agent}/publish",
    tag = "agents",
    responses((status = 201, body = AgentVersion))
)]
pub(crate) async fn publish_agent(
    State(app): State<AppState>,
    who: InProject<permit::AgentsWrite>,
    Id(id): Id<AgentId>,
) -> Result<(StatusCode, Json<AgentVersion>), Problem> {
    let mut tx = who.begin(&app).await?;
    let found = find(&mut tx, &who, id).await?;
    // What was right when the draft was written may not be any more: a tool may be gone.
    found.draft.validate(&app.tools)?;
    let version = store::publish(&mut tx, id, &who.access.actor.to_string()).await?;
    record(&mut tx, &who, "agent.publish", id, json!({"version": version.version})).await?;
    tx.commit().await?;
    app.all_in_force().await?;
    Ok((StatusCode::CREATED, Json(version.into())))
}

/// All published versions, newest first.
#[utoipa::path(
    get,
    path = "/api/organisations/{organisation}/projects/{project}/agents/{agent}/versions",
    tag = "agents",
    responses((status = 200, body = List<AgentVersion>))
)]
pub(crate) async fn list_agent_versions(
    State(app): State<AppState>,
    who: InProject<permit::AgentsRead>,
    Id(id): Id<AgentId>,
) -> Result<Json<List<AgentVersion>>, Problem> {
    let mut tx = who.begin(&app).await?;
    find(&mut tx, &who, id).await?;
    let versions = store::list_versions(&mut tx, id).await?;
    Ok(Json(List::whole(versions.into_iter().map(AgentVersion::from).collect())))
}

/// Publishes an earlier version again, as a new one. The draft stays as it is.
#[utoipa::path(
    post,
    path = "/api/organisations/{organisation}/projects/{project}/agents/{agent}/rollback",
    tag = "agents",
    responses((status = 201, body = AgentVersion))
)]
pub(crate) async fn roll_back_agent(
    State(app): State<AppState>,
    who: InProject<permit::AgentsWrite>,
    Id(id): Id<AgentId>,
    Json(to): Json<RollBack>,
) -> Result<(StatusCode, Json<AgentVersion>), Problem> {
    let mut tx = who.begin(&app).await?;
    find(&mut tx, &who, id).await?;
    let version = store::roll_back(&mut tx, id, to.version, &who.access.actor.to_string()).await?;
    let detail = json!({"version": version.version, "again": to.version});
    record(&mut tx, &who, "agent.roll_back", id, detail).await?;
    tx.commit().await?;
    app.all_in_force().await?;
    Ok((StatusCode::CREATED, Json(version.into())))
}
