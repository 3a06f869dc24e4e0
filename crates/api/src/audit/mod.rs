//! Who changed what.

pub(crate) mod types;

use axum::http::StatusCode;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use crate::extract::{After, Json, List, Query};
use crate::problem::Problem;
use crate::state::AppState;
use types::AuditEntry;

pub(crate) fn routes() -> OpenApiRouter<AppState> {
    OpenApiRouter::default().routes(routes!(list_audit_entries))
}

/// The audit log, newest first.
#[utoipa::path(get, path = "/api/organisations/{organisation}/audit", tag = "audit", params(After), responses((status = 200, body = List<AuditEntry>)))]
async fn list_audit_entries(Query(_query): Query<After>) -> Result<Json<List<AuditEntry>>, Problem> {
    Err(Problem::of_status(StatusCode::NOT_IMPLEMENTED))
}
