//! Slack's Events API, the busiest address there is: none of the usual layers is wrapped around it.

use axum::extract::{Request, State};
use axum::http::header::CONTENT_TYPE;
use axum::http::{HeaderValue, StatusCode};
use axum::response::{IntoResponse as _, Response};
use channels::ingress::{SlackAnswer, SlackHeaders};
use utoipa_axum::router::{OpenApiRouter, UtoipaMethodRouterExt as _};
use utoipa_axum::routes;

use crate::extract::body::read;
use crate::layers::secure;
use crate::problem::Problem;
use crate::state::AppState;

pub(crate) fn routes() -> OpenApiRouter<AppState> {
    OpenApiRouter::default().routes(routes!(events).map(|events| events.fallback(other)))
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
    let mut response = Problem::of_status(StatusCode::METHOD_NOT_ALLOWED).into_response();
    secure(response.headers_mut(), false);
    response
}

async fn deliver(app: &AppState, request: Request) -> Result<SlackAnswer, Problem> {
    let (parts, body) = request.into_parts();
    let raw = read(&parts.headers, body).await?;
    let text = |name: &str| parts.headers.get(name).and_then(|value| value.to_str().ok());
    let slack = SlackHeaders { signature: text("x-slack-signature"), timestamp: text("x-slack-request-timestamp") };
    Ok(app.channels.slack(slack, raw).await?)
}
