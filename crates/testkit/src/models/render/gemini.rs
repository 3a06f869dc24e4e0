//! Google's Gemini: events end with CRLF, every chunk is a whole response, a tool call is never cut.

use serde_json::{Value, json};

use super::{cut, parsed};
use crate::models::reply::{Ending, Flaw, Say};

const THOUGHT_SIGNATURE: &str = "c2lnbmVk";

pub(super) fn whole(model: &str, say: &Say) -> Value {
    let mut parts = Vec::new();
    if !say.thinking.is_empty() {
        parts.push(thought(&say.thinking));
    }
    if !say.text.is_empty() {
        parts.push(json!({"text": say.text}));
    }
    parts.extend(calls(say));
    response(model, say, parts, true)
}

pub(super) fn stream(model: &str, say: &Say) -> Vec<String> {
    let thoughts = cut(&say.thinking, say.chunks).into_iter().map(|text| thought(&text));
    let texts = cut(&say.text, say.chunks).into_iter().map(|text| json!({ "text": text }));
    let mut chunks: Vec<Value> = thoughts.chain(texts).map(|part| response(model, say, vec![part], false)).collect();
    if !say.tools.is_empty() {
        chunks.push(response(model, say, calls(say), false));
    }
    chunks.push(response(model, say, vec![json!({"text": ""})], true));
    if say.flaw == Some(Flaw::WrongIds) {
        for (number, chunk) in chunks.iter_mut().enumerate() {
            chunk["responseId"] = number.to_string().into();
        }
    }
    chunks.into_iter().map(|chunk| format!("data: {chunk}\r\n\r\n")).collect()
}

pub(super) fn error(status: u16, message: &str) -> Value {
    let name = match status {
        400 => "INVALID_ARGUMENT",
        401 => "UNAUTHENTICATED",
        403 => "PERMISSION_DENIED",
        404 => "NOT_FOUND",
        429 => "RESOURCE_EXHAUSTED",
        503 => "UNAVAILABLE",
        504 => "DEADLINE_EXCEEDED",
        _ => "INTERNAL",
    };
    json!({"error": {"code": status, "message": message, "status": name}})
}

fn thought(text: &str) -> Value {
    json!({"text": text, "thought": true})
}

/// The first call of an answer that was thought about bears what the model wants to see again.
fn calls(say: &Say) -> Vec<Value> {
    let call = |(index, tool): (usize, &crate::models::ToolUse)| {
        let mut part = json!({"functionCall": {"name": tool.name, "args": parsed(tool)}});
        if index == 0 && !say.thinking.is_empty() {
            part["thoughtSignature"] = THOUGHT_SIGNATURE.into();
        }
        part
    };
    say.tools.iter().enumerate().map(call).collect()
}

/// `candidatesTokenCount` does not hold the thoughts.
fn response(model: &str, say: &Say, parts: Vec<Value>, last: bool) -> Value {
    let mut candidate = json!({"content": {"parts": parts, "role": "model"}, "index": 0});
    if last {
        candidate["finishReason"] = match say.ending {
            Ending::Natural => "STOP",
            Ending::Length => "MAX_TOKENS",
            Ending::Filtered => "SAFETY",
        }
        .into();
    }
    let mut response = json!({"candidates": [candidate], "modelVersion": model, "responseId": "fake"});
    if say.flaw != Some(Flaw::NoUsage) {
        let output = if last { say.output_tokens } else { say.reasoning_tokens + 1 };
        let mut usage = json!({"promptTokenCount": say.input_tokens,
                               "candidatesTokenCount": output - say.reasoning_tokens,
                               "totalTokenCount": say.input_tokens + output});
        if say.reasoning_tokens > 0 {
            usage["thoughtsTokenCount"] = say.reasoning_tokens.into();
        }
        if say.cached_tokens > 0 {
            usage["cachedContentTokenCount"] = say.cached_tokens.into();
        }
        response["usageMetadata"] = usage;
    }
    response
}
