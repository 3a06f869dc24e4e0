//! What calls of models may cost.

pub(crate) mod types;

use axum::extract::State;
use axum::http::StatusCode;
use db::TenantTx;
use kernel::BudgetId;
use llm::budgets;
use serde_json::json;
use tenancy::Access;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use crate::extract::{After, Id, InOrganisation, Json, List, Query, permit};
use crate::problem::Problem;
use crate::state::AppState;
use types::{Budget, ChangeBudget, CreateBudget};

pub(crate) fn routes() -> OpenApiRouter<AppState> {
    OpenApiRouter::default().routes(routes!(list_budgets, create_budget)).routes(routes!(change_budget, delete_budget))
}

/// The organisation's budgets with how far they are used up today or this month, newest first.
#[utoipa::path(
    get,
    path = "/api/organisations/{organisation}/budgets",
    tag = "budgets",
    params(After),
    responses((status = 200, body = List<Budget>))
)]
async fn list_budgets(
    State(app): State<AppState>,
    who: InOrganisation<permit::ModelsRead>,
    Query(after): Query<After>,
) -> Result<Json<List<Budget>>, Problem> {
    let mut tx = who.begin(&app).await?;
    let today = app.clock.now().date_naive();
    let page = budgets::list_budgets(&mut tx, &who.access, today, &after.page()?).await?;
    Ok(Json(List::of(page, Budget::from)))
}

/// Makes a budget for the organisation, a project, an agent or a virtual key.
#[utoipa::path(
    post,
    path = "/api/organisations/{organisation}/budgets",
    tag = "budgets",
    responses((status = 201, body = Budget))
)]
async fn create_budget(
    State(app): State<AppState>,
    who: InOrganisation<permit::ModelsWrite>,
    Json(new): Json<CreateBudget>,
) -> Result<(StatusCode, Json<Budget>), Problem> {
    let scope = new.scope()?;
    let mut tx = who.begin(&app).await?;
    let (id, epoch) = budgets::insert_budget(&mut tx, &who.access, scope, &new.spec()).await?;
    let made = budgets::find_budget(&mut tx, app.clock.now().date_naive(), id).await?;
    record(&mut tx, &who.access, "budget.create", &made).await?;
    tx.commit().await?;
    app.in_force(epoch).await?;
    Ok((StatusCode::CREATED, Json(made.into())))
}

/// Changes a budget. What was spent of it stays spent.
#[utoipa::path(
    patch,
    path = "/api/organisations/{organisation}/budgets/{budget}",
    tag = "budgets",
    responses((status = 200, body = Budget))
)]
async fn change_budget(
    State(app): State<AppState>,
    who: InOrganisation<permit::ModelsWrite>,
    Id(id): Id<BudgetId>,
    Json(change): Json<ChangeBudget>,
) -> Result<Json<Budget>, Problem> {
    let mut tx = who.begin(&app).await?;
    let today = app.clock.now().date_naive();
    let old = budgets::find_budget(&mut tx, today, id).await?;
    budgets::update_budget(&mut tx, &who.access, &old, &change.onto(&old)).await?;
    let changed = budgets::find_budget(&mut tx, today, id).await?;
    record(&mut tx, &who.access, "budget.change", &changed).await?;
    tx.commit().await?;
    app.all_in_force().await?;
    Ok(Json(changed.into()))
}

/// Removes a budget: nothing bounds what it bounded.
#[utoipa::path(
    delete,
    path = "/api/organisations/{organisation}/budgets/{budget}",
    tag = "budgets",
    responses((status = 204))
)]
async fn delete_budget(
    State(app): State<AppState>,
    who: InOrganisation<permit::ModelsWrite>,
    Id(id): Id<BudgetId>,
) -> Result<StatusCode, Problem> {
    let mut tx = who.begin(&app).await?;
    let gone = budgets::find_budget(&mut tx, app.clock.now().date_naive(), id).await?;
    let epoch = budgets::delete_budget(&mut tx, &who.access, &gone).await?;
    record(&mut tx, &who.access, "budget.delete", &gone).await?;
    tx.commit().await?;
    app.in_force(epoch).await?;
    Ok(StatusCode::NO_CONTENT)
}

async fn record(tx: &mut TenantTx, access: &Access, action: &str, budget: &budgets::Budget) -> Result<(), Problem> {
    let detail = json!({ "usd": budget.spec.amount, "period": budget.spec.period });
    Ok(tenancy::audit::record(tx, &access.actor, action, &format!("budget:{}", budget.id), detail).await?)
}
