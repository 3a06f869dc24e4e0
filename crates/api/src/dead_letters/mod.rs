//! What could not be done: inspected, replayed, dismissed.

pub(crate) mod types;

use axum::extract::State;
use axum::http::StatusCode;
use kernel::DeadLetterId;
use serde_json::json;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use crate::extract::{After, Id, InProject, Json, List, Query, permit};
use crate::problem::Problem;
use crate::state::AppState;
use types::DeadLetter;

pub(crate) fn routes() -> OpenApiRouter<AppState> {
    OpenApiRouter::default()
        .routes(routes!(list_dead_letters))
        .routes(routes!(replay_dead_letter))
        .routes(routes!(dismiss_dead_letter))
}

/// What could not be done, newest first.
#[utoipa::path(
    get,
    path = "/api/organisations/{organisation}/projects/{project}/dead-letters",
    tag = "dead letters",
    params(After),
    responses((status = 200, body = List<DeadLetter>))
)]
async fn list_dead_letters(
    State(app): State<AppState>,
    who: InProject<permit::ConversationsRead>,
    Query(after): Query<After>,
) -> Result<Json<List<DeadLetter>>, Problem> {
    let mut tx = who.begin(&app).await?;
    let page = durable::list_dead_letters(&mut tx, who.project, &after.page()?).await?;
    Ok(Json(List::of(page, DeadLetter::from)))
}

/// Has it done again: a run as a new message of its conversation, a reply by sending it once more.
#[utoipa::path(
    post,
    path = "/api/organisations/{organisation}/projects/{project}/dead-letters/{letter}/replay",
    tag = "dead letters",
    responses((status = 202))
)]
async fn replay_dead_letter(
    State(app): State<AppState>,
    who: InProject<permit::ConversationsWrite>,
    Id(letter): Id<DeadLetterId>,
) -> Result<StatusCode, Problem> {
    let mut tx = who.begin(&app).await?;
    if !durable::has_dead_letter(&mut tx, who.project, letter).await? {
        return Err(Problem::not_found());
    }
    if !durable::replay_dead_letter(&app.engine, &mut tx, letter).await? {
        return Err(Problem::conflict("it was replayed before"));
    }
    let object = format!("dead_letter:{letter}");
    tenancy::audit::record(&mut tx, &who.access.actor, "dead_letter.replay", &object, json!({})).await?;
    tx.commit().await?;
    Ok(StatusCode::ACCEPTED)
}

/// Lets it be.
#[utoipa::path(
    delete,
    path = "/api/organisations/{organisation}/projects/{project}/dead-letters/{letter}",
    tag = "dead letters",
    responses((status = 204))
)]
async fn dismiss_dead_letter(
    State(app): State<AppState>,
    who: InProject<permit::ConversationsWrite>,
    Id(letter): Id<DeadLetterId>,
) -> Result<StatusCode, Problem> {
    let mut tx = who.begin(&app).await?;
    if !durable::has_dead_letter(&mut tx, who.project, letter).await? {
        return Err(Problem::not_found());
    }
    durable::dismiss_dead_letter(&mut tx, letter).await?;
    let object = format!("dead_letter:{letter}");
    tenancy::audit::record(&mut tx, &who.access.actor, "dead_letter.dismiss", &object, json!({})).await?;
    tx.commit().await?;
    Ok(StatusCode::NO_CONTENT)
}
