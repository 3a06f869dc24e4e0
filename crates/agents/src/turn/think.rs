//! Thinking: one call to the model pool, recorded with everything it cost, whether it succeeded or not.

use durable::{Done, Failure, Live, Run, Usage};
use llm::{Account, CallRecord, ChatErrorKind, ChatRequest, Completion, Delta, Pool};
use rust_decimal::Decimal;
use serde::{Deserialize, Serialize};
use tokio::time::Instant;

use super::notice::Cause;

/// What is recorded of a step.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(tag = "state", rename_all = "snake_case")]
pub(super) enum Thought {
    Said(Completion),
    Failed {
        cause: Cause,
        /// For the organisation's people.
        message: String,
        calls: Vec<CallRecord>,
    },
}

/// What a step is taken with.
pub(super) struct Think<'a> {
    pub pool: &'a Pool,
    pub account: Account,
    pub group: &'a str,
    /// Number of the step, for the journal.
    pub step: u32,
    pub deadline: Instant,
}

impl Think<'_> {
    /// Asks the model, or returns what it said before a crash.
    pub(super) async fn perform(
        &self,
        run: &mut Run,
        request: &ChatRequest,
        live: &mut Live,
    ) -> Result<Thought, Failure> {
        let work = async {
            if self.step > 0 {
                live.restart();
            }
            let mut on_text = |delta: Delta<'_>| match delta {
                Delta::Restart { .. } => live.restart(),
                Delta::Text(text) => live.say(text),
            };
            let patience = self.deadline.saturating_duration_since(Instant::now());
            match self.pool.chat(self.account, self.group, request, patience, &mut on_text).await {
                Ok(completion) => Ok(Done { usage: usage(&completion), output: Thought::Said(completion) }),
                // Not the models' fault: nothing was asked, so it is worth trying again.
                Err(error) if error.kind == ChatErrorKind::Internal => {
                    Err(Failure::Retry { reason: error.message, after: None })
                }
                Err(error) => Ok(Done {
                    usage: error.calls.iter().map(call_usage).fold(Usage::none(), Usage::plus),
                    output: Thought::Failed {
                        cause: Cause::of(error.kind),
                        message: error.message,
                        calls: error.calls,
                    },
                }),
            }
        };
        run.step(&format!("think:{}", self.step), "think", work).await
    }
}

/// What an answer took, with the calls that failed on the way to it.
fn usage(completion: &Completion) -> Usage {
    let answer = Usage {
        input_tokens: completion.usage.prompt(),
        output_tokens: completion.usage.output,
        cost_usd: completion.cost_usd,
    };
    completion.calls.iter().filter(|call| !call.ok).map(call_usage).fold(answer, Usage::plus)
}

/// A failed call that reported nothing is taken to have cost nothing.
fn call_usage(call: &CallRecord) -> Usage {
    match call.usage {
        Some(usage) => Usage { input_tokens: usage.prompt(), output_tokens: usage.output, cost_usd: call.cost_usd },
        None => Usage { cost_usd: Some(call.cost_usd.unwrap_or(Decimal::ZERO)), ..Usage::none() },
    }
}
