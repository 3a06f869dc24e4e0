use chrono::{DateTime, Utc};
use kernel::{AgentId, ConversationId};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use uuid::Uuid;

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

/// Who an agent is and how it works.
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields, default)]
pub(crate) struct AgentConfig {
    pub icon: String,
    pub role: String,
    pub job_description: String,
    pub statement_of_work: String,
    pub persona: String,
    pub system_prompt: String,
    pub rules: Vec<String>,
    pub greeting: String,
    pub languages: Vec<String>,
    pub model_group: String,
    /// Names from the catalogue of tools.
    pub tools: Vec<String>,
    pub limits: AgentLimits,
}

/// What one turn of an agent may take.
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields, default)]
pub(crate) struct AgentLimits {
    pub max_steps: u32,
    pub max_output_tokens: u32,
    pub max_total_tokens: Option<u64>,
    pub max_cost_usd: Option<f64>,
    pub max_seconds: u32,
}

impl Default for AgentConfig {
    fn default() -> Self {
        Self {
            icon: String::new(),
            role: String::new(),
            job_description: String::new(),
            statement_of_work: String::new(),
            persona: String::new(),
            system_prompt: String::new(),
            rules: Vec::new(),
            greeting: String::new(),
            languages: Vec::new(),
            model_group: "quality".to_owned(),
            tools: Vec::new(),
            limits: AgentLimits::default(),
        }
    }
}

impl Default for AgentLimits {
    fn default() -> Self {
        Self { max_steps: 8, max_output_tokens: 4096, max_total_tokens: None, max_cost_usd: None, max_seconds: 50 }
    }
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
    pub id: Uuid,
    /// The conversation to go on with; a new one without.
    #[schema(value_type = Option<Uuid>)]
    pub conversation: Option<ConversationId>,
    pub text: String,
}
