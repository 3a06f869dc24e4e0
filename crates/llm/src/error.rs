use std::fmt::Write as _;

use kernel::ErrorKind;

use crate::budgets::BudgetRefused;
use crate::fault::Fault;
use crate::model::{CallRecord, UnknownWire};
use crate::pool::{Failure, Target};
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

    /// The last word of each target is told.
    pub(crate) fn nobody_answered(
        late: bool,
        targets: &[Target],
        failures: &[Failure],
        calls: Vec<CallRecord>,
    ) -> Self {
        let question = |fault: &Fault| matches!(fault, Fault::Status { status: 400 | 413 | 422, .. } | Fault::Unfit(_));
        let kind = match late {
            true => ChatErrorKind::Deadline,
            false if !failures.is_empty() && failures.iter().all(|failure| question(&failure.fault)) => {
                ChatErrorKind::Invalid
            }
            false => ChatErrorKind::Exhausted,
        };
        let mut message = match kind {
            ChatErrorKind::Deadline => "no model answered in time".to_owned(),
            ChatErrorKind::Invalid => "no model takes this question".to_owned(),
            _ => "no model answered".to_owned(),
        };
        for (n, target) in targets.iter().enumerate() {
            let of_target = || failures.iter().filter(|failure| failure.target == n);
            let (asked, Some(last)) = (of_target().count(), of_target().next_back()) else { continue };
            let times = if asked > 1 { format!(" (asked {asked} times)") } else { String::new() };
            // Writing into a text cannot fail.
            let _ = write!(message, "; {} {}{times}", target.name(), target.redact(&last.fault.to_string()));
        }
        Self { kind, message: message.replacen("; ", ": ", 1), calls }
    }
}
