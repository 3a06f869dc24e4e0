//! Answers in the three protocols.

use std::time::Duration;

use bytes::Bytes;
use serde_json::{Value, json};

use super::call::{Call, ModelWire};
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
    bodies: [(ModelWire, Bytes); 3],
}

impl Quick {
    pub(super) fn new(text: &str) -> Self {
        let wires = [ModelWire::OpenAi, ModelWire::Anthropic, ModelWire::Ollama];
        Self { bodies: wires.map(|wire| (wire, joined(&stream(wire, "quick", &Say::text(text))))) }
    }

    pub(super) fn body(&self, wire: ModelWire) -> Bytes {
        self.bodies.iter().find(|(known, _)| *known == wire).map(|(_, body)| body.clone()).unwrap_or_default()
    }
}

pub(super) fn content_type(wire: ModelWire, streams: bool) -> &'static str {
    match (wire, streams) {
        (_, false) => "application/json",
        (ModelWire::Ollama, true) => "application/x-ndjson",
        (_, true) => "text/event-stream; charset=utf-8",
    }
}

/// A streamed answer, with its flaw where it has one.
pub(super) fn pieces(call: &Call, say: &Say) -> Vec<Piece> {
    if say.flaw == Some(Flaw::InvalidUtf8) {
        return vec![Piece::Bytes(spoilt(call, say))];
    }
    let events = stream(call.wire, call.model(), say);
    let half = events.len() / 2;
    let paced = |event: &Bytes| {
        let pause = (!say.pace.is_zero()).then_some(Piece::Pause(say.pace));
        pause.into_iter().chain([Piece::Bytes(event.clone())])
    };
    let start = || events[..half].iter().flat_map(paced).collect::<Vec<_>>();
    let then = |last: Piece| [start(), vec![last]].concat();
    match say.flaw {
        Some(Flaw::Half) => then(Piece::Break),
        Some(Flaw::Stall) => then(Piece::Silence),
        Some(Flaw::ErrorInStream) => then(Piece::Bytes(error_event(call.wire))),
        Some(Flaw::Endless) => then(Piece::Forever(events[half.saturating_sub(1)].clone())),
        Some(Flaw::DuplicateChunks) => events.iter().flat_map(|event| [event, event]).flat_map(paced).collect(),
        Some(Flaw::NullChoices | Flaw::NoUsage | Flaw::InvalidUtf8) | None => events.iter().flat_map(paced).collect(),
    }
}

/// An answer in one piece.
pub(super) fn whole(call: &Call, say: &Say) -> Value {
    let (model, text) = (call.model(), say.text.as_str());
    match call.wire {
        ModelWire::OpenAi => {
            let tools: Vec<Value> = say.tools.iter().map(|tool| openai_tool(tool, &tool.arguments)).collect();
            let mut message = json!({"role": "assistant", "content": text, "refusal": null});
            if !tools.is_empty() {
                message["tool_calls"] = tools.into();
            }
            json!({"id": "chatcmpl-fake", "object": "chat.completion", "created": 1, "model": model,
                   "choices": [{"index": 0, "message": message, "logprobs": null, "finish_reason": openai_stop(say)}],
                   "usage": openai_usage(say)})
        }
        ModelWire::Anthropic => {
            let texts = (!text.is_empty()).then(|| json!({"type": "text", "text": text}));
            let tools = say
                .tools
                .iter()
                .map(|tool| json!({"type": "tool_use", "id": tool.id, "name": tool.name, "input": parsed(tool)}));
            json!({"id": "msg_fake", "type": "message", "role": "assistant", "model": model,
                   "content": texts.into_iter().chain(tools).collect::<Vec<_>>(), "stop_reason": anthropic_stop(say),
                   "stop_sequence": null,
                   "usage": {"input_tokens": say.input_tokens, "output_tokens": say.output_tokens}})
        }
        ModelWire::Ollama => ollama_last(model, say, &ollama_message(text, &say.tools)),
    }
}

/// An error as the protocol words it.
pub(super) fn error_body(wire: ModelWire, kind: &str, message: &str) -> Value {
    match wire {
        ModelWire::OpenAi => json!({"error": {"message": message, "type": kind, "param": null, "code": kind}}),
        ModelWire::Anthropic => json!({"type": "error", "error": {"type": kind, "message": message}}),
        ModelWire::Ollama => json!({ "error": message }),
    }
}

/// The stream with a byte behind its text that no UTF-8 has.
fn spoilt(call: &Call, say: &Say) -> Bytes {
    const MARK: char = '\u{e000}';
    let marked = Say { text: format!("{}{MARK}", say.text), ..say.clone() };
    let bytes = joined(&stream(call.wire, call.model(), &marked));
    let mark = MARK.to_string();
    let at = bytes.windows(mark.len()).position(|window| window == mark.as_bytes()).unwrap();
    [&bytes[..at], &[0xff], &bytes[at + mark.len()..]].concat().into()
}

fn error_event(wire: ModelWire) -> Bytes {
    let error = error_body(wire, "overloaded_error", "the fake broke in mid-stream");
    match wire {
        ModelWire::OpenAi => format!("data: {error}\n\n"),
        ModelWire::Anthropic => format!("event: error\ndata: {error}\n\n"),
        ModelWire::Ollama => format!("{error}\n"),
    }
    .into()
}

fn stream(wire: ModelWire, model: &str, say: &Say) -> Vec<Bytes> {
    let events = match wire {
        ModelWire::OpenAi => openai(model, say),
        ModelWire::Anthropic => anthropic(model, say),
        ModelWire::Ollama => ollama(model, say),
    };
    events.into_iter().map(Bytes::from).collect()
}

