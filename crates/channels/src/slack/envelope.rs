//! What Slack's Events API delivers, as far as we act upon it (docs.slack.dev/apis/events-api).
//!
//! One pass over the bytes, before the signature is known to be right: a field of an unexpected type counts as
//! absent, unknown ones are skipped without recursion, and what is no JSON object is refused.

use std::fmt;

use chrono::{DateTime, Utc};
use serde::Deserialize;
use serde::de::{Deserializer, IgnoredAny, MapAccess, SeqAccess, Visitor};

/// Longer names of workspaces and apps are nobody's, and are not remembered.
const LONGEST_ID: usize = 200;

/// The outermost object of a delivery.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(crate) struct Envelope {
    #[serde(rename = "type", deserialize_with = "text")]
    pub(crate) kind: Option<String>,
    #[serde(deserialize_with = "text")]
    pub(crate) challenge: Option<String>,
    #[serde(deserialize_with = "text")]
    pub(crate) team_id: Option<String>,
    #[serde(deserialize_with = "text")]
    pub(crate) enterprise_id: Option<String>,
    #[serde(deserialize_with = "text")]
    pub(crate) api_app_id: Option<String>,
    #[serde(deserialize_with = "text")]
    pub(crate) event_id: Option<String>,
    pub(crate) event_time: Option<i64>,
    pub(crate) authorizations: Option<Vec<Authorization>>,
    pub(crate) event: Option<Event>,
}

/// On whose behalf the event was delivered: the workspace that installed the app, not the sender's.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(crate) struct Authorization {
    #[serde(deserialize_with = "text")]
    pub(crate) enterprise_id: Option<String>,
    #[serde(deserialize_with = "text")]
    pub(crate) team_id: Option<String>,
    #[serde(deserialize_with = "text")]
    pub(crate) user_id: Option<String>,
    pub(crate) is_bot: Option<bool>,
}

/// The event within.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(crate) struct Event {
    #[serde(rename = "type", deserialize_with = "text")]
    pub(crate) kind: Option<String>,
    #[serde(deserialize_with = "text")]
    pub(crate) subtype: Option<String>,
    #[serde(deserialize_with = "text")]
    pub(crate) channel: Option<String>,
    #[serde(deserialize_with = "text")]
    pub(crate) channel_type: Option<String>,
    #[serde(deserialize_with = "text")]
    pub(crate) user: Option<String>,
    #[serde(deserialize_with = "text")]
    pub(crate) bot_id: Option<String>,
    #[serde(deserialize_with = "text")]
    pub(crate) text: Option<String>,
    #[serde(deserialize_with = "text")]
    pub(crate) ts: Option<String>,
    #[serde(deserialize_with = "text")]
    pub(crate) thread_ts: Option<String>,
    #[serde(deserialize_with = "text")]
    pub(crate) event_ts: Option<String>,
    #[serde(deserialize_with = "text")]
    pub(crate) deleted_ts: Option<String>,
    #[serde(deserialize_with = "lenient")]
    pub(crate) message: Option<Said>,
    #[serde(deserialize_with = "lenient")]
    pub(crate) previous_message: Option<Said>,
    #[serde(deserialize_with = "lenient")]
    pub(crate) files: Option<Vec<File>>,
    #[serde(deserialize_with = "lenient")]
    pub(crate) tokens: Option<Tokens>,
}

/// A message within an edit. It holds none itself: each level of `lenient` would begin a recursion of its own.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(crate) struct Said {
    #[serde(deserialize_with = "text")]
    pub(crate) user: Option<String>,
    #[serde(deserialize_with = "text")]
    pub(crate) bot_id: Option<String>,
    #[serde(deserialize_with = "text")]
    pub(crate) text: Option<String>,
    #[serde(deserialize_with = "text")]
    pub(crate) ts: Option<String>,
    #[serde(deserialize_with = "text")]
    pub(crate) thread_ts: Option<String>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(crate) struct File {
    #[serde(deserialize_with = "text")]
    pub(crate) id: Option<String>,
    #[serde(deserialize_with = "text")]
    pub(crate) name: Option<String>,
    #[serde(deserialize_with = "text")]
    pub(crate) mimetype: Option<String>,
    pub(crate) size: Option<u64>,
    #[serde(deserialize_with = "text")]
    pub(crate) url_private_download: Option<String>,
}

