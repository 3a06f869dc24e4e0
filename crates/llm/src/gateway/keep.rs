//! An answer on its way to the client, read along so that it can be kept for the next one who asks the same.

use std::time::Duration;

use crate::cache::{AnswerCache, CacheKey};
use crate::draft::Answer;
use crate::model::{ModelRef, Stop, TokenUsage};
use crate::providers::Reader;

/// Where an answer is to be kept, and for how long.
#[derive(Clone)]
pub(super) struct Place {
    pub(super) cache: AnswerCache,
    pub(super) key: CacheKey,
    pub(super) time: Duration,
}

/// Keeps one answer once it is whole.
pub(super) struct Keeper {
    pub(super) place: Place,
    pub(super) model: ModelRef,
    /// Understands an answer that passes as it came; `None` where it cannot be.
    pub(super) reader: Option<Box<dyn Reader>>,
}

impl Place {
    /// Keeps an answer that has come to its end by itself, and says something.
    pub(super) fn keep(&self, answer: &Answer, model: ModelRef) {
        if matches!(answer.stop, Stop::End | Stop::ToolCalls) && answer.speaks() {
            self.cache.keep(self.key, answer, model, self.time);
        }
    }
}

impl Keeper {
    /// The next events of a stream.
    pub(super) fn follow(&mut self, events: &[u8]) {
        if let Some(reader) = &mut self.reader
            && reader.feed(events, &mut |_| {}).is_err()
        {
            self.reader = None;
        }
    }

    /// The stream is over. `usage`: what was withheld of it from the client.
    pub(super) fn finish(self, usage: Option<TokenUsage>) {
        if let Some(reader) = self.reader
            && let Ok(mut answer) = reader.finish(&mut |_| {})
        {
            answer.usage = answer.usage.or(usage);
            self.place.keep(&answer, self.model);
        }
    }

    /// An answer that came in one piece.
    pub(super) fn whole(self, body: &[u8]) {
        if let Some(reader) = self.reader
            && let Ok(answer) = reader.whole(body, &mut |_| {})
        {
            self.place.keep(&answer, self.model);
        }
    }
}
