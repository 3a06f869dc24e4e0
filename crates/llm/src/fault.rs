//! What can go wrong with one call to one model, and what it means for the next.

use std::time::Duration;

use bytes::Bytes;

use crate::lines::TooLong;
use crate::pool::Effect;

/// The most of a provider's own words that is repeated to people.
const WORDS: usize = 300;

/// Why one call brought no answer. Its text is for the organisation's people: no key, no long bodies.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub(crate) enum Fault {
    #[error("could not be reached: {0}")]
    Unreachable(String),
    /// The circuit breaker does not let calls through at the moment; what it heard last.
    #[error("has failed repeatedly and is left alone for {} s{}", .retry_after.as_secs_f32().ceil(), lately(.last.as_deref()))]
    LeftAlone { retry_after: Duration, last: Option<Box<Fault>> },
    /// It has as many calls as it takes, and as many wait as may.
    #[error("has as many calls under way as it takes")]
    Crowded,
    /// `body`: as it came, for clients of the same protocol.
    #[error("answered with status {status}{}", said(.words))]
    Status { status: u16, words: String, verdict: Verdict, body: Bytes },
    /// An error in the protocol's own form where an answer ought to be: in mid-stream, or with status 200.
    #[error("reported an error{}", said(.words))]
    Reported { words: String, verdict: Verdict },
    #[error("sent nothing within {} s", .0.as_secs_f32())]
    Silent(Duration),
    #[error("fell silent in the middle of its answer for {} s", .0.as_secs_f32())]
    Stalled(Duration),
    #[error("had not finished its answer within {} s", .0.as_secs_f32())]
    TooSlow(Duration),
    #[error("broke off in the middle of its answer")]
    BrokenOff,
    #[error("sent something that is no answer: {0}")]
    Garbage(String),
    #[error("sent an empty answer")]
    Empty,
    #[error("used up its output tokens before it said anything")]
    Speechless,
    #[error("sent more than is accepted in one piece")]
    TooLarge,
    #[error("declined to answer for reasons of its content policy")]
    Declined,
    #[error("cannot be called: {0}")]
    Misconfigured(String),
    /// Another model may well take the question.
    #[error("cannot be asked this: {0}")]
    Unfit(&'static str),
    #[error("had not finished when the time for the whole answer was up")]
    CutOff,
}

/// What a failed call means for the next one.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Verdict {
    /// The same call may well succeed in a moment; not before `after`, where the provider said so.
    Retry { after: Option<Duration> },
    /// It may succeed, but trying costs so much time that another model is asked first, where there is one.
    RetryLater,
    /// The target takes no such call: a wrong key, an unknown model.
    Refused,
    /// The target takes none until somebody has paid.
    OutOfCredit,
    /// The input, with what was to come out, does not fit the model. A larger one may take it.
    TooLong,
    /// The target's content policy stands against it. Another's may not.
    Declined,
    /// The question itself is at fault, whoever is asked.
    Invalid,
}

impl Fault {
    /// Whether a provider may take money though no answer came of it.
    pub(crate) fn may_cost(&self) -> bool {
        match self {
            Self::Unreachable(_)
            | Self::LeftAlone { .. }
            | Self::Crowded
            | Self::Status { .. }
            | Self::Reported { .. }
            | Self::Misconfigured(_)
            | Self::Unfit(_) => false,
            Self::Silent(_)
            | Self::Stalled(_)
            | Self::TooSlow(_)
            | Self::BrokenOff
            | Self::Garbage(_)
            | Self::Empty
            | Self::Speechless
            | Self::TooLarge
            | Self::Declined
            | Self::CutOff => true,
        }
    }

    pub(crate) fn verdict(&self) -> Verdict {
        match self {
            Self::Status { verdict, .. } | Self::Reported { verdict, .. } => *verdict,
            Self::Unreachable(_) | Self::BrokenOff | Self::Garbage(_) | Self::Empty => Verdict::Retry { after: None },
            Self::LeftAlone { retry_after, .. } => Verdict::Retry { after: Some(*retry_after) },
            Self::Silent(_) | Self::Stalled(_) | Self::TooSlow(_) | Self::Crowded => Verdict::RetryLater,
            Self::Declined => Verdict::Declined,
            Self::Speechless | Self::TooLarge | Self::Misconfigured(_) | Self::Unfit(_) | Self::CutOff => {
                Verdict::Refused
            }
        }
    }
}

impl Fault {
    /// What the call says about the model's health.
    pub(crate) fn effect(&self) -> Effect {
        match self {
            Self::Status { status: 429 | 503 | 529, verdict: Verdict::Retry { .. }, .. } => Effect::Busy,
            Self::Status { verdict, .. } | Self::Reported { verdict, .. } => match verdict {
                Verdict::OutOfCredit => Effect::OutOfCredit,
                Verdict::Retry { .. } | Verdict::RetryLater | Verdict::Refused => Effect::Failed,
                // It does answer.
                Verdict::TooLong | Verdict::Declined | Verdict::Invalid => Effect::Healthy,
            },
            Self::Unreachable(_)
            | Self::Silent(_)
            | Self::Stalled(_)
            | Self::TooSlow(_)
            | Self::BrokenOff
            | Self::Garbage(_)
            | Self::Empty => Effect::Failed,
            Self::Speechless | Self::TooLarge | Self::Declined => Effect::Healthy,
            Self::LeftAlone { .. } | Self::Crowded | Self::Misconfigured(_) | Self::Unfit(_) | Self::CutOff => {
                Effect::Unknown
            }
        }
    }

    /// What made it so: of a target that is left alone what it said last.
    pub(crate) fn cause(&self) -> &Self {
        match self {
            Self::LeftAlone { last: Some(last), .. } => last.cause(),
            _ => self,
        }
    }

    /// Whether a time-out was its end.
    pub(crate) fn is_silence(&self) -> bool {
        matches!(self, Self::Silent(_) | Self::Stalled(_) | Self::TooSlow(_))
    }
}

impl From<TooLong> for Fault {
    fn from(_: TooLong) -> Self {
        Self::TooLarge
    }
}

impl From<serde_json::Error> for Fault {
    fn from(error: serde_json::Error) -> Self {
        // serde_json's text says what and where, and repeats no more of the input than a field's name.
        Self::Garbage(brief(&format!("invalid JSON ({error})")))
    }
}

/// A provider's words, fit to be repeated: one line, printable, at most 300 characters.
pub(crate) fn brief(words: &str) -> String {
    let mut line = String::with_capacity(words.len().min(WORDS + 4));
    for word in words.split_whitespace() {
        if !line.is_empty() {
            line.push(' ');
        }
        line.extend(word.chars().filter(|c| !c.is_control()).take(WORDS));
        if line.chars().count() > WORDS {
            break;
        }
    }
    match line.char_indices().nth(WORDS) {
        Some((at, _)) => format!("{}…", &line[..at]),
        None => line,
    }
}

fn lately(last: Option<&Fault>) -> String {
    last.map(|fault| format!("; it last {fault}")).unwrap_or_default()
}

fn said(words: &str) -> String {
    if words.is_empty() { String::new() } else { format!(": {words}") }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_providers_words_are_repeated_on_one_line_and_not_at_length() {
        assert_eq!(brief(" a\n\tb\u{7}c "), "a bc");
        let long = brief(&"wörd ".repeat(500));
        assert_eq!(long.chars().count(), 301);
        assert!(brief(&"x".repeat(100_000)).chars().count() <= 301);
    }
}
