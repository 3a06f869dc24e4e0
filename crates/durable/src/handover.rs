//! Hands what is being committed to the worker on the same node, which then need not read it back. Losing an entry costs
//! one read; the inbox is what counts.

use std::collections::{HashMap, VecDeque};
use std::time::Duration;

use kernel::MessageId;
use parking_lot::Mutex;
use serde_json::Value;
use tokio::time::Instant;

const CAPACITY: usize = 1024;
/// Longer messages are read back: entries that nobody fetches must not hold much memory.
const LONGEST: usize = 8 * 1024;
/// What nobody has fetched by then stands behind something, or another node has claimed it.
const FORGOTTEN: Duration = Duration::from_secs(3);

#[derive(Default)]
pub(crate) struct Handover {
    entries: Mutex<Entries>,
}

#[derive(Default)]
struct Entries {
    words: HashMap<MessageId, (String, Value)>,
    /// In the order of their arrival, some of those fetched since included.
    order: VecDeque<(Instant, MessageId)>,
}

impl Handover {
    /// Whether an input of `bytes` is worth keeping.
    pub(crate) const fn fits(bytes: usize) -> bool {
        bytes <= LONGEST
    }

    /// Keeps a message's text and body for a moment, while there is room.
    pub(crate) fn put(&self, message: MessageId, text: String, body: Value) {
        let now = Instant::now();
        let mut entries = self.entries.lock();
        entries.tidy(now);
        if entries.words.len() < CAPACITY {
            entries.order.push_back((now, message));
            entries.words.insert(message, (text, body));
        }
    }

    pub(crate) fn take(&self, message: MessageId) -> Option<(String, Value)> {
        self.entries.lock().words.remove(&message)
    }

    pub(crate) fn forget(&self, message: MessageId) {
        self.take(message);
    }
}

impl Entries {
    fn tidy(&mut self, now: Instant) {
        while let Some((since, message)) = self.order.front()
            && (now.duration_since(*since) > FORGOTTEN || !self.words.contains_key(message))
        {
            self.words.remove(message);
            self.order.pop_front();
        }
        if self.order.len() >= 2 * CAPACITY {
            self.order.retain(|(_, message)| self.words.contains_key(message));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn put(handover: &Handover) -> MessageId {
        let id = MessageId::new();
        handover.put(id, "words".to_owned(), Value::Null);
        id
    }

    #[tokio::test(start_paused = true)]
    async fn it_stays_within_its_bound_and_makes_room_for_what_nobody_fetched() {
        let handover = Handover::default();
        let first: Vec<_> = (0..CAPACITY).map(|_| put(&handover)).collect();
        assert!(handover.take(put(&handover)).is_none(), "it was full");
        assert!(handover.take(first[1]).is_some() && handover.take(first[1]).is_none(), "fetched once");
        assert!(handover.take(put(&handover)).is_some(), "there was room again");
        tokio::time::advance(FORGOTTEN * 2).await;
        let late = put(&handover);
        assert!(handover.take(first[0]).is_none() && handover.take(late).is_some());
        assert_eq!(handover.entries.lock().order.len(), 1);
    }

    #[tokio::test(start_paused = true)]
    async fn one_that_is_never_fetched_does_not_make_the_rest_pile_up() {
        let handover = Handover::default();
        put(&handover);
        for _ in 0..10 * CAPACITY {
            let id = put(&handover);
            assert!(handover.take(id).is_some());
        }
        assert!(handover.entries.lock().order.len() <= 2 * CAPACITY);
    }
}
