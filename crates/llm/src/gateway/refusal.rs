//! Why a client gets no answer, before it is put into a protocol's words.

use std::time::Duration;

use bytes::Bytes;
use http::StatusCode;

use crate::fault::{Fault, Verdict};
use crate::model::Wire;
use crate::pool::Target;

/// Why a client gets no answer. The message is for the client: it names no key and nothing of another organisation.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Refusal {
    pub(crate) kind: RefusalKind,
    pub(crate) message: String,
    /// The field of the request that it is about.
    pub(crate) param: Option<String>,
    /// What the SDK is to wait before it asks again.
    pub(crate) retry_after: Option<Duration>,
    /// Whether the same request may succeed later: what SDKs are told in `x-should-retry`.
    pub(crate) may_pass: bool,
    /// What the provider said of the client's request, for clients of its own protocol.
    pub(crate) told: Option<Told>,
}

/// A provider's refusal of a request, as it came.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Told {
    pub(crate) wire: Wire,
    pub(crate) status: StatusCode,
    pub(crate) body: Bytes,
}

/// The kinds of refusals that SDKs tell apart.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) enum RefusalKind {
    /// The request makes no sense, or no provider takes it.
    Invalid,
    /// The prompt does not fit into any model's context.
    ContextLength,
    /// The provider's content policy.
    ContentPolicy,
    /// No key, or one that is not known.
    Key,
    /// The key may not do this.
    Forbidden,
    UnknownModel,
    TooLarge,
    /// Too many requests or tokens a minute, for the key or for the provider.
    Rate,
    /// The money is used up, and waiting does not bring it back.
    Budget,
    /// The model has no price, and a budget has to be kept.
    Unpriced,
    /// The providers, or we, have more to do than can be done.
    Overloaded,
    /// The provider failed.
    Upstream,
    /// The provider took too long.
    Timeout,
    /// We failed.
    Internal,
}

impl Refusal {
    pub(crate) fn new(kind: RefusalKind, message: impl Into<String>) -> Self {
        Self { kind, message: message.into(), param: None, retry_after: None, may_pass: kind.may_pass(), told: None }
    }

    pub(crate) fn invalid(param: &str, message: impl Into<String>) -> Self {
        Self { param: Some(param.to_owned()), ..Self::new(RefusalKind::Invalid, message) }
    }

    /// What a client is told of the last failure of a call.
    pub(crate) fn from_fault(fault: &Fault, target: &Target) -> Self {
        // What it said last is what helps, not that it is left alone because of it.
        let cause = fault.cause();
        let kind = RefusalKind::of_fault(cause);
        let retry_after = match fault.verdict() {
            Verdict::Retry { after } => after,
            _ => None,
        };
        let may_pass = matches!(cause.verdict(), Verdict::Retry { .. } | Verdict::RetryLater);
        let message = format!("{} {}", target.name(), target.redact(&fault.to_string()));
        let (may_pass, told) = (may_pass && kind.may_pass(), Told::of(cause, target));
        Self { retry_after, may_pass, told, ..Self::new(kind, message) }
    }
}

impl Told {
    /// Only what is about the request itself: that our key is refused is nobody's business, nor may it be repeated.
    fn of(fault: &Fault, target: &Target) -> Option<Self> {
        let Fault::Status { status, verdict: Verdict::Invalid | Verdict::TooLong | Verdict::Declined, body, .. } =
            fault
        else {
            return None;
        };
        let status = StatusCode::from_u16(*status).ok().filter(StatusCode::is_client_error)?;
        let text = std::str::from_utf8(body).ok().filter(|text| text.trim_start().starts_with('{'))?;
        let clean = target.redact(text) == text;
        clean.then(|| Self { wire: target.upstream.wire, status, body: body.clone() })
    }
}

impl RefusalKind {
    fn may_pass(self) -> bool {
        matches!(self, Self::Rate | Self::Overloaded | Self::Upstream | Self::Timeout | Self::Internal)
    }

    fn of_fault(fault: &Fault) -> Self {
        match (fault, fault.verdict()) {
            (_, Verdict::TooLong) => Self::ContextLength,
            (_, Verdict::Declined) => Self::ContentPolicy,
            (_, Verdict::OutOfCredit) => Self::Upstream,
            (Fault::Unfit(_), _) => Self::Invalid,
            (Fault::Status { status, .. }, _) => Self::of_status(*status),
            (Fault::LeftAlone { .. } | Fault::Crowded, _) => Self::Overloaded,
            (Fault::Silent(_) | Fault::Stalled(_) | Fault::TooSlow(_) | Fault::CutOff, _) => Self::Timeout,
            _ => Self::Upstream,
        }
    }

    /// What it means to the client that a provider answered with `status`. That our key is refused is no fault of the
    /// client's.
    pub(super) fn of_status(status: u16) -> Self {
        match status {
            400 | 422 => Self::Invalid,
            404 => Self::UnknownModel,
            408 | 504 => Self::Timeout,
            413 => Self::TooLarge,
            429 => Self::Rate,
            503 | 529 => Self::Overloaded,
            _ => Self::Upstream,
        }
    }

    pub(crate) fn status(self) -> StatusCode {
        match self {
            Self::Invalid | Self::ContextLength | Self::ContentPolicy | Self::Unpriced => StatusCode::BAD_REQUEST,
            Self::Key => StatusCode::UNAUTHORIZED,
            Self::Forbidden => StatusCode::FORBIDDEN,
            Self::UnknownModel => StatusCode::NOT_FOUND,
            Self::TooLarge => StatusCode::PAYLOAD_TOO_LARGE,
            Self::Rate | Self::Budget => StatusCode::TOO_MANY_REQUESTS,
            Self::Overloaded => StatusCode::SERVICE_UNAVAILABLE,
            Self::Upstream => StatusCode::BAD_GATEWAY,
            Self::Timeout => StatusCode::GATEWAY_TIMEOUT,
            Self::Internal => StatusCode::INTERNAL_SERVER_ERROR,
        }
    }
}
