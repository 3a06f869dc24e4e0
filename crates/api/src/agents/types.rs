use agents::AgentConfig;
use chrono::{DateTime, Utc};
use kernel::{AgentId, ConversationId};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct Agent {
    #[schema(value_type = Uuid)]
    pub id: AgentId,
    pub name: String,
    /// What the designer shows: the next version.
    pub draft: AgentConfig,
    /// The version conversations get; null: never published.
    pub published_version: Option<i32>,
    pub published: Option<AgentConfig>,
    /// Whether the draft differs from what is published.
    pub changed: bool,
    pub draft_updated_at: DateTime<Utc>,
    pub created_at: DateTime<Utc>,
}

#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct CreateAgent {
    pub name: String,
    pub config: Option<AgentConfig>,
}

#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct ChangeAgent {
    pub name: Option<String>,
    pub draft: Option<AgentConfig>,
}

/// One published state of an agent; it never changes.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct AgentVersion {
    pub version: i32,
    pub config: AgentConfig,
    pub published_by: String,
    pub published_at: DateTime<Utc>,
}

#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct RollBack {
    /// The version to publish again, as a new one.
    pub version: i32,
}

#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct Try {
    /// Made by the client; sending it twice has the effect of once.
    #[schema(max_length = 100)]
    pub id: String,
    /// The conversation to go on with; a new one without.
    #[schema(value_type = Option<Uuid>)]
    pub conversation: Option<ConversationId>,
    pub text: String,
}

impl From<agents::Agent> for Agent {
    fn from(found: agents::Agent) -> Self {
        let changed = found.changed();
        Self {
            id: found.id,
            name: found.name,
            draft: found.draft,
            published_version: found.published.as_ref().map(|version| version.version),
            published: found.published.map(|version| version.config),
            changed,
            draft_updated_at: found.draft_updated_at,
            created_at: found.created_at,
        }
    }
}

impl From<agents::AgentVersion> for AgentVersion {
    fn from(found: agents::AgentVersion) -> Self {
        Self {
            version: found.version,
            config: found.config,
            published_by: found.published_by,
            published_at: found.published_at,
        }
    }
}