/// Whose tokens `tokens_revoked` speaks of.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(crate) struct Tokens {
    pub(crate) bot: Vec<String>,
}

impl Envelope {
    /// Reads a delivery; `None` for anything that is not one.
    pub(crate) fn read(raw: &[u8]) -> Option<Self> {
        serde_json::from_slice::<Self>(raw).ok().filter(|envelope| envelope.kind.is_some())
    }

    /// The installed workspace and the organisation of workspaces it belongs to, in the order to look for them.
    pub(crate) fn installations(&self) -> impl Iterator<Item = &str> {
        let authorization = self.authorizations.iter().flatten().next();
        let team = authorization.and_then(|a| a.team_id.as_deref()).or(self.team_id.as_deref());
        let enterprise = authorization.and_then(|a| a.enterprise_id.as_deref()).or(self.enterprise_id.as_deref());
        team.into_iter().chain(enterprise).filter(|id| !id.is_empty() && id.len() <= LONGEST_ID)
    }

    /// The app that made the delivery, empty where it does not say.
    pub(crate) fn app(&self) -> &str {
        self.api_app_id.as_deref().filter(|id| id.len() <= LONGEST_ID).unwrap_or_default()
    }

    /// The bot user the event was delivered for, where Slack says so.
    pub(crate) fn authorised_bot(&self) -> Option<&str> {
        let authorization = self.authorizations.iter().flatten().next()?;
        authorization.user_id.as_deref().filter(|_| authorization.is_bot == Some(true))
    }
}

impl Event {
    /// Whether nobody but the sender and the bot is there.
    pub(crate) fn is_direct(&self) -> bool {
        self.channel_type.as_deref() == Some("im") || self.channel.as_deref().is_some_and(|id| id.starts_with('D'))
    }
}

/// The moment a Slack timestamp (`1700000000.123456`) stands for; `None` for anything else.
pub(crate) fn moment(ts: &str) -> Option<DateTime<Utc>> {
    let (seconds, fraction) = ts.split_once('.').unwrap_or((ts, "0"));
    let digits = |text: &str| !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
    if !digits(seconds) || !digits(fraction) || seconds.len() > 10 || fraction.len() > 9 {
        return None;
    }
    let nanos = fraction.parse::<u32>().ok()? * 10_u32.pow(9 - u32::try_from(fraction.len()).ok()?);
    DateTime::from_timestamp(seconds.parse().ok()?, nanos)
}

/// A string, or `None` for a value of any other type: `user` is an object in some events and a string in others.
fn text<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<String>, D::Error> {
    deserializer.deserialize_any(Text)
}

struct Text;

impl<'de> Visitor<'de> for Text {
    type Value = Option<String>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a string")
    }

    fn visit_str<E>(self, text: &str) -> Result<Self::Value, E> {
        Ok(Some(text.to_owned()))
    }

    fn visit_string<E>(self, text: String) -> Result<Self::Value, E> {
        Ok(Some(text))
    }

    fn visit_bool<E>(self, _: bool) -> Result<Self::Value, E> {
        Ok(None)
    }

    fn visit_i64<E>(self, _: i64) -> Result<Self::Value, E> {
        Ok(None)
    }

    fn visit_u64<E>(self, _: u64) -> Result<Self::Value, E> {
        Ok(None)
    }

    fn visit_f64<E>(self, _: f64) -> Result<Self::Value, E> {
        Ok(None)
    }

    fn visit_unit<E>(self) -> Result<Self::Value, E> {
        Ok(None)
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut seq: A) -> Result<Self::Value, A::Error> {
        while seq.next_element::<IgnoredAny>()?.is_some() {}
        Ok(None)
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Self::Value, A::Error> {
        while map.next_entry::<IgnoredAny, IgnoredAny>()?.is_some() {}
        Ok(None)
    }
}

