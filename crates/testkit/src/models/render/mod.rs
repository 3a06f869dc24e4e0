//! Answers in every protocol.

mod anthropic;
mod gemini;
mod ollama;
mod openai_chat;
mod responses;
mod vectors;

use std::time::Duration;

use bytes::Bytes;
use serde_json::{Value, json};

use super::call::{Call, ModelWire, Wanted};
use super::reply::{Flaw, Say, ToolUse};

/// A piece of a body, or what happens instead.
#[derive(Clone, Debug)]
pub(super) enum Piece {
    Bytes(Bytes),
    Pause(Duration),
    /// Nothing more comes, and nothing ends.
    Silence,
    /// The connection breaks.
    Break,
    /// The same again and again.
    Forever(Bytes),
}

/// An answer, rendered once for all calls.
pub(super) struct Quick {
    bodies: Vec<(ModelWire, Bytes)>,
}

impl Quick {
    pub(super) fn new(text: &str) -> Self {
        use ModelWire::{Anthropic, Gemini, Ollama, OpenAi, Responses};
        let rendered = |wire| (wire, stream(wire, "quick", &Say::text(text), true).concat().into());
        Self { bodies: [OpenAi, Responses, Anthropic, Gemini, Ollama].map(rendered).into() }
    }

    pub(super) fn body(&self, wire: ModelWire) -> Bytes {
        self.bodies.iter().find(|(known, _)| *known == wire).map(|(_, body)| body.clone()).unwrap_or_default()
    }
}

pub(super) fn content_type(wire: ModelWire, streams: bool) -> &'static str {
    match (wire, streams) {
        (_, false) => "application/json",
        (ModelWire::Ollama, true) => "application/x-ndjson",
        (ModelWire::Gemini, true) => "text/event-stream",
        (_, true) => "text/event-stream; charset=utf-8",
    }
}

/// A streamed answer, with its flaw where it has one.
pub(super) fn pieces(call: &Call, say: &Say) -> Vec<Piece> {
    if say.flaw == Some(Flaw::InvalidUtf8) {
        return vec![Piece::Bytes(spoilt(call, say))];
    }
    let events: Vec<Bytes> = asked_stream(call, say).into_iter().map(Bytes::from).collect();
    let half = events.len() / 2;
    let paced = |event: &Bytes| {
        let pause = (!say.pace.is_zero()).then_some(Piece::Pause(say.pace));
        pause.into_iter().chain([Piece::Bytes(event.clone())])
    };
    let then = |last: Piece| events[..half].iter().flat_map(paced).chain([last]).collect();
    match say.flaw {
        Some(Flaw::Half) => then(Piece::Break),
        Some(Flaw::Stall) => then(Piece::Silence),
        Some(Flaw::TruncatedEvent) => then(Piece::Bytes(events[half].slice(..events[half].len() / 2))),
        Some(Flaw::ErrorInStream) => then(Piece::Bytes(error_event(call.wire).into())),
        Some(Flaw::Endless) => then(Piece::Forever(events[half.saturating_sub(1)].clone())),
        Some(Flaw::DuplicateChunks) => events.iter().flat_map(|event| [event, event]).flat_map(paced).collect(),
        Some(Flaw::NullChoices | Flaw::NoUsage | Flaw::InvalidUtf8 | Flaw::WrongIds) | None => {
            events.iter().flat_map(paced).collect()
        }
    }
}

/// An answer in one piece: words, or whatever else was wanted.
pub(super) fn whole(call: &Call, say: &Say) -> Value {
    let model = call.model();
    match call.wanted {
        Wanted::Vectors => return vectors::embeddings(call, say),
        Wanted::Ranking => return vectors::ranking(call),
        Wanted::TokenCount if call.wire == ModelWire::Gemini => return json!({"totalTokens": say.input_tokens}),
        Wanted::TokenCount => return json!({"input_tokens": say.input_tokens}),
        Wanted::Models => return models(call.wire),
        Wanted::Answer => {}
    }
    match call.wire {
        ModelWire::OpenAi | ModelWire::Cohere => openai_chat::whole(model, say),
        ModelWire::Responses => responses::whole(model, say),
        ModelWire::Anthropic => anthropic::whole(model, say),
        ModelWire::Gemini => gemini::whole(model, say),
        ModelWire::Ollama => ollama::whole(model, say),
    }
}

