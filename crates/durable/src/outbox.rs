//! Takes replies to their channels: lane by lane in order, each by its [`crate::delivery::Delivery`], every outcome
//! recorded before the next call.

use std::sync::Arc;
use std::time::Duration;

use kernel::{LaneId, TenantId};
use tokio::time::{sleep, timeout};

use crate::delivery::{Action, End};
use crate::engine::Inner;
use crate::outgoing::Outgoing;
use crate::store::{self, Mark, MarkKind, Marked};
use crate::{Error, SendError, Sender, failpoint};

/// The longest a call may take, whatever the sender's own time-outs say.
const CALL_PATIENCE: Duration = Duration::from_secs(30);
/// A longer wait than this is left to the database: the row is let go until then.
const LONGEST_WAIT: Duration = Duration::from_secs(10);
const POLL: Duration = Duration::from_millis(250);
const POLLED_AT_ONCE: i64 = 200;
/// For how many polls a post of a node that lost the row is watched until the row says what stands.
const SURPLUS_POLLS: u32 = 480;
/// How often the way is looked at again while another node puts an earlier reply of the lane up.
const TURN_POLL: Duration = Duration::from_millis(20);
const LONGEST_TURN_POLL: Duration = Duration::from_secs(1);

/// Puts a reply at the end of its lane's queue; a lane with a queue has one task that works it off.
pub(crate) fn enqueue(inner: &Arc<Inner>, mut outgoing: Outgoing) {
    outgoing.node = Some(inner.lease.node());
    let lane = (outgoing.reply.tenant, outgoing.reply.lane);
    if inner.outbox.push(outgoing) {
        inner.tasks.spawn(work_off(Arc::clone(inner), lane));
    }
}

async fn work_off(inner: Arc<Inner>, lane: (TenantId, LaneId)) {
    let mut posted = 0;
    while let Some(outgoing) = inner.outbox.next_of(lane) {
        let (message, seq, epoch) = (outgoing.reply.message, outgoing.seq, outgoing.epoch);
        let left = tokio::select! {
            left = deliver(&inner, outgoing, posted) => left,
            () = inner.stopped.cancelled() => return,
        };
        match left {
            Left::Behind(outgoing) => inner.outbox.put_back(lane, *outgoing),
            Left::Standing => {
                posted = posted.max(seq);
                inner.outbox.forget(message, epoch);
            }
            Left::Undone => inner.outbox.forget(message, epoch),
        }
    }
}

/// How a reply was left.
enum Left {
    /// It stands on the channel, or never will: later ones of its lane may go up.
    Standing,
    /// Not known to stand: whoever takes it up next sees to it.
    Undone,
    /// An earlier reply of the lane has come into the queue behind it, and goes first.
    Behind(Box<Outgoing>),
}

/// Takes a reply as far as it can go now. `posted`: the number of the last reply of the lane that went up here.
async fn deliver(inner: &Arc<Inner>, mut outgoing: Outgoing, posted: i64) -> Left {
    let Some(sender) = inner.senders.get(outgoing.channel.as_str()).cloned() else {
        let reason = format!("this version has no channel {}", outgoing.channel);
        record(inner, &outgoing, MarkKind::Failed { reason }).await;
        return Left::Standing;
    };
    settle_end(&mut outgoing, sender.as_ref());
    let action = outgoing.delivery.next();
    let posts = matches!(action, Action::Find | Action::Open | Action::Say { standing: None, .. });
    if posts && outgoing.seq > posted + 1 {
        match wait_for_turn(inner, &outgoing).await {
            Turn::Ours => {}
            Turn::Behind => return Left::Behind(Box::new(outgoing)),
            Turn::Lost => return Left::Undone,
        }
    }
    go_on(inner, &mut outgoing, &sender, action).await;
    if outgoing.delivery.is_settled() { Left::Standing } else { Left::Undone }
}

