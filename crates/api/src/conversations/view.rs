//! The engine's transcript as messages.

use durable::{Entry, EntryReply, ReplyState};
use kernel::MessageId;
use serde_json::{Value, json};

use super::types::{Direction, Message, MessageSender, MessageState};

/// For whom a message is shown.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Audience {
    /// The organisation's own people: everything there is.
    Members,
    /// The visitor of a web chat: what was said, and nothing about how.
    Visitor,
}

/// What an entry is to its reader: the message, and the answer where one was asked for.
pub(crate) fn messages(entry: &Entry, audience: Audience) -> impl Iterator<Item = Message> {
    [Some(inbound(entry, audience)), outbound(entry, audience)].into_iter().flatten()
}

pub(crate) fn inbound(entry: &Entry, audience: Audience) -> Message {
    let members = audience == Audience::Members;
    Message {
        seq: entry.seq,
        id: entry.message,
        direction: Direction::Inbound,
        text: entry.text.clone(),
        at: entry.received_at,
        state: None,
        run_id: None,
        sender: sender(&entry.body).filter(|_| members),
        body: if members { entry.body.clone() } else { known_to_visitor(&entry.body) },
    }
}

/// The answer as far as it has come; `None` where nobody waits for one.
pub(crate) fn outbound(entry: &Entry, audience: Audience) -> Option<Message> {
    let reply = entry.reply.as_ref()?;
    Some(answer(entry.seq, entry.message, reply, audience))
}

fn answer(seq: i64, id: MessageId, reply: &EntryReply, audience: Audience) -> Message {
    Message {
        seq,
        id,
        direction: Direction::Outbound,
        text: reply.text.clone().unwrap_or_default(),
        at: reply.confirmed_at.unwrap_or(reply.created_at),
        state: Some(match reply.state {
            ReplyState::Thinking => MessageState::Thinking,
            ReplyState::Sent => MessageState::Sent,
            ReplyState::Confirmed => MessageState::Confirmed,
            ReplyState::Failed => MessageState::Failed,
            ReplyState::Dropped => MessageState::Dropped,
        }),
        run_id: reply.run.filter(|_| audience == Audience::Members),
        sender: None,
        body: reply.body.clone(),
    }
}

/// The client's own id of what it said, where members find it too.
fn known_to_visitor(body: &Value) -> Value {
    match body.pointer("/metadata/provider_id") {
        Some(id) => json!({"metadata": {"provider_id": id}}),
        None => Value::Null,
    }
}

fn sender(body: &Value) -> Option<MessageSender> {
    let sender = body.get("sender")?;
    let text = |field: &str| sender.get(field).and_then(Value::as_str).map(str::to_owned);
    let id = text("id")?;
    Some(MessageSender { name: text("display_name").unwrap_or_else(|| id.clone()), id })
}
