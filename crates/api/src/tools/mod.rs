//! What agents may be given to work with.

pub(crate) mod types;

use axum::extract::State;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use crate::extract::{Belonging, InOrganisation, Json, List};
use crate::problem::Problem;
use crate::state::AppState;
use types::Tool;

pub(crate) fn routes() -> OpenApiRouter<AppState> {
    OpenApiRouter::default().routes(routes!(list_tools))
}

/// The catalogue of tools.
#[utoipa::path(
    get,
    path = "/api/organisations/{organisation}/tools",
    tag = "tools",
    responses((status = 200, body = List<Tool>))
)]
async fn list_tools(State(app): State<AppState>, _who: InOrganisation<Belonging>) -> Result<Json<List<Tool>>, Problem> {
    let tools = app.tools.iter().map(|tool| Tool {
        name: tool.name().to_owned(),
        title: tool.title().to_owned(),
        description: tool.description().to_owned(),
        parameters: tool.parameters(),
    });
    Ok(Json(List::whole(tools.collect())))
}
