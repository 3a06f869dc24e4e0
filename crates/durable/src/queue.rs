//! What this node takes out to channels: a queue a lane, and the places for calls under way.

use std::collections::{HashMap, VecDeque};
use std::sync::Arc;

use kernel::{LaneId, MessageId, TenantId};
use parking_lot::Mutex;
use tokio::sync::{OwnedSemaphorePermit, Semaphore};

use crate::Reply;
use crate::outgoing::Outgoing;

/// How many calls to channels may be under way at once.
const CALLS: usize = 1024;
/// How many of them for one tenant: a channel that does not answer must not hold up the others' replies.
const CALLS_OF_A_TENANT: usize = 128;

/// The replies that this node has in hand.
pub(crate) struct Outbox {
    lanes: Mutex<Lanes>,
    pub(crate) calls: Calls,
}

#[derive(Default)]
struct Lanes {
    queues: HashMap<(TenantId, LaneId), VecDeque<Outgoing>>,
    /// The epochs at which a reply is queued or under way.
    known: HashMap<MessageId, Vec<i64>>,
}

impl Outbox {
    pub(crate) fn new() -> Self {
        Self { lanes: Mutex::new(Lanes::default()), calls: Calls::new() }
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.lanes.lock().known.is_empty()
    }

    pub(crate) fn knows(&self, message: MessageId) -> bool {
        self.lanes.lock().known.contains_key(&message)
    }

    /// Puts a reply at the end of its lane's queue. `true`: the queue is new, and wants somebody to work it off.
    pub(crate) fn push(&self, outgoing: Outgoing) -> bool {
        let lane = (outgoing.reply.tenant, outgoing.reply.lane);
        let mut lanes = self.lanes.lock();
        lanes.known.entry(outgoing.reply.message).or_default().push(outgoing.epoch);
        let new = !lanes.queues.contains_key(&lane);
        lanes.queues.entry(lane).or_default().push_back(outgoing);
        new
    }

    /// The earliest reply of the lane's queue; `None` where the queue is empty, which ends it.
    pub(crate) fn next_of(&self, lane: (TenantId, LaneId)) -> Option<Outgoing> {
        let mut lanes = self.lanes.lock();
        let queue = lanes.queues.get_mut(&lane)?;
        let earliest = queue.iter().enumerate().min_by_key(|(place, outgoing)| (outgoing.seq, *place));
        let next = earliest.map(|(place, _)| place).and_then(|place| queue.remove(place));
        if next.is_none() {
            lanes.queues.remove(&lane);
        }
        next
    }

    pub(crate) fn put_back(&self, lane: (TenantId, LaneId), outgoing: Outgoing) {
        self.lanes.lock().queues.entry(lane).or_default().push_front(outgoing);
    }

    pub(crate) fn forget(&self, message: MessageId, epoch: i64) {
        let mut lanes = self.lanes.lock();
        if let Some(epochs) = lanes.known.get_mut(&message) {
            epochs.retain(|other| *other != epoch);
            if epochs.is_empty() {
                lanes.known.remove(&message);
            }
        }
    }

    /// Whether an earlier reply of the lane is queued here.
    pub(crate) fn has_earlier(&self, reply: &Reply, seq: i64) -> bool {
        let lanes = self.lanes.lock();
        let queue = lanes.queues.get(&(reply.tenant, reply.lane));
        queue.is_some_and(|queue| queue.iter().any(|other| other.seq < seq))
    }

    /// Whether somebody here is at work on the reply at this epoch: they will find that its run has ended.
    pub(crate) fn holds(&self, message: MessageId, epoch: i64) -> bool {
        self.lanes.lock().known.get(&message).is_some_and(|epochs| epochs.contains(&epoch))
    }
}

/// The places for calls, of each tenant and of all.
pub(crate) struct Calls {
    all: Arc<Semaphore>,
    tenants: Mutex<HashMap<TenantId, Arc<Semaphore>>>,
}

/// A place for one call; given back when dropped.
pub(crate) struct CallPermit {
    _all: OwnedSemaphorePermit,
    _tenant: OwnedSemaphorePermit,
}

impl Calls {
    fn new() -> Self {
        Self { all: Arc::new(Semaphore::new(CALLS)), tenants: Mutex::new(HashMap::new()) }
    }

    /// Waits for a place. A tenant waits for one of its own first, and meanwhile takes none of the others'.
    pub(crate) async fn acquire(&self, tenant: TenantId) -> Option<CallPermit> {
        let own = self.of(tenant).acquire_owned().await.ok()?;
        let all = Arc::clone(&self.all).acquire_owned().await.ok()?;
        Some(CallPermit { _all: all, _tenant: own })
    }

    fn of(&self, tenant: TenantId) -> Arc<Semaphore> {
        let mut tenants = self.tenants.lock();
        if tenants.len() >= CALLS {
            // Whoever calls or waits holds a second reference.
            tenants.retain(|_, places| Arc::strong_count(places) > 1);
        }
        Arc::clone(tenants.entry(tenant).or_insert_with(|| Arc::new(Semaphore::new(CALLS_OF_A_TENANT))))
    }
}

#[cfg(test)]
mod tests {
    use futures::FutureExt as _;
    use tokio::task::unconstrained;

    use super::*;

    fn at_once(permit: impl Future<Output = Option<CallPermit>>) -> Option<CallPermit> {
        unconstrained(permit).now_or_never().flatten()
    }

    #[tokio::test]
    async fn a_tenant_whose_channel_hangs_does_not_hold_up_another() {
        let calls = Calls::new();
        let (hanging, other) = (TenantId::new(), TenantId::new());
        let mut held = Vec::new();
        while let Some(permit) = at_once(calls.acquire(hanging)) {
            held.push(permit);
        }
        assert_eq!(held.len(), CALLS_OF_A_TENANT);
        assert!(at_once(calls.acquire(other)).is_some());
        held.pop();
        assert!(at_once(calls.acquire(hanging)).is_some(), "a place is given back");
    }

    #[tokio::test]
    async fn tenants_without_calls_are_forgotten() {
        let calls = Calls::new();
        for _ in 0..CALLS * 2 {
            calls.acquire(TenantId::new()).await;
        }
        assert!(calls.tenants.lock().len() <= CALLS);
    }
}
