//! What calls of models cost: the organisation's own prices, else the product's table of list prices.

pub(crate) mod types;

use axum::extract::State;
use axum::http::StatusCode;
use chrono::TimeDelta;
use kernel::PriceId;
use llm::prices::{self, listed};
use llm::store;
use llm::usage::Span;
use serde_json::json;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use crate::extract::{Id, InOrganisation, Json, List, permit};
use crate::problem::Problem;
use crate::state::AppState;
use types::{Price, PriceInUse, SetPrice};

pub(crate) fn routes() -> OpenApiRouter<AppState> {
    OpenApiRouter::default()
        .routes(routes!(list_prices, set_price))
        .routes(routes!(list_prices_in_use))
        .routes(routes!(delete_price))
}

/// The prices that hold: the organisation's own, then the list prices, which hold where there is none of its own.
#[utoipa::path(
    get,
    path = "/api/organisations/{organisation}/prices",
    tag = "prices",
    responses((status = 200, body = List<Price>))
)]
async fn list_prices(
    State(app): State<AppState>,
    who: InOrganisation<permit::ModelsRead>,
) -> Result<Json<List<Price>>, Problem> {
    let mut tx = who.begin(&app).await?;
    let own = store::list_prices(&mut tx).await?;
    let prices = own.iter().map(Price::own).chain(listed().iter().map(Price::listed));
    Ok(Json(List::whole(prices.collect())))
}

/// What holds for the models of the organisation's groups, for those that were called in the last 30 days, and for those
/// that it has prices of its own for.
#[utoipa::path(
    get,
    path = "/api/organisations/{organisation}/prices/in-use",
    tag = "prices",
    responses((status = 200, body = List<PriceInUse>))
)]
async fn list_prices_in_use(
    State(app): State<AppState>,
    who: InOrganisation<permit::ModelsRead>,
) -> Result<Json<List<PriceInUse>>, Problem> {
    let until = app.clock.now() + TimeDelta::hours(1);
    let mut tx = who.begin(&app).await?;
    let used = prices::in_use(&mut tx, Span { since: until - TimeDelta::days(30), until }).await?;
    Ok(Json(List::whole(used.into_iter().map(PriceInUse::from).collect())))
}

/// Sets what a provider's model costs.
#[utoipa::path(
    put,
    path = "/api/organisations/{organisation}/prices",
    tag = "prices",
    responses((status = 200, body = Price))
)]
async fn set_price(
    State(app): State<AppState>,
    who: InOrganisation<permit::ModelsWrite>,
    Json(wanted): Json<SetPrice>,
) -> Result<Json<Price>, Problem> {
    let spec = wanted.spec()?;
    let mut tx = who.begin(&app).await?;
    let written = store::upsert_price(&mut tx, &spec).await?;
    let set = store::find_price(&mut tx, written.id).await?;
    if written.change != store::Change::Unchanged {
        let detail = json!({"provider": set.provider, "model": set.model});
        tenancy::audit::record(&mut tx, &who.access.actor, "price.set", &format!("price:{}", set.id), detail).await?;
    }
    tx.commit().await?;
    app.all_in_force().await?;
    Ok(Json(Price::own(&set)))
}

/// Removes a price of the organisation's own: the list price holds again, where there is one.
#[utoipa::path(
    delete,
    path = "/api/organisations/{organisation}/prices/{price}",
    tag = "prices",
    responses((status = 204))
)]
async fn delete_price(
    State(app): State<AppState>,
    who: InOrganisation<permit::ModelsWrite>,
    Id(id): Id<PriceId>,
) -> Result<StatusCode, Problem> {
    let mut tx = who.begin(&app).await?;
    let gone = store::find_price(&mut tx, id).await?;
    let epoch = store::delete_price(&mut tx, id).await?;
    let detail = json!({"provider": gone.provider, "model": gone.model});
    tenancy::audit::record(&mut tx, &who.access.actor, "price.delete", &format!("price:{id}"), detail).await?;
    tx.commit().await?;
    app.in_force(epoch).await?;
    Ok(StatusCode::NO_CONTENT)
}
