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
    #[schema(max_length = 100)]
    pub id: String,
    pub text: String,
}

impl From<&channels::ingress::WebChat> for WebChat {
    fn from(chat: &channels::ingress::WebChat) -> Self {
        let agent = chat.agent.clone();
        Self {
            title: chat.settings.title.clone().unwrap_or_else(|| agent.name.clone()),
            agent: WebChatAgent {
                name: agent.name,
                role: agent.role.unwrap_or_default(),
                icon: agent.icon.unwrap_or_default(),
                greeting: agent.greeting.unwrap_or_default(),
            },
        }
    }
}
