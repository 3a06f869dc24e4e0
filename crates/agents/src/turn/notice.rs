//! What a sender is told when there is no answer. Names no internals; the reason for the tenant's people goes beside it.

use durable::Outcome;
use llm::ChatErrorKind;
use serde::{Deserialize, Serialize};

/// When the run is given up altogether.
pub(super) const GIVEN_UP: &str =
    "I'm sorry — something went wrong on my side and I could not finish this. Please try again in a little while.";

/// Why there is no answer; recorded by this name where a step failed for it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(super) enum Cause {
    NotPublished,
    NotConfigured,
    ModelUnreachable,
    NothingSaid,
    Steps,
    Spending,
    Budget,
    Time,
}

impl Cause {
    pub(super) fn of(kind: ChatErrorKind) -> Self {
        match kind {
            ChatErrorKind::Unconfigured => Self::NotConfigured,
            ChatErrorKind::Deadline => Self::Time,
            ChatErrorKind::Budget => Self::Budget,
            ChatErrorKind::Invalid | ChatErrorKind::Exhausted | ChatErrorKind::Overloaded | ChatErrorKind::Internal => {
                Self::ModelUnreachable
            }
        }
    }

    pub(super) fn outcome(self, reason: impl Into<String>) -> Outcome {
        Outcome::Notice { text: self.text().to_owned(), reason: reason.into() }
    }

    fn text(self) -> &'static str {
        match self {
            Self::NotPublished => "I'm sorry — I am not on duty yet. Please try again later.",
            Self::NotConfigured => {
                "I'm sorry — I am not fully set up yet, so I cannot answer. The people who run me can see what is missing."
            }
            Self::ModelUnreachable => {
                "I'm sorry — I could not reach my language model just now, so I have no answer for you. Please try again in a few minutes."
            }
            Self::NothingSaid => {
                "I'm sorry — I could not come up with an answer to that. Please try asking in other words."
            }
            Self::Steps => {
                "I'm sorry — this takes more steps than I may take at once, so I stopped before I had an answer. Could you ask for a smaller part of it?"
            }
            Self::Spending => {
                "I'm sorry — this takes more than I may spend on one answer, so I stopped before I had one. Could you ask for a smaller part of it?"
            }
            Self::Budget => {
                "I'm sorry — what may be spent on my answers is used up for now. The people who run me can see why. Please try again later."
            }
            Self::Time => {
                "I'm sorry — I ran out of time before I had an answer. Please try again, or ask for a smaller part of it."
            }
        }
    }
}
