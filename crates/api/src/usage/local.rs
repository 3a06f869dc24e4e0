//! For this machine's own commands: they read the database themselves, once everything stands there.
//!
//! Invariant: whoever asks holds the master key of the installation.

use axum::Router;
use axum::extract::State;
use axum::http::{HeaderMap, StatusCode};
use axum::routing::post;
use infra::Sealer;
use kernel::Secret;

use crate::extract::bearer;
use crate::problem::Problem;
use crate::state::AppState;

/// Where a running server is asked to write down what it keeps in memory.
pub const FLUSH_PATH: &str = "/local/usage/flush";

/// What whoever asks shows.
pub fn local_secret(sealer: &Sealer) -> Secret {
    let digits = sealer.derive("local-commands").iter().map(|byte| format!("{byte:02x}")).collect::<String>();
    Secret::new(digits)
}

pub(crate) fn routes() -> Router<AppState> {
    Router::new().route(FLUSH_PATH, post(flush))
}

async fn flush(State(app): State<AppState>, headers: HeaderMap) -> Result<StatusCode, Problem> {
    let shown = Secret::from(bearer(&headers).ok_or_else(Problem::no_bearer)?);
    // Fingerprints are compared: how long that takes says nothing about the secret.
    if app.sealer.fingerprint(&shown) != app.sealer.fingerprint(&local_secret(&app.sealer)) {
        return Err(Problem::no_bearer());
    }
    app.usage.flush_now().await?;
    Ok(StatusCode::NO_CONTENT)
}
