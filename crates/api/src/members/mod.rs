//! Who belongs to an organisation, and as what.

pub(crate) mod types;

use axum::http::StatusCode;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use crate::extract::{After, Json, List, Query};
use crate::problem::Problem;
use crate::state::AppState;
use types::{AddMember, ChangeMember, Member};

pub(crate) fn routes() -> OpenApiRouter<AppState> {
    OpenApiRouter::default().routes(routes!(list_members, add_member)).routes(routes!(change_member, remove_member))
}

/// All grants, newest first.
#[utoipa::path(get, path = "/api/organisations/{organisation}/members", tag = "members", params(After), responses((status = 200, body = List<Member>)))]
async fn list_members(Query(_query): Query<After>) -> Result<Json<List<Member>>, Problem> {
    Err(Problem::of_status(StatusCode::NOT_IMPLEMENTED))
}

/// Grants a role to a person, who is made a user when unknown.
#[utoipa::path(post, path = "/api/organisations/{organisation}/members", tag = "members", responses((status = 201, body = Member)))]
async fn add_member(Json(_body): Json<AddMember>) -> Result<(StatusCode, Json<Member>), Problem> {
    Err(Problem::of_status(StatusCode::NOT_IMPLEMENTED))
}

/// Changes the role of a grant.
#[utoipa::path(patch, path = "/api/organisations/{organisation}/members/{member}", tag = "members", responses((status = 200, body = Member)))]
async fn change_member(Json(_body): Json<ChangeMember>) -> Result<Json<Member>, Problem> {
    Err(Problem::of_status(StatusCode::NOT_IMPLEMENTED))
}

/// Takes a grant away. The last owner stays.
#[utoipa::path(delete, path = "/api/organisations/{organisation}/members/{member}", tag = "members", responses((status = 204)))]
async fn remove_member() -> Result<StatusCode, Problem> {
    Err(Problem::of_status(StatusCode::NOT_IMPLEMENTED))
}
