//! A reply's way out: a placeholder in the thread at once, updated with the answer; further parts behind it.
//!
//! Every post carries metadata that names the message it answers and the part it is, so that a post whose answer was
//! lost is found again (docs.slack.dev/messaging/message-metadata).

use std::sync::Arc;
use std::sync::atomic::Ordering;

use async_trait::async_trait;
use durable::{Answer, Part, Reply, SendError, Sender};
use infra::Egress;
use kernel::{Clock, MessageId};
use serde::{Deserialize, Serialize};
use serde_json::Value;
use url::Url;

use super::installation::{Installation, Installations};
use super::render;
use super::wire::{self, CallError, Caller, Repeat, send_error};
use crate::{ChannelKind, Error};

const EVENT_TYPE: &str = "konstruct_reply";
/// Slack's page size, and how many pages of one thread are looked through for a lost post.
const PAGE: &str = "200";
const PAGES: usize = 50;
/// To this many characters a part is cut that Slack refuses for its length.
const SHORT: usize = 2_500;

/// Where a reply goes: the row of the outbox holds it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Target {
    pub(crate) channel: String,
    pub(crate) thread_ts: String,
    /// The message that is answered; every post of ours is later.
    pub(crate) ts: String,
}

impl Target {
    pub(crate) fn into_value(self) -> Value {
        serde_json::json!({"channel": self.channel, "thread_ts": self.thread_ts, "ts": self.ts})
    }

    fn read(reply: &Reply) -> Result<Self, SendError> {
        Self::deserialize(&reply.target)
            .map_err(|_| SendError::Permanent { reason: "the reply names no place on Slack".into(), revoked: false })
    }
}

pub(crate) struct SlackSender {
    pub(crate) installations: Arc<Installations>,
    pub(crate) egress: Egress,
    pub(crate) clock: Clock,
}

#[derive(Serialize)]
struct Post<'a> {
    channel: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    thread_ts: Option<&'a str>,
    /// What is updated.
    #[serde(skip_serializing_if = "Option::is_none")]
    ts: Option<&'a str>,
    text: &'a str,
    metadata: Metadata,
    #[serde(skip_serializing_if = "Option::is_none")]
    username: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    icon_url: Option<&'a Url>,
    #[serde(skip_serializing_if = "Option::is_none")]
    icon_emoji: Option<&'a str>,
}

#[derive(Serialize, Deserialize)]
struct Metadata {
    event_type: String,
    event_payload: Mark,
}

/// Which reply a post belongs to, and which part of it it is.
#[derive(Serialize, Deserialize)]
struct Mark {
    message: MessageId,
    part: usize,
}

#[derive(Deserialize)]
struct Stamped {
    ts: String,
}

#[derive(Deserialize)]
struct Done {}

#[derive(Deserialize)]
struct Thread {
    messages: Vec<Found>,
    #[serde(default)]
    response_metadata: Option<Cursor>,
}

#[derive(Deserialize)]
struct Found {
    ts: String,
    #[serde(default)]
    metadata: Option<Value>,
}

#[derive(Deserialize)]
struct Cursor {
    #[serde(default)]
    next_cursor: String,
}

