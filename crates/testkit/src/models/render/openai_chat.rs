//! OpenAI chat completions; thoughts as DeepSeek and vLLM give them, in `reasoning_content`.

use serde_json::{Value, json};

use super::{cut, tool_id};
use crate::models::reply::{Ending, Flaw, Say};

pub(super) fn whole(model: &str, say: &Say) -> Value {
    let mut message = json!({"role": "assistant", "content": say.text, "refusal": null});
    if !say.thinking.is_empty() {
        message["reasoning_content"] = say.thinking.as_str().into();
    }
    if !say.tools.is_empty() {
        message["tool_calls"] =
            (0..say.tools.len()).map(|index| tool(say, index, &say.tools[index].arguments)).collect();
    }
    json!({"id": "chatcmpl-fake", "object": "chat.completion", "created": 1, "model": model,
           "choices": [{"index": 0, "message": message, "logprobs": null, "finish_reason": finish_reason(say)}],
           "usage": usage(say), "system_fingerprint": null})
}

pub(super) fn stream(model: &str, say: &Say, tell_usage: bool) -> Vec<String> {
    let mut chunks = Vec::new();
    let mut chunk = |choices: Value, usage: Value| {
        let id = if say.flaw == Some(Flaw::WrongIds) {
            format!("chatcmpl-{}", chunks.len())
        } else {
            "chatcmpl-fake".into()
        };
        let mut chunk = json!({"id": id, "object": "chat.completion.chunk", "created": 1, "model": model,
                               "choices": choices});
        if tell_usage {
            chunk["usage"] = usage;
        }
        chunks.push(format!("data: {chunk}\n\n"));
    };
    for delta in deltas(say) {
        chunk(json!([{"index": 0, "delta": delta, "logprobs": null, "finish_reason": null}]), Value::Null);
    }
    chunk(json!([{"index": 0, "delta": {}, "logprobs": null, "finish_reason": finish_reason(say)}]), Value::Null);
    match say.flaw {
        Some(Flaw::NoUsage) => {}
        Some(Flaw::NullChoices) => chunk(Value::Null, usage(say)),
        _ if tell_usage => chunk(json!([]), usage(say)),
        _ => {}
    }
    chunks.push("data: [DONE]\n\n".to_owned());
    chunks
}

fn deltas(say: &Say) -> Vec<Value> {
    let mut deltas = vec![json!({"role": "assistant", "content": ""})];
    deltas.extend(cut(&say.thinking, say.chunks).into_iter().map(|text| json!({"reasoning_content": text})));
    deltas.extend(cut(&say.text, say.chunks).into_iter().map(|text| json!({ "content": text })));
    for (index, called) in say.tools.iter().enumerate() {
        let mut first = tool(say, index, "");
        first["index"] = index.into();
        deltas.push(json!({ "tool_calls": [first] }));
        let fragments = cut(&called.arguments, 3).into_iter();
        deltas.extend(fragments.map(|text| json!({"tool_calls": [{"index": index, "function": {"arguments": text}}]})));
    }
    deltas
}

fn tool(say: &Say, index: usize, arguments: &str) -> Value {
    let name = &say.tools[index].name;
    json!({"id": tool_id(say, index), "type": "function", "function": {"name": name, "arguments": arguments}})
}

fn finish_reason(say: &Say) -> &'static str {
    match say.ending {
        Ending::Length => "length",
        Ending::Filtered => "content_filter",
        Ending::Natural if say.tools.is_empty() => "stop",
        Ending::Natural => "tool_calls",
    }
}

fn usage(say: &Say) -> Value {
    json!({"prompt_tokens": say.input_tokens, "completion_tokens": say.output_tokens,
           "total_tokens": say.input_tokens + say.output_tokens,
           "prompt_tokens_details": {"cached_tokens": say.cached_tokens},
           "completion_tokens_details": {"reasoning_tokens": say.reasoning_tokens}})
}
