//! Where programs reach the pool of models: `/llm/v1` for OpenAI's SDKs, `/llm` for Anthropic's.
//!
//! Outside of what is wrapped around the other routes: errors are the protocols' own, answers may take minutes.

use std::convert::Infallible;
use std::time::Duration;

use axum::Router;
use axum::body::Body;
use axum::extract::{DefaultBodyLimit, Path, Request, State};
use axum::http::header::AUTHORIZATION;
use axum::http::{HeaderMap, Response};
use axum::routing::{any, get, post};
use bytes::Bytes;
use futures::StreamExt as _;
use http_body_util::{BodyExt as _, LengthLimitError, Limited};
use kernel::Secret;
use llm::{Gateway, ListShape, Served, Surface};
use tokio::time::timeout;

use crate::state::AppState;

/// The largest request: prompts carry images and whole documents.
const BODY_LIMIT: usize = 32 << 20;
/// How long a request may take to come in.
const BODY_PATIENCE: Duration = Duration::from_secs(120);

pub(crate) fn routes() -> Router<AppState> {
    Router::new()
        .route("/llm/v1/chat/completions", post(|state, request| ask(Surface::ChatCompletions, state, request)))
        .route("/llm/v1/responses", post(|state, request| ask(Surface::Responses, state, request)))
        .route("/llm/v1/embeddings", post(|state, request| ask(Surface::Embeddings, state, request)))
        .route("/llm/v1/rerank", post(|state, request| ask(Surface::Rerank, state, request)))
        .route("/llm/v2/rerank", post(|state, request| ask(Surface::Rerank, state, request)))
        .route("/llm/v1/messages", post(|state, request| ask(Surface::Messages, state, request)))
        .route("/llm/v1/messages/count_tokens", post(count_tokens))
        .route("/llm/v1/models", get(models))
        .route("/llm/v1/models/{*name}", get(model))
        .route("/llm/{*path}", any(nothing))
        .layer(DefaultBodyLimit::disable())
}

async fn ask(surface: Surface, State(app): State<AppState>, request: Request) -> Response<Body> {
    let (head, body) = request.into_parts();
    // Nobody without a key makes us hold a large body.
    let grant = match app.gateway.admit(surface, key(&head.headers)).await {
        Ok(grant) => grant,
        Err(refusal) => return answer(refusal),
    };
    match whole(body).await {
        Ok(body) => answer(app.gateway.ask(surface, grant, &head.headers, body).await),
        Err(cut) => cut.answer(surface),
    }
}

async fn count_tokens(State(app): State<AppState>, request: Request) -> Response<Body> {
    let (head, body) = request.into_parts();
    let grant = match app.gateway.admit(Surface::Messages, key(&head.headers)).await {
        Ok(grant) => grant,
        Err(refusal) => return answer(refusal),
    };
    match whole(body).await {
        Ok(body) => answer(app.gateway.count_tokens(&grant, &body)),
        Err(cut) => cut.answer(Surface::Messages),
    }
}

async fn models(State(app): State<AppState>, headers: HeaderMap) -> Response<Body> {
    answer(app.gateway.models(shape(&headers), key(&headers)).await)
}

async fn model(State(app): State<AppState>, Path(name): Path<String>, headers: HeaderMap) -> Response<Body> {
    answer(app.gateway.model(shape(&headers), key(&headers), &name).await)
}

async fn nothing(headers: HeaderMap) -> Response<Body> {
    answer(Gateway::nothing_here(shape(&headers)))
}

/// Why there is no request.
enum Cut {
    TooLarge,
    TooSlow,
    /// The client went away in the middle of it: nobody reads the answer.
    Gone,
}

impl Cut {
    fn answer(self, surface: Surface) -> Response<Body> {
        match self {
            Self::TooLarge => answer(Gateway::too_large(surface, BODY_LIMIT)),
            Self::TooSlow | Self::Gone => answer(Gateway::too_slow(surface)),
        }
    }
}

async fn whole(body: Body) -> Result<Bytes, Cut> {
    match timeout(BODY_PATIENCE, Limited::new(body, BODY_LIMIT).collect()).await {
        Ok(Ok(body)) => Ok(body.to_bytes()),
        Ok(Err(error)) if error.is::<LengthLimitError>() => Err(Cut::TooLarge),
        Ok(Err(_)) => Err(Cut::Gone),
        Err(_) => Err(Cut::TooSlow),
    }
}

/// Anthropic's SDKs say which version they speak, OpenAI's do not.
fn shape(headers: &HeaderMap) -> ListShape {
    if headers.contains_key("anthropic-version") { ListShape::Anthropic } else { ListShape::Openai }
}

/// The key, as OpenAI's or as Anthropic's SDKs send it.
fn key(headers: &HeaderMap) -> Option<Secret> {
    let bearer = headers.get(AUTHORIZATION).and_then(|value| value.to_str().ok()?.strip_prefix("Bearer "));
    let plain = || headers.get("x-api-key").and_then(|value| value.to_str().ok());
    bearer.or_else(plain).map(str::trim).filter(|key| !key.is_empty()).map(Secret::from)
}

fn answer(response: Response<Served>) -> Response<Body> {
    response.map(|served| match served {
        Served::Whole(body) => Body::from(body),
        Served::Stream(events) => Body::from_stream(events.map(Ok::<_, Infallible>)),
    })
}
