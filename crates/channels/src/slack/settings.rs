use serde::{Deserialize, Serialize};
use url::Url;

use crate::Error;

/// The settings of a Slack connection, as configuration files and the portal's form give them.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct SlackSettings {
    /// Slack's Web API.
    pub base_url: Url,
    /// The app's id (`A…`).
    #[serde(skip_serializing_if = "Option::is_none")]
    pub app_id: Option<String>,
    /// The bot's user id (`U…`): what mentions name. Where it is absent, Slack's deliveries tell it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub bot_user_id: Option<String>,
    /// The bot's own id (`B…`), by which it knows its own posts.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub bot_id: Option<String>,
    /// Bots it listens to, by bot id or user id.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub allowed_bots: Vec<String>,
    /// Whether posts carry the agent's name (scope `chat:write.customize`).
    pub customise: bool,
    /// A name other than the agent's.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub username: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub icon_url: Option<Url>,
    /// `:robot_face:` and its kind.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub icon_emoji: Option<String>,
    /// How long a thread is followed after its last message, in minutes.
    pub engaged_minutes: u32,
}

impl Default for SlackSettings {
    fn default() -> Self {
        Self {
            base_url: slack_api(),
            app_id: None,
            bot_user_id: None,
            bot_id: None,
            allowed_bots: Vec::new(),
            customise: true,
            username: None,
            icon_url: None,
            icon_emoji: None,
            engaged_minutes: 30,
        }
    }
}

impl SlackSettings {
    /// Reads and checks what somebody wrote.
    pub fn read(settings: &serde_json::Value) -> Result<Self, Error> {
        let mut read: Self = if settings.is_null() {
            Self::default()
        } else {
            Self::deserialize(settings).map_err(|error| Error::Invalid(format!("settings: {error}")))?
        };
        if !matches!(read.base_url.scheme(), "http" | "https") || read.base_url.cannot_be_a_base() {
            return Err(Error::Invalid("settings: base_url must be an http or https URL".into()));
        }
        if !read.base_url.path().ends_with('/') {
            let path = format!("{}/", read.base_url.path());
            read.base_url.set_path(&path);
        }
        if !(1..=1440).contains(&read.engaged_minutes) {
            return Err(Error::Invalid("settings: engaged_minutes must lie between 1 and 1440".into()));
        }
        Ok(read)
    }
}

#[expect(clippy::unwrap_used, reason = "the text is a constant, and the tests parse it")]
fn slack_api() -> Url {
    Url::parse("https://slack.com/api/").unwrap()
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn settings_are_read_strictly_and_the_base_url_is_a_folder() {
        assert_eq!(SlackSettings::read(&json!(null)).unwrap(), SlackSettings::default());
        let read = SlackSettings::read(&json!({"base_url": "http://127.0.0.1:9/api", "bot_user_id": "U1"})).unwrap();
        assert_eq!(read.base_url.join("auth.test").unwrap().as_str(), "http://127.0.0.1:9/api/auth.test");
        assert_eq!(read.bot_user_id.as_deref(), Some("U1"));
        for wrong in [
            json!({"bot_user": "U1"}),
            json!({"base_url": "file:///etc"}),
            json!({"base_url": "nonsense"}),
            json!({"engaged_minutes": 0}),
            json!([1]),
        ] {
            assert!(SlackSettings::read(&wrong).is_err(), "{wrong}");
        }
    }
}
