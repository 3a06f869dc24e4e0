//! Hot fan-out: who watches something is told at once, on whichever node it happens.
//!
//! Lossy by design. A subscriber that is too slow, or cut off from the other nodes for a while, is told
//! [`Delivery::Lost`] and reads the tables again; the truth is there.
//!
//! Invariant: publishing never waits; every queue is bounded.

mod frame;
mod postgres;

use std::collections::HashMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use kernel::ErrorKind;
use parking_lot::Mutex;
use tokio::sync::{broadcast, mpsc};
use tokio_util::sync::{CancellationToken, DropGuard};

use frame::Outgoing;

/// How far a subscriber may fall behind before it loses something.
const SUBSCRIBER_QUEUE: usize = 256;
/// How many messages may wait for the way to the other nodes.
const BRIDGE_QUEUE: usize = 4096;

#[derive(Debug, thiserror::Error)]
pub enum BusError {
    #[error("the bus cannot listen on the database")]
    Listen(#[from] db::Error),
}

impl BusError {
    pub fn kind(&self) -> ErrorKind {
        match self {
            Self::Listen(error) => error.kind(),
        }
    }
}

/// The bus. Cheap to clone.
#[derive(Clone)]
pub struct Bus {
    local: Arc<Local>,
    bridge: Option<mpsc::Sender<Outgoing>>,
    _tasks: Option<Arc<DropGuard>>,
}

/// What a subscriber is given.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Delivery {
    Payload(Arc<str>),
    /// Something was missed.
    Lost,
}

/// A place to receive what is published under one topic, from the moment it was made.
pub struct Subscription {
    topic: Arc<str>,
    local: Arc<Local>,
    receiver: broadcast::Receiver<Delivery>,
}

impl Bus {
    /// A bus within this process.
    pub fn in_process() -> Self {
        Self { local: Arc::default(), bridge: None, _tasks: None }
    }

    /// A bus over all nodes on one database. Nothing is notified while this node is the only one.
    pub async fn over_postgres(db: db::Db) -> Result<Self, BusError> {
        let local = Arc::<Local>::default();
        let (bridge, queue) = mpsc::channel(BRIDGE_QUEUE);
        let stop = CancellationToken::new();
        postgres::start(db, Arc::clone(&local), queue, stop.clone()).await?;
        Ok(Self { local, bridge: Some(bridge), _tasks: Some(Arc::new(stop.drop_guard())) })
    }

    /// Tells everybody who watches `topic`, here and on the other nodes.
    pub fn publish(&self, topic: &str, payload: &str) {
        self.local.deliver(topic, || Delivery::Payload(payload.into()));
        if let Some(bridge) = &self.bridge
            && self.local.has_peers.load(Ordering::Relaxed)
        {
            // A full queue loses the message; the bridge tells the other nodes so.
            if bridge.try_send(Outgoing { topic: topic.into(), payload: payload.into() }).is_err() {
                self.local.overflowed();
            }
        }
    }

    pub fn subscribe(&self, topic: &str) -> Subscription {
        let (topic, receiver) = self.local.subscribe(topic);
        Subscription { topic, local: Arc::clone(&self.local), receiver }
    }
}

impl Subscription {
    /// The next delivery; `None` once the bus is gone.
    pub async fn recv(&mut self) -> Option<Delivery> {
        match self.receiver.recv().await {
            Ok(delivery) => Some(delivery),
            Err(broadcast::error::RecvError::Lagged(_)) => Some(Delivery::Lost),
            Err(broadcast::error::RecvError::Closed) => None,
        }
    }
}

impl Drop for Subscription {
    fn drop(&mut self) {
        let mut topics = self.local.topics.lock();
        if topics.get(&self.topic).is_some_and(|sender| sender.receiver_count() <= 1) {
            topics.remove(&self.topic);
        }
    }
}

/// The subscribers of this process, and what the bridge and its users tell each other.
#[derive(Default)]
struct Local {
    topics: Mutex<HashMap<Arc<str>, broadcast::Sender<Delivery>>>,
    /// Whether there is another node to tell.
    has_peers: AtomicBool,
    /// Whether the other nodes have missed something.
    overflowed: AtomicBool,
}

impl Local {
    fn subscribe(&self, topic: &str) -> (Arc<str>, broadcast::Receiver<Delivery>) {
        let mut topics = self.topics.lock();
        if let Some((topic, sender)) = topics.get_key_value(topic) {
            return (Arc::clone(topic), sender.subscribe());
        }
        let topic: Arc<str> = topic.into();
        let (sender, receiver) = broadcast::channel(SUBSCRIBER_QUEUE);
        topics.insert(Arc::clone(&topic), sender);
        (topic, receiver)
    }

    /// Makes the delivery only where somebody waits for it.
    fn deliver(&self, topic: &str, delivery: impl FnOnce() -> Delivery) {
        if let Some(sender) = self.topics.lock().get(topic) {
            // It fails where nobody is left, which is no failure.
            let _ = sender.send(delivery());
        }
    }

    fn lose_everything(&self) {
        for sender in self.topics.lock().values() {
            let _ = sender.send(Delivery::Lost);
        }
    }

    fn overflowed(&self) {
        self.overflowed.store(true, Ordering::Relaxed);
    }

    fn take_overflow(&self) -> bool {
        self.overflowed.swap(false, Ordering::Relaxed)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn payload(text: &str) -> Option<Delivery> {
        Some(Delivery::Payload(text.into()))
    }

    #[tokio::test]
    async fn a_subscriber_hears_its_topic_from_then_on() {
        let bus = Bus::in_process();
        bus.publish("a", "before");
        let (mut one, mut two, mut other) = (bus.subscribe("a"), bus.subscribe("a"), bus.subscribe("b"));
        bus.publish("a", "1");
        bus.publish("b", "2");
        assert_eq!(one.recv().await, payload("1"));
        assert_eq!(two.recv().await, payload("1"));
        assert_eq!(other.recv().await, payload("2"));
    }

    #[tokio::test]
    async fn who_is_too_slow_is_told_that_something_was_lost() {
        let bus = Bus::in_process();
        let mut slow = bus.subscribe("a");
        (0..=SUBSCRIBER_QUEUE).for_each(|n| bus.publish("a", &n.to_string()));
        assert_eq!(slow.recv().await, Some(Delivery::Lost));
        assert_eq!(slow.recv().await, payload("1"));
    }

    #[tokio::test]
    async fn a_topic_nobody_watches_any_more_is_forgotten() {
        let bus = Bus::in_process();
        let (one, two) = (bus.subscribe("a"), bus.subscribe("a"));
        drop(one);
        assert_eq!(bus.local.topics.lock().len(), 1);
        drop(two);
        assert_eq!(bus.local.topics.lock().len(), 0);
    }
}
