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

use std::sync::{Arc, OnceLock};
use std::time::Duration;

use tokio::time::{Instant, sleep_until};

use super::PoolOptions;
use super::catalogue::{Resolved, Stage, Target};
use super::health::{Call, Gate, Pulse};
use super::plan::{Plan, Rules};
use super::strategy::{Standing, order};
use crate::error::ChatError;
use crate::fault::{Fault, Verdict};
use crate::group::{Routing, Strategy};
use crate::model::CallRecord;
use crate::usd::Usd;

/// How long a place at an upstream with too many calls is waited for, where somebody else could be asked instead.
const IN_LINE: Duration = Duration::from_secs(1);
/// How long where nobody could.
const LAST_IN_LINE: Duration = Duration::from_secs(20);

/// What a call is like, as far as that decides who is asked.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Needs {
    /// An estimate.
    pub(crate) input_tokens: u64,
    pub(crate) max_output_tokens: Option<u64>,
    /// Whether tools are offered to the model.
    pub(crate) tools: bool,
}

/// Who wrote a question, and so what it means that a model finds it invalid.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Author {
    /// This product: it must be one model's peculiarity, and the next one is asked.
    Us,
    /// The caller of the gateway, who is told at once.
    Caller,
}

impl Author {
    /// How long the first token and each further one are waited for, where the group does not say. A program that calls
    /// for itself knows how long its model thinks; a person on a channel does not wait for minutes.
    fn waits(self, options: &PoolOptions) -> (Duration, Duration) {
        match self {
            Self::Us => (options.first_token, options.between_tokens),
            Self::Caller => (Duration::from_secs(120), Duration::from_secs(60)),
        }
    }

    /// How long a target is waited for that is left alone, where nobody else can be asked. A program is told at once,
    /// with the time to come back; many that waited here for one that is down would wait for ever.
    fn waits_for_the_troubled(self) -> Duration {
        match self {
            Self::Us => Duration::from_secs(20),
            Self::Caller => Duration::from_secs(1),
        }
    }
}

/// The targets of one call, and how far it has come with them.
pub(crate) struct Route {
    targets: Vec<Target>,
    /// Of each target.
    terms: Vec<Terms>,
    plan: Plan,
    author: Author,
    keeps: Option<Duration>,
    started: Instant,
    until: Instant,
    failures: Vec<Failure>,
    /// Why targets were not called, though it was their turn: the last reason of each.
    passed_over: Vec<Option<Fault>>,
}

/// How a target does, and what its group says of calls to it.
struct Terms {
    gate: Arc<Gate>,
    pulse: Arc<Pulse>,
    first_token: Duration,
    between_tokens: Duration,
    total: Option<Duration>,
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
    call: Call,
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
    /// How long the whole answer may take, where the group says so; `until` is not later.
    pub(crate) total: Option<Duration>,
}

impl Route {
    /// A way to what was `resolved`: each group's models in the order of its strategy, group after group.
    pub(crate) fn new(resolved: Resolved, needs: Needs, author: Author, until: Instant, options: &PoolOptions) -> Self {
        let (mut targets, mut terms, mut rules) = (Vec::new(), Vec::new(), Vec::new());
        let keeps = resolved.keeps.map(|seconds| Duration::from_secs(seconds.into()));
        for Stage { routing, targets: stage } in resolved.stages {
            let standing = |(target, weight): &(Target, u32)| standing(target, *weight, routing.strategy, needs);
            let standings: Vec<Standing> = stage.iter().map(standing).collect();
            let mut stage: Vec<Option<Target>> = stage.into_iter().map(|(target, _)| Some(target)).collect();
            for place in order(routing.strategy, &standings, &mut rand::random) {
                let Some(target) = stage[place].take() else { continue };
                terms.push(Terms::new(&target, &routing, author.waits(options)));
                rules.push(options.rules(&routing, author));
                targets.push(target);
            }
        }
        let started = Instant::now();
        let plan = Plan::new(rules, until.saturating_duration_since(started));
        let passed_over = targets.iter().map(|_| None).collect();
        Self { targets, terms, plan, author, keeps, started, until, failures: Vec::new(), passed_over }
    }

