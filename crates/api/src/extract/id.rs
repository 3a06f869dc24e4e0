use axum::extract::{FromRequestParts, RawPathParams};
use axum::http::request::Parts;
use kernel::{
    AgentId, ApiKeyId, BudgetId, ConnectionId, ConversationId, DeadLetterId, InvitationId, MemberId, ModelCallId,
    ModelGroupId, PriceId, ProjectId, ProviderId, RunId, TenantId, VirtualKeyId,
};
use std::str::FromStr;

use crate::problem::Problem;

/// An id from the path, found by the name its type has there. What is no id names nothing: 404.
pub(crate) struct Id<T>(pub T);

/// The parameter's name in our paths.
pub(crate) trait InPath: FromStr + Send {
    const NAME: &'static str;
}

macro_rules! in_path {
    ($($id:ty => $name:literal),* $(,)?) => {$(
        impl InPath for $id {
            const NAME: &'static str = $name;
        }
    )*};
}

in_path! {
    TenantId => "organisation",
    ProjectId => "project",
    MemberId => "member",
    InvitationId => "invitation",
    ApiKeyId => "key",
    ProviderId => "provider",
    ModelGroupId => "group",
    PriceId => "price",
    ModelCallId => "call",
    VirtualKeyId => "virtual_key",
    BudgetId => "budget",
    AgentId => "agent",
    ConnectionId => "connection",
    ConversationId => "conversation",
    RunId => "run",
    DeadLetterId => "letter",
}

impl<T: InPath, S: Send + Sync> FromRequestParts<S> for Id<T> {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, Problem> {
        let params = RawPathParams::from_request_parts(parts, state).await.map_err(|_| Problem::not_found())?;
        let found = params.iter().find(|(name, _)| *name == T::NAME).and_then(|(_, text)| text.parse().ok());
        found.map(Self).ok_or_else(Problem::not_found)
    }
}
