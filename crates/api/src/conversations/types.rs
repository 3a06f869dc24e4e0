use chrono::{DateTime, Utc};
use kernel::{AgentId, ConnectionId, ContactId, ConversationId, MessageId, RunId};
use serde::{Deserialize, Serialize};
use serde_json::Value;
use utoipa::{IntoParams, ToSchema};

#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct Conversation {
    #[schema(value_type = Uuid)]
    pub id: ConversationId,
    /// The beginning of its first message.
    pub title: String,
    pub channel: String,
    pub agent: Option<ConversationAgent>,
    pub contact: Option<ConversationContact>,
    pub last_message_at: DateTime<Utc>,
    pub created_at: DateTime<Utc>,
}

#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct ConversationAgent {
    #[schema(value_type = Uuid)]
    pub id: AgentId,
    pub name: String,
}

#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct ConversationContact {
    #[schema(value_type = Uuid)]
    pub id: ContactId,
    pub display_name: String,
}

#[derive(Debug, Default, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub(crate) struct ConversationFilter {
    /// Words that the conversation must contain.
    pub search: Option<String>,
    #[param(value_type = Option<Uuid>)]
    pub agent: Option<AgentId>,
    #[param(value_type = Option<Uuid>)]
    pub connection: Option<ConnectionId>,
    /// `next` of the page before.
    pub after: Option<String>,
    #[param(minimum = 1, maximum = 200)]
    pub limit: Option<u16>,
}

/// One message of a conversation, as a list shows it and as the event `message` carries it.
#[derive(Clone, Debug, PartialEq, Serialize, ToSchema)]
pub(crate) struct Message {
    /// The place in the conversation; an answer has the number of the message it answers.
    pub seq: i64,
    #[schema(value_type = Uuid)]
    pub id: MessageId,
    pub direction: Direction,
    /// Empty while the answer is being made.
    pub text: String,
    pub at: DateTime<Utc>,
    /// Of outbound messages.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub state: Option<MessageState>,
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Uuid, required = false)]
    pub run_id: Option<RunId>,
    /// Of inbound messages: who wrote it.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub sender: Option<MessageSender>,
    pub body: Value,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Direction {
    Inbound,
    Outbound,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub(crate) enum MessageState {
    /// The answer is being made.
    Thinking,
    /// The answer is on its way.
    Sent,
    /// The channel has confirmed it.
    Confirmed,
    /// Given up; see the dead letters.
    Failed,
    /// The run ended without anything to say.
    Dropped,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, ToSchema)]
pub(crate) struct MessageSender {
    pub id: String,
    pub name: String,
}

#[derive(Debug, Default, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub(crate) struct Before {
    /// Only messages with a smaller `seq`: `next` of the page before.
    pub before: Option<i64>,
    #[param(minimum = 1, maximum = 200)]
    pub limit: Option<u16>,
}

/// The receipt for a message that is stored and will be answered.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct Accepted {
    #[schema(value_type = Uuid)]
    pub conversation: ConversationId,
    pub seq: i64,
}

/// Data of the event `text`: a piece of an answer while it is being made. A later attempt replaces an earlier one's text.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct TextDelta {
    pub seq: i64,
    pub attempt: u32,
    /// Where in the answer `text` goes, in bytes of UTF-8; 0 begins it.
    pub offset: u64,
    pub text: String,
}

impl From<channels::conversation::Conversation> for Conversation {
    fn from(found: channels::conversation::Conversation) -> Self {
        Self {
            id: found.id,
            title: found.title,
            channel: found.channel,
            agent: found.agent.map(|agent| ConversationAgent { id: agent.id, name: agent.name }),
            contact: found.contact.map(|contact| ConversationContact { id: contact.id, display_name: contact.name }),
            last_message_at: found.last_message_at,
            created_at: found.created_at,
        }
    }
}

impl From<channels::ingress::Placed> for Accepted {
    fn from(placed: channels::ingress::Placed) -> Self {
        Self { conversation: placed.conversation, seq: placed.seq }
    }
}
