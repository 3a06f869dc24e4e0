//! How a message travels in notifications, each of which holds less than 8,000 bytes.
//!
//! `node number part parts topic payload`, separated by spaces; a topic has none. The number makes equal messages
//! different, because PostgreSQL drops repeated notifications of one transaction. Parts of a message come in order
//! and are not mixed with those of another message of the same node: one task sends them in one transaction.

use std::collections::HashMap;
use std::sync::Arc;

use kernel::NodeId;

/// A notification may have 7,999 bytes; the rest is for the header and the topic.
const PART_BYTES: usize = 7_500;
/// A message longer than this is not carried; the other nodes are told that something was lost.
const MOST_PARTS: usize = 64;
/// The word in the topic's place that tells everybody to read the tables again.
const LOST_TOPIC: &str = "!lost";

/// A message on its way to the other nodes.
#[derive(Clone, Debug)]
pub(super) struct Outgoing {
    pub(super) topic: Arc<str>,
    pub(super) payload: Arc<str>,
}

/// What came from another node.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Incoming {
    Message {
        topic: String,
        payload: String,
    },
    /// Something from over there did not come through.
    Lost,
}

/// Writes notifications, numbering messages.
pub(super) struct Writer {
    node: NodeId,
    number: u64,
}

impl Writer {
    pub(super) fn new(node: NodeId) -> Self {
        Self { node, number: 0 }
    }

    pub(super) fn message(&mut self, message: &Outgoing, into: &mut Vec<String>) {
        let parts = split(&message.payload);
        if parts.len() > MOST_PARTS {
            return self.lost(into);
        }
        self.number += 1;
        for (index, part) in parts.iter().enumerate() {
            into.push(format!("{} {} {index} {} {} {part}", self.node, self.number, parts.len(), message.topic));
        }
    }

    pub(super) fn lost(&mut self, into: &mut Vec<String>) {
        self.number += 1;
        into.push(format!("{} {} 0 1 {LOST_TOPIC} ", self.node, self.number));
    }
}

/// Puts messages together again, and skips this node's own.
pub(super) struct Reader {
    own: NodeId,
    /// The message each other node is in the middle of.
    halves: HashMap<NodeId, Half>,
}

struct Half {
    number: u64,
    next: usize,
    payload: String,
}

impl Reader {
    pub(super) fn new(own: NodeId) -> Self {
        Self { own, halves: HashMap::new() }
    }

    pub(super) fn read(&mut self, notification: &str) -> Option<Incoming> {
        let mut words = notification.splitn(6, ' ');
        let node: NodeId = words.next()?.parse().ok()?;
        if node == self.own {
            return None;
        }
        let number: u64 = words.next()?.parse().ok()?;
        let index: usize = words.next()?.parse().ok()?;
        let parts: usize = words.next()?.parse().ok()?;
        let (topic, part) = (words.next()?, words.next()?);
        if topic == LOST_TOPIC {
            return Some(Incoming::Lost);
        }
        if parts == 1 {
            return Some(Incoming::Message { topic: topic.to_owned(), payload: part.to_owned() });
        }
        self.gather(node, Part { number, index, parts, topic, text: part })
    }

    /// Forgets what is half read.
    pub(super) fn reset(&mut self) {
        self.halves.clear();
    }

    fn gather(&mut self, node: NodeId, part: Part<'_>) -> Option<Incoming> {
        if part.index == 0 {
            self.halves.insert(node, Half { number: part.number, next: 0, payload: String::new() });
        }
        let half = self.halves.get_mut(&node).filter(|half| half.number == part.number && half.next == part.index)?;
        half.payload.push_str(part.text);
        half.next += 1;
        if half.next < part.parts {
            return None;
        }
        let payload = self.halves.remove(&node)?.payload;
        Some(Incoming::Message { topic: part.topic.to_owned(), payload })
    }
}

struct Part<'a> {
    number: u64,
    index: usize,
    parts: usize,
    topic: &'a str,
    text: &'a str,
}

/// Cuts a text into parts of at most [`PART_BYTES`], never within a character; an empty text is one part.
fn split(text: &str) -> Vec<&str> {
    let (mut parts, mut rest) = (Vec::new(), text);
    while rest.len() > PART_BYTES {
        let (part, after) = rest.split_at(rest.floor_char_boundary(PART_BYTES));
        parts.push(part);
        rest = after;
    }
    parts.push(rest);
    parts
}

#[cfg(test)]
mod tests {
    use super::*;

    fn trip(payload: &str) -> (Vec<String>, Vec<Incoming>) {
        let mut frames = Vec::new();
        let message = Outgoing { topic: "t:-:lane:1".into(), payload: payload.into() };
        Writer::new(NodeId::new()).message(&message, &mut frames);
        let mut reader = Reader::new(NodeId::new());
        let read = frames.iter().filter_map(|frame| reader.read(frame)).collect();
        (frames, read)
    }

    #[test]
    fn every_payload_survives_and_every_notification_fits() {
        for payload in ["", "one", " two  words ", &"x".repeat(7_500), &"ü€😀".repeat(5_000)] {
            let (frames, read) = trip(payload);
            assert!(frames.iter().all(|frame| frame.len() < 8_000));
            assert_eq!(read, [Incoming::Message { topic: "t:-:lane:1".into(), payload: payload.into() }]);
        }
    }

    #[test]
    fn a_payload_beyond_all_measure_is_told_as_lost() {
        assert_eq!(trip(&"x".repeat(PART_BYTES * MOST_PARTS + 1)).1, [Incoming::Lost]);
    }

    #[test]
    fn equal_messages_make_different_notifications() {
        let (mut frames, mut writer) = (Vec::new(), Writer::new(NodeId::new()));
        let message = Outgoing { topic: "t".into(), payload: "same".into() };
        writer.message(&message, &mut frames);
        writer.message(&message, &mut frames);
        assert_ne!(frames[0], frames[1]);
    }

    #[test]
    fn own_messages_garbage_and_messages_with_a_missing_part_are_skipped() {
        let node = NodeId::new();
        let (mut frames, mut reader) = (Vec::new(), Reader::new(node));
        let long = Outgoing { topic: "t".into(), payload: "x".repeat(20_000).into() };
        Writer::new(node).message(&long, &mut frames);
        assert!(frames.iter().all(|frame| reader.read(frame).is_none()));
        let mut reader = Reader::new(NodeId::new());
        assert!(frames.iter().skip(1).all(|frame| reader.read(frame).is_none()));
        for garbage in ["", "x", "a b c d e f", &node.to_string()] {
            assert_eq!(reader.read(garbage), None);
        }
    }
}
