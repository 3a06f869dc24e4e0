use axum::extract::State;
use axum::http::StatusCode;
use channels::ingress::TryMessage;
use kernel::{AgentId, UserId};
use tenancy::{Actor, Permission};

use super::find;
use super::types::Try;
use crate::conversations::types::Accepted;
use crate::extract::{Id, InProject, Json, permit};
use crate::problem::Problem;
use crate::state::AppState;

/// Says something to the draft; the answer comes by the conversation's events. Sent twice with one id, it is said once.
#[utoipa::path(
    post,
    path = "/api/organisations/{organisation}/projects/{project}/agents/{agent}/try",
    tag = "agents",
    responses((status = 202, body = Accepted))
)]
pub(crate) async fn try_agent(
    State(app): State<AppState>,
    who: InProject<permit::ConversationsWrite>,
    Id(agent): Id<AgentId>,
    Json(said): Json<Try>,
) -> Result<(StatusCode, Json<Accepted>), Problem> {
    who.access.require(Permission::AgentsRead, Some(who.project))?;
    let mut tx = who.begin(&app).await?;
    find(&mut tx, &who, agent).await?;
    drop(tx);
    let message = TryMessage {
        tenant: who.access.tenant.tenant,
        project: who.project,
        agent,
        user: speaker(who.access.actor),
        conversation: said.conversation,
        id: &said.id,
        text: &said.text,
    };
    Ok((StatusCode::ACCEPTED, Json(app.channels.try_message(&message).await?.into())))
}

/// Who says it: a key speaks for itself.
fn speaker(actor: Actor) -> UserId {
    match actor {
        Actor::User { user, .. } | Actor::Operator { user } => user,
        Actor::Key { key } => key.as_uuid().into(),
        Actor::System => UserId::from_uuid(uuid::Uuid::nil()),
    }
}
