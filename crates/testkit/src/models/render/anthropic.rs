//! Anthropic messages.

use serde_json::{Value, json};

use super::{cut, parsed, tool_id};
use crate::models::reply::{Ending, Flaw, Say};

const SIGNATURE: &str = "c2lnbmVk";

pub(super) fn whole(model: &str, say: &Say) -> Value {
    let mut content = Vec::new();
    if !say.thinking.is_empty() {
        content.push(json!({"type": "thinking", "thinking": say.thinking, "signature": SIGNATURE}));
    }
    if !say.text.is_empty() {
        content.push(json!({"type": "text", "text": say.text}));
    }
    content.extend(say.tools.iter().enumerate().map(|(index, tool)| {
        json!({"type": "tool_use", "id": tool_id(say, index), "name": tool.name, "input": parsed(tool)})
    }));
    json!({"id": "msg_fake", "type": "message", "role": "assistant", "model": model, "content": content,
           "stop_reason": stop_reason(say), "stop_sequence": null, "usage": usage(say, say.output_tokens)})
}

pub(super) fn stream(model: &str, say: &Say) -> Vec<String> {
    let start = json!({"type": "message_start", "message": {"id": "msg_fake", "type": "message", "role": "assistant",
        "model": model, "content": [], "stop_reason": null, "stop_sequence": null, "usage": usage(say, 1)}});
    let mut events = vec![start, json!({"type": "ping"})];
    for (index, (block, deltas)) in blocks(say).into_iter().enumerate() {
        events.push(json!({"type": "content_block_start", "index": index, "content_block": block}));
        // Of a block that was never begun.
        let index = if say.flaw == Some(Flaw::WrongIds) { index + 10 } else { index };
        let deltas = deltas.into_iter();
        events.extend(deltas.map(|delta| json!({"type": "content_block_delta", "index": index, "delta": delta})));
        events.push(json!({"type": "content_block_stop", "index": index}));
    }
    let mut last = json!({"type": "message_delta",
                          "delta": {"stop_reason": stop_reason(say), "stop_sequence": null}});
    if say.flaw != Some(Flaw::NoUsage) {
        last["usage"] = json!({"output_tokens": say.output_tokens});
    }
    events.extend([last, json!({"type": "message_stop"})]);
    let named = |data: Value| format!("event: {}\ndata: {data}\n\n", data["type"].as_str().unwrap_or_default());
    events.into_iter().map(named).collect()
}

/// Each block as it begins, and what is added to it.
fn blocks(say: &Say) -> Vec<(Value, Vec<Value>)> {
    let mut blocks = Vec::new();
    if !say.thinking.is_empty() {
        let thoughts = cut(&say.thinking, say.chunks).into_iter();
        let mut deltas: Vec<Value> = thoughts.map(|text| json!({"type": "thinking_delta", "thinking": text})).collect();
        deltas.push(json!({"type": "signature_delta", "signature": SIGNATURE}));
        blocks.push((json!({"type": "thinking", "thinking": "", "signature": ""}), deltas));
    }
    if !say.text.is_empty() {
        let texts = cut(&say.text, say.chunks).into_iter();
        let deltas = texts.map(|text| json!({"type": "text_delta", "text": text})).collect();
        blocks.push((json!({"type": "text", "text": ""}), deltas));
    }
    for (index, tool) in say.tools.iter().enumerate() {
        let fragments = cut(&tool.arguments, 3).into_iter();
        let deltas = fragments.map(|text| json!({"type": "input_json_delta", "partial_json": text})).collect();
        let block = json!({"type": "tool_use", "id": tool_id(say, index), "name": tool.name, "input": {}});
        blocks.push((block, deltas));
    }
    blocks
}

fn stop_reason(say: &Say) -> &'static str {
    match say.ending {
        Ending::Length => "max_tokens",
        Ending::Filtered => "refusal",
        Ending::Natural if say.tools.is_empty() => "end_turn",
        Ending::Natural => "tool_use",
    }
}

/// What came out of the cache is not among the input tokens.
fn usage(say: &Say, output_tokens: u64) -> Value {
    json!({"input_tokens": say.input_tokens - say.cached_tokens, "cache_read_input_tokens": say.cached_tokens,
           "cache_creation_input_tokens": 0, "output_tokens": output_tokens,
           "cache_creation": {"ephemeral_5m_input_tokens": 0, "ephemeral_1h_input_tokens": 0}})
}
