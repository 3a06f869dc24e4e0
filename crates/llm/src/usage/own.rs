//! The product's own calls, as the log has them.

use chrono::{DateTime, Utc};
use kernel::ModelCallId;
use tokio::time::Instant;

use super::call::{ModelCall, Outcome, Protocol};
use super::log::UsageLog;
use crate::account::Account;
use crate::budgets::Reservation;
use crate::error::ChatError;
use crate::model::{CallRecord, Completion, Delta, TokenUsage};
use crate::usd::Usd;

/// A call under way. What becomes of it is recorded, also where nobody waits for its end.
pub(crate) struct OwnCall<'a> {
    log: &'a UsageLog,
    began: Instant,
    /// Dropped with a call that was broken off, it settles at its full bound.
    reservation: Option<Reservation>,
    /// `None` once it is recorded.
    call: Option<ModelCall>,
}

impl<'a> OwnCall<'a> {
    pub(crate) fn begin(log: &'a UsageLog, at: DateTime<Utc>, account: Account, group: &str) -> Self {
        let call = ModelCall {
            id: ModelCallId::new(),
            at,
            account,
            protocol: Protocol::Internal,
            group: Some(group.to_owned()),
            provider: String::new(),
            model: String::new(),
            outcome: Outcome::Aborted,
            usage: None,
            cost: None,
            took: std::time::Duration::ZERO,
            first_token: None,
            attempts: 0,
            streamed: true,
            cached: false,
            error: None,
        };
        Self { log, began: Instant::now(), reservation: None, call: Some(call) }
    }

    pub(crate) fn reserved(&mut self, reservation: Option<Reservation>) {
        self.reservation = reservation;
    }

    /// Takes note of what is shown.
    pub(crate) fn shows(&mut self, delta: Delta<'_>) {
        let elapsed = self.began.elapsed();
        let Some(call) = &mut self.call else { return };
        match delta {
            Delta::Restart { .. } => call.first_token = None,
            Delta::Text(_) => _ = call.first_token.get_or_insert(elapsed),
        }
    }

    pub(crate) fn ended(mut self, result: &Result<Completion, ChatError>) {
        let Some(mut call) = self.call.take() else { return };
        let calls = match result {
            Ok(completion) => &completion.calls,
            Err(error) => {
                call.error = Some(error.message.clone());
                &error.calls
            }
        };
        call.outcome = if result.is_ok() { Outcome::Answered } else { Outcome::Failed };
        if let Some(last) = calls.last() {
            (call.provider, call.model) = (last.provider.clone(), last.model.clone());
        }
        call.attempts = u32::try_from(calls.len()).unwrap_or(u32::MAX);
        call.usage = calls.iter().filter_map(|attempt| attempt.usage).reduce(TokenUsage::plus);
        call.cost = calls.iter().map(cost).try_fold(Usd::ZERO, |sum, cost| Some(sum + cost?));
        call.took = self.began.elapsed();
        if let Some(reservation) = self.reservation.take() {
            let cost = call.cost.unwrap_or_else(|| reservation.bound());
            reservation.settle(cost);
        }
        self.log.record(call);
    }
}

impl Drop for OwnCall<'_> {
    fn drop(&mut self) {
        if let Some(mut call) = self.call.take() {
            call.took = self.began.elapsed();
            self.log.record(call);
        }
    }
}

/// An attempt that failed and reported nothing is taken to have cost nothing.
fn cost(attempt: &CallRecord) -> Option<Usd> {
    match attempt.cost_usd {
        Some(cost) => Some(Usd::ceil(cost)),
        None if !attempt.ok && attempt.usage.is_none() => Some(Usd::ZERO),
        None => None,
    }
}
