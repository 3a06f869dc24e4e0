//! An organisation, as its own people see it.

pub(crate) mod types;

use axum::extract::State;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use crate::extract::{Belonging, InOrganisation, Json, permit};
use crate::problem::Problem;
use crate::state::AppState;
use types::{ChangeOrganisation, Organisation};

pub(crate) fn routes() -> OpenApiRouter<AppState> {
    OpenApiRouter::default().routes(routes!(organisation, change_organisation))
}

/// The organisation.
#[utoipa::path(
    get,
    path = "/api/organisations/{organisation}",
    tag = "organisations",
    responses((status = 200, body = Organisation))
)]
async fn organisation(
    State(app): State<AppState>,
    who: InOrganisation<Belonging>,
) -> Result<Json<Organisation>, Problem> {
    let mut tx = who.begin(&app).await?;
    Ok(Json(tenancy::organisations::own(&mut tx).await?.into()))
}

/// Changes how the organisation is called: in the portal, and by its agents from the next message on.
#[utoipa::path(
    patch,
    path = "/api/organisations/{organisation}",
    tag = "organisations",
    responses((status = 200, body = Organisation))
)]
async fn change_organisation(
    State(app): State<AppState>,
    who: InOrganisation<permit::ProjectWrite>,
    Json(change): Json<ChangeOrganisation>,
) -> Result<Json<Organisation>, Problem> {
    let mut tx = who.begin(&app).await?;
    let (changed, epoch) = tenancy::organisations::rename(&mut tx, &who.access, &change.display_name).await?;
    tx.commit().await?;
    app.in_force(epoch).await?;
    Ok(Json(changed.into()))
}
