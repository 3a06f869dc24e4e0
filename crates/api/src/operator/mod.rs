//! What the operator of the installation does with organisations.

pub(crate) mod types;

use axum::extract::State;
use axum::http::StatusCode;
use kernel::TenantId;
use llm::store::Seed;
use tenancy::invitations::{self, NewInvitation};
use tenancy::{Access, Actor, Role, organisations};
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use crate::extract::{After, AsOperator, Id, Json, List, Query};
use crate::invitations::types::CreatedInvitation;
use crate::layers::see_through;
use crate::problem::Problem;
use crate::state::AppState;
use types::{
    CreateOrganisation, CreatedOrganisation, OperateOrganisation, OperatedOrganisation, OperatedOrganisationDetail,
};

pub(crate) fn routes() -> OpenApiRouter<AppState> {
    OpenApiRouter::default().routes(routes!(list_all_organisations, create_organisation)).routes(routes!(
        operated_organisation,
        operate_organisation,
        delete_organisation
    ))
}

/// All organisations of the installation, newest first.
#[utoipa::path(
    get,
    path = "/api/operator/organisations",
    tag = "operator",
    params(After),
    responses((status = 200, body = List<OperatedOrganisation>))
)]
async fn list_all_organisations(
    State(app): State<AppState>,
    _who: AsOperator,
    Query(after): Query<After>,
) -> Result<Json<List<OperatedOrganisation>>, Problem> {
    let mut tx = app.db.system("the operator lists organisations").await?;
    let page = organisations::list(&mut tx, &after.page()?).await?;
    Ok(Json(List::of(page, OperatedOrganisation::from)))
}

/// Makes an organisation with its roles, the project "default" and the shipped model groups, and invites its owner.
#[utoipa::path(
    post,
    path = "/api/operator/organisations",
    tag = "operator",
    responses((status = 201, body = CreatedOrganisation))
)]
async fn create_organisation(
    State(app): State<AppState>,
    AsOperator(actor): AsOperator,
    Json(new): Json<CreateOrganisation>,
) -> Result<(StatusCode, Json<CreatedOrganisation>), Problem> {
    new.owner_email.as_deref().map_or(Ok(()), invitations::check_email)?;
    let made = see_through(async move { make(&app, actor, new).await });
    Ok((StatusCode::CREATED, Json(made.await?)))
}

/// Takes several transactions. An organisation that one of them failed is finished by `konstruct apply`.
async fn make(app: &AppState, actor: Actor, new: CreateOrganisation) -> Result<CreatedOrganisation, Problem> {
    let mut tx = app.db.system("the operator makes an organisation").await?;
    let made = organisations::create(&mut tx, &actor, &new.name, &new.display_name).await?;
    tx.commit().await?;
    let mut furnishing = app.db.tenant(made.id).await?;
    llm::store::seed_where_bare(&mut furnishing, &app.sealer, Seed::Standard).await?;
    furnishing.commit().await?;
    let owner_invitation = match new.owner_email.as_deref() {
        Some(email) => Some(invite_owner(app, actor, made.id, email).await?),
        None => None,
    };
    Ok(CreatedOrganisation { organisation: made.into(), owner_invitation })
}

/// One organisation, with counts of what it holds.
#[utoipa::path(
    get,
    path = "/api/operator/organisations/{organisation}",
    tag = "operator",
    responses((status = 200, body = OperatedOrganisationDetail))
)]
async fn operated_organisation(
    State(app): State<AppState>,
    _who: AsOperator,
    Id(id): Id<TenantId>,
) -> Result<Json<OperatedOrganisationDetail>, Problem> {
    let mut tx = app.db.system("the operator looks at an organisation").await?;
    let found = organisations::find(&mut tx, id).await?;
    tx.commit().await?;
    let mut tx = app.db.tenant(id).await?;
    let counts = organisations::counts(&mut tx).await?.into();
    Ok(Json(OperatedOrganisationDetail { organisation: found.into(), counts }))
}

/// Renames, suspends, resumes or bounds an organisation.
#[utoipa::path(
    patch,
    path = "/api/operator/organisations/{organisation}",
    tag = "operator",
    responses((status = 200, body = OperatedOrganisation))
)]
async fn operate_organisation(
    State(app): State<AppState>,
    AsOperator(actor): AsOperator,
    Id(id): Id<TenantId>,
    Json(change): Json<OperateOrganisation>,
) -> Result<Json<OperatedOrganisation>, Problem> {
    let mut tx = app.db.system("the operator changes an organisation").await?;
    let (changed, epoch) = organisations::update(&mut tx, &actor, id, change.into()).await?;
    tx.commit().await?;
    app.in_force(epoch).await?;
    Ok(Json(changed.into()))
}

/// Deletes an organisation and everything in it.
#[utoipa::path(
    delete,
    path = "/api/operator/organisations/{organisation}",
    tag = "operator",
    responses((status = 204))
)]
async fn delete_organisation(
    State(app): State<AppState>,
    AsOperator(actor): AsOperator,
    Id(id): Id<TenantId>,
) -> Result<StatusCode, Problem> {
    let epoch = organisations::delete(&app.db, &actor, id).await?;
    app.in_force(epoch).await?;
    Ok(StatusCode::NO_CONTENT)
}

async fn invite_owner(app: &AppState, actor: Actor, id: TenantId, email: &str) -> Result<CreatedInvitation, Problem> {
    let mut access = Access::system(id);
    access.actor = actor;
    let owner = NewInvitation { email, role: Role::Owner.name(), project: None };
    let made = invitations::create(&app.db, app.clock.now(), &access, owner).await?;
    Ok(CreatedInvitation::of(app, made))
}
