//! What every request passes through, the hot ingress excepted: an id, a time limit, the access log, the shape of
//! errors and the security headers.
//!
//! Invariant: neither query strings nor headers nor bodies are logged; they may hold secrets.

mod headers;
mod parameters;

use std::future::pending;
use std::panic::{AssertUnwindSafe, resume_unwind};
use std::time::Duration;

use axum::extract::{MatchedPath, Request};
use axum::http::{HeaderName, HeaderValue, StatusCode};
use axum::middleware::Next;
use axum::response::{IntoResponse as _, Response};
use futures::FutureExt as _;
use tokio::time::Instant;
use tracing::Instrument as _;
use uuid::Uuid;

use crate::problem::{self, Problem};
use crate::serve::Peer;

pub(crate) use headers::secure;

/// Until a response must have begun. Longer than a change of configuration may take to be in force everywhere.
const PATIENCE: Duration = Duration::from_secs(30);

const REQUEST_ID: HeaderName = HeaderName::from_static("x-request-id");

tokio::task_local! {
    static CURRENT: Uuid;
}

/// The id of the request at hand; a fresh one outside any.
pub(crate) fn request_id() -> Uuid {
    CURRENT.try_with(|id| *id).unwrap_or_else(|_| Uuid::now_v7())
}

/// Does work to its end, also where the client goes away or the time for an answer is up before: it is not cut off in
/// the middle of a commit, nor between two.
pub(crate) async fn see_through<T: Send + 'static>(work: impl Future<Output = T> + Send + 'static) -> T {
    let work = CURRENT.scope(request_id(), work).in_current_span();
    match tokio::spawn(work).await {
        Ok(done) => done,
        Err(error) if error.is_panic() => resume_unwind(error.into_panic()),
        // The process ends, and this request with it.
        Err(_) => pending().await,
    }
}

/// Wraps one request.
pub(crate) async fn around(request: Request, next: Next) -> Response {
    let id = Uuid::now_v7();
    let began = Instant::now();
    let method = request.method().clone();
    let path = request.uri().path().to_owned();
    let route = request.extensions().get::<MatchedPath>().map_or("portal", MatchedPath::as_str).to_owned();
    let tls = request.extensions().get::<Peer>().is_some_and(|peer| peer.tls);

    let span = tracing::info_span!("request", %id);
    let mut response = CURRENT.scope(id, answer(request, next)).instrument(span).await;

    let status = response.status().as_u16();
    let elapsed = began.elapsed();
    tracing::info!(target: "access", request_id = %id, %method, path, status, ms = elapsed.as_millis(), "request");
    // A method that is made up must not make a series of its own.
    let verb = if status == StatusCode::METHOD_NOT_ALLOWED.as_u16() { "other" } else { method.as_str() };
    let labels = [("method", verb.to_owned()), ("route", route), ("status", status.to_string())];
    metrics::counter!("konstruct_http_requests_total", &labels).increment(1);
    metrics::histogram!("konstruct_http_request_seconds", &labels).record(elapsed);

    secure(response.headers_mut(), tls);
    if let Ok(value) = HeaderValue::try_from(id.to_string()) {
        response.headers_mut().insert(REQUEST_ID, value);
    }
    response
}

/// The answer, in the shape all answers have, whatever becomes of the handler.
async fn answer(request: Request, next: Next) -> Response {
    if let Err(problem) = parameters::check(&request) {
        return problem.into_response();
    }
    let handled = AssertUnwindSafe(tokio::time::timeout(PATIENCE, next.run(request))).catch_unwind().await;
    match handled {
        Ok(Ok(response)) => problem::normalise(response),
        Ok(Err(_)) => Problem::of_status(StatusCode::GATEWAY_TIMEOUT).into_response(),
        Err(_) => {
            tracing::error!(request_id = %request_id(), "a handler panicked");
            Problem::of_status(StatusCode::INTERNAL_SERVER_ERROR).into_response()
        }
    }
}
