//! What an agent remembers of a conversation while it answers: its last messages, as far as they fit. Pure.

use std::collections::HashMap;

use channels::amendment::Amendment;
use durable::{Entry, ReplyState};
use kernel::MessageId;
use llm::ChatMessage;

/// How many messages of the conversation are remembered, said and answered, the one to answer not counted.
pub(crate) const MAX_MESSAGES: usize = 20;
/// How many tokens they may take, by a cautious estimate.
const MAX_TOKENS: usize = 24_000;

/// What people made of messages after they had sent them.
pub(crate) type Amendments = HashMap<MessageId, Amendment>;

/// The conversation so far, oldest first: `entries` with their corrections, cut to the newest that fit.
pub(crate) fn remember(entries: Vec<Entry>, amendments: &Amendments) -> Vec<ChatMessage> {
    let said: Vec<ChatMessage> = entries.into_iter().flat_map(|entry| messages(entry, amendments)).collect();
    let mut tokens = 0;
    let kept = said
        .iter()
        .rev()
        .take(MAX_MESSAGES)
        .take_while(|message| {
            tokens += estimate(message);
            tokens <= MAX_TOKENS
        })
        .count();
    let mut kept: Vec<ChatMessage> = said.into_iter().rev().take(kept).collect();
    kept.reverse();
    // A conversation begins with a person: providers refuse one that begins with the model's own words.
    let first = kept.iter().position(|message| matches!(message, ChatMessage::User { .. })).unwrap_or(kept.len());
    kept.split_off(first)
}

fn messages(entry: Entry, amendments: &Amendments) -> Vec<ChatMessage> {
    let text = match amendments.get(&entry.message) {
        Some(Amendment { text: None, .. }) => return Vec::new(),
        Some(Amendment { text: Some(corrected), .. }) => corrected.clone(),
        None => entry.text,
    };
    let user = (!text.trim().is_empty()).then(|| ChatMessage::user(text));
    let answer = entry
        .reply
        .filter(|reply| !matches!(reply.state, ReplyState::Failed | ReplyState::Dropped))
        .and_then(|reply| reply.text)
        .filter(|text| !text.trim().is_empty())
        .map(ChatMessage::assistant);
    user.into_iter().chain(answer).collect()
}

/// Three bytes a token is on the cautious side for European languages and about right for others.
fn estimate(message: &ChatMessage) -> usize {
    let bytes = match message {
        ChatMessage::User { content } | ChatMessage::Tool { content, .. } => content.text().len(),
        ChatMessage::Assistant { text, .. } => text.len(),
    };
    bytes / 3 + 8
}

#[cfg(test)]
mod tests {
    use chrono::DateTime;
    use durable::EntryReply;
    use serde_json::Value;

    use super::*;

    fn entry(seq: i64, text: &str, reply: Option<(&str, ReplyState)>) -> Entry {
        Entry {
            seq,
            message: MessageId::from_uuid(uuid::Uuid::from_u128(u128::try_from(seq).unwrap())),
            text: text.to_owned(),
            body: Value::Null,
            received_at: DateTime::UNIX_EPOCH,
            reply: reply.map(|(text, state)| EntryReply {
                text: Some(text.to_owned()),
                body: Value::Null,
                state,
                run: None,
                provider_id: None,
                created_at: DateTime::UNIX_EPOCH,
                confirmed_at: None,
                last_error: None,
            }),
        }
    }

    fn remembered(entries: Vec<Entry>, amendments: &Amendments) -> Vec<String> {
        remember(entries, amendments)
            .into_iter()
            .map(|message| match message {
                ChatMessage::User { content } => format!("user: {}", content.text()),
                ChatMessage::Assistant { text, .. } => format!("agent: {text}"),
                ChatMessage::Tool { .. } => "tool".to_owned(),
            })
            .collect()
    }

    #[test]
    fn corrections_replace_withdrawals_drop_and_undelivered_answers_were_never_said() {
        let entries = vec![
            entry(1, "hi", Some(("hello", ReplyState::Confirmed))),
            entry(2, "wrong", Some(("to wrong", ReplyState::Sent))),
            entry(3, "secret", Some(("to secret", ReplyState::Confirmed))),
            entry(4, "lost?", Some(("lost", ReplyState::Failed))),
        ];
        let amended = |text: Option<&str>| Amendment { at: DateTime::UNIX_EPOCH, text: text.map(str::to_owned) };
        let amendments =
            HashMap::from([(entries[1].message, amended(Some("right"))), (entries[2].message, amended(None))]);
        assert_eq!(
            remembered(entries, &amendments),
            ["user: hi", "agent: hello", "user: right", "agent: to wrong", "user: lost?"]
        );
    }

    #[test]
    fn only_the_last_messages_are_remembered_and_they_begin_with_a_person() {
        let entries = (0..30).map(|n| entry(n, &format!("q{n}"), Some(("a", ReplyState::Confirmed)))).collect();
        let kept = remembered(entries, &Amendments::new());
        assert_eq!(kept.len(), MAX_MESSAGES);
        assert_eq!(kept[0], "user: q20");

        let entries = vec![entry(1, "q1", Some(("a1", ReplyState::Confirmed))), entry(2, &"x".repeat(71_950), None)];
        assert_eq!(remembered(entries, &Amendments::new()).len(), 1, "the answer alone would begin the conversation");
    }
}
