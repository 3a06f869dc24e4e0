//! Slack's Events API, the busiest address there is: none of the usual layers is wrapped around it.

use std::time::Duration;

use axum::body::Bytes;
use axum::extract::{DefaultBodyLimit, FromRequest as _, Request, State};
use axum::http::header::{CONTENT_LENGTH, CONTENT_TYPE};
use axum::http::{HeaderValue, StatusCode};
use axum::response::{IntoResponse as _, Response};
use channels::ingress::{SlackAnswer, SlackHeaders};
use tokio::time::timeout;
use utoipa_axum::router::{OpenApiRouter, UtoipaMethodRouterExt as _};
use utoipa_axum::routes;

use crate::layers::secure;
use crate::problem::Problem;
use crate::router::BODY_LIMIT;
use crate::state::AppState;

/// Until a delivery's body must be there: Slack gives up after three seconds.
const PATIENCE: Duration = Duration::from_secs(5);

pub(crate) fn routes() -> OpenApiRouter<AppState> {
    let events = routes!(events).map(|events| events.fallback(other).layer(DefaultBodyLimit::max(BODY_LIMIT)));
    OpenApiRouter::default().routes(events)
}

/// Takes a delivery of Slack's Events API; 2xx only when what was delivered is stored.
#[utoipa::path(
    post,
    path = "/channels/slack/events",
    tag = "slack",
    request_body(content = Value, description = "As Slack sends and signs it"),
    responses((status = 200, body = String, content_type = "text/plain"))
)]
async fn events(State(app): State<AppState>, request: Request) -> Response {
    let mut response = match deliver(&app, request).await {
        Ok(SlackAnswer::Ok) => StatusCode::OK.into_response(),
        Ok(SlackAnswer::Challenge(challenge)) => {
            ([(CONTENT_TYPE, HeaderValue::from_static("text/plain"))], challenge).into_response()
        }
        Err(problem) => {
            tracing::debug!(status = problem.status().as_u16(), "refused a delivery of Slack's");
            problem.into_response()
        }
    };
    secure(response.headers_mut(), false);
    response
}

async fn other() -> Response {
    Problem::of_status(StatusCode::METHOD_NOT_ALLOWED).into_response()
}

async fn deliver(app: &AppState, request: Request) -> Result<SlackAnswer, Problem> {
    let headers = request.headers().clone();
    let text = |name: &str| headers.get(name).and_then(|value| value.to_str().ok());
    let length = text(CONTENT_LENGTH.as_str()).and_then(|length| length.parse::<usize>().ok());
    if length.is_some_and(|length| length > BODY_LIMIT) {
        return Err(Problem::of_status(StatusCode::PAYLOAD_TOO_LARGE));
    }
    let raw = match timeout(PATIENCE, Bytes::from_request(request, &())).await {
        Ok(raw) => raw.map_err(|refused| Problem::of_status(refused.status()))?,
        Err(_) => return Err(Problem::of_status(StatusCode::REQUEST_TIMEOUT)),
    };
    let slack = SlackHeaders { signature: text("x-slack-signature"), timestamp: text("x-slack-request-timestamp") };
    Ok(app.channels.slack(slack, raw).await?)
}
