//! What Slack's Events API would deliver, signed as Slack signs it.

use std::sync::atomic::{AtomicU64, Ordering};

use hmac::{Hmac, KeyInit as _, Mac as _};
use kernel::Clock;
use reqwest::RequestBuilder;
use serde_json::{Value, json};
use sha2::Sha256;

/// Signs deliveries with an app's signing secret.
#[derive(Clone)]
pub struct Signer {
    secret: String,
}

impl Signer {
    pub fn new(secret: impl Into<String>) -> Self {
        Self { secret: secret.into() }
    }

    /// The value of `X-Slack-Signature` for a body sent at `timestamp`.
    pub fn sign(&self, timestamp: i64, body: &[u8]) -> String {
        let mut mac = Hmac::<Sha256>::new_from_slice(self.secret.as_bytes()).unwrap();
        mac.update(format!("v0:{timestamp}:").as_bytes());
        mac.update(body);
        format!("v0={}", hex::encode(mac.finalize().into_bytes()))
    }

    /// Makes `request` a delivery of `body`, sent now.
    pub fn signed(&self, request: RequestBuilder, body: impl Into<Vec<u8>>) -> RequestBuilder {
        self.signed_at(request, body, Clock::system().now().timestamp())
    }

    /// Makes `request` a delivery of `body`, sent at `timestamp`.
    pub fn signed_at(&self, request: RequestBuilder, body: impl Into<Vec<u8>>, timestamp: i64) -> RequestBuilder {
        let body = body.into();
        request
            .header("content-type", "application/json")
            .header("x-slack-request-timestamp", timestamp)
            .header("x-slack-signature", self.sign(timestamp, &body))
            .body(body)
    }
}

/// A workspace with our app installed: makes the events that Slack would deliver for it.
pub struct Workspace {
    pub team: String,
    pub app: String,
    pub bot_user: String,
    stamps: Stamps,
}

/// Something a person said, which Slack delivers as one or two events.
#[derive(Clone, Debug)]
pub struct Said {
    pub channel: String,
    pub channel_type: &'static str,
    pub user: String,
    pub text: String,
    pub ts: String,
    pub thread_ts: Option<String>,
}

impl Workspace {
    pub fn new(team: &str, app: &str, bot_user: &str) -> Self {
        Self { team: team.into(), app: app.into(), bot_user: bot_user.into(), stamps: Stamps::default() }
    }

    /// Something said in a channel.
    pub fn say(&self, channel: &str, user: &str, text: &str) -> Said {
        Said {
            channel: channel.into(),
            channel_type: "channel",
            user: user.into(),
            text: text.into(),
            ts: self.ts(),
            thread_ts: None,
        }
    }

    /// Something said in a channel that mentions the bot.
    pub fn mention(&self, channel: &str, user: &str, text: &str) -> Said {
        self.say(channel, user, &format!("<@{}> {text}", self.bot_user))
    }

    /// Something said to the bot alone.
    pub fn direct(&self, channel: &str, user: &str, text: &str) -> Said {
        Said { channel_type: "im", ..self.say(channel, user, text) }
    }

    /// Something said in the thread that `root` began.
    pub fn reply(&self, root: &Said, user: &str, text: &str) -> Said {
        let thread_ts = root.thread_ts.clone().unwrap_or_else(|| root.ts.clone());
        Said { thread_ts: Some(thread_ts), channel_type: root.channel_type, ..self.say(&root.channel, user, text) }
    }

    /// The `message` event of it, under a new event id.
    pub fn message_event(&self, said: &Said) -> Value {
        let mut event = self.inner(said);
        event["type"] = "message".into();
        event["channel_type"] = said.channel_type.into();
        self.envelope(event)
    }

    /// The `app_mention` event of it, under a new event id.
    pub fn mention_event(&self, said: &Said) -> Value {
        let mut event = self.inner(said);
        event["type"] = "app_mention".into();
        self.envelope(event)
    }

