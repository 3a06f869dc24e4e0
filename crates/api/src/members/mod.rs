//! Who belongs to an organisation, and as what.

pub(crate) mod types;

use axum::extract::State;
use axum::http::StatusCode;
use kernel::MemberId;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use crate::extract::{After, Belonging, Id, InOrganisation, Json, List, Query};
use crate::problem::Problem;
use crate::state::AppState;
use types::{AddMember, ChangeMember, Member};

pub(crate) fn routes() -> OpenApiRouter<AppState> {
    OpenApiRouter::default().routes(routes!(list_members, add_member)).routes(routes!(change_member, remove_member))
}

/// All grants that the caller may see, newest first.
#[utoipa::path(
    get,
    path = "/api/organisations/{organisation}/members",
    tag = "members",
    params(After),
    responses((status = 200, body = List<Member>))
)]
async fn list_members(
    State(app): State<AppState>,
    who: InOrganisation<Belonging>,
    Query(after): Query<After>,
) -> Result<Json<List<Member>>, Problem> {
    let page = tenancy::members::list(&app.db, &who.access, &after.page()?).await?;
    Ok(Json(List::of(page, Member::from)))
}

/// Grants a role to somebody who belongs to the organisation already, over another part of it.
#[utoipa::path(
    post,
    path = "/api/organisations/{organisation}/members",
    tag = "members",
    responses((status = 201, body = Member))
)]
async fn add_member(
    State(app): State<AppState>,
    who: InOrganisation<Belonging>,
    Json(new): Json<AddMember>,
) -> Result<(StatusCode, Json<Member>), Problem> {
    let made = tenancy::members::extend(&app.db, &who.access, new.user_id, &new.role, new.project_id).await?;
    Ok((StatusCode::CREATED, Json(made.into())))
}

/// Changes the role of a grant.
#[utoipa::path(
    patch,
    path = "/api/organisations/{organisation}/members/{member}",
    tag = "members",
    responses((status = 204))
)]
async fn change_member(
    State(app): State<AppState>,
    who: InOrganisation<Belonging>,
    Id(member): Id<MemberId>,
    Json(change): Json<ChangeMember>,
) -> Result<StatusCode, Problem> {
    let mut tx = who.begin(&app).await?;
    tenancy::members::change(&mut tx, &who.access, member, &change.role).await?;
    tx.commit().await?;
    Ok(StatusCode::NO_CONTENT)
}

/// Takes a grant away. The last owner stays.
#[utoipa::path(
    delete,
    path = "/api/organisations/{organisation}/members/{member}",
    tag = "members",
    responses((status = 204))
)]
async fn remove_member(
    State(app): State<AppState>,
    who: InOrganisation<Belonging>,
    Id(member): Id<MemberId>,
) -> Result<StatusCode, Problem> {
    let mut tx = who.begin(&app).await?;
    tenancy::members::remove(&mut tx, &who.access, member).await?;
    tx.commit().await?;
    Ok(StatusCode::NO_CONTENT)
}
