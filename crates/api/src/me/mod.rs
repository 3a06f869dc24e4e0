//! The one who asks.

pub(crate) mod types;

use axum::extract::State;
use axum::http::StatusCode;
use tenancy::Principal;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use crate::extract::{Auth, Json};
use crate::problem::Problem;
use crate::state::AppState;
use types::{ChangePassword, Me};

pub(crate) fn routes() -> OpenApiRouter<AppState> {
    OpenApiRouter::default().routes(routes!(me)).routes(routes!(change_password))
}

/// Who is asking, and where they may go.
#[utoipa::path(get, path = "/api/me", tag = "me", responses((status = 200, body = Me)))]
async fn me(State(app): State<AppState>, Auth(principal): Auth) -> Result<Json<Me>, Problem> {
    Ok(Json(app.identity.me(&principal).await?.into()))
}

/// Changes one's own password; every other session ends.
#[utoipa::path(put, path = "/api/me/password", tag = "me", responses((status = 204)))]
async fn change_password(
    State(app): State<AppState>,
    Auth(principal): Auth,
    Json(change): Json<ChangePassword>,
) -> Result<StatusCode, Problem> {
    let Principal::User { user, session, .. } = principal else {
        return Err(Problem::invalid("an API key has no password"));
    };
    app.identity.change_password(user, session, &change.current, &change.new).await?;
    Ok(StatusCode::NO_CONTENT)
}
