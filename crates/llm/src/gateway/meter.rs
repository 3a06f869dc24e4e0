//! What one call is charged: reserved before anybody is asked, settled when it is over, and written into the log.
//!
//! Invariant: a call that was let through is settled and logged once, whatever becomes of it: answered, failed, or left
//! by whoever made it.

use chrono::{DateTime, Utc};
use kernel::ModelCallId;
use tokio::time::Instant;

use super::refusal::Refusal;
use crate::account::Account;
use crate::budgets::Reservation;
use crate::limits::Admission;
use crate::model::{ModelRef, TokenUsage};
use crate::pool::Target;
use crate::usage::{ModelCall, Outcome, Protocol, UsageLog};
use crate::usd::Usd;

/// Bytes of a text that make a token, by which is guessed what nobody told.
const BYTES_PER_TOKEN: u64 = 4;

pub(super) struct Meter {
    log: UsageLog,
    began: Instant,
    admission: Option<Admission>,
    reservation: Option<Reservation>,
    /// Who is asked; `None` before.
    target: Option<Target>,
    /// By a guess, for calls whose provider does not tell.
    input_tokens: u64,
    /// Bytes that the client was sent of an answer under way.
    sent: u64,
    usage: Option<TokenUsage>,
    /// `None` once it is settled.
    call: Option<ModelCall>,
}

/// A call that begins.
pub(super) struct Start {
    pub(super) id: ModelCallId,
    pub(super) at: DateTime<Utc>,
    pub(super) account: Account,
    pub(super) protocol: Protocol,
    /// What the client named.
    pub(super) name: String,
    pub(super) streamed: bool,
    pub(super) input_bytes: u64,
}

impl Meter {
    pub(super) fn start(log: UsageLog, start: Start) -> Self {
        let call = ModelCall {
            id: start.id,
            at: start.at,
            account: start.account,
            protocol: start.protocol,
            group: (!start.name.contains('/')).then_some(start.name),
            provider: String::new(),
            model: String::new(),
            outcome: Outcome::Aborted,
            usage: None,
            cost: None,
            took: std::time::Duration::ZERO,
            first_token: None,
            attempts: 0,
            streamed: start.streamed,
            cached: false,
            error: None,
        };
        Self {
            log,
            began: Instant::now(),
            admission: None,
            reservation: None,
            target: None,
            input_tokens: start.input_bytes / BYTES_PER_TOKEN,
            sent: 0,
            usage: None,
            call: Some(call),
        }
    }

    pub(super) fn admitted(&mut self, admission: Admission) {
        self.admission = Some(admission);
    }

    pub(super) fn reserved(&mut self, reservation: Option<Reservation>) {
        self.reservation = reservation;
    }

    /// `target` is asked.
    pub(super) fn asks(&mut self, target: &Target) {
        self.target = Some(target.clone());
        if let Some(call) = &mut self.call {
            call.attempts += 1;
        }
    }

    /// The answer has begun to come.
    pub(super) fn begins(&mut self) {
        let took = self.began.elapsed();
        if let Some(call) = &mut self.call {
            call.first_token.get_or_insert(took);
        }
    }

    /// How far an answer under way has come.
    pub(super) fn comes(&mut self, sent: u64, usage: Option<TokenUsage>) {
        self.sent = sent;
        self.usage = usage;
    }

    /// The answer had been given before: it costs nothing.
    pub(super) fn kept(&mut self, model: &ModelRef) {
        if let Some(call) = &mut self.call {
            call.cached = true;
            call.provider.clone_from(&model.provider);
            call.model.clone_from(&model.model);
        }
    }

    pub(super) fn answered(&mut self, usage: Option<TokenUsage>) {
        self.usage = usage;
        self.settle(Outcome::Answered, None);
    }

    /// Nobody was asked, nobody answered, or the answer broke off.
    pub(super) fn failed(&mut self, refusal: &Refusal) {
        let outcome = if self.target.is_some() { Outcome::Failed } else { Outcome::Refused };
        self.settle(outcome, Some(refusal.message.clone()));
    }

    fn settle(&mut self, outcome: Outcome, error: Option<String>) {
        let Some(mut call) = self.call.take() else { return };
        // Who breaks off, or is broken off, has used what it had been asked and what it had said.
        let asked = self.target.is_some();
        let used = asked && (self.sent > 0 || matches!(outcome, Outcome::Answered | Outcome::Aborted));
        let usage = self.usage.or_else(|| used.then(|| self.guess()));
        let cost = match &self.target {
            Some(target) if usage.is_some() => target.cost(usage),
            // A provider takes nothing for an error.
            _ => Some(Usd::ZERO),
        };
        if let Some(admission) = self.admission.take() {
            admission.correct(usage.map_or(0, |usage| usage.prompt() + usage.output));
        }
        if let Some(reservation) = self.reservation.take() {
            let cost = cost.unwrap_or_else(|| reservation.bound());
            reservation.settle(cost);
        }
        if let Some(target) = &self.target {
            call.provider.clone_from(&target.upstream.name);
            call.model.clone_from(&target.model);
        }
        call.took = self.began.elapsed();
        (call.outcome, call.usage, call.cost, call.error) = (outcome, usage, cost, error);
        self.log.record(call);
    }

    fn guess(&self) -> TokenUsage {
        let output = self.sent.div_ceil(BYTES_PER_TOKEN);
        TokenUsage { input: self.input_tokens, output, ..TokenUsage::default() }
    }
}

impl Drop for Meter {
    fn drop(&mut self) {
        self.settle(Outcome::Aborted, None);
    }
}