    /// How long the answer may serve others who ask the same.
    pub(crate) fn keeps(&self) -> Option<Duration> {
        self.keeps
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
    ///
    /// Waits for pauses, and for a place where the upstream has as many calls as it takes.
    pub(crate) async fn next(&mut self) -> Option<Turn> {
        loop {
            let next = self.plan.next(self.started.elapsed())?;
            sleep_until(self.started + next.at).await;
            let (target, terms) = (&self.targets[next.target], &self.terms[next.target]);
            if let Some(pause) = terms.pulse.left_alone() {
                self.pass_over(next.target, pause);
                continue;
            }
            let in_line = Instant::now() + if next.others { IN_LINE } else { LAST_IN_LINE };
            let Some(permit) = terms.gate.enter(in_line.min(self.until)).await else {
                self.plan.give_up(next.target);
                self.passed_over[next.target] = Some(Fault::Crowded);
                continue;
            };
            let wire = target.upstream.wire;
            if !terms.gate.allows(next.again) {
                // Its last failure tells why nobody answered.
                self.plan.give_up(next.target);
                continue;
            }
            match Call::begin(permit, Arc::clone(&terms.pulse), wire) {
                Err(pause) => self.pass_over(next.target, pause),
                Ok(call) => {
                    if next.again {
                        metrics::counter!("konstruct_model_retries_total", "wire" => wire.as_str()).increment(1);
                    }
                    return Some(Turn {
                        target: target.clone(),
                        index: next.target,
                        patience: terms.patience(self.until),
                        call,
                        first_token: OnceLock::new(),
                    });
                }
            }
        }
    }

    /// A target to ask beside the one of `turn`, whose answer is late ([`super::hedge`]), where one can be asked at once:
    /// the same model elsewhere. Another model's vectors are of no use among those of this one.
    pub(crate) async fn beside(&self, turn: &Turn) -> Option<Turn> {
        let alike = |other: usize| self.targets[other].model == turn.target.model;
        let index = self.plan.beside(turn.index, self.started.elapsed(), alike)?;
        let (target, terms) = (&self.targets[index], &self.terms[index]);
        let permit = terms.gate.enter(Instant::now()).await?;
        let call = Call::begin(permit, Arc::clone(&terms.pulse), target.upstream.wire).ok()?;
        let (target, patience) = (target.clone(), terms.patience(self.until));
        Some(Turn { target, index, patience, call, first_token: OnceLock::new() })
    }

    /// Takes note that the turn's call brought no answer.
    pub(crate) fn failed(&mut self, turn: Turn, fault: Fault) {
        let fault = turn.explain(fault);
        let (target, index, took) = (&turn.target, turn.index, turn.elapsed());
        tracing::warn!(model = %target.name(), fault = target.redact(&fault.to_string()), "a model call failed");
        turn.call.failed(&fault);
        let verdict = match (fault.verdict(), self.author) {
            (Verdict::Invalid, Author::Us) => Verdict::Refused,
            (verdict, _) => verdict,
        };
        self.plan.failed(index, verdict, self.started.elapsed(), rand::random());
        self.failures.push(Failure { target: index, fault, took });
    }

    /// Every call that failed so far, oldest first, for the organisation's people.
    pub(crate) fn records(&self) -> Vec<CallRecord> {
        let record =
            |failure: &Failure| CallRecord::failed(&self.targets[failure.target], &failure.fault, failure.took);
        self.failures.iter().map(record).collect()
    }

    /// What went wrong last, once [`Route::next`] has nobody left; `None`: nobody's turn came in time.
    pub(crate) fn last_word(&self) -> Option<(&Fault, &Target)> {
        let failed = self.failures.last().map(|failure| (&failure.fault, &self.targets[failure.target]));
        let passed_over =
            || self.passed_over.iter().zip(&self.targets).find_map(|(fault, it)| Some((fault.as_ref()?, it)));
        failed.or_else(passed_over)
    }

    /// Why nobody answered, once [`Route::next`] has nobody left.
    pub(crate) fn give_up(&self) -> ChatError {
        let cut_off = matches!(self.failures.last(), Some(Failure { fault: Fault::CutOff, .. }));
        let late = cut_off || Instant::now() >= self.until;
        let faults = self.targets.iter().enumerate().map(|(n, target)| {
            let of_target = || self.failures.iter().filter(|failure| failure.target == n);
            let asked = of_target().count();
            let last = of_target().next_back().map(|failure| &failure.fault);
            (target, asked, last.or(self.passed_over[n].as_ref()))
        });
        ChatError::nobody_answered(late, faults, self.records())
    }

    fn pass_over(&mut self, target: usize, pause: Duration) {
        let last = self.terms[target].pulse.last_fault().map(Box::new);
        self.plan.left_alone(target, self.started.elapsed(), pause);
        self.passed_over[target] = Some(Fault::LeftAlone { retry_after: pause, last });
    }
}

/// What a strategy looks at, as far as this one does.
fn standing(target: &Target, weight: u32, strategy: Strategy, needs: Needs) -> Standing {
    let pulse = target.upstream.gate.pulse(&target.model);
    Standing {
        weight,
        left_alone: pulse.left_alone().is_some(),
        in_flight: pulse.in_flight(),
        latency: if strategy == Strategy::Latency { pulse.latency() } else { 0.0 },
        price: if strategy == Strategy::Cost { price(target, needs) } else { None },
    }
}

/// What a call like this one may cost.
fn price(target: &Target, needs: Needs) -> Option<Usd> {
    const USUAL_OUTPUT: u64 = 500;
    let price = target.price.as_ref()?;
    Some(price.bound(needs.input_tokens, needs.max_output_tokens.unwrap_or(USUAL_OUTPUT)))
}

impl Terms {
    fn new(target: &Target, routing: &Routing, (first_token, between_tokens): (Duration, Duration)) -> Self {
        let (gate, timeouts) = (Arc::clone(&target.upstream.gate), &routing.timeouts);
        Self {
            pulse: gate.pulse(&target.model),
            gate,
            first_token: timeouts.first_token.map_or(first_token, |time| time.duration()),
            between_tokens: timeouts.between_tokens.map_or(between_tokens, |time| time.duration()),
            total: timeouts.total.map(|time| time.duration()),
        }
    }

