//! Acting: the calls of one step run side by side and are journaled in the order in which the model made them.

use std::collections::VecDeque;
use std::future::poll_fn;
use std::pin::Pin;
use std::task::Poll;
use std::time::Duration;

use durable::{Done, Failure, Run};
use futures::FutureExt as _;
use futures::future::{BoxFuture, MaybeDone, maybe_done};
use llm::{ChatMessage, ToolCall};
use serde::{Deserialize, Serialize};
use serde_json::Value;
use tokio::time::{Instant, timeout_at};

use crate::tools::{self, Effect, Tool, Tools};

/// The most calls of one step; a model that wants more is told so.
const MAX_CALLS: usize = 16;
/// The most characters of a result that a model is shown.
const MAX_RESULT: usize = 16_000;
/// How long one call may take.
const PATIENCE: Duration = Duration::from_secs(20);

/// What is recorded of a call.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(super) struct Called {
    pub tool: String,
    pub arguments: Value,
    pub content: String,
    pub is_error: bool,
}

/// What the calls of one step are made with.
pub(super) struct Act<'a> {
    pub tools: &'a Tools,
    /// The names that this agent may use.
    pub allowed: &'a [String],
    /// Number of the step, for the journal.
    pub step: u32,
    pub deadline: Instant,
}

impl Act<'_> {
    /// Makes the calls, and returns what the model is to be told of each, in their order.
    pub(super) async fn perform(&self, run: &mut Run, calls: &[ToolCall]) -> Result<Vec<ChatMessage>, Failure> {
        let mut batch = Batch::new(calls.iter().enumerate().map(|(at, call)| self.begin(at, call)));
        let mut told = Vec::with_capacity(calls.len());
        for (at, call) in calls.iter().enumerate() {
            let key = format!("act:{}:{at}", self.step);
            let called = match batch.first_effect() {
                Effect::Once => {
                    let work = async { Ok(Done::free(batch.first().await)) };
                    run.step_once(&key, "act", work).await?.unwrap_or_else(|| unknown(call))
                }
                Effect::Pure | Effect::Repeatable => {
                    run.step(&key, "act", async { Ok(Done::free(batch.first().await)) }).await?
                }
            };
            batch.drop_first();
            told.push(ChatMessage::Tool {
                call_id: call.id.clone(),
                name: call.name.clone(),
                content: called.content.into(),
                is_error: called.is_error,
            });
        }
        Ok(told)
    }

    fn begin<'a>(&'a self, at: usize, call: &'a ToolCall) -> (Effect, BoxFuture<'a, Called>) {
        let refusal = |content: String| async move { called(call, Err(content)) }.boxed();
        if at >= MAX_CALLS {
            return (Effect::Pure, refusal(format!("at most {MAX_CALLS} tools may be called at once")));
        }
        let tool = self.tools.find(&call.name).filter(|_| self.allowed.contains(&call.name));
        let Some(tool) = tool else {
            return (Effect::Pure, refusal(format!("there is no tool \"{}\"; {}", call.name, self.known())));
        };
        if let Err(error) = tools::check(tool.as_ref(), &call.arguments) {
            return (Effect::Pure, refusal(error.to_string()));
        }
        (tool.effect(), self.call(tool.as_ref(), call).boxed())
    }

    async fn call(&self, tool: &dyn Tool, call: &ToolCall) -> Called {
        let until = self.deadline.min(Instant::now() + PATIENCE);
        match timeout_at(until, tool.call(&call.arguments)).await {
            Ok(result) => called(call, result.map_err(|error| error.to_string())),
            Err(_) => called(call, Err("it took too long and was stopped".to_owned())),
        }
    }

    fn known(&self) -> String {
        match self.allowed {
            [] => "there are none".to_owned(),
            names => format!("there are {}", names.join(", ")),
        }
    }
}

fn called(call: &ToolCall, result: Result<String, String>) -> Called {
    let is_error = result.is_err();
    let mut content = result.unwrap_or_else(|error| format!("error: {error}"));
    if let Some((cut, _)) = content.char_indices().nth(MAX_RESULT) {
        content.truncate(cut);
        content.push_str("\n[cut: the result is longer]");
    }
    Called { tool: call.name.clone(), arguments: call.arguments.clone(), content, is_error }
}

fn unknown(call: &ToolCall) -> Called {
    let told = "it was interrupted, and whether it took effect is not known; do not call it again, say so instead";
    called(call, Err(told.to_owned()))
}

/// Calls under way. Whoever waits for the first drives those behind it too, except those that may happen only once:
/// their beginning has to be recorded first.
struct Batch<'a> {
    pending: VecDeque<(Effect, MaybeDone<BoxFuture<'a, Called>>)>,
}

impl<'a> Batch<'a> {
    fn new(calls: impl Iterator<Item = (Effect, BoxFuture<'a, Called>)>) -> Self {
        Self { pending: calls.map(|(effect, call)| (effect, maybe_done(call))).collect() }
    }

    fn first_effect(&self) -> Effect {
        self.pending.front().map_or(Effect::Pure, |(effect, _)| *effect)
    }

    async fn first(&mut self) -> Called {
        poll_fn(|cx| {
            for (at, (effect, call)) in self.pending.iter_mut().enumerate() {
                if at == 0 || *effect != Effect::Once {
                    // That it is done is asked of the first alone, below.
                    _ = call.poll_unpin(cx);
                }
            }
            let first = self.pending.front_mut().and_then(|(_, call)| Pin::new(call).take_output());
            first.map_or(Poll::Pending, Poll::Ready)
        })
        .await
    }

    fn drop_first(&mut self) {
        self.pending.pop_front();
    }
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicBool, Ordering};

    use super::*;

    fn done(name: &str) -> Called {
        Called { tool: name.to_owned(), arguments: Value::Null, content: String::new(), is_error: false }
    }

    #[tokio::test]
    async fn calls_run_side_by_side_and_come_out_in_order() {
        let (send, receive) = tokio::sync::oneshot::channel();
        let slow = async move {
            receive.await.unwrap();
            done("slow")
        };
        let quick = async move {
            send.send(()).unwrap();
            done("quick")
        };
        let mut batch = Batch::new([(Effect::Pure, slow.boxed()), (Effect::Pure, quick.boxed())].into_iter());
        assert_eq!(batch.first().await.tool, "slow", "it could only end because the second ran beside it");
        batch.drop_first();
        assert_eq!(batch.first().await.tool, "quick");
    }

    #[tokio::test]
    async fn what_may_happen_once_does_not_begin_before_its_turn() {
        let begun = AtomicBool::new(false);
        let once = async {
            begun.store(true, Ordering::Relaxed);
            done("once")
        };
        let mut batch =
            Batch::new([(Effect::Pure, async { done("pure") }.boxed()), (Effect::Once, once.boxed())].into_iter());
        batch.first().await;
        assert!(!begun.load(Ordering::Relaxed));
        batch.drop_first();
        batch.first().await;
        assert!(begun.load(Ordering::Relaxed));
    }
}
