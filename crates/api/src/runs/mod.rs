//! Runs and their steps.

pub(crate) mod types;

use axum::extract::State;
use kernel::RunId;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use crate::conversations;
use crate::extract::{Id, InProject, Json, permit};
use crate::problem::Problem;
use crate::state::AppState;
use types::Run;

pub(crate) fn routes() -> OpenApiRouter<AppState> {
    OpenApiRouter::default().routes(routes!(run))
}

/// One run with all its steps.
#[utoipa::path(
    get,
    path = "/api/organisations/{organisation}/projects/{project}/runs/{run}",
    tag = "runs",
    responses((status = 200, body = Run))
)]
async fn run(
    State(app): State<AppState>,
    who: InProject<permit::ConversationsRead>,
    Id(run): Id<RunId>,
) -> Result<Json<Run>, Problem> {
    let mut tx = who.begin(&app).await?;
    let found = durable::find_run(&mut tx, run).await?.ok_or_else(Problem::not_found)?;
    let conversation = conversations::find(&mut tx, &who, found.lane).await?;
    Ok(Json(Run::new(found, conversation.agent)))
}