#[async_trait]
impl Sender for SlackSender {
    fn channel(&self) -> &'static str {
        ChannelKind::Slack.as_str()
    }

    async fn open(&self, reply: &Reply) -> Result<Option<String>, SendError> {
        let installation = self.installation(reply).await?;
        let text = placeholder(installation.language.as_deref());
        self.post(&installation, reply, 0, text).await.map(Some)
    }

    async fn find(&self, reply: &Reply) -> Result<Vec<Part>, SendError> {
        let installation = self.installation(reply).await?;
        let target = Target::read(reply)?;
        let caller = caller(&installation)?;
        let mut found = Vec::new();
        let mut cursor = String::new();
        for _ in 0..PAGES {
            let mut query = vec![
                ("channel", target.channel.as_str()),
                ("ts", target.thread_ts.as_str()),
                ("oldest", target.ts.as_str()),
                ("limit", PAGE),
                ("include_all_metadata", "true"),
            ];
            if !cursor.is_empty() {
                query.push(("cursor", &cursor));
            }
            let page: Result<Thread, _> = wire::get(&self.egress, caller, "conversations.replies", &query).await;
            let page = match page {
                Err(CallError::Refused { code }) if code == "thread_not_found" => return Ok(found),
                page => self.settled(&installation, page, Repeat::Harmless)?,
            };
            found.extend(page.messages.into_iter().filter_map(|post| part_of(reply.message, post)));
            cursor = page.response_metadata.map(|cursor| cursor.next_cursor).unwrap_or_default();
            if cursor.is_empty() {
                return Ok(found);
            }
        }
        Err(SendError::Permanent { reason: "the thread is too long to look through".into(), revoked: false })
    }

    fn parts(&self, answer: &Answer) -> usize {
        render::posts(&answer.text).len()
    }

    async fn answer(
        &self,
        reply: &Reply,
        answer: &Answer,
        part: usize,
        standing: Option<&str>,
    ) -> Result<String, SendError> {
        let installation = self.installation(reply).await?;
        let mut posts = render::posts(&answer.text);
        if part >= posts.len() {
            return Err(SendError::Permanent { reason: "the answer has no such part".into(), revoked: false });
        }
        let text = posts.swap_remove(part);
        match standing {
            Some(ts) => self.update(&installation, reply, (part, ts), &text).await,
            None => self.post(&installation, reply, part, &text).await,
        }
    }

    async fn retract(&self, reply: &Reply, provider_id: &str) -> Result<(), SendError> {
        let installation = self.installation(reply).await?;
        let target = Target::read(reply)?;
        let body = serde_json::json!({"channel": target.channel, "ts": provider_id});
        let done: Result<Done, _> = wire::post(&self.egress, caller(&installation)?, "chat.delete", &body).await;
        match done {
            Err(CallError::Refused { code }) if code == "message_not_found" => Ok(()),
            done => self.settled(&installation, done, Repeat::Harmless).map(|Done {}| ()),
        }
    }
}

impl SlackSender {
    async fn installation(&self, reply: &Reply) -> Result<Arc<Installation>, SendError> {
        self.installations.find(reply.tenant, reply.connection).await.map_err(|error| match error {
            Error::NotFound => SendError::Permanent { reason: "the connection was deleted".into(), revoked: false },
            error => SendError::Retry { reason: error.to_string(), after: None },
        })
    }

    async fn post(
        &self,
        installation: &Installation,
        reply: &Reply,
        part: usize,
        text: &str,
    ) -> Result<String, SendError> {
        let target = Target::read(reply)?;
        let settings = &installation.settings;
        let customise = settings.customise && !installation.plain_name.load(Ordering::Relaxed);
        let mut post = Post {
            channel: &target.channel,
            thread_ts: Some(&target.thread_ts),
            ts: None,
            text,
            metadata: mark(reply.message, part),
            username: customise.then(|| settings.username.as_deref().unwrap_or(&installation.agent_name)),
            icon_url: settings.icon_url.as_ref().filter(|_| customise),
            icon_emoji: settings.icon_emoji.as_deref().filter(|_| customise),
        };
        let mut done = self.call(installation, "chat.postMessage", &post).await?;
        if customise && refused(&done, "missing_scope") {
            (post.username, post.icon_url, post.icon_emoji) = (None, None, None);
            done = self.call(installation, "chat.postMessage", &post).await?;
            installation.plain_name.store(!refused(&done, "missing_scope"), Ordering::Relaxed);
        }
        let short;
        if refused(&done, "msg_too_long") {
            short = shortened(text);
            post.text = &short;
            done = self.call(installation, "chat.postMessage", &post).await?;
        }
        self.settled(installation, done, Repeat::Visible).map(|stamped| stamped.ts)
    }

    async fn update(
        &self,
        installation: &Installation,
        reply: &Reply,
        (part, ts): (usize, &str),
        text: &str,
    ) -> Result<String, SendError> {
        let target = Target::read(reply)?;
        let mut post = Post {
            channel: &target.channel,
            thread_ts: None,
            ts: Some(ts),
            text,
            metadata: mark(reply.message, part),
            username: None,
            icon_url: None,
            icon_emoji: None,
        };
        let mut done = self.call(installation, "chat.update", &post).await?;
        let short;
        if refused(&done, "msg_too_long") {
            short = shortened(text);
            post.text = &short;
            done = self.call(installation, "chat.update", &post).await?;
        }
        self.settled(installation, done, Repeat::Harmless).map(|stamped| stamped.ts)
    }

