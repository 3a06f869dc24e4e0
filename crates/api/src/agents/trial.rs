use axum::http::StatusCode;

use super::types::Try;
use crate::conversations::types::Accepted;
use crate::extract::Json;
use crate::problem::Problem;

/// Says something to the draft; the answer comes by the conversation's events.
#[utoipa::path(post, path = "/api/organisations/{organisation}/projects/{project}/agents/{agent}/try", tag = "agents", responses((status = 202, body = Accepted)))]
pub(crate) async fn try_agent(Json(_body): Json<Try>) -> Result<(StatusCode, Json<Accepted>), Problem> {
    Err(Problem::of_status(StatusCode::NOT_IMPLEMENTED))
}
