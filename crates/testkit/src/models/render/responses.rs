//! OpenAI responses.

use serde_json::{Value, json};

use super::{cut, tool_id};
use crate::models::reply::{Ending, Flaw, Say};

pub(super) fn whole(model: &str, say: &Say) -> Value {
    let items: Vec<Item> = items(say);
    finished(model, say, &items)
}

pub(super) fn stream(model: &str, say: &Say) -> Vec<String> {
    let items = items(say);
    let begun = response(model, "in_progress");
    let mut events = vec![
        json!({"type": "response.created", "response": begun}),
        json!({"type": "response.in_progress", "response": begun}),
    ];
    for (index, item) in items.iter().enumerate() {
        let mut begun = item.whole.clone();
        if item.has_status {
            begun["status"] = "in_progress".into();
        }
        begun[item.grows] = item.empty.clone();
        events.push(json!({"type": "response.output_item.added", "output_index": index, "item": begun}));
        events.extend(item.events.iter().cloned().map(|mut event| {
            event["output_index"] = index.into();
            let wrong =
                say.flaw == Some(Flaw::WrongIds) && event["type"].as_str().is_some_and(|kind| kind.ends_with("delta"));
            event["item_id"] = if wrong { "item_of_another".into() } else { item.whole["id"].clone() };
            event
        }));
        events.push(json!({"type": "response.output_item.done", "output_index": index, "item": item.whole}));
    }
    let last = finished(model, say, &items);
    let kind = if last["status"] == "incomplete" { "response.incomplete" } else { "response.completed" };
    events.push(json!({"type": kind, "response": last}));
    events.into_iter().enumerate().map(|(number, event)| numbered(number, event)).collect()
}

/// An error in mid-stream; its number is not checked by anybody.
pub(super) fn error_event(words: &str) -> String {
    numbered(99, json!({"type": "error", "code": "server_error", "message": words, "param": null}))
}

fn numbered(number: usize, mut event: Value) -> String {
    event["sequence_number"] = number.into();
    format!("event: {}\ndata: {event}\n\n", event["type"].as_str().unwrap_or_default())
}

/// One item of the output, as it is in the end, and how it comes about.
struct Item {
    whole: Value,
    has_status: bool,
    /// The field that is filled piece by piece, and what it is at first.
    grows: &'static str,
    empty: Value,
    /// Without `output_index` and `item_id`.
    events: Vec<Value>,
}

fn items(say: &Say) -> Vec<Item> {
    let mut items = Vec::new();
    if !say.thinking.is_empty() {
        items.push(reasoning(say));
    }
    if !say.text.is_empty() || say.tools.is_empty() {
        items.push(message(say));
    }
    items.extend((0..say.tools.len()).map(|index| function_call(say, index)));
    items
}

fn reasoning(say: &Say) -> Item {
    let part = |text: &str| json!({"type": "summary_text", "text": text});
    let event = |kind: &str, name: &str, value: Value| {
        let mut event = json!({"type": format!("response.reasoning_summary_{kind}"), "summary_index": 0});
        event[name] = value;
        event
    };
    let mut events = vec![event("part.added", "part", part(""))];
    events.extend(cut(&say.thinking, say.chunks).into_iter().map(|text| event("text.delta", "delta", text.into())));
    events.push(event("text.done", "text", say.thinking.as_str().into()));
    events.push(event("part.done", "part", part(&say.thinking)));
    let whole = json!({"id": "rs_fake", "type": "reasoning", "summary": [part(&say.thinking)],
                       "encrypted_content": "c2VhbGVkIHRob3VnaHRz"});
    Item { whole, has_status: false, grows: "summary", empty: json!([]), events }
}

fn message(say: &Say) -> Item {
    let part = |text: &str| json!({"type": "output_text", "text": text, "annotations": [], "logprobs": []});
    let event = |kind: &str| json!({"type": format!("response.{kind}"), "content_index": 0});
    let with = |kind: &str, name: &str, value: Value| {
        let mut event = event(kind);
        event[name] = value;
        event
    };
    let logged = |mut event: Value| {
        event["logprobs"] = json!([]);
        event
    };
    let mut events = vec![with("content_part.added", "part", part(""))];
    let texts = cut(&say.text, say.chunks).into_iter();
    events.extend(texts.map(|text| logged(with("output_text.delta", "delta", text.into()))));
    events.push(logged(with("output_text.done", "text", say.text.as_str().into())));
    events.push(with("content_part.done", "part", part(&say.text)));
    let whole = json!({"id": "msg_fake", "type": "message", "role": "assistant", "status": status(say),
                       "content": [part(&say.text)]});
    Item { whole, has_status: true, grows: "content", empty: json!([]), events }
}

fn function_call(say: &Say, index: usize) -> Item {
    let tool = &say.tools[index];
    let fragments = cut(&tool.arguments, 3).into_iter();
    let mut events: Vec<Value> = fragments
        .map(|fragment| json!({"type": "response.function_call_arguments.delta", "delta": fragment}))
        .collect();
    events
        .push(json!({"type": "response.function_call_arguments.done", "name": tool.name, "arguments": tool.arguments}));
    let whole = json!({"id": format!("fc_{index}"), "type": "function_call", "status": "completed",
                       "call_id": tool_id(say, index), "name": tool.name, "arguments": tool.arguments});
    Item { whole, has_status: true, grows: "arguments", empty: "".into(), events }
}

fn finished(model: &str, say: &Say, items: &[Item]) -> Value {
    let mut finished = response(model, status(say));
    finished["output"] = items.iter().map(|item| item.whole.clone()).collect();
    finished["incomplete_details"] = match say.ending {
        Ending::Natural => Value::Null,
        Ending::Length => json!({"reason": "max_output_tokens"}),
        Ending::Filtered => json!({"reason": "content_filter"}),
    };
    if say.flaw != Some(Flaw::NoUsage) {
        finished["usage"] = json!({
            "input_tokens": say.input_tokens, "input_tokens_details": {"cached_tokens": say.cached_tokens},
            "output_tokens": say.output_tokens, "output_tokens_details": {"reasoning_tokens": say.reasoning_tokens},
            "total_tokens": say.input_tokens + say.output_tokens,
        });
    }
    finished
}

fn status(say: &Say) -> &'static str {
    if say.ending == Ending::Natural { "completed" } else { "incomplete" }
}

fn response(model: &str, status: &str) -> Value {
    json!({"id": "resp_fake", "object": "response", "created_at": 1, "status": status, "background": false,
           "error": null, "incomplete_details": null, "instructions": null, "max_output_tokens": null,
           "metadata": {}, "model": model, "output": [], "parallel_tool_calls": true, "previous_response_id": null,
           "reasoning": {"effort": null, "summary": null}, "store": false, "temperature": 1.0,
           "text": {"format": {"type": "text"}}, "tool_choice": "auto", "tools": [], "top_p": 1.0,
           "truncation": "disabled", "usage": null, "user": null})
}
