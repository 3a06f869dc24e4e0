//! One call's way through the pool: whom to ask next, and when, whoever makes the calls themselves.
//!
//! ```text
//! let mut route = pool.route(&account, "quality", needs, until).await?;
//! while let Some(turn) = route.next().await {
//!     match call(turn.target(), turn.patience()).await {
//!         Ok(answer) => { turn.answered(); return Ok(answer) }
//!         Err(fault) => route.failed(turn, fault),
//!     }
//! }
//! Err(route.give_up())
//! ```
//!
//! A [`Turn`] borrows nothing: it goes along with a stream whose first bytes have been passed on, and is settled when
//! the stream ends. From then on no other target is asked, so the route itself is no longer needed.
//!
//! Invariant: a turn that is dropped unsettled (whoever asked went away) says nothing about its target.

use std::sync::OnceLock;
use std::time::Duration;

use tokio::time::{Instant, sleep_until};

use super::PoolOptions;
use super::catalogue::Target;
use super::plan::Plan;
use crate::error::ChatError;
use crate::fault::Fault;
use crate::model::CallRecord;

/// What a call is like, as far as that decides who is asked.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Needs {
    /// An estimate.
    pub(crate) input_tokens: u64,
    pub(crate) max_output_tokens: Option<u64>,
    /// Whether tools are offered to the model.
    pub(crate) tools: bool,
}

/// The targets of one call, and how far it has come with them.
pub(crate) struct Route {
    targets: Vec<Target>,
    plan: Plan,
    options: PoolOptions,
    started: Instant,
    until: Instant,
    failures: Vec<Failure>,
}

/// A call that brought no answer.
pub(crate) struct Failure {
    /// Which of the route's targets.
    pub(crate) target: usize,
    pub(crate) fault: Fault,
    pub(crate) took: Duration,
}

/// The leave to call one target once.
pub(crate) struct Turn {
    target: Target,
    index: usize,
    patience: Patience,
    asked: Instant,
    first_token: OnceLock<Duration>,
}

/// How long an answer took, since its target was asked.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Took {
    pub(crate) first_token: Duration,
    pub(crate) whole: Duration,
}

/// How long to wait for what.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Patience {
    /// From asking to the first event of the answer.
    pub(crate) first_token: Duration,
    /// Between two events of an answer.
    pub(crate) between_tokens: Duration,
    /// When the whole answer must be there.
    pub(crate) until: Instant,
}

impl Route {
    pub(crate) fn new(targets: Vec<Target>, until: Instant, options: PoolOptions) -> Self {
        let started = Instant::now();
        let deadline = until.saturating_duration_since(started);
        let plan = Plan::new(targets.len(), deadline, options.rules());
        Self { targets, plan, options, started, until, failures: Vec::new() }
    }

    /// Whom this call may be made to, in the order in which they are asked.
    pub(crate) fn targets(&self) -> &[Target] {
        &self.targets
    }

    /// What went wrong so far, oldest first.
    pub(crate) fn failures(&self) -> &[Failure] {
        &self.failures
    }

    /// The next target, once it is to be asked. `None`: nobody is left to ask in time.
    pub(crate) async fn next(&mut self) -> Option<Turn> {
        let next = self.plan.next(self.started.elapsed())?;
        sleep_until(self.started + next.at).await;
        let PoolOptions { first_token, between_tokens, .. } = self.options;
        Some(Turn {
            target: self.targets[next.target].clone(),
            index: next.target,
            patience: Patience { first_token, between_tokens, until: self.until },
            asked: Instant::now(),
            first_token: OnceLock::new(),
        })
    }

    /// Takes note that the turn's call brought no answer.
    pub(crate) fn failed(&mut self, turn: Turn, fault: Fault) {
        let (target, index, took) = (&turn.target, turn.index, turn.asked.elapsed());
        tracing::warn!(model = %target.name(), fault = target.redact(&fault.to_string()), "a model call failed");
        self.plan.failed(index, fault.verdict(), self.started.elapsed(), rand::random());
        self.failures.push(Failure { target: index, fault, took });
    }

    /// Every call that failed so far, oldest first, for the organisation's people.
    pub(crate) fn records(&self) -> Vec<CallRecord> {
        let record = |failure: &Failure| {
            let target = &self.targets()[failure.target];
            CallRecord::failed(target, &failure.fault, failure.took)
        };
        self.failures().iter().map(record).collect()
    }

    /// Why nobody answered, once [`Route::next`] has nobody left.
    pub(crate) fn give_up(&self) -> ChatError {
        let cut_off = matches!(self.failures.last(), Some(Failure { fault: Fault::CutOff, .. }));
        let late = cut_off || Instant::now() >= self.until;
        ChatError::nobody_answered(late, &self.targets, &self.failures, self.records())
    }
}

impl Turn {
    pub(crate) fn target(&self) -> &Target {
        &self.target
    }

    pub(crate) fn patience(&self) -> Patience {
        self.patience
    }

    /// The first piece of the answer has come.
    pub(crate) fn began(&self) {
        self.first_token.get_or_init(|| self.asked.elapsed());
    }

    /// The answer is whole. Tells how long it took.
    pub(crate) fn answered(self) -> Took {
        let whole = self.asked.elapsed();
        Took { first_token: self.first_token.get().copied().unwrap_or(whole), whole }
    }

    /// The answer broke off after a part of it had been passed on, so that nobody else may be asked.
    pub(crate) fn broke_off(self, fault: &Fault) {
        tracing::warn!(model = %self.target.name(), fault = self.target.redact(&fault.to_string()), "an answer broke off");
    }
}
