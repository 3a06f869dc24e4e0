//! Connections to channels.

pub(crate) mod types;

use axum::http::StatusCode;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use crate::extract::{Json, List};
use crate::problem::Problem;
use crate::state::AppState;
use types::{ChangeConnection, Checked, Connection, CreateConnection};

pub(crate) fn routes() -> OpenApiRouter<AppState> {
    OpenApiRouter::default()
        .routes(routes!(list_connections, create_connection))
        .routes(routes!(connection, change_connection, delete_connection))
        .routes(routes!(check_connection))
}

/// The project's connections.
#[utoipa::path(get, path = "/api/organisations/{organisation}/projects/{project}/connections", tag = "connections", responses((status = 200, body = List<Connection>)))]
async fn list_connections() -> Result<Json<List<Connection>>, Problem> {
    Err(Problem::of_status(StatusCode::NOT_IMPLEMENTED))
}

/// Connects a channel.
#[utoipa::path(post, path = "/api/organisations/{organisation}/projects/{project}/connections", tag = "connections", responses((status = 201, body = Connection)))]
async fn create_connection(Json(_body): Json<CreateConnection>) -> Result<(StatusCode, Json<Connection>), Problem> {
    Err(Problem::of_status(StatusCode::NOT_IMPLEMENTED))
}

/// One connection, with what is wrong with it.
#[utoipa::path(get, path = "/api/organisations/{organisation}/projects/{project}/connections/{connection}", tag = "connections", responses((status = 200, body = Connection)))]
async fn connection() -> Result<Json<Connection>, Problem> {
    Err(Problem::of_status(StatusCode::NOT_IMPLEMENTED))
}

/// Changes a connection.
#[utoipa::path(patch, path = "/api/organisations/{organisation}/projects/{project}/connections/{connection}", tag = "connections", responses((status = 200, body = Connection)))]
async fn change_connection(Json(_body): Json<ChangeConnection>) -> Result<Json<Connection>, Problem> {
    Err(Problem::of_status(StatusCode::NOT_IMPLEMENTED))
}

/// Removes a connection; its conversations stay.
#[utoipa::path(delete, path = "/api/organisations/{organisation}/projects/{project}/connections/{connection}", tag = "connections", responses((status = 204)))]
async fn delete_connection() -> Result<StatusCode, Problem> {
    Err(Problem::of_status(StatusCode::NOT_IMPLEMENTED))
}

/// Calls the channel to see whether the connection works.
#[utoipa::path(post, path = "/api/organisations/{organisation}/projects/{project}/connections/{connection}/check", tag = "connections", responses((status = 200, body = Checked)))]
async fn check_connection() -> Result<Json<Checked>, Problem> {
    Err(Problem::of_status(StatusCode::NOT_IMPLEMENTED))
}
