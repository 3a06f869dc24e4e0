use std::collections::BTreeMap;

use channels::{ChannelKind, ConnectionChange, NewConnection};
use chrono::{DateTime, Utc};
use kernel::{AgentId, ConnectionId, ProjectId, Secret};
use serde::{Deserialize, Serialize};
use serde_json::Value;
use utoipa::ToSchema;
use uuid::Uuid;

use crate::problem::Problem;
use crate::state::AppState;

/// One installation of a channel.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct Connection {
    #[schema(value_type = Uuid)]
    pub id: ConnectionId,
    pub name: String,
    pub channel: String,
    #[schema(value_type = Uuid)]
    pub agent_id: AgentId,
    /// The channel's own name for what is connected: Slack's workspace, for instance.
    pub external_id: String,
    pub app_id: String,
    #[schema(value_type = BTreeMap<String, Value>)]
    pub settings: Value,
    pub enabled: bool,
    /// Which secrets are stored; they are never shown.
    pub secrets: BTreeMap<String, SecretState>,
    pub status: ConnectionStatus,
    pub urls: ConnectionUrls,
    pub created_at: DateTime<Utc>,
}

#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct SecretState {
    pub set: bool,
}

#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct ConnectionStatus {
    pub state: ConnectionState,
    /// What is wrong, in plain words.
    pub problem: Option<String>,
    pub problem_at: Option<DateTime<Utc>>,
    /// What may be wrong, in plain words; the connection works on all the same.
    pub hint: Option<String>,
    pub last_event_at: Option<DateTime<Utc>>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub(crate) enum ConnectionState {
    Ok,
    /// Nothing has arrived yet.
    Waiting,
    Problem,
    Disabled,
}

/// Addresses to paste or to share.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct ConnectionUrls {
    /// Where the channel delivers its events.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub events: Option<String>,
    /// The hosted chat page.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub chat: Option<String>,
}

#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct CreateConnection {
    pub name: String,
    pub channel: String,
    #[schema(value_type = Uuid)]
    pub agent_id: AgentId,
    /// Made up for channels without names of their own (the web).
    pub external_id: Option<String>,
    pub app_id: Option<String>,
    #[schema(value_type = Option<BTreeMap<String, Value>>)]
    pub settings: Option<Value>,
    #[schema(value_type = Option<BTreeMap<String, String>>)]
    pub secrets: Option<BTreeMap<String, Secret>>,
}

#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct ChangeConnection {
    pub name: Option<String>,
    #[schema(value_type = Option<Uuid>)]
    pub agent_id: Option<AgentId>,
    pub external_id: Option<String>,
    pub app_id: Option<String>,
    /// Replaces all settings.
    #[schema(value_type = Option<BTreeMap<String, Value>>)]
    pub settings: Option<Value>,
    /// Replaces the secrets it names, takes away those that are null and keeps the others.
    #[schema(value_type = Option<BTreeMap<String, Option<String>>>)]
    pub secrets: Option<BTreeMap<String, Option<Secret>>>,
    pub enabled: Option<bool>,
}

/// What a real call to the channel found.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct Checked {
    pub checks: Vec<Check>,
}

#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct Check {
    pub name: String,
    pub ok: bool,
    pub detail: String,
}

impl Connection {
    pub(crate) fn new(app: &AppState, found: channels::Connection) -> Self {
        let (state, hint) = (found.state().into(), found.hint());
        let urls = match found.channel {
            ChannelKind::Slack => ConnectionUrls { events: Some(app.link("/channels/slack/events")), chat: None },
            ChannelKind::Web => ConnectionUrls { events: None, chat: Some(app.link(&format!("/chat/{}", found.id))) },
        };
        Self {
            id: found.id,
            name: found.name,
            channel: found.channel.to_string(),
            agent_id: found.agent,
            external_id: found.external_id,
            app_id: found.app_id,
            settings: found.settings,
            enabled: found.enabled,
            secrets: found.secrets.into_iter().map(|name| (name, SecretState { set: true })).collect(),
            status: ConnectionStatus {
                state,
                problem: found.problem,
                problem_at: found.problem_at,
                hint,
                last_event_at: found.last_event_at,
            },
            urls,
            created_at: found.created_at,
        }
    }
}

impl CreateConnection {
    pub(crate) fn within(self, project: ProjectId) -> Result<NewConnection, Problem> {
        let unknown = || Problem::invalid(format!("there is no channel {:?}", self.channel));
        let channel = ChannelKind::from_name(&self.channel).ok_or_else(unknown)?;
        let external_id = match channel {
            ChannelKind::Web => self.external_id.unwrap_or_else(|| Uuid::now_v7().to_string()),
            ChannelKind::Slack => self.external_id.unwrap_or_default(),
        };
        Ok(NewConnection {
            project,
            name: self.name,
            channel,
            agent: self.agent_id,
            external_id,
            app_id: self.app_id.unwrap_or_default(),
            settings: self.settings.unwrap_or_default(),
            secrets: self.secrets.unwrap_or_default(),
        })
    }
}

impl From<ChangeConnection> for ConnectionChange {
    fn from(change: ChangeConnection) -> Self {
        Self {
            name: change.name,
            agent: change.agent_id,
            external_id: change.external_id,
            app_id: change.app_id,
            settings: change.settings,
            enabled: change.enabled,
            secrets: change.secrets.unwrap_or_default(),
        }
    }
}

impl From<channels::ConnectionState> for ConnectionState {
    fn from(state: channels::ConnectionState) -> Self {
        match state {
            channels::ConnectionState::Ok => Self::Ok,
            channels::ConnectionState::Waiting => Self::Waiting,
            channels::ConnectionState::Problem => Self::Problem,
            channels::ConnectionState::Disabled => Self::Disabled,
        }
    }
}

impl From<channels::Check> for Check {
    fn from(found: channels::Check) -> Self {
        Self { name: found.name.to_owned(), ok: found.ok, detail: found.detail }
    }
}
