use channels::conversation::Named;
use chrono::{DateTime, Utc};
use kernel::{AgentId, RunId};
use rust_decimal::prelude::ToPrimitive as _;
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

impl Run {
    /// A run, and the agent whose turn it was. Which version that was stands in the journal: the step `context`.
    pub(crate) fn new(found: durable::RunView, agent: Option<Named<AgentId>>) -> Self {
        let context = found.steps.iter().find(|step| step.key == "context" && step.state == "done");
        let version = context.and_then(|step| step.output.get("version")).and_then(Value::as_i64);
        let version = version.and_then(|version| i32::try_from(version).ok());
        Self {
            id: found.id,
            status: found.status.into(),
            program: found.program,
            started_at: found.started_at,
            finished_at: found.finished_at,
            duration_ms: found.finished_at.map(|end| (end - found.started_at).num_milliseconds()),
            error: found.error,
            input_tokens: found.input_tokens,
            output_tokens: found.output_tokens,
            cost_usd: found.cost_usd.and_then(|cost| cost.to_f64()),
            agent: agent.map(|agent| RunAgent { id: agent.id, name: agent.name, version }),
            steps: found.steps.into_iter().map(Step::from).collect(),
        }
    }
}

impl From<durable::RunStatus> for RunStatus {
    fn from(status: durable::RunStatus) -> Self {
        match status {
            durable::RunStatus::Running => Self::Running,
            durable::RunStatus::Waiting => Self::Waiting,
            durable::RunStatus::Done => Self::Done,
            durable::RunStatus::Failed => Self::Failed,
        }
    }
}

impl From<durable::StepView> for Step {
    fn from(found: durable::StepView) -> Self {
        Self {
            seq: found.seq,
            key: found.key,
            kind: found.kind,
            state: match found.state.as_str() {
                "started" => StepState::Started,
                "done" => StepState::Done,
                _ => StepState::Failed,
            },
            at: found.at,
            duration_ms: found.duration_ms,
            input_tokens: found.input_tokens,
            output_tokens: found.output_tokens,
            cost_usd: found.cost_usd.and_then(|cost| cost.to_f64()),
            output: found.output,
        }
    }
}
