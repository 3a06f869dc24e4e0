//! Whether the process lives, whether it is of use, and its figures.

use axum::Router;
use axum::extract::State;
use axum::routing::get;

use crate::state::AppState;

pub(crate) fn routes() -> Router<AppState> {
    Router::new().route("/healthz", get(|| async { "ok" })).route("/metrics", get(metrics))
}

async fn metrics(State(app): State<AppState>) -> String {
    std::future::ready(app.metrics.render()).await
}
