use std::collections::BTreeMap;

use chrono::{DateTime, Utc};
use kernel::{AgentId, ConnectionId, Secret};
use serde::{Deserialize, Serialize};
use serde_json::Value;
use utoipa::ToSchema;

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
    /// Replaces the secrets it names and keeps the others.
    #[schema(value_type = Option<BTreeMap<String, String>>)]
    pub secrets: Option<BTreeMap<String, Secret>>,
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
