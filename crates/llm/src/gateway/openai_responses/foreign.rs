//! Thoughts of other vendors' models in a request that is to pass as it came. OpenAI refuses the whole request for a
//! proof that it cannot open, and for an item that it has neither kept nor is given.

use std::borrow::Cow;

use bytes::{BufMut as _, Bytes, BytesMut};
use memchr::memmem;
use serde::Deserialize;
use serde_json::value::RawValue;

use super::item;
use crate::gateway::envelope::span;
use crate::vendor::Encrypted;

#[derive(Deserialize)]
struct Request<'a> {
    #[serde(borrow)]
    input: &'a RawValue,
}

#[derive(Deserialize)]
struct Item<'a> {
    #[serde(borrow, default, rename = "type")]
    kind: Option<Cow<'a, str>>,
    #[serde(borrow, default)]
    id: Option<Cow<'a, str>>,
    #[serde(borrow, default)]
    encrypted_content: Option<Cow<'a, str>>,
}

/// The request without such thoughts: every other byte as it came.
pub(super) fn leave_out(body: Bytes) -> Bytes {
    if !may_hold_thoughts(&body) {
        return body;
    }
    cut(&body).unwrap_or(body)
}

/// Whether something is of the type `reasoning`: told from the bytes, since bodies are large. A field of that name most
/// requests have.
fn may_hold_thoughts(body: &[u8]) -> bool {
    const NAME: &[u8] = b"\"reasoning\"";
    memmem::find_iter(body, NAME).any(|at| !body[at + NAME.len()..].trim_ascii_start().starts_with(b":"))
}

/// `None` where nothing is to be left out.
fn cut(body: &Bytes) -> Option<Bytes> {
    let text = std::str::from_utf8(body).ok()?;
    let input = serde_json::from_str::<Request<'_>>(text).ok()?.input;
    let items: Vec<&RawValue> = serde_json::from_str(input.get()).ok()?;
    let kept: Vec<&str> = items.iter().filter(|item| !is_foreign_thought(item)).map(|item| item.get()).collect();
    if kept.len() == items.len() {
        return None;
    }
    let (start, end) = span(text, input);
    let mut left = BytesMut::with_capacity(body.len());
    left.put_slice(&body[..start]);
    left.put_slice(format!("[{}]", kept.join(",")).as_bytes());
    left.put_slice(&body[end..]);
    Some(left.freeze())
}

fn is_foreign_thought(item: &RawValue) -> bool {
    let Ok(item) = serde_json::from_str::<Item<'_>>(item.get()) else { return false };
    if item.kind.as_deref() != Some("reasoning") {
        return false;
    }
    match item.encrypted_content.as_deref() {
        None | Some("") => item.id.is_none_or(|id| item::is_ours(&id)),
        Some(proof) => Encrypted::is_foreign(proof),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn left(items: &[&str]) -> String {
        let body = format!("{{ \"model\":\"m\", \"input\": [{}], \"x\":1.50}}", items.join(","));
        String::from_utf8(leave_out(Bytes::from(body)).to_vec()).unwrap()
    }

    #[test]
    fn what_holds_nothing_foreign_passes_to_the_byte() {
        for body in [
            "{\"reasoning\":{\"effort\":\"low\"},\"input\":\"Hi\"}",
            "{\"input\":\"\\\"reasoning\\\"\"}",
            "{\"input\": \"Hi\", \"include\": [\"reasoning\"]}",
            "{\"input\": [ {\"type\":\"reasoning\", \"encrypted_content\":\"gAAAA\"} , {\"role\":\"user\"} ]}",
            "{\"input\": [{\"type\":\"reasoning\",\"id\":\"rs_68af4030baa48193b0b43b4c2a176a1a0e6967589f080e78\"} ]}",
            "{\"input\": [{\"type\":\"message\",\"content\":[{\"text\":\"konstruct.sealed:x\"}], \"x\":\"reasoning\"} ]}",
            "{\"input\": [\"reasoning\", 7 ]}",
            "{\"input\": [\"reasoning\"",
        ] {
            assert_eq!(leave_out(Bytes::from(body)), body);
        }
    }

    #[test]
    fn thoughts_of_others_are_left_out_and_nothing_else() {
        let own = r#"{"type":"reasoning","id":"rs_1","summary":[],  "encrypted_content":"gAAAA"}"#;
        let call = r#"{"type":"function_call","call_id":"a","name":"t","arguments":"{}"}"#;
        let ours = format!(r#"{{"type":"reasoning","id":"rs_{}0","summary":[]}}"#, uuid());
        let kept = left(&[
            r#"{"role":"user","content":"Grüß Gott"}"#,
            r#"{"type":"reasoning","id":"rs_1","summary":[],"encrypted_content":"konstruct.signature:c2ln"}"#,
            r#"{"type":"reasoning","summary":[],"encrypted_content":"konstruct.sealed:gemini:c2ln"}"#,
            r#"{"type":"reasoning","summary":[{"type":"summary_text","text":"Hm."}],"encrypted_content":null}"#,
            &ours,
            own,
            call,
        ]);
        let want = format!(
            "{{ \"model\":\"m\", \"input\": [{},{own},{call}], \"x\":1.50}}",
            r#"{"role":"user","content":"Grüß Gott"}"#
        );
        assert_eq!(kept, want);
    }

    fn uuid() -> String {
        kernel::ModelCallId::new().as_uuid().simple().to_string()
    }
}
