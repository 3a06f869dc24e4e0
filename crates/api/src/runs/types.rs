use chrono::{DateTime, Utc};
use kernel::{AgentId, RunId};
use serde::Serialize;
use serde_json::Value;
use utoipa::ToSchema;

/// One run of a program (an agent's turn, for instance) with all its steps.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct Run {
    #[schema(value_type = Uuid)]
    pub id: RunId,
    pub status: RunStatus,
    pub program: String,
    pub started_at: DateTime<Utc>,
    pub finished_at: Option<DateTime<Utc>>,
    pub duration_ms: Option<i64>,
    pub error: Option<String>,
    pub input_tokens: i64,
    pub output_tokens: i64,
    /// null: the price of a call it made is not known.
    pub cost_usd: Option<f64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub agent: Option<RunAgent>,
    pub steps: Vec<Step>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub(crate) enum RunStatus {
    Running,
    Waiting,
    Done,
    Failed,
}

/// The agent's version that the run is pinned to.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct RunAgent {
    #[schema(value_type = Uuid)]
    pub id: AgentId,
    pub name: String,
    /// null: the draft.
    pub version: Option<i32>,
}

#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct Step {
    pub seq: i32,
    pub key: String,
    pub kind: String,
    pub state: StepState,
    pub at: DateTime<Utc>,
    pub duration_ms: i32,
    pub input_tokens: i64,
    pub output_tokens: i64,
    pub cost_usd: Option<f64>,
    pub output: Value,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub(crate) enum StepState {
    Started,
    Done,
    Failed,
}
