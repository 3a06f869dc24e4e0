//! Conversations: the transcript, and what happens in it.

mod export;
pub(crate) mod transcript;
pub(crate) mod types;
pub(crate) mod view;

use axum::extract::State;
use axum::http::HeaderMap;
use axum::response::Response;
use channels::conversation;
use db::TenantTx;
use futures::FutureExt as _;
use kernel::{ConversationId, PageRequest};
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use crate::events::{self, Feed, StillAllowed};
use crate::extract::{After, Caller, Id, InProject, Json, List, Permit, Query, permit};
use crate::problem::Problem;
use crate::state::AppState;
use types::{Before, Conversation, ConversationFilter, Message};
use view::Audience;

pub(crate) fn routes() -> OpenApiRouter<AppState> {
    OpenApiRouter::default()
        .routes(routes!(list_conversations))
        .routes(routes!(conversation))
        .routes(routes!(list_messages))
        .routes(routes!(export::export_conversation))
        .routes(routes!(conversation_events))
}

/// The conversation, where it belongs to the project that the caller was let into.
pub(crate) async fn find<P: Permit>(
    tx: &mut TenantTx,
    who: &InProject<P>,
    id: ConversationId,
) -> Result<conversation::Conversation, Problem> {
    let found = conversation::find(tx, id).await?.ok_or_else(Problem::not_found)?;
    who.owns(found.project)?;
    Ok(found)
}

/// The project's conversations, the latest first.
#[utoipa::path(
    get,
    path = "/api/organisations/{organisation}/projects/{project}/conversations",
    tag = "conversations",
    params(ConversationFilter),
    responses((status = 200, body = List<Conversation>))
)]
async fn list_conversations(
    State(app): State<AppState>,
    who: InProject<permit::ConversationsRead>,
    Query(asked): Query<ConversationFilter>,
) -> Result<Json<List<Conversation>>, Problem> {
    let page = After { after: asked.after, limit: asked.limit }.page()?;
    let filter =
        conversation::ConversationFilter { search: asked.search, agent: asked.agent, connection: asked.connection };
    let mut tx = who.begin(&app).await?;
    let page = conversation::list(&mut tx, who.project, &filter, &page).await?;
    Ok(Json(List::of(page, Conversation::from)))
}

/// One conversation.
#[utoipa::path(
    get,
    path = "/api/organisations/{organisation}/projects/{project}/conversations/{conversation}",
    tag = "conversations",
    responses((status = 200, body = Conversation))
)]
async fn conversation(
    State(app): State<AppState>,
    who: InProject<permit::ConversationsRead>,
    Id(id): Id<ConversationId>,
) -> Result<Json<Conversation>, Problem> {
    let mut tx = who.begin(&app).await?;
    Ok(Json(find(&mut tx, &who, id).await?.into()))
}

/// The transcript, oldest first within a page; the first page is the latest.
#[utoipa::path(
    get,
    path = "/api/organisations/{organisation}/projects/{project}/conversations/{conversation}/messages",
    tag = "conversations",
    params(Before),
    responses((status = 200, body = List<Message>))
)]
async fn list_messages(
    State(app): State<AppState>,
    who: InProject<permit::ConversationsRead>,
    Id(id): Id<ConversationId>,
    Query(before): Query<Before>,
) -> Result<Json<List<Message>>, Problem> {
    let mut tx = who.begin(&app).await?;
    find(&mut tx, &who, id).await?;
    Ok(Json(page(&mut tx, id, &before, Audience::Members).await?))
}

/// What happens in the conversation, as it happens: `message` carries a message, `text` a piece of an answer that is
/// being made.
#[utoipa::path(
    get,
    path = "/api/organisations/{organisation}/projects/{project}/conversations/{conversation}/events",
    tag = "conversations",
    params(("last-event-id" = Option<String>, Header, description = "The last event that the client has seen")),
    responses((status = 200, body = String, content_type = "text/event-stream"))
)]
async fn conversation_events(
    State(app): State<AppState>,
    who: InProject<permit::ConversationsRead>,
    Id(id): Id<ConversationId>,
    caller: Caller,
    headers: HeaderMap,
) -> Result<Response, Problem> {
    let mut tx = who.begin(&app).await?;
    find(&mut tx, &who, id).await?;
    drop(tx);
    let allowed = still_allowed(app.clone(), caller, &who);
    let last = events::last_event_id(&headers);
    events::respond(Feed::new(app, (who.access.tenant.tenant, id), Audience::Members, last, allowed))
}

/// One page of a transcript.
pub(crate) async fn page(
    tx: &mut TenantTx,
    id: ConversationId,
    before: &Before,
    audience: Audience,
) -> Result<List<Message>, Problem> {
    let limit = PageRequest::new(None, before.limit);
    let mut entries = transcript::read(tx, id, before.before, limit.fetch()).await?;
    // Oldest first: the one entry too many, which tells that there are more, is the first.
    let more = entries.len() > limit.limit();
    if more {
        entries.remove(0);
    }
    let next = entries.first().filter(|_| more).map(|entry| entry.seq.to_string());
    Ok(List { items: entries.iter().flat_map(|entry| view::messages(entry, audience)).collect(), next })
}

/// Asks again for what the stream began with: the caller's token, membership and permission.
fn still_allowed<P: Permit>(app: AppState, caller: Caller, who: &InProject<P>) -> StillAllowed {
    let (tenant, project) = (who.access.tenant.tenant, who.project);
    Box::new(move || {
        let (app, caller) = (app.clone(), caller.clone());
        async move { caller.may::<P>(&app, tenant, project).await }.boxed()
    })
}
