use std::fmt;

use chrono::{DateTime, Utc};
use kernel::{AgentId, ConnectionId, ConversationId, MessageId, ProjectId, TenantId};
use serde::{Deserialize, Serialize};

/// Which channel a thing belongs to: the name in tables, URLs and configuration files.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum ChannelKind {
    Slack,
    Web,
}

impl ChannelKind {
    pub const ALL: [Self; 2] = [Self::Slack, Self::Web];

    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Slack => "slack",
            Self::Web => "web",
        }
    }

    /// The kind of that name, `None` for a channel this build does not have.
    pub fn from_name(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|kind| kind.as_str() == name)
    }
}

impl fmt::Display for ChannelKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// What somebody said to an agent, the same for every channel: the body of an inbox row and the input of a turn.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Message {
    pub id: MessageId,
    pub tenant: TenantId,
    pub project: ProjectId,
    pub agent: AgentId,
    /// `None` in a try-it chat of the portal, which needs no connection.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub connection: Option<ConnectionId>,
    pub conversation: ConversationId,
    pub channel: ChannelKind,
    #[serde(default)]
    pub metadata: ChannelMetadata,
    pub sender: MessageSender,
    pub content: Content,
    /// When it was said, by the channel's clock.
    pub at: DateTime<Utc>,
    /// The thread it stands in, in the channel's own terms.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub thread: Option<String>,
    /// The channel's id of the message it answers.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reply_to: Option<String>,
    #[serde(default)]
    pub context: MessageContext,
    /// It is for the agent's draft, not for the published version.
    #[serde(default, skip_serializing_if = "is_false")]
    pub draft: bool,
}

/// Where on the channel a message was said. What a channel does not have is absent.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct ChannelMetadata {
    /// The installation's own name: Slack's workspace, a page, a phone number's id.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub workspace: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub app: Option<String>,
    /// The room within the installation: Slack's channel.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub room: Option<String>,
    /// The channel's own id of this message: Slack's `ts`, the web client's message id.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub provider_id: Option<String>,
}

/// Who said it, as the channel knows them.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct MessageSender {
    pub id: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub display_name: Option<String>,
    #[serde(default, skip_serializing_if = "is_false")]
    pub is_bot: bool,
}

#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Content {
    /// Plain text: mentions of the agent removed, the channel's markup and entities decoded.
    pub text: String,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub attachments: Vec<Attachment>,
}

/// A file that came with a message; its bytes are still with the channel.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Attachment {
    pub id: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub name: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub media_type: Option<String>,
    /// In bytes, as the channel claims.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub size: Option<u64>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub url: Option<String>,
}

/// Under which circumstances it was said.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct MessageContext {
    /// Nobody but the sender and the agent is there.
    #[serde(default, skip_serializing_if = "is_false")]
    pub direct: bool,
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde's skip_serializing_if passes a reference")]
fn is_false(value: &bool) -> bool {
    !*value
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_kind_is_found_by_its_name() {
        for kind in ChannelKind::ALL {
            assert_eq!(ChannelKind::from_name(kind.as_str()), Some(kind));
            assert_eq!(serde_json::to_value(kind).unwrap(), kind.as_str());
        }
        assert_eq!(ChannelKind::from_name("pigeon"), None);
    }

    #[test]
    fn a_message_survives_its_trip_through_the_inbox() {
        let message = Message {
            id: MessageId::new(),
            tenant: TenantId::new(),
            project: ProjectId::new(),
            agent: AgentId::new(),
            connection: Some(ConnectionId::new()),
            conversation: ConversationId::new(),
            channel: ChannelKind::Slack,
            metadata: ChannelMetadata { workspace: Some("T1".into()), ..ChannelMetadata::default() },
            sender: MessageSender { id: "U1".into(), display_name: None, is_bot: false },
            content: Content { text: "hello".into(), attachments: Vec::new() },
            at: DateTime::UNIX_EPOCH,
            thread: Some("1.2".into()),
            reply_to: None,
            context: MessageContext { direct: true },
            draft: false,
        };
        let body = serde_json::to_value(&message).unwrap();
        assert_eq!(body.get("draft"), None, "what is not the case takes no room");
        assert_eq!(serde_json::from_value::<Message>(body).unwrap(), message);
    }
}
