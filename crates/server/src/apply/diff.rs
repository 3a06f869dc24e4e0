use std::fmt;

use crate::terminal::say;

/// Whether changes are printed as they are made.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Said {
    Aloud,
    Quietly,
}

/// What became of one thing.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Change {
    Created,
    /// With the names of the fields that differ, where they are known.
    Changed(Vec<String>),
    Unchanged,
    Removed,
}

impl Change {
    /// Changed where `fields` names any.
    pub(super) fn of_fields(fields: Vec<String>) -> Self {
        if fields.is_empty() { Self::Unchanged } else { Self::Changed(fields) }
    }
}

impl From<llm::store::Change> for Change {
    fn from(change: llm::store::Change) -> Self {
        match change {
            llm::store::Change::Created => Self::Created,
            llm::store::Change::Updated => Self::Changed(Vec::new()),
            llm::store::Change::Unchanged => Self::Unchanged,
        }
    }
}

/// Everything that was done.
#[derive(Debug)]
pub(super) struct Diff {
    said: Said,
    created: usize,
    changed: usize,
    unchanged: usize,
    removed: usize,
}

impl Diff {
    pub(super) fn new(said: Said) -> Self {
        Self { said, created: 0, changed: 0, unchanged: 0, removed: 0 }
    }

    /// Counts and prints one change.
    pub(super) fn note(&mut self, change: &Change, what: impl fmt::Display) {
        let (sign, count) = match change {
            Change::Created => ('+', &mut self.created),
            Change::Changed(_) => ('~', &mut self.changed),
            Change::Unchanged => ('=', &mut self.unchanged),
            Change::Removed => ('-', &mut self.removed),
        };
        *count += 1;
        if self.said == Said::Quietly {
            return;
        }
        match change {
            Change::Changed(fields) if !fields.is_empty() => say(format!("{sign} {what} ({})", fields.join(", "))),
            _ => say(format!("{sign} {what}")),
        }
    }

    pub(super) fn anything_changed(&self) -> bool {
        self.created + self.changed + self.removed > 0
    }

    pub(super) fn summary(&self) -> String {
        let Self { created, changed, unchanged, removed, .. } = self;
        format!("{created} created, {changed} changed, {unchanged} unchanged, {removed} removed")
    }
}
