//! Thoughts of other vendors' models in a request that is to pass as it came. Anthropic refuses the whole request for a
//! proof that is not its own, or for none: a conversation that began with another provider could not go on with it.

use bytes::Bytes;
use memchr::{memchr, memmem};
use serde_json::Value;

use crate::vendor::Vendor;

/// The request without such thoughts; nearly always as it came.
pub(super) fn leave_out(body: Bytes) -> Bytes {
    if !may_hold_any(&body) {
        return body;
    }
    let Ok(mut request) = serde_json::from_slice::<Value>(&body) else { return body };
    if !clean(&mut request) {
        return body;
    }
    serde_json::to_vec(&request).map_or(body, Bytes::from)
}

/// Whether a value is named like a proof and is no proof of Anthropic's: told from the bytes, since bodies are large.
fn may_hold_any(body: &[u8]) -> bool {
    ["\"signature\"", "\"data\""].iter().any(|name| {
        memmem::find_iter(body, name.as_bytes()).any(|at| {
            let value = body[at + name.len()..].trim_ascii_start().strip_prefix(b":").map(<[u8]>::trim_ascii_start);
            let Some(text) = value.and_then(|value| value.strip_prefix(b"\"")) else { return false };
            let end = memchr(b'"', text).unwrap_or(text.len());
            str::from_utf8(&text[..end]).is_ok_and(is_foreign)
        })
    })
}

fn is_foreign(proof: &str) -> bool {
    Vendor::Anthropic.own(proof).is_none()
}

/// Answers whether anything was left out.
fn clean(request: &mut Value) -> bool {
    let Some(messages) = request.get_mut("messages").and_then(Value::as_array_mut) else { return false };
    let mut cleaned = false;
    messages.retain_mut(|message| {
        let Some(blocks) = message.get_mut("content").and_then(Value::as_array_mut) else { return true };
        let before = blocks.len();
        blocks.retain(|block| !is_foreign_thought(block));
        cleaned |= blocks.len() < before;
        // A message that says nothing is refused too.
        blocks.len() == before || !blocks.is_empty()
    });
    if cleaned
        && wants_its_thoughts_back(request)
        && let Some(request) = request.as_object_mut()
    {
        request.remove("thinking");
    }
    cleaned
}

fn is_foreign_thought(block: &Value) -> bool {
    match block["type"].as_str() {
        Some("thinking") => is_foreign(block["signature"].as_str().unwrap_or_default()),
        Some("redacted_thinking") => is_foreign(block["data"].as_str().unwrap_or_default()),
        _ => false,
    }
}

/// A model with a budget to think refuses the result of a tool that it called without a thought.
fn wants_its_thoughts_back(request: &Value) -> bool {
    let kind = |block: &Value, names: &[&str]| block["type"].as_str().is_some_and(|kind| names.contains(&kind));
    let any = |blocks: &[Value], names: &[&str]| blocks.iter().any(|block| kind(block, names));
    let answers = request["messages"].as_array().into_iter().flatten().rev();
    let last =
        answers.filter(|message| message["role"] == "assistant").find_map(|message| message["content"].as_array());
    request["thinking"]["type"] == "enabled"
        && last.is_some_and(|blocks| any(blocks, &["tool_use"]) && !any(blocks, &["thinking", "redacted_thinking"]))
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn left(body: &Value) -> Value {
        serde_json::from_slice(&leave_out(Bytes::from(body.to_string()))).unwrap()
    }

    fn thought(signature: &str) -> Value {
        json!({"type": "thinking", "thinking": "Hm.", "signature": signature})
    }

    fn conversation(blocks: &[Value], thinking: &str) -> Value {
        json!({
            "thinking": {"type": thinking},
            "messages": [
                {"role": "user", "content": "Hi"},
                {"role": "assistant", "content": blocks},
                {"role": "user", "content": [{"type": "tool_result", "tool_use_id": "a", "content": "1"}]},
            ],
        })
    }

    #[test]
    fn what_holds_nothing_foreign_passes_to_the_byte() {
        for body in [
            "{ \"messages\": [{\"content\": [{\"type\":\"thinking\", \"signature\" : \"EqQB\"}]}] }",
            "{\"messages\":[{\"content\":[{\"source\":{\"data\":\"iVBO\"}}]}]}",
            "{\"messages\":[{\"content\":\"\\\"signature\\\":\\\"\\\"\"}]}",
            "{\"messages\":[{\"content\":[{\"type\":\"tool_use\",\"input\":{\"signature\":\"\", \"data\":\"\"}}]}]}",
            "{\"signature\":\"\",\"messages\":7}",
            "{\"signature\":\"\"",
        ] {
            assert_eq!(leave_out(Bytes::from(body)), body);
        }
    }

    #[test]
    fn thoughts_of_others_are_left_out_and_nothing_else() {
        let call = json!({"type": "tool_use", "id": "a", "name": "t", "input": {"signature": ""}});
        let sealed = |data: &str| json!({"type": "redacted_thinking", "data": data});
        let mixed = [
            thought(""),
            thought("gemini:x"),
            json!({"type": "thinking", "thinking": "Hm."}),
            thought("EqQB"),
            sealed("openai:x"),
            sealed("EmwK"),
            call.clone(),
        ];
        let want = conversation(&[thought("EqQB"), sealed("EmwK"), call], "enabled");
        assert_eq!(left(&conversation(&mixed, "enabled")), want);
    }

    #[test]
    fn a_model_that_would_miss_its_thoughts_does_not_think() {
        let call = json!({"type": "tool_use", "id": "a", "name": "t", "input": {}});
        let blocks = [thought(""), call];
        assert!(left(&conversation(&blocks, "enabled")).get("thinking").is_none());
        assert_eq!(left(&conversation(&blocks, "adaptive"))["thinking"], json!({"type": "adaptive"}));
    }

    #[test]
    fn a_message_that_was_nothing_but_a_thought_goes() {
        assert_eq!(left(&conversation(&[thought("")], "enabled"))["messages"].as_array().unwrap().len(), 2);
    }
}
