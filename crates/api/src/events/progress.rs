//! How far a reader has come: pure, so that it can be tested with tables.

use std::collections::BTreeMap;
use std::fmt;
use std::str::FromStr;

use chrono::{DateTime, TimeDelta, Utc};
use durable::Entry;

use crate::conversations::types::{Message, MessageState};
use crate::conversations::view::{self, Audience};

/// How far back answers are still awaited, in messages.
const WINDOW: i64 = 50;

/// Clocks of several nodes agree this well.
const SLACK: TimeDelta = TimeDelta::seconds(2);

/// The name of an event: a message's number, and whether it is the answer to it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct EventId {
    pub seq: i64,
    pub answer: bool,
}

impl FromStr for EventId {
    type Err = ();

    fn from_str(text: &str) -> Result<Self, ()> {
        let (seq, answer) = text.split_once('.').ok_or(())?;
        let answer = match answer {
            "0" => false,
            "1" => true,
            _ => return Err(()),
        };
        Ok(Self { seq: seq.parse().map_err(|_| ())?, answer })
    }
}

impl fmt::Display for EventId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}.{}", self.seq, u8::from(self.answer))
    }
}

/// Something to tell the reader. Only what is final has an id, so that a reader that resumes misses no answer.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Telling {
    pub id: Option<EventId>,
    pub message: Message,
}

/// What a reader has been told.
pub(crate) struct Progress {
    audience: Audience,
    /// Where a reader that comes back stopped; its first catch-up is told by it.
    resumed: Option<EventId>,
    /// The last inbound message told.
    last_in: i64,
    /// The state in which answers within the window were told.
    told: BTreeMap<i64, MessageState>,
}

impl Progress {
    pub(crate) fn new(audience: Audience, resumed: Option<EventId>) -> Self {
        Self { audience, resumed, last_in: resumed.map_or(0, |id| id.seq), told: BTreeMap::new() }
    }

    /// The smallest number that may hold news.
    pub(crate) fn from(&self) -> i64 {
        let open = self.told.iter().find(|(_, state)| !is_final(**state)).map(|(seq, _)| *seq);
        match (self.resumed, open) {
            (Some(id), _) => id.seq.saturating_sub(WINDOW),
            (None, Some(seq)) => seq,
            (None, None) => self.last_in.saturating_add(1),
        }
    }

    /// What the reader has not been told of these entries, oldest first.
    pub(crate) fn news(&mut self, entries: &[Entry]) -> Vec<Telling> {
        if let Some(id) = self.resumed.take() {
            self.recall(id, entries);
        }
        let mut news = Vec::new();
        for entry in entries {
            if entry.seq > self.last_in {
                self.last_in = entry.seq;
                let id = Some(EventId { seq: entry.seq, answer: false });
                news.push(Telling { id, message: view::inbound(entry, self.audience) });
            }
            news.extend(self.answer(entry));
        }
        let window = self.last_in.saturating_sub(WINDOW);
        self.told.retain(|seq, _| *seq >= window);
        news
    }

    fn answer(&mut self, entry: &Entry) -> Option<Telling> {
        let message = view::outbound(entry, self.audience)?;
        let state = message.state?;
        if self.told.insert(entry.seq, state) == Some(state) {
            return None;
        }
        let id = is_final(state).then_some(EventId { seq: entry.seq, answer: true });
        Some(Telling { id, message })
    }

    /// Marks as told what the reader must have seen before `id`: answers that were final before that happened.
    fn recall(&mut self, id: EventId, entries: &[Entry]) {
        let happened = entries.iter().find(|entry| entry.seq == id.seq).and_then(|entry| when(entry, id.answer));
        for entry in entries.iter().filter(|entry| entry.seq <= id.seq) {
            let itself = id.answer && entry.seq == id.seq;
            let before = happened.zip(when(entry, true)).is_some_and(|(then, final_at)| final_at < then - SLACK);
            let state = view::outbound(entry, self.audience).and_then(|message| message.state);
            if let Some(state) = state.filter(|state| is_final(*state) && (itself || before)) {
                self.told.insert(entry.seq, state);
            }
        }
    }
}

