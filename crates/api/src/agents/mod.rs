//! Agents and their versions.

pub(crate) mod types;

use axum::http::StatusCode;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use crate::conversations::types::Accepted;
use crate::extract::{Json, List};
use crate::problem::Problem;
use crate::state::AppState;
use types::{Agent, AgentVersion, ChangeAgent, CreateAgent, RollBack, Try};

pub(crate) fn routes() -> OpenApiRouter<AppState> {
    OpenApiRouter::default()
        .routes(routes!(list_agents, create_agent))
        .routes(routes!(agent, change_agent, delete_agent))
        .routes(routes!(publish_agent))
        .routes(routes!(list_agent_versions))
        .routes(routes!(roll_back_agent))
        .routes(routes!(try_agent))
}

/// The project's agents.
#[utoipa::path(get, path = "/api/organisations/{organisation}/projects/{project}/agents", tag = "agents", responses((status = 200, body = List<Agent>)))]
async fn list_agents() -> Result<Json<List<Agent>>, Problem> {
    Err(Problem::of_status(StatusCode::NOT_IMPLEMENTED))
}

/// Makes an agent with a draft.
#[utoipa::path(post, path = "/api/organisations/{organisation}/projects/{project}/agents", tag = "agents", responses((status = 201, body = Agent)))]
async fn create_agent(Json(_body): Json<CreateAgent>) -> Result<(StatusCode, Json<Agent>), Problem> {
    Err(Problem::of_status(StatusCode::NOT_IMPLEMENTED))
}

/// One agent.
#[utoipa::path(get, path = "/api/organisations/{organisation}/projects/{project}/agents/{agent}", tag = "agents", responses((status = 200, body = Agent)))]
async fn agent() -> Result<Json<Agent>, Problem> {
    Err(Problem::of_status(StatusCode::NOT_IMPLEMENTED))
}

/// Changes an agent's name or its draft.
#[utoipa::path(patch, path = "/api/organisations/{organisation}/projects/{project}/agents/{agent}", tag = "agents", responses((status = 200, body = Agent)))]
async fn change_agent(Json(_body): Json<ChangeAgent>) -> Result<Json<Agent>, Problem> {
    Err(Problem::of_status(StatusCode::NOT_IMPLEMENTED))
}

/// Deletes an agent that no connection uses.
#[utoipa::path(delete, path = "/api/organisations/{organisation}/projects/{project}/agents/{agent}", tag = "agents", responses((status = 204)))]
async fn delete_agent() -> Result<StatusCode, Problem> {
    Err(Problem::of_status(StatusCode::NOT_IMPLEMENTED))
}

/// Makes the draft the version that conversations get.
#[utoipa::path(post, path = "/api/organisations/{organisation}/projects/{project}/agents/{agent}/publish", tag = "agents", responses((status = 201, body = AgentVersion)))]
async fn publish_agent() -> Result<(StatusCode, Json<AgentVersion>), Problem> {
    Err(Problem::of_status(StatusCode::NOT_IMPLEMENTED))
}

/// All published versions, newest first.
#[utoipa::path(get, path = "/api/organisations/{organisation}/projects/{project}/agents/{agent}/versions", tag = "agents", responses((status = 200, body = List<AgentVersion>)))]
async fn list_agent_versions() -> Result<Json<List<AgentVersion>>, Problem> {
    Err(Problem::of_status(StatusCode::NOT_IMPLEMENTED))
}

/// Publishes an earlier version again, as a new one.
#[utoipa::path(post, path = "/api/organisations/{organisation}/projects/{project}/agents/{agent}/rollback", tag = "agents", responses((status = 201, body = AgentVersion)))]
async fn roll_back_agent(Json(_body): Json<RollBack>) -> Result<(StatusCode, Json<AgentVersion>), Problem> {
    Err(Problem::of_status(StatusCode::NOT_IMPLEMENTED))
}

/// Says something to the draft; the answer comes by the conversation's events.
#[utoipa::path(post, path = "/api/organisations/{organisation}/projects/{project}/agents/{agent}/try", tag = "agents", responses((status = 202, body = Accepted)))]
async fn try_agent(Json(_body): Json<Try>) -> Result<(StatusCode, Json<Accepted>), Problem> {
    Err(Problem::of_status(StatusCode::NOT_IMPLEMENTED))
}
