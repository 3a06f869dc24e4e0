//! The pool: asks the models of a group until one answers.

mod attempt;
mod catalogue;
mod plan;

use std::sync::Arc;
use std::time::Duration;

use db::Db;
use infra::{ConfigEpoch, Egress, EpochCache, Sealer};
use kernel::{Clock, TenantCtx, TenantId};
use tokio::time::{Instant, sleep_until, timeout, timeout_at};

use self::attempt::{Attempt, Patience};
pub(crate) use self::catalogue::{Catalogue, Group, Target, Upstream};
use self::plan::{Plan, Rules};
use crate::draft::Answer;
use crate::error::{ChatError, ChatErrorKind, Error};
use crate::fault::Fault;
use crate::model::{CallRecord, Completion, Delta};
use crate::piece::{Piece, Sink};
use crate::request::ChatRequest;
use crate::{prices, store};

/// The most organisations whose providers are kept in memory.
const CATALOGUES: usize = 4096;

/// How long to wait, and how often to try.
#[derive(Clone, Copy, Debug)]
pub struct PoolOptions {
    /// From asking to the first event of the answer.
    pub first_token: Duration,
    /// Between two events of an answer.
    pub between_tokens: Duration,
    /// The most calls to one model for one answer.
    pub attempts: u32,
    /// The pause after the first failure lasts between half of this and all of it; the next up to twice as long, and so on.
    pub first_pause: Duration,
    pub longest_pause: Duration,
}

impl Default for PoolOptions {
    /// Failures that come at once are spread over two seconds or so; three hanging attempts end within some 46, so that
    /// whoever asked can be told within a minute.
    fn default() -> Self {
        Self {
            first_token: Duration::from_secs(15),
            between_tokens: Duration::from_secs(15),
            attempts: 3,
            first_pause: Duration::from_secs(1),
            longest_pause: Duration::from_secs(4),
        }
    }
}

/// All models of all organisations. Cheap to clone.
#[derive(Clone)]
pub struct Pool {
    shared: Arc<Shared>,
}

struct Shared {
    db: Db,
    sealer: Sealer,
    catalogues: EpochCache<TenantId, Arc<Catalogue>>,
    caller: Caller,
}

/// What asking takes, once it is known whom.
pub(crate) struct Caller {
    pub(crate) egress: Egress,
    pub(crate) clock: Clock,
    pub(crate) options: PoolOptions,
}

impl Pool {
    pub fn new(
        db: Db,
        egress: Egress,
        sealer: Sealer,
        config_epoch: ConfigEpoch,
        clock: Clock,
        options: PoolOptions,
    ) -> Self {
        let catalogues = EpochCache::new(config_epoch, CATALOGUES);
        let caller = Caller { egress, clock, options };
        Self { shared: Arc::new(Shared { db, sealer, catalogues, caller }) }
    }