/// An error as the protocol words it.
pub(super) fn error_body(wire: ModelWire, status: u16, kind: &str, message: &str) -> Value {
    match wire {
        ModelWire::OpenAi | ModelWire::Responses => {
            json!({"error": {"message": message, "type": kind, "param": null, "code": kind}})
        }
        ModelWire::Anthropic => {
            json!({"type": "error", "error": {"type": kind, "message": message}, "request_id": "req_fake"})
        }
        ModelWire::Gemini => gemini::error(status, message),
        ModelWire::Ollama => json!({ "error": message }),
        ModelWire::Cohere => json!({"id": "fake", "message": message}),
    }
}

/// The models the server names.
fn models(wire: ModelWire) -> Value {
    match wire {
        ModelWire::Gemini => json!({"models": [{"name": "models/fake-1", "displayName": "Fake 1"}]}),
        ModelWire::Ollama => json!({"models": [{"name": "fake-1", "model": "fake-1", "size": 1}]}),
        ModelWire::Anthropic => json!({"data": [{"type": "model", "id": "fake-1", "display_name": "Fake 1",
            "created_at": "2026-01-01T00:00:00Z"}], "has_more": false, "first_id": "fake-1", "last_id": "fake-1"}),
        ModelWire::OpenAi | ModelWire::Responses | ModelWire::Cohere => {
            json!({"object": "list", "data": [{"id": "fake-1", "object": "model", "created": 1, "owned_by": "fake"}]})
        }
    }
}

/// The stream with a byte behind its text that no UTF-8 has.
fn spoilt(call: &Call, say: &Say) -> Bytes {
    const MARK: char = '\u{e000}';
    let marked = Say { text: format!("{}{MARK}", say.text), ..say.clone() };
    let bytes = asked_stream(call, &marked).concat().into_bytes();
    let mark = MARK.to_string();
    let at = bytes.windows(mark.len()).position(|window| window == mark.as_bytes()).unwrap();
    [&bytes[..at], &[0xff], &bytes[at + mark.len()..]].concat().into()
}

fn error_event(wire: ModelWire) -> String {
    const WORDS: &str = "the fake broke in mid-stream";
    let error = error_body(wire, 503, "overloaded_error", WORDS);
    match wire {
        ModelWire::OpenAi | ModelWire::Cohere => format!("data: {error}\n\n"),
        ModelWire::Responses => responses::error_event(WORDS),
        ModelWire::Anthropic => format!("event: error\ndata: {error}\n\n"),
        ModelWire::Gemini => format!("data: {error}\r\n\r\n"),
        ModelWire::Ollama => format!("{error}\n"),
    }
}

/// OpenAI's chat tells the usage of a stream only where it was asked to.
fn asked_stream(call: &Call, say: &Say) -> Vec<String> {
    stream(call.wire, call.model(), say, call.body["stream_options"]["include_usage"] == true)
}

fn stream(wire: ModelWire, model: &str, say: &Say, tell_usage: bool) -> Vec<String> {
    match wire {
        ModelWire::OpenAi | ModelWire::Cohere => openai_chat::stream(model, say, tell_usage),
        ModelWire::Responses => responses::stream(model, say),
        ModelWire::Anthropic => anthropic::stream(model, say),
        ModelWire::Gemini => gemini::stream(model, say),
        ModelWire::Ollama => ollama::stream(model, say),
    }
}

/// The id of the tool call that stands at `index`.
fn tool_id(say: &Say, index: usize) -> Option<&str> {
    let stands = if say.flaw == Some(Flaw::WrongIds) { 0 } else { index };
    say.tools[stands].id.as_deref()
}

fn parsed(tool: &ToolUse) -> Value {
    serde_json::from_str(&tool.arguments).unwrap_or_else(|_| json!({}))
}

/// The text in `count` pieces of about the same length.
fn cut(text: &str, count: usize) -> Vec<String> {
    let letters: Vec<char> = text.chars().collect();
    letters.chunks(letters.len().div_ceil(count.max(1)).max(1)).map(|piece| piece.iter().collect()).collect()
}
