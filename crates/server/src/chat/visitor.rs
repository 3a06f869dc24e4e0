//! A visitor of a web chat.

use std::time::Duration;

use anyhow::{Context as _, bail};
use futures::StreamExt as _;
use http::Method;
use infra::{Egress, Reach, Timeouts, read_limited};
use kernel::{ConnectionId, MessageId, Secret};
use serde_json::{Value, json};
use tokio::time::timeout;

use crate::terminal::{say, say_part};

const CALL: Timeouts = Timeouts::within(Duration::from_secs(10));
/// The promise of a minute, and some for the way.
const PATIENCE: Duration = Duration::from_secs(75);
const MAX_ANSWER: usize = 1024 * 1024;

pub(super) struct Visitor<'a> {
    egress: &'a Egress,
    chat: String,
    token: Secret,
}

impl<'a> Visitor<'a> {
    pub(super) async fn arrive(egress: &'a Egress, server: &str, connection: ConnectionId) -> anyhow::Result<Self> {
        let chat = format!("{server}/channels/web/{connection}");
        let mut visitor = Self { egress, chat, token: Secret::default() };
        let made = visitor.post("visitors", &json!({})).await?;
        visitor.token = Secret::new(made["visitor_token"].as_str().context("the server gave no visitor token")?);
        Ok(visitor)
    }

    /// Says something, and prints the answer as it comes.
    pub(super) async fn ask(&mut self, text: &str) -> anyhow::Result<()> {
        // The events are listened to before anything is said, so that none is missed.
        let call = self.egress.request(Method::GET, &self.url("events")?, Reach::Private)?.bearer(&self.token);
        let events = self.egress.send(call, Timeouts::stream(Duration::from_secs(10))).await?;
        if !events.status().is_success() {
            bail!("the server answered {}", events.status());
        }
        let sent = self.post("messages", &json!({ "id": MessageId::new(), "text": text })).await?;
        let seq = sent["seq"].as_i64().context("the server gave the message no number")?;
        let mut answer = Answer { seq, ..Answer::default() };
        let mut stream = events.bytes_stream();
        let mut pending = Vec::new();
        let listening = async {
            while let Some(chunk) = stream.next().await {
                pending.extend_from_slice(&chunk?);
                while let Some(end) = pending.windows(2).position(|two| two == b"\n\n") {
                    let event: Vec<u8> = pending.drain(..end + 2).collect();
                    if answer.take(&String::from_utf8_lossy(&event)) {
                        return Ok(());
                    }
                }
            }
            bail!("the server closed the conversation")
        };
        timeout(PATIENCE, listening).await.context("no answer within a minute")?
    }

    async fn post(&self, path: &str, body: &Value) -> anyhow::Result<Value> {
        let mut call = self.egress.request(Method::POST, &self.url(path)?, Reach::Private)?.json(body);
        if !self.token.is_empty() {
            call = call.bearer(&self.token);
        }
        let response = self.egress.send(call, CALL).await?;
        let status = response.status();
        let body = read_limited(response, MAX_ANSWER).await?;
        if !status.is_success() {
            bail!("the server answered {status}: {}", String::from_utf8_lossy(&body));
        }
        Ok(serde_json::from_slice(&body)?)
    }

    fn url(&self, path: &str) -> anyhow::Result<url::Url> {
        Ok(format!("{}/{path}", self.chat).parse()?)
    }
}

/// The answer to message `seq`, as far as it has been printed.
#[derive(Default)]
struct Answer {
    seq: i64,
    attempt: u64,
    printed: String,
}

impl Answer {
    /// Takes one server-sent event; `true` when the answer is complete.
    fn take(&mut self, event: &str) -> bool {
        let line = |name: &str| event.lines().find_map(|line| line.strip_prefix(name)).map(str::trim);
        let data: Value = line("data:").and_then(|data| serde_json::from_str(data).ok()).unwrap_or_default();
        if data["seq"].as_i64() != Some(self.seq) {
            return false;
        }
        let text = data["text"].as_str().unwrap_or_default();
        match line("event:") {
            Some("text") => self.go_on(&data, text),
            Some("message") if data["direction"] == "outbound" && data["state"] != "thinking" => {
                self.finish(text);
                return true;
            }
            _ => {}
        }
        false
    }

    fn go_on(&mut self, data: &Value, text: &str) {
        let attempt = data["attempt"].as_u64().unwrap_or_default();
        if attempt != self.attempt {
            self.attempt = attempt;
            if !self.printed.is_empty() {
                say(" …");
                self.printed.clear();
            }
        }
        if data["offset"].as_u64() == Some(self.printed.len() as u64) {
            say_part(text);
            self.printed.push_str(text);
        }
    }

    fn finish(&mut self, text: &str) {
        match text.strip_prefix(self.printed.trim()) {
            Some(rest) => say(rest),
            None => say(format!("\n{text}")),
        }
    }
}
