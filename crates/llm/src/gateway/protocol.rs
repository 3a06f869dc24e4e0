//! What a protocol that clients speak must be able to do. One folder each beside this file.

use std::time::Duration;

use http::StatusCode;
use serde_json::Value;

use crate::draft::Answer;
use crate::piece::Piece;
use crate::request::ChatRequest;

/// A protocol that clients of the gateway speak.
pub(crate) trait Protocol: Send + Sync {
    /// Understands a request, for a provider that speaks another protocol.
    fn accept(&self, body: &[u8]) -> Result<Asked, Refusal>;

    /// A whole answer as the body of a 200.
    fn whole(&self, reply: &Reply, answer: &Answer) -> Vec<u8>;

    /// Writes an answer as it comes.
    fn writer(&self, reply: Reply) -> Box<dyn Writer>;

    /// A refusal as the body that the protocol's SDKs understand.
    fn refusal(&self, refusal: &Refusal) -> Vec<u8>;

    /// A refusal in the middle of a stream, as an event that the protocol's SDKs raise.
    fn refusal_event(&self, refusal: &Refusal) -> Vec<u8>;
}

/// Writes the events of one streamed answer.
pub(crate) trait Writer: Send {
    /// What comes before the first piece.
    fn begin(&mut self, out: &mut Vec<u8>);

    fn piece(&mut self, piece: Piece<'_>, out: &mut Vec<u8>);

    /// What comes after the last piece; `answer` is all of them together.
    fn end(&mut self, answer: &Answer, out: &mut Vec<u8>);

    /// The end where there is no answer.
    fn fail(&mut self, refusal: &Refusal, out: &mut Vec<u8>);
}

/// A request, understood.
#[derive(Debug)]
pub(crate) struct Asked {
    pub(crate) request: ChatRequest,
    /// Whether a stream tells the usage, where the protocol leaves that to the client.
    pub(crate) wants_usage: bool,
    /// What of the request the protocol repeats in its answer, as an object.
    pub(crate) terms: Value,
}

/// What an answer's frame says, beside the answer.
#[derive(Clone, Debug)]
pub(crate) struct Reply {
    /// Without the protocol's prefix: letters and digits.
    pub(crate) id: String,
    /// In seconds since 1970.
    pub(crate) created: i64,
    /// Who answers, by its provider's name for it.
    pub(crate) model: String,
    /// Tokens of the prompt by a cautious guess, for protocols that tell them before the provider has.
    pub(crate) input_tokens: u64,
    pub(crate) wants_usage: bool,
    pub(crate) terms: Value,
}

/// Why a client gets no answer. The message is for the client: it names no key and nothing of another organisation.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Refusal {
    pub(crate) kind: RefusalKind,
    pub(crate) message: String,
    /// The field of the request that it is about.
    pub(crate) param: Option<String>,
    /// What the SDK is to wait before it asks again.
    pub(crate) retry_after: Option<Duration>,
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
    /// Too many requests or tokens a minute.
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
        Self { kind, message: message.into(), param: None, retry_after: None }
    }

    pub(crate) fn invalid(param: &str, message: impl Into<String>) -> Self {
        Self { param: Some(param.to_owned()), ..Self::new(RefusalKind::Invalid, message) }
    }

    /// Whether the same request may succeed later: what SDKs are told in `x-should-retry`.
    pub(crate) fn may_pass(&self) -> bool {
        use RefusalKind::{Internal, Overloaded, Rate, Timeout, Upstream};
        matches!(self.kind, Rate | Overloaded | Upstream | Timeout | Internal)
    }
}

impl RefusalKind {
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