async fn go_on(inner: &Arc<Inner>, outgoing: &mut Outgoing, sender: &Arc<dyn Sender>, mut action: Action) {
    loop {
        action = match action {
            Action::Wait { standing } => {
                let mark = standing.map_or(MarkKind::Unopened, |provider_id| MarkKind::Opened { provider_id });
                match record(inner, outgoing, mark).await {
                    Some(row) if row.ended && take_answer(inner, outgoing, sender.as_ref()).await => {
                        outgoing.delivery.next()
                    }
                    _ => return,
                }
            }
            Action::Confirm { provider_id } => {
                failpoint::pass("answer.sent");
                let parts = outgoing.answer.as_ref().map_or(0, |answer| sender.parts(answer));
                let parts = i32::try_from(parts).unwrap_or(i32::MAX);
                if record(inner, outgoing, MarkKind::Confirmed { provider_id, parts }).await.is_none() {
                    take_back(inner, outgoing, sender);
                }
                failpoint::pass("answer.confirmed");
                return;
            }
            Action::Checked => {
                record(inner, outgoing, MarkKind::Checked).await;
                return;
            }
            Action::Drop => {
                record(inner, outgoing, MarkKind::Dropped).await;
                return;
            }
            Action::GiveUp { reason, revoked } => {
                tracing::warn!(message.id = %outgoing.reply.message, reason, revoked, "a reply is given up");
                record(inner, outgoing, MarkKind::Failed { reason }).await;
                return;
            }
            Action::Delay { after, reason } if after > LONGEST_WAIT || outgoing.delivery.is_said() => {
                let failures = outgoing.delivery.failures();
                record(inner, outgoing, MarkKind::Later { after, reason, failures }).await;
                return;
            }
            Action::Delay { after, reason } => {
                tracing::debug!(message.id = %outgoing.reply.message, reason, "a send is tried again");
                sleep(after).await;
                outgoing.delivery.next()
            }
            Action::Find | Action::Open | Action::Say { .. } | Action::Retract { .. } => {
                match call(inner, outgoing, sender, action).await {
                    Some(next) => next,
                    None => return,
                }
            }
        };
    }
}

/// Makes one call to the channel and records what must be known before the next; `None`: the row is let go, or lost.
async fn call(inner: &Arc<Inner>, outgoing: &mut Outgoing, sender: &Arc<dyn Sender>, action: Action) -> Option<Action> {
    let _permit = inner.outbox.calls.acquire(outgoing.reply.tenant).await?;
    // A node that lost its lease must not act any more; whoever took over looks for what stands.
    if !inner.lease.valid_as(outgoing.node) {
        take_back(inner, outgoing, sender);
        return None;
    }
    let reply = &outgoing.reply;
    let failed = match &action {
        Action::Find => match patiently(sender.find(reply)).await {
            Ok(parts) => {
                outgoing.delivery.found(parts);
                None
            }
            Err(error) => Some(error),
        },
        Action::Open => {
            failpoint::pass("placeholder.before");
            match patiently(sender.open(reply)).await {
                Ok(provider_id) => return opened(inner, outgoing, sender, provider_id).await,
                Err(error) => Some(error),
            }
        }
        Action::Say { part, standing } => {
            failpoint::pass("answer.before");
            let answer = outgoing.answer.as_ref()?;
            match patiently(sender.answer(reply, answer, *part, standing.as_deref())).await {
                Ok(provider_id) => {
                    if standing.is_none() {
                        outgoing.posted.push(provider_id.clone());
                    }
                    outgoing.delivery.said(*part, provider_id);
                    None
                }
                Err(error) => Some(error),
            }
        }
        Action::Retract { provider_id } => match patiently(sender.retract(reply, provider_id)).await {
            Ok(()) => {
                outgoing.delivery.retracted(provider_id);
                None
            }
            Err(error) => Some(error),
        },
        _ => None,
    };
    Some(match failed {
        Some(error) => outgoing.delivery.failed(&action, error),
        None => outgoing.delivery.next(),
    })
}

async fn opened(
    inner: &Arc<Inner>,
    outgoing: &mut Outgoing,
    sender: &Arc<dyn Sender>,
    provider_id: Option<String>,
) -> Option<Action> {
    failpoint::pass("placeholder.posted");
    outgoing.delivery.opened(provider_id.clone());
    let Some(provider_id) = provider_id else {
        return Some(outgoing.delivery.next());
    };
    outgoing.posted.push(provider_id.clone());
    let marked = record(inner, outgoing, MarkKind::Opened { provider_id }).await;
    failpoint::pass("placeholder.recorded");
    match marked {
        Some(row) if row.ended => {
            outgoing.posted.clear();
            take_answer(inner, outgoing, sender.as_ref()).await.then(|| outgoing.delivery.next())
        }
        Some(_) => None,
        None => {
            take_back(inner, outgoing, sender);
            None
        }
    }
}

/// Somebody else has the row now: once it says what stands, whatever else was posted from here goes.
///
/// Until then nothing may go: what was posted here may be the very thing that the other has found.
fn take_back(inner: &Arc<Inner>, outgoing: &Outgoing, sender: &Arc<dyn Sender>) {
    if outgoing.posted.is_empty() {
        return;
    }
    let (inner, sender) = (Arc::clone(inner), Arc::clone(sender));
    let (reply, day, posted) = (outgoing.reply.clone(), outgoing.day, outgoing.posted.clone());
    inner.clone().tasks.spawn(async move {
        for _ in 0..SURPLUS_POLLS {
            let row = inner.persist(|| store::standing(&inner.db, (reply.tenant, reply.message), day)).await;
            match row {
                Ok((Some(standing), _)) if posted.contains(&standing) => return,
                Ok((None, false)) => sleep(POLL).await,
                Ok(_) => {
                    for provider_id in &posted {
                        patiently(sender.retract(&reply, provider_id)).await.ok();
                    }
                    return;
                }
                Err(_) => return,
            }
        }
    });
}

