//! Typed calls: a [`ChatRequest`] put to each target of a route until one gives a whole answer.

use std::time::Duration;

use tokio::time::timeout_at;

use super::Caller;
use super::attempt::Attempt;
use super::catalogue::Target;
use super::route::{Needs, Route, Turn};
use crate::draft::Answer;
use crate::error::ChatError;
use crate::fault::Fault;
use crate::model::{CallRecord, Completion, Delta, ModelRef};
use crate::piece::{Piece, Sink};
use crate::request::{ChatMessage, ChatRequest, Content, Part};
use crate::usd::Usd;

impl Caller {
    /// Asks along `route`. A later attempt begins from the start: what was shown before is void.
    pub(crate) async fn ask(
        &self,
        mut route: Route,
        request: &ChatRequest,
        on_text: &mut (dyn FnMut(Delta<'_>) + Send),
    ) -> Result<Completion, ChatError> {
        let mut shown = false;
        while let Some(turn) = route.next().await {
            if std::mem::take(&mut shown) {
                let attempt = u32::try_from(route.failures().len() + 1).unwrap_or(u32::MAX);
                on_text(Delta::Restart { attempt });
            }
            let mut show = |piece: Piece<'_>| {
                if let Piece::Text(text) = piece {
                    shown = true;
                    on_text(Delta::Text(text));
                }
            };
            match self.attempt(&turn, request, &mut show).await {
                Ok(answer) => return Ok(completion(&route, turn, answer)),
                Err(fault) => route.failed(turn, fault),
            }
        }
        Err(route.give_up())
    }

    async fn attempt(&self, turn: &Turn, request: &ChatRequest, sink: &mut Sink<'_>) -> Result<Answer, Fault> {
        let attempt = Attempt { egress: &self.egress, clock: &self.clock, turn, request };
        timeout_at(turn.patience().until, attempt.make(sink)).await.unwrap_or(Err(Fault::CutOff))
    }
}

impl From<&ChatRequest> for Needs {
    fn from(request: &ChatRequest) -> Self {
        Self {
            input_tokens: tokens(request),
            max_output_tokens: request.max_output_tokens.map(u64::from),
            tools: !request.tools.is_empty(),
        }
    }
}

/// What a request comes to, roughly: four bytes a token, and as much for each image as providers count for a large one.
fn tokens(request: &ChatRequest) -> u64 {
    const IMAGE: usize = 1_600;
    let content = |content: &Content| -> usize {
        let part = |part: &Part| match part {
            Part::Text { text } => text.len() / 4,
            Part::Image { .. } => IMAGE,
        };
        content.0.iter().map(part).sum()
    };
    let said = request.messages.iter().map(|message| match message {
        ChatMessage::User { content: said } | ChatMessage::Tool { content: said, .. } => content(said),
        ChatMessage::Assistant { text, .. } => text.len() / 4,
    });
    let sources = request.sources.iter().map(|source| source.text.len() / 4);
    (request.system.len() / 4 + said.chain(sources).sum::<usize>()) as u64
}

fn completion(route: &Route, turn: Turn, answer: Answer) -> Completion {
    let target = turn.target().clone();
    let cost_usd = target.cost(answer.usage).map(Usd::to_decimal);
    let ModelRef { provider, model } = target.name();
    let took = turn.answered();
    let (ms, usage) = (millis(took.whole), answer.usage);
    tracing::debug!(model = %target.name(), ms, first_token_ms = millis(took.first_token), "a model answered");
    let mut calls = route.records();
    calls.push(CallRecord { provider, model, ms, ok: true, error: None, usage, cost_usd });
    Completion {
        cost_usd,
        text: answer.text,
        tool_calls: answer.tool_calls,
        stop: answer.stop,
        model: target.name(),
        usage: answer.usage.unwrap_or_default(),
        calls,
    }
}

impl CallRecord {
    pub(super) fn failed(target: &Target, fault: &Fault, took: Duration) -> Self {
        let ModelRef { provider, model } = target.name();
        let error = Some(target.redact(&fault.to_string()));
        // A model that costs nothing costs nothing for half an answer too.
        let cost_usd = target.cost(None).map(Usd::to_decimal);
        Self { provider, model, ms: millis(took), ok: false, error, usage: None, cost_usd }
    }
}

fn millis(took: Duration) -> u64 {
    u64::try_from(took.as_millis()).unwrap_or(u64::MAX)
}
