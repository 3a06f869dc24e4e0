use kernel::MessageId;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

/// Who answers on a web chat.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct WebChat {
    pub agent: WebChatAgent,
    pub title: String,
}

#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct WebChatAgent {
    pub name: String,
    pub role: String,
    pub icon: String,
    pub greeting: String,
}

#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct Visitor {
    /// The bearer for this visitor's calls.
    pub visitor_token: String,
}

#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct SendMessage {
    /// Made by the client; sending it twice has the effect of once.
    #[schema(value_type = Uuid)]
    pub id: MessageId,
    pub text: String,
}