fn openai(model: &str, say: &Say) -> Vec<String> {
    let event = |choices: Value, usage: Value| {
        let chunk = json!({"id": "chatcmpl-fake", "object": "chat.completion.chunk", "created": 1, "model": model,
                           "choices": choices, "usage": usage});
        format!("data: {chunk}\n\n")
    };
    let delta = |delta: Value| event(json!([{"index": 0, "delta": delta, "finish_reason": null}]), Value::Null);
    let mut events = vec![delta(json!({"role": "assistant", "content": ""}))];
    events.extend(cut(&say.text, say.chunks).into_iter().map(|text| delta(json!({ "content": text }))));
    for (index, tool) in say.tools.iter().enumerate() {
        let mut first = openai_tool(tool, "");
        first["index"] = index.into();
        events.push(delta(json!({ "tool_calls": [first] })));
        events.extend(
            cut(&tool.arguments, 3)
                .into_iter()
                .map(|fragment| delta(json!({"tool_calls": [{"index": index, "function": {"arguments": fragment}}]}))),
        );
    }
    events.push(event(json!([{"index": 0, "delta": {}, "finish_reason": openai_stop(say)}]), Value::Null));
    match say.flaw {
        Some(Flaw::NoUsage) => {}
        Some(Flaw::NullChoices) => events.push(event(Value::Null, openai_usage(say))),
        _ => events.push(event(json!([]), openai_usage(say))),
    }
    events.push("data: [DONE]\n\n".to_owned());
    events
}

fn openai_tool(tool: &ToolUse, arguments: &str) -> Value {
    json!({"id": tool.id, "type": "function", "function": {"name": tool.name, "arguments": arguments}})
}

fn openai_stop(say: &Say) -> &'static str {
    if say.tools.is_empty() { "stop" } else { "tool_calls" }
}

fn openai_usage(say: &Say) -> Value {
    json!({"prompt_tokens": say.input_tokens, "completion_tokens": say.output_tokens,
           "total_tokens": say.input_tokens + say.output_tokens})
}

fn anthropic(model: &str, say: &Say) -> Vec<String> {
    let event = |data: Value| format!("event: {}\ndata: {data}\n\n", data["type"].as_str().unwrap_or_default());
    let start = json!({"type": "message_start", "message": {"id": "msg_fake", "type": "message", "role": "assistant",
        "model": model, "content": [], "stop_reason": null, "stop_sequence": null,
        "usage": {"input_tokens": say.input_tokens, "output_tokens": 1}}});
    let mut events = vec![start, json!({"type": "ping"})];
    let mut index = 0;
    let mut block = |block: Value, deltas: Vec<Value>| {
        events.push(json!({"type": "content_block_start", "index": index, "content_block": block}));
        let deltas = deltas.into_iter();
        events.extend(deltas.map(|delta| json!({"type": "content_block_delta", "index": index, "delta": delta})));
        events.push(json!({"type": "content_block_stop", "index": index}));
        index += 1;
    };
    if !say.text.is_empty() {
        let deltas = cut(&say.text, say.chunks).into_iter().map(|text| json!({"type": "text_delta", "text": text}));
        block(json!({"type": "text", "text": ""}), deltas.collect());
    }
    for tool in &say.tools {
        let fragments = cut(&tool.arguments, 3).into_iter();
        let deltas = fragments.map(|fragment| json!({"type": "input_json_delta", "partial_json": fragment}));
        block(json!({"type": "tool_use", "id": tool.id, "name": tool.name, "input": {}}), deltas.collect());
    }
    events.push(json!({"type": "message_delta", "delta": {"stop_reason": anthropic_stop(say), "stop_sequence": null},
                       "usage": {"output_tokens": say.output_tokens}}));
    events.push(json!({"type": "message_stop"}));
    events.into_iter().map(event).collect()
}

fn anthropic_stop(say: &Say) -> &'static str {
    if say.tools.is_empty() { "end_turn" } else { "tool_use" }
}

fn ollama(model: &str, say: &Say) -> Vec<String> {
    let line = |message: Value| {
        let line = json!({"model": model, "created_at": "2026-01-01T00:00:00Z", "message": message, "done": false});
        format!("{line}\n")
    };
    let mut lines: Vec<String> =
        cut(&say.text, say.chunks).into_iter().map(|text| line(ollama_message(&text, &[]))).collect();
    if !say.tools.is_empty() {
        lines.push(line(ollama_message("", &say.tools)));
    }
    lines.push(format!("{}\n", ollama_last(model, say, &ollama_message("", &[]))));
    lines
}

fn ollama_message(text: &str, tools: &[ToolUse]) -> Value {
    let mut message = json!({"role": "assistant", "content": text});
    if !tools.is_empty() {
        let called = tools.iter().map(|tool| json!({"function": {"name": tool.name, "arguments": parsed(tool)}}));
        message["tool_calls"] = called.collect();
    }
    message
}

fn ollama_last(model: &str, say: &Say, message: &Value) -> Value {
    let mut last = json!({"model": model, "created_at": "2026-01-01T00:00:00Z", "message": message, "done": true,
                          "done_reason": "stop", "total_duration": 1, "load_duration": 1});
    if say.flaw != Some(Flaw::NoUsage) {
        last["prompt_eval_count"] = say.input_tokens.into();
        last["eval_count"] = say.output_tokens.into();
    }
    last
}

fn parsed(tool: &ToolUse) -> Value {
    serde_json::from_str(&tool.arguments).unwrap_or_else(|_| json!({}))
}

/// The text in `count` pieces of about the same length.
fn cut(text: &str, count: usize) -> Vec<String> {
    let letters: Vec<char> = text.chars().collect();
    letters.chunks(letters.len().div_ceil(count.max(1)).max(1)).map(|piece| piece.iter().collect()).collect()
}

fn joined(events: &[Bytes]) -> Bytes {
    events.concat().into()
}
