use std::error::Error as _;
use std::time::Duration;

use kernel::ErrorKind;

use super::resolver::OutOfReach;

/// Whether a call that failed may have done something at the other end.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Effect {
    /// Nothing was sent: it can be repeated at once.
    No,
    /// It was sent, and nobody knows: look before repeating it, or repeat only what may happen twice.
    Maybe,
}

/// Why a call brought no answer. Never names the URL, which may carry a token.
#[derive(Debug, thiserror::Error)]
pub enum EgressError {
    #[error("refused to call: {why}")]
    Refused { why: &'static str },
    /// The request itself cannot be made: a bad header, a body that does not serialise.
    #[error("the request cannot be built")]
    Invalid(#[source] reqwest::Error),
    #[error("could not connect")]
    Connect(#[source] reqwest::Error),
    #[error("timed out waiting for {what}")]
    Timeout { what: &'static str },
    #[error("the connection broke")]
    Broken(#[source] reqwest::Error),
    #[error("the answer is larger than {max} bytes")]
    TooLarge { max: usize },
    /// It failed so often that we leave it alone for a while.
    #[error("the service kept failing; the next attempt is due in {} ms", retry_after.as_millis())]
    BreakerOpen { retry_after: Duration },
}

impl EgressError {
    pub fn kind(&self) -> ErrorKind {
        match self {
            Self::Refused { .. } | Self::Invalid(_) => ErrorKind::Invalid,
            Self::BreakerOpen { .. } => ErrorKind::Overloaded,
            Self::Connect(_) | Self::Timeout { .. } | Self::Broken(_) | Self::TooLarge { .. } => ErrorKind::Upstream,
        }
    }

    /// Whether the call may have done something at the other end.
    pub fn had_effect(&self) -> Effect {
        match self {
            Self::Refused { .. } | Self::Invalid(_) | Self::Connect(_) | Self::BreakerOpen { .. } => Effect::No,
            Self::Timeout { .. } | Self::Broken(_) | Self::TooLarge { .. } => Effect::Maybe,
        }
    }
}

/// Understands what the client reports, while a call is made and while a body is read.
impl From<reqwest::Error> for EgressError {
    fn from(error: reqwest::Error) -> Self {
        let error = error.without_url();
        let mut cause = error.source();
        while let Some(inner) = cause {
            if let Some(refused) = inner.downcast_ref::<OutOfReach>() {
                return Self::Refused { why: refused.why };
            }
            cause = inner.source();
        }
        if error.is_builder() {
            Self::Invalid(error)
        } else if error.is_connect() {
            Self::Connect(error)
        } else if error.is_timeout() {
            Self::Timeout { what: "the whole answer" }
        } else {
            Self::Broken(error)
        }
    }
}
