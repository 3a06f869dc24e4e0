//! The protocols that models speak, one folder each. A new one: a folder with an [`Adapter`], a variant of
//! [`Wire`] and one line in [`adapter`].

pub(crate) mod anthropic;
mod builtin;
mod gemini;
mod ollama;
mod openai_chat;
mod openai_responses;
pub(crate) mod ranking;
pub(crate) mod vectors;

use bytes::Bytes;
use reqwest::header::{HeaderMap, HeaderValue};
use url::Url;

use crate::draft::Answer;
use crate::fault::{Fault, Verdict, brief};
use crate::model::{TokenUsage, Wire};
use crate::piece::Sink;
use crate::refusal;
use crate::request::ChatRequest;

/// The most bytes one event of a stream may hold.
pub(crate) const MAX_EVENT: usize = 4 << 20;

/// One protocol: how a question is put, and how an answer is read.
pub(crate) trait Adapter: Send + Sync {
    /// The provider's own address, for providers that were given none.
    fn default_base_url(&self) -> &'static str;

    /// Where questions go, and with which headers.
    fn door(&self, endpoint: &Endpoint<'_>) -> Result<Door, Fault>;

    /// Where a GET below the base URL tells which models there are; `None` where nothing is called at all.
    fn models_path(&self) -> Option<&'static str> {
        Some("models")
    }

    /// What to do for `request`: one HTTP call, or nothing more because the answer is here.
    fn call(&self, endpoint: &Endpoint<'_>, request: &ChatRequest) -> Result<Call, Fault>;

    /// Reads off `json`, a whole answer or one event of a stream, what it tells of usage; totals so far are replaced.
    /// Answers whether it tells nothing else.
    fn count(&self, json: &[u8], usage: &mut Option<TokenUsage>) -> bool {
        let _ = (json, usage);
        false
    }
}

/// Where one model of a provider is asked.
pub(crate) struct Endpoint<'a> {
    pub(crate) base: &'a Url,
    /// As the header's value; absent where the provider has none.
    pub(crate) key: Option<&'a str>,
    pub(crate) model: &'a str,
}

/// Where questions to one model go.
pub(crate) struct Door {
    pub(crate) url: Url,
    pub(crate) headers: HeaderMap,
}

/// A POST whose answer comes in one piece.
pub(crate) struct Post {
    pub(crate) door: Door,
    pub(crate) body: Bytes,
}

pub(crate) enum Call {
    Http(HttpCall),
    /// Answered in this process.
    Here(Answer),
}

/// A POST, and how to read what comes back.
pub(crate) struct HttpCall {
    pub(crate) door: Door,
    pub(crate) body: Bytes,
    pub(crate) reader: Box<dyn Reader>,
}

/// Reads one answer.
pub(crate) trait Reader: Send {
    /// Reads an answer that came in one piece, from servers that do not stream though asked to.
    fn whole(self: Box<Self>, body: &[u8], sink: &mut Sink<'_>) -> Result<Answer, Fault>;

    /// Takes the next bytes of a stream and hands on the pieces they hold.
    fn feed(&mut self, bytes: &[u8], sink: &mut Sink<'_>) -> Result<Progress, Fault>;

    /// The answer, once the stream has ended.
    fn finish(self: Box<Self>, sink: &mut Sink<'_>) -> Result<Answer, Fault>;
}

/// What a piece of a stream brought.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Progress {
    /// No event: comments, or half of one.
    None,
    Event,
    /// The end of the answer in the protocol's own form: whatever follows is not read.
    End,
}

pub(crate) fn adapter(wire: Wire) -> &'static dyn Adapter {
    match wire {
        Wire::OpenaiChat => &openai_chat::OpenaiChat,
        Wire::OpenaiResponses => &openai_responses::OpenaiResponses,
        Wire::Anthropic => &anthropic::Anthropic,
        Wire::Gemini => &gemini::Gemini,
        Wire::Ollama => &ollama::Ollama,
        Wire::Builtin => &builtin::Builtin,
    }
}

/// An error as the providers word it: `{"error": {"type", "code", "status", "message"}}`, `{"error": "text"}` or
/// `{"message": "text"}`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct ErrorBody {
    /// The type, the code and the status, whichever are given.
    kinds: Vec<String>,
    pub(crate) words: String,
}

