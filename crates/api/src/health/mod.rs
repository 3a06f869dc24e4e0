//! Whether the process lives, whether it is of use, and its figures.

use std::time::Duration;

use axum::Router;
use axum::extract::State;
use axum::http::StatusCode;
use axum::routing::get;
use tokio::time::timeout;

use crate::problem::Problem;
use crate::state::AppState;

/// Until the database must have answered.
const PATIENCE: Duration = Duration::from_secs(2);

pub(crate) fn routes() -> Router<AppState> {
    Router::new().route("/healthz", get(|| async { "ok" })).route("/readyz", get(readyz))
}

pub(crate) fn figures() -> Router<AppState> {
    Router::new().route("/metrics", get(|State(app): State<AppState>| async move { app.metrics.render() }))
}

/// 200 only when a message sent now would be processed.
async fn readyz(State(app): State<AppState>) -> Result<&'static str, Problem> {
    let not_yet = |detail: &str| Problem::new(StatusCode::SERVICE_UNAVAILABLE, "not_ready", detail);
    if app.shutdown.is_cancelled() || !app.engine.ready() {
        return Err(not_yet("the engine takes no messages"));
    }
    match timeout(PATIENCE, db::config_epoch(&app.db)).await {
        Ok(Ok(_)) => Ok("ready"),
        _ => Err(not_yet("the database does not answer")),
    }
}
