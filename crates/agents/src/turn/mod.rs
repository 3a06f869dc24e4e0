//! One turn: a message comes in, an answer or an honest word goes out.
//!
//! Steps: `context` pins the agent's version; then `think:n` and `act:n:i` by turns until the model has answered or a
//! limit is reached.
//!
//! Invariant: whatever is decided between steps follows from recorded results and the pinned version alone, so that a
//! resumed turn asks for the same steps. Only time is looked at afresh: it can end a turn, not change its steps.

mod act;
mod context;
mod notice;
mod think;

use std::time::Duration;

use async_trait::async_trait;
use channels::Message;
use db::Db;
use durable::{Failure, Live, Outcome, Program, Run, Usage};
use infra::ConfigEpoch;
use llm::{Account, ChatMessage, ChatRequest, Completion, Pool, Stop, ToolSpec};
use rust_decimal::Decimal;
use serde_json::json;
use tokio::time::Instant;

use self::act::Act;
use self::context::{Employment, Readiness};
use self::notice::Cause;
use self::think::{Think, Thought};
use crate::roster::Roster;
use crate::tools::Tools;
use crate::{AgentConfig, Limits};

/// Kept back of the time in which the sender must be told something, for telling it.
const MARGIN: Duration = Duration::from_secs(4);

/// The program that answers messages.
pub struct Turn {
    db: Db,
    roster: Roster,
    pool: Pool,
    tools: Tools,
}

impl Turn {
    /// What arrivals call the program by.
    pub const NAME: &'static str = "turn";

    pub fn new(db: Db, config_epoch: ConfigEpoch, pool: Pool, tools: Tools) -> Self {
        Self { db, roster: Roster::new(config_epoch), pool, tools }
    }
}

#[async_trait]
impl Program for Turn {
    fn name(&self) -> &'static str {
        Self::NAME
    }

    fn notice(&self) -> &'static str {
        notice::GIVEN_UP
    }

    async fn run(&self, run: &mut Run) -> Result<Outcome, Failure> {
        let began = Instant::now();
        let available = run.remaining().saturating_sub(MARGIN);
        let input = run.input().await?;
        let message: Message = serde_json::from_value(input.body)
            .map_err(|error| Failure::Fatal { reason: format!("the message cannot be read: {error}") })?;
        let employment = match context::establish((&self.db, &self.roster), run, &message, input.received_at).await? {
            Readiness::Ready(employment) => *employment,
            Readiness::Withdrawn => return Ok(Outcome::Silence),
            Readiness::Unavailable { reason } => return Ok(Cause::NotPublished.outcome(reason)),
        };
        let allowed = Duration::from_secs(u64::from(employment.employed.config.limits.max_seconds));
        let request = self.request(&employment);
        let live = run.live();
        let account = Account {
            tenant: message.tenant,
            project: Some(message.project),
            agent: Some(employment.pinned.id),
            conversation: Some(run.claim().lane),
            key: None,
        };
        let deadline = began + available.min(allowed);
        let talk = Talk { turn: self, account, employment, request, live, deadline };
        Box::pin(talk.answer(run)).await
    }
}

impl Turn {
    fn request(&self, employment: &Employment) -> ChatRequest {
        let config = &employment.employed.config;
        let tools = config.tools.iter().filter_map(|name| self.tools.find(name)).map(|tool| ToolSpec {
            name: tool.name().to_owned(),
            description: tool.description().to_owned(),
            parameters: tool.parameters(),
        });
        let question = ChatMessage::user(&employment.question);
        ChatRequest {
            system: employment.prompt.clone(),
            messages: employment.memory.iter().cloned().chain([question]).collect(),
            tools: tools.collect(),
            max_output_tokens: Some(config.limits.max_output_tokens),
            ..ChatRequest::default()
        }
    }
}

/// A turn under way.
struct Talk<'a> {
    turn: &'a Turn,
    account: Account,
    employment: Employment,
    request: ChatRequest,
    live: Live,
    deadline: Instant,
}