/// `T`, or `None` where the value is of another shape.
fn lenient<'de, D: Deserializer<'de>, T: serde::de::DeserializeOwned>(deserializer: D) -> Result<Option<T>, D::Error> {
    let raw = Option::<&serde_json::value::RawValue>::deserialize(deserializer)?;
    Ok(raw.and_then(|raw| serde_json::from_str(raw.get()).ok()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_mention_is_read() {
        let envelope = Envelope::read(
            br#"{"token":"x","team_id":"T1","api_app_id":"A1","type":"event_callback","event_id":"Ev1","event_time":1700000000,
                 "authorizations":[{"enterprise_id":null,"team_id":"T1","user_id":"UBOT","is_bot":true}],
                 "event":{"type":"app_mention","user":"U1","text":"<@UBOT> hi","ts":"1700000000.000100","channel":"C1","event_ts":"1700000000.000100"}}"#,
        )
        .unwrap();
        assert_eq!(envelope.installations().collect::<Vec<_>>(), ["T1"]);
        assert_eq!(envelope.authorised_bot(), Some("UBOT"));
        assert_eq!(envelope.event.unwrap().text.as_deref(), Some("<@UBOT> hi"));
    }

    #[test]
    fn a_shared_channel_counts_for_the_workspace_that_installed_the_app() {
        let envelope = Envelope::read(
            br#"{"type":"event_callback","team_id":"TSENDER","enterprise_id":"E9","authorizations":[{"team_id":"TOURS","enterprise_id":"E1"}]}"#,
        )
        .unwrap();
        assert_eq!(envelope.installations().collect::<Vec<_>>(), ["TOURS", "E1"]);
    }

    #[test]
    fn fields_of_another_type_count_as_absent() {
        let envelope = Envelope::read(
            br#"{"type":"event_callback","team_id":7,"event":{"type":"user_change","user":{"id":"U1"},"channel":["C1",{}],
                 "text":null,"ts":1.5,"message":"none","files":{"a":1},"tokens":{"oauth":["U1"]}}}"#,
        )
        .unwrap();
        let event = envelope.event.unwrap();
        assert_eq!(envelope.team_id, None);
        assert_eq!((event.user, event.channel, event.text, event.ts), (None, None, None, None));
        assert!(event.message.is_none() && event.files.is_none());
        assert!(event.tokens.unwrap().bot.is_empty());
    }

    #[test]
    fn garbage_is_refused_and_depth_does_no_harm() {
        for garbage in ["", "{", "null", "[]", "\"x\"", "payload=%7B%7D", "{}", r#"{"type":1}"#, "\u{0}"] {
            assert!(Envelope::read(garbage.as_bytes()).is_none(), "{garbage}");
        }
        assert!(Envelope::read(&[0xff, 0xfe, b'{']).is_none());
        let deep = 200_000;
        let arrays = "[".repeat(deep);
        assert!(Envelope::read(arrays.as_bytes()).is_none());
        assert!(Envelope::read(format!(r#"{{"type":"event_callback","event":{arrays}"#).as_bytes()).is_none());
        let closed = format!(r#"{{"type":"event_callback","blocks":{arrays}{}}}"#, "]".repeat(deep));
        let _ = Envelope::read(closed.as_bytes());
        let nested = r#"{"message":"#.repeat(deep);
        let _ = Envelope::read(
            format!(r#"{{"type":"event_callback","event":{nested}null{}}}"#, "}".repeat(deep)).as_bytes(),
        );
    }

    #[test]
    fn timestamps_are_read_to_the_microsecond_or_not_at_all() {
        assert_eq!(moment("1700000000.000100").unwrap().timestamp_micros(), 1_700_000_000_000_100);
        assert_eq!(moment("1700000000").unwrap().timestamp(), 1_700_000_000);
        for garbage in ["", ".", "1.", ".5", "-1.0", "1e9", "99999999999.0", "1.0000000001", "1.2.3", "NaN"] {
            assert_eq!(moment(garbage), None, "{garbage}");
        }
    }
}
