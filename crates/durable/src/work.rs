//! One claimed lane: its run from the journal's end to its own.

use std::panic::AssertUnwindSafe;
use std::sync::Arc;
use std::time::Duration;

use futures::FutureExt as _;
use serde_json::Value;
use tokio::time::{Instant, sleep, timeout_at};

use crate::engine::Inner;
use crate::journal::Journal;
use crate::live::{self, LiveEvent};
use crate::outgoing::Outgoing;
use crate::store::{self, FinishItem};
use crate::{Answer, Claim, Error, Failure, Outcome, Program, Run, Usage, failpoint};

/// Whoever waits is told something within 60 s; a run gets what is left after claiming and sending, all of its
/// attempts together.
const PATIENCE: Duration = Duration::from_secs(55);
/// What a run gets that is taken up late because its node was gone: a late answer is worth more than none.
const LEAST: Duration = Duration::from_secs(20);
/// With less time than this a failed run is not tried again; one that waited for longer than planned gets as much.
const WORTH_A_TRY: Duration = Duration::from_secs(5);
/// How much longer a program that takes no notice of its deadline is left alone.
const GRACE: Duration = Duration::from_secs(2);
/// A run that fails on its own account this often is given up.
const MAX_FAILURES: i32 = 3;
/// A run whose node keeps dying under it is given up too, but later: nodes die for other reasons.
const MAX_CLAIMS: i32 = 12;
const RETRY_DELAY: Duration = Duration::from_millis(500);

pub(crate) async fn work(inner: Arc<Inner>, claim: Claim) {
    let more = tokio::select! {
        more = perform(&inner, &claim) => more,
        () = inner.stopped.cancelled() => {
            store::give_back(&inner.db, inner.lease.node(), &claim).await.ok();
            false
        }
    };
    inner.running.lock().remove(&(claim.tenant, claim.lane));
    inner.dispatch.ended(claim.tenant, more);
}

/// Runs the claim's program; returns whether the lane has more to do.
async fn perform(inner: &Arc<Inner>, claim: &Claim) -> bool {
    let Some(program) = inner.programs.get(claim.program.as_str()) else {
        return give_up(inner, claim, "", &format!("this version has no program {}", claim.program), Usage::none())
            .await;
    };
    if claim.claims > MAX_CLAIMS || claim.failures >= MAX_FAILURES {
        let reason = format!("given up after {} attempts", claim.claims.max(claim.failures));
        return give_up(inner, claim, program.notice(), &reason, Usage::none()).await;
    }
    let (began, patience) = (Instant::now(), patience(claim));
    // The first time a run is claimed there is nothing to load.
    let mut recorded = claim.claims > 1 || claim.failures > 0;
    loop {
        let (result, usage) = attempt(inner, claim, program.as_ref(), (recorded, began + patience)).await;
        match result {
            Ok(outcome) => return end(inner, claim, outcome, usage).await,
            Err(Failure::Fatal { reason }) => return give_up(inner, claim, program.notice(), &reason, usage).await,
            Err(Failure::Retry { reason, after }) => {
                let delay = after.unwrap_or(RETRY_DELAY * 2_u32.pow(claim.failures.unsigned_abs().min(6)));
                let too_late = claim.age + began.elapsed() + delay + WORTH_A_TRY > PATIENCE;
                if claim.failures + 1 >= MAX_FAILURES || too_late {
                    return give_up(inner, claim, program.notice(), &reason, usage).await;
                }
                tracing::warn!(run.id = %claim.run, reason, "a run is taken up again later");
                let suspend = || store::suspend(&inner.db, inner.lease.node(), claim, delay);
                inner.persist(suspend).await.ok();
                return false;
            }
            Err(Failure::Stopped) => {
                // A commit whose answer was lost looks like a lost lane; if the lane is ours the journal tells.
                match inner.persist(|| store::owns(&inner.db, inner.lease.node(), claim)).await {
                    Ok(true) if !inner.stopped.is_cancelled() => recorded = true,
                    _ => return false,
                }
                sleep(RETRY_DELAY).await;
            }
        }
    }
}

/// How long the run may still take. Attempts that failed on their own account count; the time without a node does not.
fn patience(claim: &Claim) -> Duration {
    let left = PATIENCE.saturating_sub(claim.age);
    left.max(if claim.failures > 0 { WORTH_A_TRY } else { LEAST })
}

async fn attempt(
    inner: &Arc<Inner>,
    claim: &Claim,
    program: &dyn Program,
    (recorded, deadline): (bool, Instant),
) -> (Result<Outcome, Failure>, Usage) {
    let journal = match load(inner, claim, recorded).await {
        Ok(journal) => journal,
        Err(error) => return (Err(Failure::Retry { reason: error.to_string(), after: None }), Usage::none()),
    };
    let mut run = Run::new(Arc::clone(inner), claim.clone(), deadline, journal);
    let running = AssertUnwindSafe(program.run(&mut run)).catch_unwind();
    let result = match timeout_at(deadline + GRACE, running).await {
        Ok(Ok(result)) => result,
        Ok(Err(_panic)) => Err(Failure::Retry { reason: "the program panicked".into(), after: None }),
        Err(_elapsed) => Err(Failure::Fatal { reason: "the program took too long".into() }),
    };
    (result, run.usage())
}

async fn load(inner: &Inner, claim: &Claim, recorded: bool) -> Result<Journal, Error> {
    if !recorded {
        return Ok(Journal::default());
    }
    let mut tx = inner.db.tenant(claim.tenant).await?;
    store::load_journal(&mut tx, claim).await
}

async fn end(inner: &Arc<Inner>, claim: &Claim, outcome: Outcome, usage: Usage) -> bool {
    let (text, body, error) = match outcome {
        Outcome::Reply { text, body } => (Some(text), body, None),
        Outcome::Notice { text, reason } => (Some(text), Value::Null, Some(reason)),
        Outcome::Silence => (None, Value::Null, None),
    };
    finish(inner, claim, text, body, error, usage).await
}

async fn give_up(inner: &Arc<Inner>, claim: &Claim, notice: &str, reason: &str, usage: Usage) -> bool {
    tracing::warn!(run.id = %claim.run, reason, "a run is given up");
    let text = (!notice.is_empty()).then(|| notice.to_owned());
    finish(inner, claim, text, Value::Null, Some(reason.to_owned()), usage).await
}

async fn finish(
    inner: &Arc<Inner>,
    claim: &Claim,
    text: Option<String>,
    body: Value,
    error: Option<String>,
    usage: Usage,
) -> bool {
    let text = text.map(store::storable_text);
    let item = FinishItem {
        claim: claim.clone(),
        dead: error.is_some(),
        error: error.map(store::storable_text),
        text: text.clone(),
        body: store::storable_json(&body).unwrap_or_else(|_| "null".into()),
        usage,
    };
    failpoint::pass("finish.before");
    let Ok(Some(finished)) = inner.persist(|| inner.finish.submit(item.clone())).await else {
        return false;
    };
    failpoint::pass("finish.after");
    let outcome = if item.dead { "failed" } else { "done" };
    metrics::counter!("konstruct_runs_ended_total", "outcome" => outcome).increment(1);
    live::publish(&inner.bus, claim.tenant, claim.lane, &LiveEvent::Answered { seq: claim.seq });
    if let Some(reply) = finished.reply.filter(|reply| !inner.outbox.holds(claim.message, reply.epoch)) {
        inner.outgoing(Outgoing::ended(claim, reply, text.map(|text| Answer { text, body })));
    }
    finished.more
}
