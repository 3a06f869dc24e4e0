use chrono::{DateTime, Days, Utc};
use durable::{Arrival, DedupKey, Engine, Receipt, ReplyTo};
use kernel::{AgentId, ConnectionId, ConversationId, LaneId, MessageId, ProjectId, TenantId, UserId};
use uuid::Uuid;

use super::{Visitor, Web};
use crate::store::{conversation, message};
use crate::{ChannelKind, ChannelMetadata, Content, Error, Message, MessageContext, MessageSender, TURN};

/// Longer than anybody types, shorter than what fills a model's window.
const LONGEST_TEXT: usize = 32_000;
const LONGEST_ID: usize = 100;

/// Where a message stands in its conversation.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Placed {
    pub conversation: ConversationId,
    pub seq: i64,
    /// It was there already: the client sent it twice.
    pub duplicate: bool,
}

/// What somebody of the organisation says to an agent's draft.
#[derive(Clone, Debug)]
pub struct TryMessage<'a> {
    pub tenant: TenantId,
    pub project: ProjectId,
    pub agent: AgentId,
    pub user: UserId,
    /// The conversation it goes on with; `None` begins one.
    pub conversation: Option<ConversationId>,
    /// The client's own id of it.
    pub id: &'a str,
    pub text: &'a str,
}

impl Web {
    /// Lets somebody new in: the visitor, and the token that proves it from now on.
    pub(crate) async fn welcome(&self, connection: ConnectionId) -> Result<(Visitor, String), Error> {
        let chat = self.chat(connection).await?;
        let visitor = Visitor { tenant: chat.tenant, connection, id: Uuid::now_v7() };
        Ok((visitor, self.tokens.issue(&visitor, self.clock.now())))
    }

    /// Whose token it is.
    pub(crate) async fn visitor(&self, connection: ConnectionId, token: &str) -> Result<Visitor, Error> {
        let visitor = self.tokens.read(token, connection, self.clock.now()).ok_or(Error::NotVisitor)?;
        // A token outlives neither its connection nor its organisation's good standing.
        self.chat(connection).await?;
        Ok(visitor)
    }

    /// Takes what a visitor says.
    pub(crate) async fn say(
        &self,
        engine: &Engine,
        visitor: &Visitor,
        (id, text): (&str, &str),
    ) -> Result<Placed, Error> {
        let chat = self.chat(visitor.connection).await?;
        let from = Speaker {
            project: chat.connection.project,
            agent: chat.connection.agent,
            connection: Some(visitor.connection),
            conversation: visitor.conversation(),
            sender: format!("visitor:{}", visitor.id),
        };
        let message = from.message(visitor.tenant, (id, text), self.clock.now())?;
        self.accept(engine, &message).await
    }

    /// Takes what somebody of the organisation says to a draft. They look at the conversation at once, so it is begun
    /// here and does not wait for its first turn.
    pub(crate) async fn try_out(&self, engine: &Engine, said: &TryMessage<'_>) -> Result<Placed, Error> {
        let conversation = match said.conversation {
            None => LaneId::derive(said.agent.as_uuid(), &format!("try:{}:{}", said.user, said.id)),
            Some(conversation) => {
                let mut tx = self.db.tenant(said.tenant).await?;
                if !message::is_trial_of(&mut tx, conversation, said.agent).await? {
                    return Err(Error::NotFound);
                }
                conversation
            }
        };
        let from = Speaker {
            project: said.project,
            agent: said.agent,
            connection: None,
            conversation,
            sender: format!("user:{}", said.user),
        };
        let message = from.message(said.tenant, (said.id, said.text), self.clock.now())?;
        let placed = self.accept(engine, &message).await?;
        let mut tx = self.db.tenant(said.tenant).await?;
        conversation::begin(&mut tx, &message).await?;
        tx.commit().await?;
        Ok(placed)
    }