impl ErrorBody {
    pub(crate) fn parse(body: &[u8]) -> Option<Self> {
        Self::read(&serde_json::from_slice(body).ok()?)
    }

    pub(crate) fn read(body: &serde_json::Value) -> Option<Self> {
        let error = body.get("error").filter(|error| !error.is_null()).unwrap_or(body);
        let text = |name: &str| error.get(name).and_then(|value| value.as_str()).map(str::to_owned);
        let words = error.as_str().map(str::to_owned).or_else(|| text("message"))?;
        Some(Self { kinds: ["type", "code", "status"].into_iter().filter_map(text).collect(), words: brief(&words) })
    }

    /// What it means for the next call; `None`: nothing says that the same call will fail again.
    pub(crate) fn verdict(&self) -> Option<Verdict> {
        refusal::verdict(&self.kinds, &self.words)
    }

    /// The fault of an error that stands where an answer ought to.
    pub(crate) fn into_fault(self) -> Fault {
        let verdict = self.verdict().unwrap_or(Verdict::Retry { after: None });
        Fault::Reported { words: self.words, verdict }
    }
}

/// `base` with `path` behind it, whether or not it ends with a slash or already with the path's first part.
pub(crate) fn join(base: &Url, path: &str) -> Url {
    let mut url = base.clone();
    let stem = base.path().trim_end_matches('/');
    let (first, rest) = path.split_once('/').unwrap_or((path, ""));
    let doubled = !rest.is_empty() && first == "v1" && stem.ends_with("/v1");
    url.set_path(&format!("{stem}/{}", if doubled { rest } else { path }));
    url
}

fn json_headers() -> HeaderMap {
    HeaderMap::from_iter([(reqwest::header::CONTENT_TYPE, HeaderValue::from_static("application/json"))])
}

/// A header value that is never logged.
fn secret_value(value: &str) -> Result<HeaderValue, Fault> {
    let mut value = HeaderValue::from_str(value)
        .map_err(|_| Fault::Misconfigured("its key holds characters that no header may hold".to_owned()))?;
    value.set_sensitive(true);
    Ok(value)
}

fn to_bytes(body: &impl serde::Serialize) -> Result<Bytes, Fault> {
    match serde_json::to_vec(body) {
        Ok(body) => Ok(body.into()),
        Err(error) => Err(Fault::Misconfigured(format!("the question does not fit its protocol: {error}"))),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn paths_are_joined_to_base_urls_of_every_habit() {
        for (base, path, want) in [
            ("http://h:1/v1", "chat/completions", "http://h:1/v1/chat/completions"),
            ("http://h:1/v1/", "chat/completions", "http://h:1/v1/chat/completions"),
            ("http://h:1", "v1/messages", "http://h:1/v1/messages"),
            ("http://h:1/proxy/v1/", "v1/messages", "http://h:1/proxy/v1/messages"),
            ("http://h:1/", "api/chat", "http://h:1/api/chat"),
        ] {
            assert_eq!(join(&base.parse().unwrap(), path).as_str(), want);
        }
    }

    #[test]
    fn errors_are_read_in_every_form() {
        let read = |body: &str| ErrorBody::parse(body.as_bytes());
        let quota = read(r#"{"error":{"message":"You exceeded","type":"insufficient_quota","code":null}}"#).unwrap();
        assert_eq!(quota.verdict(), Some(Verdict::OutOfCredit));
        let busy = read(r#"{"type":"error","error":{"type":"overloaded_error","message":"Overloaded"}}"#).unwrap();
        assert_eq!(busy.verdict(), None);
        assert_eq!(busy.words, "Overloaded");
        assert_eq!(read(r#"{"error":"model 'x' not found"}"#).unwrap().words, "model 'x' not found");
        assert_eq!(read(r#"{"error":null,"message":"no"}"#).unwrap().words, "no");
        assert_eq!(read("<html>"), None);
        assert_eq!(read("{}"), None);
    }
}