    fn patience(&self, until: Instant) -> Patience {
        let Self { first_token, between_tokens, total, .. } = *self;
        let until = total.map_or(until, |total| until.min(Instant::now() + total));
        Patience { first_token, between_tokens, until, total }
    }
}

impl PoolOptions {
    fn rules(&self, routing: &Routing, author: Author) -> Rules {
        let attempts = routing.retries.map_or(self.attempts.max(1), |retries| retries + 1);
        let longest_wait = author.waits_for_the_troubled();
        Rules { attempts, first_pause: self.first_pause, longest_pause: self.longest_pause, longest_wait }
    }
}

impl Turn {
    pub(crate) fn target(&self) -> &Target {
        &self.target
    }

    pub(crate) fn patience(&self) -> Patience {
        self.patience
    }

    /// How long ago the target was asked.
    pub(crate) fn elapsed(&self) -> Duration {
        self.call.elapsed()
    }

    /// When a second target is worth asking beside this one; `None` where too little is known.
    pub(crate) fn hedge_after(&self) -> Option<Duration> {
        self.target.upstream.gate.pulse(&self.target.model).usual()
    }

    /// The first piece of the answer has come.
    pub(crate) fn began(&self) {
        self.first_token.get_or_init(|| {
            let latency = self.elapsed();
            self.call.began(latency);
            latency
        });
    }

    /// Where its group bounds a whole answer, the target was too slow, whoever else may still be in time.
    fn explain(&self, fault: Fault) -> Fault {
        match (fault, self.patience.total) {
            (Fault::CutOff, Some(total)) if self.elapsed() >= total => Fault::TooSlow(total),
            (fault, _) => fault,
        }
    }

    /// The answer is whole. Tells how long it took.
    pub(crate) fn answered(self) -> Took {
        let whole = self.elapsed();
        self.call.answered();
        Took { first_token: self.first_token.get().copied().unwrap_or(whole), whole }
    }

    /// The answer broke off after a part of it had been passed on, so that nobody else may be asked.
    pub(crate) fn broke_off(self, fault: &Fault) {
        tracing::warn!(model = %self.target.name(), fault = self.target.redact(&fault.to_string()), "an answer broke off");
        self.call.failed(fault);
    }
}