    async fn accept(&self, engine: &Engine, said: &Message) -> Result<Placed, Error> {
        let (tenant, conversation) = (said.tenant, said.conversation);
        let id = said.metadata.provider_id.as_deref().unwrap_or_default();
        match engine.accept(arrival(said, id)?).await? {
            Receipt::Accepted { seq } => Ok(Placed { conversation, seq, duplicate: false }),
            Receipt::Duplicate => {
                let mut tx = self.db.tenant(tenant).await?;
                let seq = message::find_seq(&mut tx, conversation, id).await?.ok_or(Error::NotFound)?;
                Ok(Placed { conversation, seq, duplicate: true })
            }
        }
    }
}

/// Who says it, and to whom.
struct Speaker {
    project: ProjectId,
    agent: AgentId,
    connection: Option<ConnectionId>,
    conversation: ConversationId,
    sender: String,
}

impl Speaker {
    fn message(self, tenant: TenantId, (id, text): (&str, &str), now: DateTime<Utc>) -> Result<Message, Error> {
        let text = text.trim();
        if text.is_empty() || text.chars().count() > LONGEST_TEXT {
            return Err(Error::Invalid(format!("text must have 1 to {LONGEST_TEXT} characters")));
        }
        if id.is_empty() || id.len() > LONGEST_ID {
            return Err(Error::Invalid(format!("id must have 1 to {LONGEST_ID} characters")));
        }
        Ok(Message {
            id: MessageId::new(),
            tenant,
            project: self.project,
            agent: self.agent,
            connection: self.connection,
            conversation: self.conversation,
            channel: ChannelKind::Web,
            metadata: ChannelMetadata { provider_id: Some(id.to_owned()), ..ChannelMetadata::default() },
            sender: MessageSender { id: self.sender, display_name: None, is_bot: false },
            content: Content { text: text.to_owned(), attachments: Vec::new() },
            at: now,
            thread: None,
            reply_to: None,
            context: MessageContext { direct: true },
            draft: self.connection.is_none(),
        })
    }
}

fn arrival(said: &Message, id: &str) -> Result<Arrival, Error> {
    Ok(Arrival {
        tenant: said.tenant,
        project: said.project,
        lane: said.conversation,
        message: said.id,
        program: TURN,
        dedup: dedup(said.conversation, id, said.at),
        text: said.content.text.clone(),
        body: serde_json::to_value(said).map_err(|_| Error::Malformed("it cannot be stored"))?,
        reply: Some(ReplyTo {
            channel: ChannelKind::Web.as_str(),
            // The row wants one; in a trial, where there is none, the agent stands in its place.
            connection: said.connection.unwrap_or_else(|| ConnectionId::from_uuid(said.agent.as_uuid())),
            target: serde_json::Value::Object(serde_json::Map::new()),
        }),
    })
}

/// A client's id comes with no time that every retry agrees upon, so it is filed under today and yesterday: a retry
/// within a day meets it, whenever midnight falls.
fn dedup(conversation: ConversationId, id: &str, now: DateTime<Utc>) -> Vec<DedupKey> {
    let name = format!("web {id}");
    [0, 1]
        .into_iter()
        .filter_map(|days| now.checked_sub_days(Days::new(days)))
        .map(|day| DedupKey::new(conversation.as_uuid(), &name, day))
        .collect()
}

#[cfg(test)]
mod tests {
    use chrono::TimeDelta;

    use super::*;

    #[test]
    fn a_retry_within_a_day_is_known_on_either_side_of_midnight() {
        let lane = LaneId::derive(Uuid::nil(), "v");
        let now = DateTime::from_timestamp(1_700_000_000, 0).unwrap();
        let meets = |later: TimeDelta| {
            let (first, again) = (dedup(lane, "m1", now), dedup(lane, "m1", now + later));
            first.iter().any(|key| again.contains(key))
        };
        assert!(meets(TimeDelta::zero()) && meets(TimeDelta::hours(2)) && meets(TimeDelta::hours(24)));
        assert_ne!(dedup(lane, "m1", now), dedup(lane, "m2", now));
    }
}