    /// What is delivered when the sender edits it.
    pub fn edited_event(&self, said: &Said, text: &str) -> Value {
        let mut before = self.inner(said);
        before["type"] = "message".into();
        let mut after = before.clone();
        after["text"] = text.into();
        after["edited"] = json!({"user": said.user, "ts": self.ts()});
        let ts = self.ts();
        self.envelope(json!({"type": "message", "subtype": "message_changed", "hidden": true, "channel": said.channel,
            "channel_type": said.channel_type, "ts": ts, "event_ts": ts, "message": after, "previous_message": before}))
    }

    /// What is delivered when the sender deletes it.
    pub fn deleted_event(&self, said: &Said) -> Value {
        let mut before = self.inner(said);
        before["type"] = "message".into();
        let ts = self.ts();
        self.envelope(json!({"type": "message", "subtype": "message_deleted", "hidden": true, "channel": said.channel,
            "channel_type": said.channel_type, "ts": ts, "event_ts": ts, "deleted_ts": said.ts,
            "previous_message": before}))
    }

    /// Any event, in its envelope.
    pub fn envelope(&self, event: Value) -> Value {
        json!({
            "token": "ignored", "team_id": self.team, "api_app_id": self.app, "type": "event_callback",
            "event_id": format!("Ev{}", uuid::Uuid::now_v7().simple()),
            "event_time": Clock::system().now().timestamp(),
            "is_ext_shared_channel": false, "event_context": "4-eyJ",
            "authorizations": [{"enterprise_id": null, "team_id": self.team, "user_id": self.bot_user, "is_bot": true,
                                "is_enterprise_install": false}],
            "event": event,
        })
    }

    fn inner(&self, said: &Said) -> Value {
        let mut event = json!({"user": said.user, "text": said.text, "ts": said.ts, "event_ts": said.ts,
            "channel": said.channel, "team": self.team, "client_msg_id": uuid::Uuid::now_v7()});
        if let Some(thread_ts) = &said.thread_ts {
            event["thread_ts"] = thread_ts.as_str().into();
        }
        event
    }

    fn ts(&self) -> String {
        self.stamps.next()
    }
}

/// Timestamps as Slack makes them: `seconds.micros`, now, each later than the one before.
#[derive(Default)]
pub(super) struct Stamps {
    last: AtomicU64,
}

impl Stamps {
    pub(super) fn next(&self) -> String {
        let now = Clock::system().now().timestamp_micros().unsigned_abs();
        let before = self.last.fetch_update(Ordering::Relaxed, Ordering::Relaxed, |last| Some(now.max(last + 1)));
        let micros = now.max(before.unwrap_or_default() + 1);
        format!("{}.{:06}", micros / 1_000_000, micros % 1_000_000)
    }
}

/// Slack's handshake when an events URL is entered.
pub fn url_verification(challenge: &str) -> Value {
    json!({"token": "ignored", "challenge": challenge, "type": "url_verification"})
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_published_example_is_signed_alike() {
        let body = "token=xyzz0WbapA4vBCDEFasx0q6G&team_id=T1DC2JH3J&team_domain=testteamnow&channel_id=G8PSS9T3V&channel_name=foobar&user_id=U2CERLKJA&user_name=roadrunner&command=%2Fwebhook-collect&text=&response_url=https%3A%2F%2Fhooks.slack.com%2Fcommands%2FT1DC2JH3J%2F397700885554%2F96rGlfmibIGlgcZRskXaIFfN&trigger_id=398738663015.47445629121.803a0bc887a14d10d2c447fce8b6703c";
        assert_eq!(
            Signer::new("8f742231b10e8888abcd99yyyzzz85a5").sign(1_531_420_618, body.as_bytes()),
            "v0=a2114d57b48eac39b9ad189dd8316235a7b4a8d21a10bd27519666489c69b503"
        );
    }
}
