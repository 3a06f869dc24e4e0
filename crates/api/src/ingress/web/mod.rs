//! Web chat, as visitors reach it.

pub(crate) mod types;

use axum::http::StatusCode;
use axum::response::Response;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use crate::conversations::types::{Accepted, Before, Message};
use crate::extract::{Json, List, Query};
use crate::problem::Problem;
use crate::state::AppState;
use types::{SendMessage, Visitor, WebChat};

pub(crate) fn routes() -> OpenApiRouter<AppState> {
    OpenApiRouter::default()
        .routes(routes!(web_chat))
        .routes(routes!(create_visitor))
        .routes(routes!(send_message, list_visitor_messages))
        .routes(routes!(visitor_events))
}

/// Who answers here.
#[utoipa::path(get, path = "/channels/web/{connection}", tag = "web chat", responses((status = 200, body = WebChat)))]
async fn web_chat() -> Result<Json<WebChat>, Problem> {
    Err(Problem::of_status(StatusCode::NOT_IMPLEMENTED))
}

/// A new visitor.
#[utoipa::path(post, path = "/channels/web/{connection}/visitors", tag = "web chat", responses((status = 201, body = Visitor)))]
async fn create_visitor() -> Result<(StatusCode, Json<Visitor>), Problem> {
    Err(Problem::of_status(StatusCode::NOT_IMPLEMENTED))
}

/// Says something; the answer comes by the events.
#[utoipa::path(post, path = "/channels/web/{connection}/messages", tag = "web chat", responses((status = 202, body = Accepted)))]
async fn send_message(Json(_body): Json<SendMessage>) -> Result<(StatusCode, Json<Accepted>), Problem> {
    Err(Problem::of_status(StatusCode::NOT_IMPLEMENTED))
}

/// The visitor's own conversation, oldest first within a page.
#[utoipa::path(get, path = "/channels/web/{connection}/messages", tag = "web chat", params(Before), responses((status = 200, body = List<Message>)))]
async fn list_visitor_messages(Query(_query): Query<Before>) -> Result<Json<List<Message>>, Problem> {
    Err(Problem::of_status(StatusCode::NOT_IMPLEMENTED))
}

/// What happens in the visitor's conversation, as it happens.
#[utoipa::path(get, path = "/channels/web/{connection}/events", tag = "web chat", responses((status = 200, body = String, content_type = "text/event-stream")))]
async fn visitor_events() -> Result<Response, Problem> {
    Err(Problem::of_status(StatusCode::NOT_IMPLEMENTED))
}
