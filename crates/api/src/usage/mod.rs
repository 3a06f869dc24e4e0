//! What model calls came to, the log of them, and how long it is kept.

pub(crate) mod calls;
pub(crate) mod local;
pub(crate) mod types;

use std::time::Duration;

use axum::extract::State;
use chrono::{DateTime, TimeDelta, Utc};
use llm::usage::{self, Span, Step};
use serde_json::json;
use tokio::time::timeout;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use crate::extract::{InOrganisation, Json, Query, permit};
use crate::problem::Problem;
use crate::state::AppState;
use types::{Retention, SetRetention, Steps, Usage, Wanted};

/// How long what was called just now is waited for.
const PATIENCE: Duration = Duration::from_secs(1);
/// What is told where nothing else is asked for, in days.
const DEFAULT_DAYS: i64 = 30;
/// The most steps of a series.
const MOST_STEPS: i64 = 800;

pub(crate) fn routes() -> OpenApiRouter<AppState> {
    OpenApiRouter::default()
        .routes(routes!(read_usage))
        .routes(routes!(read_retention, set_retention))
        .merge(calls::routes())
}

/// What calls came to: all together, by what they are grouped by, and step by step.
#[utoipa::path(
    get,
    path = "/api/organisations/{organisation}/usage",
    tag = "usage",
    params(Wanted),
    responses((status = 200, body = Usage))
)]
async fn read_usage(
    State(app): State<AppState>,
    who: InOrganisation<permit::ModelsRead>,
    Query(wanted): Query<Wanted>,
) -> Result<Json<Usage>, Problem> {
    let span = span(&wanted, app.clock.now())?;
    let by = wanted.by.map(Into::into);
    catch_up(&app).await;
    let mut tx = who.begin(&app).await?;
    let spent = usage::spent(&mut tx, span, by).await?;
    let series = usage::series(&mut tx, span, by, step(&wanted, span)?).await?;
    let reserved = usage::reserved(&mut tx).await?;
    Ok(Json(Usage::new(span, spent, series, reserved, app.usage.dropped())))
}

/// For how long the log of calls is kept.
#[utoipa::path(
    get,
    path = "/api/organisations/{organisation}/usage/retention",
    tag = "usage",
    responses((status = 200, body = Retention))
)]
async fn read_retention(
    State(app): State<AppState>,
    who: InOrganisation<permit::ModelsRead>,
) -> Result<Json<Retention>, Problem> {
    let mut tx = who.begin(&app).await?;
    let keep_days = usage::keep_days(&mut tx).await?;
    Ok(Json(Retention { keep_days, at_most: app.usage_keep_days }))
}

/// Keeps the log of calls for so many days; sums are kept.
#[utoipa::path(
    put,
    path = "/api/organisations/{organisation}/usage/retention",
    tag = "usage",
    responses((status = 200, body = Retention))
)]
async fn set_retention(
    State(app): State<AppState>,
    who: InOrganisation<permit::ModelsWrite>,
    Json(wanted): Json<SetRetention>,
) -> Result<Json<Retention>, Problem> {
    let mut tx = who.begin(&app).await?;
    usage::set_keep_days(&mut tx, wanted.keep_days).await?;
    let detail = json!({"keep_days": wanted.keep_days});
    tenancy::audit::record(&mut tx, &who.access.actor, "usage_retention.set", "usage_retention", detail).await?;
    tx.commit().await?;
    Ok(Json(Retention { keep_days: wanted.keep_days, at_most: app.usage_keep_days }))
}

/// Has this node's calls written down; where the database is slow, what stands there is told.
async fn catch_up(app: &AppState) {
    match timeout(PATIENCE, app.usage.flush_now()).await {
        Ok(Ok(())) => (),
        Ok(Err(error)) => tracing::warn!(%error, "the latest model calls are not told yet"),
        Err(_) => tracing::warn!("the latest model calls are not told yet: writing takes long"),
    }
}

fn span(wanted: &Wanted, now: DateTime<Utc>) -> Result<Span, Problem> {
    let until = wanted.until.unwrap_or(now + TimeDelta::hours(1));
    let since = wanted.since.unwrap_or(until - TimeDelta::days(DEFAULT_DAYS));
    if since >= until {
        return Err(Problem::invalid("`since` lies before `until`"));
    }
    Ok(Span { since, until })
}

/// Where nothing is said: days, for less than three days hours.
fn step(wanted: &Wanted, span: Span) -> Result<Step, Problem> {
    let long = span.until - span.since;
    let (step, steps) = match wanted.step {
        Some(Steps::Hour) => (Step::Hour, long.num_hours()),
        Some(Steps::Day) => (Step::Day, long.num_days()),
        None if long.num_days() < 3 => (Step::Hour, long.num_hours()),
        None => (Step::Day, long.num_days()),
    };
    if steps > MOST_STEPS {
        return Err(Problem::invalid(format!("a series has at most {MOST_STEPS} steps")));
    }
    Ok(step)
}
