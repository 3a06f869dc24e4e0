//! Web chat, as visitors reach it.

pub(crate) mod types;

use axum::extract::{FromRequestParts, State};
use axum::http::request::Parts;
use axum::http::{HeaderMap, StatusCode};
use axum::response::Response;
use channels::ingress;
use futures::FutureExt as _;
use kernel::{ConnectionId, Secret};
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use crate::conversations;
use crate::conversations::types::{Accepted, Before, Message};
use crate::conversations::view::Audience;
use crate::events::{self, Feed, StillAllowed};
use crate::extract::{Id, Json, List, Query, bearer};
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

/// A visitor of the chat in the path, proved by the token that it was given there.
struct Visiting {
    visitor: ingress::Visitor,
    token: Secret,
}

impl FromRequestParts<AppState> for Visiting {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, app: &AppState) -> Result<Self, Problem> {
        let Id(connection) = Id::<ConnectionId>::from_request_parts(parts, app).await?;
        let token = bearer(&parts.headers).ok_or_else(Problem::no_bearer)?;
        let visitor = app.channels.web_visitor(connection, token).await?;
        Ok(Self { visitor, token: token.into() })
    }
}

/// Who answers here.
#[utoipa::path(
    get,
    path = "/channels/web/{connection}",
    tag = "web chat",
    responses((status = 200, body = WebChat))
)]
async fn web_chat(State(app): State<AppState>, Id(id): Id<ConnectionId>) -> Result<Json<WebChat>, Problem> {
    let chat = app.channels.web_chat(id).await?;
    Ok(Json(WebChat::from(&*chat)))
}

/// A new visitor, and the token that proves it for 30 days.
#[utoipa::path(
    post,
    path = "/channels/web/{connection}/visitors",
    tag = "web chat",
    responses((status = 201, body = Visitor))
)]
async fn create_visitor(
    State(app): State<AppState>,
    Id(id): Id<ConnectionId>,
) -> Result<(StatusCode, Json<Visitor>), Problem> {
    let (_, visitor_token) = app.channels.web_welcome(id).await?;
    Ok((StatusCode::CREATED, Json(Visitor { visitor_token })))
}

/// Says something; the answer comes by the events. Sent twice with one id, it is said once.
#[utoipa::path(
    post,
    path = "/channels/web/{connection}/messages",
    tag = "web chat",
    responses((status = 202, body = Accepted))
)]
async fn send_message(
    State(app): State<AppState>,
    who: Visiting,
    Json(message): Json<SendMessage>,
) -> Result<(StatusCode, Json<Accepted>), Problem> {
    let placed = app.channels.web_message(&who.visitor, &message.id, &message.text).await?;
    Ok((StatusCode::ACCEPTED, Json(placed.into())))
}

/// The visitor's own conversation, oldest first within a page; the first page is the latest.
#[utoipa::path(
    get,
    path = "/channels/web/{connection}/messages",
    tag = "web chat",
    params(Before),
    responses((status = 200, body = List<Message>))
)]
async fn list_visitor_messages(
    State(app): State<AppState>,
    who: Visiting,
    Query(before): Query<Before>,
) -> Result<Json<List<Message>>, Problem> {
    let mut tx = app.db.tenant(who.visitor.tenant).await?;
    Ok(Json(conversations::page(&mut tx, who.visitor.conversation(), &before, Audience::Visitor).await?))
}

/// What happens in the visitor's conversation, as it happens: `message` carries a message, `text` a piece of an answer
/// that is being made.
#[utoipa::path(
    get,
    path = "/channels/web/{connection}/events",
    tag = "web chat",
    params(("last-event-id" = Option<String>, Header, description = "The last event that the client has seen")),
    responses((status = 200, body = String, content_type = "text/event-stream"))
)]
async fn visitor_events(State(app): State<AppState>, who: Visiting, headers: HeaderMap) -> Result<Response, Problem> {
    let conversation = (who.visitor.tenant, who.visitor.conversation());
    let allowed = still_allowed(app.clone(), who);
    let last = events::last_event_id(&headers);
    events::respond(Feed::new(app, conversation, Audience::Visitor, last, allowed))
}

/// Asks again for what the stream began with: the token, its chat and the organisation's good standing.
fn still_allowed(app: AppState, who: Visiting) -> StillAllowed {
    Box::new(move || {
        let (app, connection, token) = (app.clone(), who.visitor.connection, who.token.clone());
        async move { app.channels.web_visitor(connection, token.expose()).await.is_ok() }.boxed()
    })
}
