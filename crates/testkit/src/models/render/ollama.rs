//! Ollama's own chat: a JSON object a line, tool calls whole and without ids.

use serde_json::{Value, json};

use super::{cut, parsed};
use crate::models::reply::{Ending, Flaw, Say, ToolUse};

const CREATED: &str = "2026-01-01T00:00:00Z";

pub(super) fn whole(model: &str, say: &Say) -> Value {
    let mut message = message(&say.text, &say.tools);
    if !say.thinking.is_empty() {
        message["thinking"] = say.thinking.as_str().into();
    }
    last(model, say, &message)
}

pub(super) fn stream(model: &str, say: &Say) -> Vec<String> {
    let line = |message: Value| json!({"model": model, "created_at": CREATED, "message": message, "done": false});
    let thoughts = cut(&say.thinking, say.chunks).into_iter();
    let thoughts = thoughts.map(|text| line(json!({"role": "assistant", "content": "", "thinking": text})));
    let texts = cut(&say.text, say.chunks).into_iter().map(|text| line(message(&text, &[])));
    let tools = (!say.tools.is_empty()).then(|| line(message("", &say.tools)));
    let last = last(model, say, &message("", &[]));
    thoughts.chain(texts).chain(tools).chain([last]).map(|line| format!("{line}\n")).collect()
}

fn message(text: &str, tools: &[ToolUse]) -> Value {
    let mut message = json!({"role": "assistant", "content": text});
    if !tools.is_empty() {
        let called = tools.iter().map(|tool| json!({"function": {"name": tool.name, "arguments": parsed(tool)}}));
        message["tool_calls"] = called.collect();
    }
    message
}

fn last(model: &str, say: &Say, message: &Value) -> Value {
    let reason = if say.ending == Ending::Length { "length" } else { "stop" };
    let mut last = json!({"model": model, "created_at": CREATED, "message": message, "done": true,
                          "done_reason": reason, "total_duration": 1, "load_duration": 1});
    if say.flaw != Some(Flaw::NoUsage) {
        last["prompt_eval_count"] = say.input_tokens.into();
        last["eval_count"] = say.output_tokens.into();
    }
    last
}
