//! Who changed what.

pub(crate) mod types;

use axum::extract::State;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use crate::extract::{After, InOrganisation, Json, List, Query, permit};
use crate::problem::Problem;
use crate::state::AppState;
use types::AuditEntry;

pub(crate) fn routes() -> OpenApiRouter<AppState> {
    OpenApiRouter::default().routes(routes!(list_audit_entries))
}

/// The audit log, newest first.
#[utoipa::path(
    get,
    path = "/api/organisations/{organisation}/audit",
    tag = "audit",
    params(After),
    responses((status = 200, body = List<AuditEntry>))
)]
async fn list_audit_entries(
    State(app): State<AppState>,
    who: InOrganisation<permit::AuditRead>,
    Query(after): Query<After>,
) -> Result<Json<List<AuditEntry>>, Problem> {
    let mut tx = who.begin(&app).await?;
    let page = tenancy::audit::list(&mut tx, &after.page()?).await?;
    Ok(Json(List::of(page, AuditEntry::from)))
}