    /// Asks the models of `group`, in order, then those of its fallbacks, until one answers or `deadline` has passed.
    ///
    /// `on_text` is given the text as it comes. After a [`Delta::Restart`] what it was given before is void.
    pub async fn chat(
        &self,
        tenant: TenantCtx,
        group: &str,
        request: &ChatRequest,
        deadline: Duration,
        on_text: &mut (dyn FnMut(Delta<'_>) + Send),
    ) -> Result<Completion, ChatError> {
        let started = Instant::now();
        let catalogue = match timeout(deadline, self.catalogue(tenant)).await {
            Ok(Ok(catalogue)) => catalogue,
            Ok(Err(error)) => {
                tracing::error!(tenant = %tenant.tenant, error = ?error, "cannot read the model providers");
                let message = "the configuration of the models could not be read";
                return Err(ChatError::new(ChatErrorKind::Internal, message));
            }
            Err(_) => return Err(ChatError::new(ChatErrorKind::Deadline, "no time was left to ask a model")),
        };
        let resolved = catalogue.resolve(group);
        if resolved.targets.is_empty() {
            return Err(ChatError::unconfigured(group, resolved.known, &resolved.skipped));
        }
        let deadline = deadline.saturating_sub(started.elapsed());
        self.shared.caller.ask(&resolved.targets, request, deadline, on_text).await
    }

    async fn catalogue(&self, tenant: TenantCtx) -> Result<Arc<Catalogue>, Error> {
        let load = || store::load_catalogue(&self.shared.db, &self.shared.sealer, tenant);
        self.shared.catalogues.get_or_load(tenant.tenant, load).await
    }
}

impl Caller {
    /// Asks `targets` as [`Plan`] says.
    pub(crate) async fn ask(
        &self,
        targets: &[Target],
        request: &ChatRequest,
        deadline: Duration,
        on_text: &mut (dyn FnMut(Delta<'_>) + Send),
    ) -> Result<Completion, ChatError> {
        let (started, mut calls, mut shown) = (Instant::now(), Vec::new(), false);
        let mut plan = Plan::new(targets.len(), deadline, self.options.rules());
        let mut faults: Vec<(usize, Fault)> = Vec::new();
        while let Some(next) = plan.next(started.elapsed()) {
            sleep_until(started + next.at).await;
            if std::mem::take(&mut shown) {
                on_text(Delta::Restart { attempt: u32::try_from(calls.len() + 1).unwrap_or(u32::MAX) });
            }
            let target = &targets[next.target];
            let asked = Instant::now();
            let mut show = |piece: Piece<'_>| {
                if let Piece::Text(text) = piece {
                    shown = true;
                    on_text(Delta::Text(text));
                }
            };
            let result = self.attempt(target, request, started + deadline, &mut show).await;
            calls.push(record(target, &result, asked.elapsed()));
            let fault = match result {
                Ok(answer) => return Ok(completion(target, answer, calls)),
                Err(fault) => fault,
            };
            tracing::warn!(model = %target.name(), fault = redact(&fault.to_string(), target), "a model call failed");
            plan.failed(next.target, fault.verdict(), started.elapsed(), rand::random());
            faults.push((next.target, fault));
        }
        let late = started.elapsed() >= deadline || matches!(faults.last(), Some((_, Fault::CutOff)));
        Err(ChatError::nobody_answered(late, targets, &faults, calls))
    }

    async fn attempt(
        &self,
        target: &Target,
        request: &ChatRequest,
        until: Instant,
        sink: &mut Sink<'_>,
    ) -> Result<Answer, Fault> {
        let patience = Patience { first_token: self.options.first_token, between_tokens: self.options.between_tokens };
        let attempt = Attempt { egress: &self.egress, clock: &self.clock, target, request, patience };
        timeout_at(until, attempt.make(sink)).await.unwrap_or(Err(Fault::CutOff))
    }
}

impl PoolOptions {
    fn rules(&self) -> Rules {
        Rules { attempts: self.attempts.max(1), first_pause: self.first_pause, longest_pause: self.longest_pause }
    }
}

fn record(target: &Target, result: &Result<Answer, Fault>, took: Duration) -> CallRecord {
    let usage = result.as_ref().ok().and_then(|answer| answer.usage);
    CallRecord {
        provider: target.upstream.name.clone(),
        model: target.model.clone(),
        ms: u64::try_from(took.as_millis()).unwrap_or(u64::MAX),
        ok: result.is_ok(),
        error: result.as_ref().err().map(|fault| redact(&fault.to_string(), target)),
        usage,
        cost_usd: prices::cost(target.upstream.wire, &target.model, usage),
    }
}

fn completion(target: &Target, answer: Answer, calls: Vec<CallRecord>) -> Completion {
    Completion {
        cost_usd: prices::cost(target.upstream.wire, &target.model, answer.usage),
        text: answer.text,
        tool_calls: answer.tool_calls,
        stop: answer.stop,
        model: target.name(),
        usage: answer.usage.unwrap_or_default(),
        calls,
    }
}

/// Providers repeat the key they were shown, whole or its beginning: it is taken out of their words.
pub(crate) fn redact(words: &str, target: &Target) -> String {
    const RECOGNISABLE: usize = 8;
    let Some(key) = target.upstream.key.as_ref().map(|key| key.expose()).filter(|key| !key.is_empty()) else {
        return words.to_owned();
    };
    let start: String = key.chars().take(RECOGNISABLE).collect();
    let mut parts = words.split(start.as_str());
    let mut clean = parts.next().unwrap_or_default().to_owned();
    for part in parts {
        let more = part.chars().zip(key[start.len()..].chars()).take_while(|(a, b)| a == b).map(|(a, _)| a.len_utf8());
        let echoed: usize = more.sum();
        clean.push_str("***");
        clean.push_str(&part[echoed..]);
    }
    clean
}

#[cfg(test)]
mod tests;
