//! Conversations: the transcript and what happens in it.

pub(crate) mod types;

use axum::http::StatusCode;
use axum::response::Response;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use crate::extract::{Json, List, Query};
use crate::problem::Problem;
use crate::state::AppState;
use types::{Before, Conversation, ConversationFilter, Message};

pub(crate) fn routes() -> OpenApiRouter<AppState> {
    OpenApiRouter::default()
        .routes(routes!(list_conversations))
        .routes(routes!(conversation))
        .routes(routes!(list_messages))
        .routes(routes!(export_conversation))
        .routes(routes!(conversation_events))
}

/// The project's conversations, the latest first.
#[utoipa::path(get, path = "/api/organisations/{organisation}/projects/{project}/conversations", tag = "conversations", params(ConversationFilter), responses((status = 200, body = List<Conversation>)))]
async fn list_conversations(Query(_query): Query<ConversationFilter>) -> Result<Json<List<Conversation>>, Problem> {
    Err(Problem::of_status(StatusCode::NOT_IMPLEMENTED))
}

/// One conversation.
#[utoipa::path(get, path = "/api/organisations/{organisation}/projects/{project}/conversations/{conversation}", tag = "conversations", responses((status = 200, body = Conversation)))]
async fn conversation() -> Result<Json<Conversation>, Problem> {
    Err(Problem::of_status(StatusCode::NOT_IMPLEMENTED))
}

/// The transcript, oldest first within a page; the first page is the latest.
#[utoipa::path(get, path = "/api/organisations/{organisation}/projects/{project}/conversations/{conversation}/messages", tag = "conversations", params(Before), responses((status = 200, body = List<Message>)))]
async fn list_messages(Query(_query): Query<Before>) -> Result<Json<List<Message>>, Problem> {
    Err(Problem::of_status(StatusCode::NOT_IMPLEMENTED))
}

/// The whole transcript, a message a line.
#[utoipa::path(get, path = "/api/organisations/{organisation}/projects/{project}/conversations/{conversation}/export", tag = "conversations", responses((status = 200, body = String, content_type = "application/jsonl")))]
async fn export_conversation() -> Result<Response, Problem> {
    Err(Problem::of_status(StatusCode::NOT_IMPLEMENTED))
}

/// What happens in the conversation, as it happens.
#[utoipa::path(get, path = "/api/organisations/{organisation}/projects/{project}/conversations/{conversation}/events", tag = "conversations", responses((status = 200, body = String, content_type = "text/event-stream")))]
async fn conversation_events() -> Result<Response, Problem> {
    Err(Problem::of_status(StatusCode::NOT_IMPLEMENTED))
}
