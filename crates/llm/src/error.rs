use std::fmt::Write as _;

use kernel::ErrorKind;

use crate::budgets::BudgetRefused;
use crate::fault::Fault;
use crate::model::{CallRecord, UnknownWire};
use crate::pool::Target;
use crate::spend::SpendRefused;

/// What can go wrong with the configuration of models.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    #[error("the store of models failed")]
    Store(#[from] db::Error),
    #[error("the provider's key could not be stored or read")]
    Secret(#[from] tenancy::Error),
    /// The caller may not.
    #[error(transparent)]
    Access(tenancy::Error),
    #[error("{0}")]
    Invalid(String),
    /// No call to the address that was written would be made; why.
    #[error("base_url: {0}")]
    OutOfReach(&'static str),
    #[error("no such {0}")]
    NotFound(&'static str),
    /// Told apart from what may not be: a key is never taken along to another host.
    #[error("the address changes to another host: give the API key again, or remove it")]
    KeyForAnotherHost,
    /// By whom is not told: it may be another organisation.
    #[error("this key is in use already; choose another one, or leave it out and one is made")]
    KeyTaken,
    /// What was recorded of model calls is not in the database yet; it is kept, and tried again.
    #[error("the log of model calls could not be written")]
    NotWritten,
    #[error("{0} stands already")]
    Stands(&'static str),
    #[error("{what} `{name}` is still used by {by}")]
    InUse { what: &'static str, name: String, by: String },
}

impl Error {
    pub fn kind(&self) -> ErrorKind {
        match self {
            Self::Store(error) => error.kind(),
            Self::Secret(error) | Self::Access(error) => error.kind(),
            Self::Invalid(_) | Self::KeyForAnotherHost => ErrorKind::Invalid,
            Self::OutOfReach(_) => ErrorKind::Refused,
            Self::NotFound(_) => ErrorKind::NotFound,
            Self::KeyTaken | Self::Stands(_) | Self::InUse { .. } => ErrorKind::Conflict,
            Self::NotWritten => ErrorKind::Overloaded,
        }
    }
}

impl From<sqlx::Error> for Error {
    fn from(error: sqlx::Error) -> Self {
        Self::Store(error.into())
    }
}

impl From<UnknownWire> for Error {
    fn from(error: UnknownWire) -> Self {
        Self::Invalid(error.to_string())
    }
}

/// Why no model answered.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ChatErrorKind {
    /// There is nobody to ask: no such group, or none of its models can be called yet.
    Unconfigured,
    /// Every model refused the question itself; asking again will not help.
    Invalid,
    /// Every model was asked as often as it may be.
    Exhausted,
    /// As many calls as every model takes are under way, and as many as may wait already.
    Overloaded,
    /// The time was up.
    Deadline,
    /// A budget has no room for the call.
    Budget,
    /// Our own store failed.
    Internal,
}

impl From<SpendRefused> for ChatError {
    fn from(refused: SpendRefused) -> Self {
        let kind = match &refused {
            SpendRefused::Budget(BudgetRefused::Unavailable) => ChatErrorKind::Internal,
            SpendRefused::Budget(BudgetRefused::Exceeded(_)) => ChatErrorKind::Budget,
            SpendRefused::Unpriced(_) => ChatErrorKind::Unconfigured,
        };
        Self::new(kind, refused.to_string())
    }
}

/// No answer. The text is for the organisation's people: it names models and what they said, no keys.
#[derive(Debug, thiserror::Error)]
#[error("{message}")]
pub struct ChatError {
    pub kind: ChatErrorKind,
    pub message: String,
    /// Every call that was made, oldest first.
    pub calls: Vec<CallRecord>,
}

impl ChatError {
    pub fn error_kind(&self) -> ErrorKind {
        match self.kind {
            ChatErrorKind::Unconfigured | ChatErrorKind::Invalid => ErrorKind::Invalid,
            ChatErrorKind::Budget => ErrorKind::Refused,
            ChatErrorKind::Exhausted | ChatErrorKind::Deadline => ErrorKind::Upstream,
            ChatErrorKind::Overloaded => ErrorKind::Overloaded,
            ChatErrorKind::Internal => ErrorKind::Internal,
        }
    }

    pub(crate) fn new(kind: ChatErrorKind, message: impl Into<String>) -> Self {
        Self { kind, message: message.into(), calls: Vec::new() }
    }

    pub(crate) fn unconfigured(group: &str, known: bool, skipped: &[String]) -> Self {
        let message = match (known, skipped) {
            (false, _) => format!("there is no model group `{group}`"),
            (true, []) => format!("the model group `{group}` has no models"),
            (true, skipped) => format!("no model of the group `{group}` can be called: {}", skipped.join("; ")),
        };
        Self::new(ChatErrorKind::Unconfigured, message)
    }

    /// `faults`: of each target how often it was asked, and why there is no answer of it.
    pub(crate) fn nobody_answered<'a>(
        late: bool,
        faults: impl Iterator<Item = (&'a Target, usize, Option<&'a Fault>)>,
        calls: Vec<CallRecord>,
    ) -> Self {
        let (mut told, mut crowded, mut invalid) = (String::new(), true, true);
        for (target, asked, fault) in faults {
            let Some(fault) = fault else { continue };
            crowded &= matches!(fault, Fault::Crowded);
            invalid &= matches!(fault, Fault::Status { status: 400 | 413 | 422, .. } | Fault::Unfit(_));
            let times = if asked > 1 { format!(" (asked {asked} times)") } else { String::new() };
            let separator = if told.is_empty() { ": " } else { "; " };
            // Writing into a text cannot fail.
            let _ = write!(told, "{separator}{} {}{times}", target.name(), target.redact(&fault.to_string()));
        }
        let (kind, what) = match late {
            true => (ChatErrorKind::Deadline, "no model answered in time"),
            false if told.is_empty() => (ChatErrorKind::Exhausted, "no model answered"),
            false if crowded => (ChatErrorKind::Overloaded, "all models have too much to do"),
            false if invalid => (ChatErrorKind::Invalid, "no model takes this question"),
            false => (ChatErrorKind::Exhausted, "no model answered"),
        };
        Self { kind, message: format!("{what}{told}"), calls }
    }
}
