//! Who is asked to join an organisation. The other end, the link, is under `auth`.

pub(crate) mod types;

use axum::extract::State;
use axum::http::StatusCode;
use kernel::InvitationId;
use tenancy::invitations::NewInvitation;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use crate::extract::{After, Belonging, Id, InOrganisation, Json, List, Query};
use crate::problem::Problem;
use crate::state::AppState;
use types::{CreateInvitation, CreatedInvitation, Invitation};

pub(crate) fn routes() -> OpenApiRouter<AppState> {
    OpenApiRouter::default().routes(routes!(list_invitations, create_invitation)).routes(routes!(revoke_invitation))
}

/// The invitations that wait to be accepted and that the caller may see, newest first; expired ones for some days.
#[utoipa::path(
    get,
    path = "/api/organisations/{organisation}/invitations",
    tag = "members",
    params(After),
    responses((status = 200, body = List<Invitation>))
)]
async fn list_invitations(
    State(app): State<AppState>,
    who: InOrganisation<Belonging>,
    Query(after): Query<After>,
) -> Result<Json<List<Invitation>>, Problem> {
    let page = tenancy::invitations::list(&app.db, &who.access, &after.page()?).await?;
    Ok(Json(List::of(page, Invitation::from)))
}

/// Offers a role to a person. The link is shown in this answer and never again; it is good for seven days and one use,
/// and takes the place of one that may wait for this address there.
#[utoipa::path(
    post,
    path = "/api/organisations/{organisation}/invitations",
    tag = "members",
    responses((status = 201, body = CreatedInvitation))
)]
async fn create_invitation(
    State(app): State<AppState>,
    who: InOrganisation<Belonging>,
    Json(new): Json<CreateInvitation>,
) -> Result<(StatusCode, Json<CreatedInvitation>), Problem> {
    let new = NewInvitation { email: &new.email, role: &new.role, project: new.project_id };
    let made = tenancy::invitations::create(&app.db, app.clock.now(), &who.access, new).await?;
    Ok((StatusCode::CREATED, Json(CreatedInvitation::of(&app, made))))
}

/// Takes an invitation back: its link is worth nothing any more.
#[utoipa::path(
    delete,
    path = "/api/organisations/{organisation}/invitations/{invitation}",
    tag = "members",
    responses((status = 204))
)]
async fn revoke_invitation(
    State(app): State<AppState>,
    who: InOrganisation<Belonging>,
    Id(invitation): Id<InvitationId>,
) -> Result<StatusCode, Problem> {
    let mut tx = who.begin(&app).await?;
    tenancy::invitations::revoke(&mut tx, &who.access, invitation).await?;
    tx.commit().await?;
    Ok(StatusCode::NO_CONTENT)
}