impl Talk<'_> {
    async fn answer(mut self, run: &mut Run) -> Result<Outcome, Failure> {
        for step in 0.. {
            if let Some((cause, reason)) = self.limit_reached(step, run.usage()) {
                return Ok(cause.outcome(reason));
            }
            let think = Think {
                pool: &self.turn.pool,
                account: self.account,
                group: &self.employment.employed.config.model_group,
                step,
                deadline: self.deadline,
            };
            let completion = match think.perform(run, &self.request, &mut self.live).await? {
                Thought::Said(completion) => completion,
                Thought::Failed { cause, message, .. } => return Ok(cause.outcome(message)),
            };
            if completion.tool_calls.is_empty() {
                return Ok(self.reply(&completion));
            }
            self.act(run, step, completion).await?;
        }
        Ok(Cause::Steps.outcome("the model was asked without end"))
    }

    async fn act(&mut self, run: &mut Run, step: u32, completion: Completion) -> Result<(), Failure> {
        let act = Act {
            tools: &self.turn.tools,
            allowed: &self.employment.employed.config.tools,
            step,
            deadline: self.deadline,
        };
        let told = act.perform(run, &completion.tool_calls).await?;
        self.request.messages.push(ChatMessage::Assistant {
            thoughts: Vec::new(),
            text: completion.text,
            tool_calls: completion.tool_calls,
        });
        self.request.messages.extend(told);
        Ok(())
    }

    /// Whether another step would pass one of the agent's limits, and which.
    fn limit_reached(&self, step: u32, used: Usage) -> Option<(Cause, String)> {
        spending_reached(&self.employment.employed.config.limits, step, used).or_else(|| {
            (step > 0 && Instant::now() >= self.deadline)
                .then(|| (Cause::Time, format!("the turn ran out of time after {step} steps")))
        })
    }

    fn reply(&self, completion: &Completion) -> Outcome {
        let AgentConfig { icon, .. } = &self.employment.employed.config;
        let mut text = completion.text.trim().to_owned();
        if text.is_empty() {
            return Cause::NothingSaid.outcome("the model gave an empty answer");
        }
        if completion.stop == Stop::Length {
            text.push_str("\n\n(My answer reached its length limit and ends here.)");
        }
        let pinned = &self.employment.pinned;
        let agent = json!({"id": pinned.id, "name": pinned.name, "version": pinned.version, "icon": icon});
        Outcome::Reply { text, body: json!({"agent": agent}) }
    }
}

fn spending_reached(limits: &Limits, step: u32, used: Usage) -> Option<(Cause, String)> {
    let tokens = used.input_tokens + used.output_tokens;
    let cost = used.cost_usd.unwrap_or(Decimal::ZERO);
    if step >= limits.max_steps {
        return Some((Cause::Steps, format!("the limit of {} steps was reached", limits.max_steps)));
    }
    if let Some(most) = limits.max_total_tokens.filter(|most| tokens >= *most) {
        return Some((Cause::Spending, format!("{tokens} tokens were used; the limit is {most}")));
    }
    if let Some(most) = limits.max_cost_usd.filter(|most| cost >= *most) {
        return Some((Cause::Spending, format!("{cost} USD were spent; the limit is {most}")));
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_limit_ends_a_turn_and_says_which_it_was() {
        let limits =
            Limits { max_steps: 2, max_total_tokens: Some(100), max_cost_usd: Some(Decimal::ONE), ..Limits::default() };
        let used = |tokens, cost: Option<i64>| Usage {
            input_tokens: tokens,
            output_tokens: 0,
            cost_usd: cost.map(Decimal::from),
        };
        let cause = |step, used| spending_reached(&limits, step, used).map(|(cause, _)| cause);
        assert_eq!(cause(1, used(99, Some(0))), None);
        assert_eq!(cause(1, used(0, None)), None, "an unknown price is not a reason to stop");
        assert_eq!(cause(2, used(0, Some(0))), Some(Cause::Steps));
        assert_eq!(cause(0, used(100, Some(0))), Some(Cause::Spending));
        assert_eq!(cause(0, used(0, Some(1))), Some(Cause::Spending));
    }
}
