//! What a protocol that clients speak must be able to do. One folder each beside this file.

use bytes::Bytes;
use serde_json::Value;

use super::refusal::Refusal;
use crate::draft::Answer;
use crate::piece::Piece;
use crate::request::ChatRequest;

/// A protocol that clients of the gateway speak.
pub(crate) trait Protocol: Send + Sync {
    /// Understands a request, for a provider that speaks another protocol.
    fn accept(&self, body: &[u8]) -> Result<Asked, Refusal>;

    /// A request for a provider that speaks this protocol, without what only other vendors' models have use for and its
    /// own refuse: it stands in conversations that began with one of them.
    fn without_foreign(&self, body: Bytes) -> Bytes {
        body
    }

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