/// When a message arrived, or its answer was confirmed.
fn when(entry: &Entry, answer: bool) -> Option<DateTime<Utc>> {
    if answer { entry.reply.as_ref()?.confirmed_at } else { Some(entry.received_at) }
}

fn is_final(state: MessageState) -> bool {
    matches!(state, MessageState::Confirmed | MessageState::Failed | MessageState::Dropped)
}

#[cfg(test)]
mod tests {
    use durable::{EntryReply, ReplyState};
    use kernel::MessageId;
    use serde_json::Value;

    use super::*;

    /// How far an answer has come, and when it was confirmed.
    type Answer = Option<(ReplyState, Option<i64>)>;

    const THINKING: Answer = Some((ReplyState::Thinking, None));

    fn confirmed(at: i64) -> Answer {
        Some((ReplyState::Confirmed, Some(at)))
    }

    /// Message `seq` arrived at moment `seq`; a moment is ten seconds.
    fn entry(seq: i64, answer: Answer) -> Entry {
        let moment = |m: i64| DateTime::from_timestamp(m * 10, 0).unwrap();
        Entry {
            seq,
            message: MessageId::new(),
            text: "hello".into(),
            body: Value::Null,
            received_at: moment(seq),
            reply: answer.map(|(state, at)| EntryReply {
                text: Some("hi".into()),
                body: Value::Null,
                state,
                run: None,
                provider_id: None,
                created_at: moment(seq),
                confirmed_at: at.map(moment),
                last_error: None,
            }),
        }
    }

    fn told(news: &[Telling]) -> Vec<String> {
        let show = |telling: &Telling| match telling.id {
            Some(id) => id.to_string(),
            None => format!("{}:{:?}", telling.message.seq, telling.message.state.unwrap()),
        };
        news.iter().map(show).collect()
    }

    #[test]
    fn a_new_reader_is_told_everything_once_and_answers_when_they_change() {
        let mut progress = Progress::new(Audience::Members, None);
        let past = [entry(1, confirmed(2)), entry(3, THINKING)];
        assert_eq!(told(&progress.news(&past)), ["1.0", "1.1", "3.0", "3:Thinking"]);
        assert_eq!(progress.from(), 3);
        assert_eq!(told(&progress.news(&[entry(3, THINKING), entry(4, THINKING)])), ["4.0", "4:Thinking"]);
        assert_eq!(told(&progress.news(&[entry(3, confirmed(5)), entry(4, THINKING)])), ["3.1"]);
        assert_eq!(progress.from(), 4);
        assert_eq!(told(&progress.news(&[entry(4, confirmed(6))])), ["4.1"]);
        assert_eq!(progress.from(), 5);
    }

    #[test]
    fn a_reader_that_resumes_is_told_what_it_may_have_missed_and_little_else() {
        let transcript =
            || [entry(1, confirmed(2)), entry(3, confirmed(6)), entry(5, confirmed(8)), entry(7, THINKING)];
        for (last, expected) in [
            ("1.0", vec!["1.1", "3.0", "3.1", "5.0", "5.1", "7.0", "7:Thinking"]),
            ("1.1", vec!["3.0", "3.1", "5.0", "5.1", "7.0", "7:Thinking"]),
            // The answer to 3 came after message 5 did: a reader that saw 5 may not have seen it.
            ("5.0", vec!["3.1", "5.1", "7.0", "7:Thinking"]),
            ("5.1", vec!["7.0", "7:Thinking"]),
            ("7.0", vec!["5.1", "7:Thinking"]),
        ] {
            let mut progress = Progress::new(Audience::Members, Some(last.parse().unwrap()));
            assert_eq!(told(&progress.news(&transcript())), expected, "after {last}");
        }
    }

    #[test]
    fn an_event_id_is_read_as_it_is_written_and_garbage_is_not() {
        for text in ["1.0", "17.1"] {
            assert_eq!(text.parse::<EventId>().unwrap().to_string(), text);
        }
        for garbage in ["", "1", "1.2", "x.0", "1.0.0"] {
            assert!(garbage.parse::<EventId>().is_err(), "{garbage}");
        }
    }
}
