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
    /// Who was asked beside, and is charged for too: whoever is late may have done the work all the same.
    beside: Option<Target>,
    /// By a guess, for calls whose provider does not tell.
    input_tokens: u64,
    /// Bytes that the client was sent of an answer under way.
    sent: u64,
    usage: Option<TokenUsage>,
    may_have_spent: bool,
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
            beside: None,
            input_tokens: start.input_bytes / BYTES_PER_TOKEN,
            sent: 0,
            usage: None,
            may_have_spent: false,
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

    /// `target` is asked beside the one that is asked already, whose answer is late.
    pub(super) fn asks_beside(&mut self, target: &Target) {
        self.beside = Some(target.clone());
        if let Some(call) = &mut self.call {
            call.attempts += 1;
        }
    }

    /// It was the one asked beside who answered.
    pub(super) fn answered_beside(&mut self) {
        std::mem::swap(&mut self.target, &mut self.beside);
    }

    /// Whether a budget has set aside what one answer may cost.
    pub(super) fn holds_reservation(&self) -> bool {
        self.reservation.is_some()
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

    /// A call failed in a way that its provider may take money for.
    pub(super) fn may_have_spent(&mut self) {
        self.may_have_spent = true;
    }

    fn settle(&mut self, outcome: Outcome, error: Option<String>) {
        let Some(mut call) = self.call.take() else { return };
        let told = self.usage.filter(|_| outcome == Outcome::Answered);
        let used = told.or_else(|| self.guess(outcome));
        if let Some(admission) = self.admission.take() {
            admission.correct(used.map_or(0, |usage| usage.prompt().saturating_add(usage.output)));
        }
        if let Some(reservation) = self.reservation.take() {
            let cost = self.charge(used, reservation.bound());
            reservation.settle(cost);
        }
        if let Some(target) = &self.target {
            call.provider.clone_from(&target.upstream.name);
            call.model.clone_from(&target.model);
        }
        call.cost = match (&self.target, told) {
            (Some(_), Some(_)) => self.cost(told),
            (Some(target), None) if used.is_some() || self.may_have_spent => target.cost(None),
            // A provider takes nothing for an error, and nobody anything for what was given before.
            _ => Some(Usd::ZERO),
        };
        call.took = self.began.elapsed();
        (call.outcome, call.usage, call.error) = (outcome, told, error);
        self.log.record(call);
    }

    /// What everybody who was asked for the answer takes for it; unknown where one of them is.
    fn cost(&self, usage: Option<TokenUsage>) -> Option<Usd> {
        self.target.iter().chain(&self.beside).map(|target| target.cost(usage)).sum()
    }

    /// What the budgets are charged: what is known, else what is guessed, else all that was reserved.
    fn charge(&self, used: Option<TokenUsage>, bound: Usd) -> Usd {
        match (&self.target, used) {
            (Some(target), Some(usage)) => {
                let dearest = || target.price.as_ref().map(|price| price.bound(usage.prompt(), usage.output));
                target.cost(Some(usage)).or_else(dearest).unwrap_or(bound)
            }
            (Some(_), None) if self.may_have_spent => bound,
            _ => Usd::ZERO,
        }
    }

    /// What a call has used whose provider did not tell, or not to the end: who breaks off, or is broken off, has used
    /// what it had been asked and what it had said. `None` where nothing is known, or nothing was used.
    fn guess(&self, outcome: Outcome) -> Option<TokenUsage> {
        self.target.as_ref()?;
        if self.sent == 0 && outcome != Outcome::Answered {
            return self.usage;
        }
        let output = self.sent.div_ceil(BYTES_PER_TOKEN);
        let told = self.usage.unwrap_or(TokenUsage { input: self.input_tokens, ..TokenUsage::default() });
        Some(TokenUsage { output: told.output.max(output), ..told })
    }
}

impl Drop for Meter {
    fn drop(&mut self) {
        // Whoever was asked goes on for all we know.
        self.may_have_spent |= self.target.is_some();
        self.settle(Outcome::Aborted, None);
    }
}