    async fn call(
        &self,
        installation: &Installation,
        method: &str,
        post: &Post<'_>,
    ) -> Result<Result<Stamped, CallError>, SendError> {
        Ok(wire::post(&self.egress, caller(installation)?, method, post).await)
    }

    /// What a call came to, for the engine; and for the connection's record.
    fn settled<T>(
        &self,
        installation: &Installation,
        done: Result<T, CallError>,
        repeat: Repeat,
    ) -> Result<T, SendError> {
        match done {
            Ok(done) => {
                self.installations.well(installation, self.clock.now());
                Ok(done)
            }
            Err(error) => {
                let failure = send_error(&error, repeat);
                if let SendError::Permanent { revoked: true, reason } = &failure {
                    self.installations.problem(installation, self.clock.now(), reason.clone());
                }
                Err(failure)
            }
        }
    }
}

fn caller(installation: &Installation) -> Result<&Caller, SendError> {
    installation
        .caller
        .as_ref()
        .ok_or_else(|| SendError::Permanent { reason: "the connection has no bot token".into(), revoked: true })
}

fn refused<T>(done: &Result<T, CallError>, with: &str) -> bool {
    matches!(done, Err(CallError::Refused { code }) if code == with)
}

fn mark(message: MessageId, part: usize) -> Metadata {
    Metadata { event_type: EVENT_TYPE.to_owned(), event_payload: Mark { message, part } }
}

fn part_of(message: MessageId, post: Found) -> Option<Part> {
    let metadata = Metadata::deserialize(post.metadata?).ok()?;
    let Mark { message: answered, part } = metadata.event_payload;
    (metadata.event_type == EVENT_TYPE && answered == message).then_some(Part { index: part, provider_id: post.ts })
}

/// A part that Slack refuses for its length, cut to what it surely takes, and saying so.
fn shortened(text: &str) -> String {
    let end = text.char_indices().nth(SHORT).map_or(text.len(), |(end, _)| end);
    let fence = if text[..end].matches("```").count() % 2 == 1 { "\n```" } else { "" };
    format!("{}{fence}\n_(cut short: Slack refused the length)_", &text[..end])
}

/// What stands in the thread until the answer does, in the agent's first language.
fn placeholder(language: Option<&str>) -> &'static str {
    let language = language.and_then(|tag| tag.split(['-', '_']).next()).unwrap_or_default().to_lowercase();
    match language.as_str() {
        "ar" | "arabic" => "_لحظة، أفكّر…_",
        "de" | "german" => "_denkt nach…_",
        "es" | "spanish" => "_pensando…_",
        "fr" | "french" => "_réfléchit…_",
        "it" | "italian" => "_sta pensando…_",
        "nl" | "dutch" => "_denkt na…_",
        "pt" | "portuguese" => "_pensando…_",
        _ => "_thinking…_",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_post_of_ours_is_known_by_its_metadata() {
        let (ours, other) = (MessageId::new(), MessageId::new());
        let post = |metadata: Option<Value>| Found { ts: "5.0".into(), metadata };
        let marked = |message, part| Some(serde_json::to_value(mark(message, part)).unwrap());
        assert_eq!(part_of(ours, post(marked(ours, 2))), Some(Part { index: 2, provider_id: "5.0".into() }));
        assert_eq!(part_of(ours, post(marked(other, 0))), None);
        assert_eq!(part_of(ours, post(None)), None);
        let foreign = serde_json::json!({"event_type": "task_created", "event_payload": {"id": 7}});
        assert_eq!(part_of(ours, post(Some(foreign))), None);
    }

    #[test]
    fn the_placeholder_speaks_the_agents_language() {
        assert_eq!(placeholder(None), "_thinking…_");
        assert_eq!(placeholder(Some("de-AT")), "_denkt nach…_");
        assert_eq!(placeholder(Some("tlh")), "_thinking…_");
    }

    #[test]
    fn what_is_cut_short_says_so_and_closes_its_code() {
        let cut = shortened(&format!("```\n{}", "x".repeat(5_000)));
        assert!(cut.contains("x\n```\n_(cut short"));
    }
}