/// Learns how many parts the answer has, where the run has ended.
fn settle_end(outgoing: &mut Outgoing, sender: &dyn Sender) {
    if let Some(answer) = &outgoing.answer {
        outgoing.delivery.end(End::Answer { parts: sender.parts(answer).max(1) });
    }
}

/// Reads what is to be said, after the database told that the run has ended.
async fn take_answer(inner: &Arc<Inner>, outgoing: &mut Outgoing, sender: &dyn Sender) -> bool {
    let load = || async {
        let mut tx = inner.db.tenant(outgoing.reply.tenant).await?;
        store::load_answer(&mut tx, outgoing.reply.message, outgoing.day).await
    };
    let Ok(answer) = inner.persist(load).await else {
        return false;
    };
    outgoing.delivery.end(End::Silence);
    outgoing.answer = answer;
    settle_end(outgoing, sender);
    true
}

/// Whether a reply may go up on its channel now.
enum Turn {
    Ours,
    /// An earlier one stands behind it in this node's queue.
    Behind,
    /// The lease is gone.
    Lost,
}

/// Waits while somebody still has an earlier reply of the lane to put up, so that they appear in order.
async fn wait_for_turn(inner: &Arc<Inner>, outgoing: &Outgoing) -> Turn {
    let reply = &outgoing.reply;
    let mut pause = TURN_POLL;
    while inner.lease.valid_as(outgoing.node) {
        if inner.outbox.has_earlier(reply, outgoing.seq) {
            return Turn::Behind;
        }
        match store::earlier_unposted(&inner.db, reply.tenant, reply.lane, outgoing.seq).await {
            Ok(false) => return Turn::Ours,
            Ok(true) => {}
            Err(error) => tracing::warn!(?error, "a lane's earlier replies could not be looked at"),
        }
        sleep(pause).await;
        pause = (pause * 2).min(LONGEST_TURN_POLL);
    }
    Turn::Lost
}

async fn record(inner: &Arc<Inner>, outgoing: &Outgoing, what: MarkKind) -> Marked {
    let outcome = match &what {
        MarkKind::Opened { .. } => "opened",
        MarkKind::Unopened => "unopened",
        MarkKind::Confirmed { .. } => "confirmed",
        MarkKind::Checked => "checked",
        MarkKind::Dropped => "dropped",
        MarkKind::Later { .. } => "delayed",
        MarkKind::Failed { .. } => "failed",
    };
    metrics::counter!("konstruct_replies_total", "channel" => outgoing.channel.clone(), "outcome" => outcome)
        .increment(1);
    let mark = Mark {
        tenant: outgoing.reply.tenant,
        message: outgoing.reply.message,
        day: outgoing.day,
        epoch: outgoing.epoch,
        what,
    };
    inner.persist(|| inner.marks.submit(mark.clone())).await.unwrap_or(None)
}

/// No call hangs for ever, whatever the sender does.
async fn patiently<T>(call: impl Future<Output = Result<T, SendError>>) -> Result<T, SendError> {
    let hanging = |_| Err(SendError::Ambiguous { reason: "the channel did not answer".into() });
    timeout(CALL_PATIENCE, call).await.unwrap_or_else(hanging)
}

/// Looks for replies that are due and nobody's.
pub(crate) async fn poll(inner: Arc<Inner>) {
    loop {
        tokio::select! {
            () = sleep(POLL) => {}
            () = inner.wake_sender.notified() => {}
            () = inner.draining.cancelled() => return,
        }
        if !inner.lease.valid() {
            continue;
        }
        match claim_due(&inner).await {
            Ok(()) => {}
            Err(error) => tracing::warn!(?error, "due replies could not be claimed"),
        }
    }
}

async fn claim_due(inner: &Arc<Inner>) -> Result<(), Error> {
    for row in store::claim_due(&inner.db, inner.lease.node(), POLLED_AT_ONCE).await? {
        let unsaid = row.ended && !row.confirmed;
        let mut outgoing = Outgoing::claimed(row);
        if unsaid {
            let mut tx = inner.db.tenant(outgoing.reply.tenant).await?;
            outgoing.answer = store::load_answer(&mut tx, outgoing.reply.message, outgoing.day).await?;
        }
        enqueue(inner, outgoing);
    }
    Ok(())
}
