//! OpenAI's chat completions (`POST /llm/v1/chat/completions`), as clients speak them.

mod accept;
mod conversation;
mod write;

use serde_json::{Value, json};

use self::write::ChatWriter;
use super::{Asked, Protocol, Refusal, RefusalKind, Reply, Writer, emit};
use crate::draft::Answer;

pub(crate) struct OpenaiChat;

impl Protocol for OpenaiChat {
    fn accept(&self, body: &[u8]) -> Result<Asked, Refusal> {
        accept::accept(body)
    }

    fn whole(&self, reply: &Reply, answer: &Answer) -> Vec<u8> {
        write::whole(reply, answer)
    }

    fn writer(&self, reply: Reply) -> Box<dyn Writer> {
        Box::new(ChatWriter::new(reply))
    }

    fn refusal(&self, refusal: &Refusal) -> Vec<u8> {
        error(refusal).to_string().into_bytes()
    }

    fn refusal_event(&self, refusal: &Refusal) -> Vec<u8> {
        let mut event = Vec::new();
        emit::data(&error(refusal), &mut event);
        event
    }
}

pub(super) fn error(refusal: &Refusal) -> Value {
    let (kind, code) = names(refusal.kind);
    let error = json!({"message": refusal.message, "type": kind, "param": refusal.param, "code": code});
    json!({ "error": error })
}

/// The type and the code by which OpenAI's clients tell refusals apart.
fn names(kind: RefusalKind) -> (&'static str, Option<&'static str>) {
    match kind {
        RefusalKind::Invalid => ("invalid_request_error", None),
        RefusalKind::ContextLength => ("invalid_request_error", Some("context_length_exceeded")),
        RefusalKind::ContentPolicy => ("invalid_request_error", Some("content_filter")),
        RefusalKind::Key => ("invalid_request_error", Some("invalid_api_key")),
        RefusalKind::Forbidden => ("invalid_request_error", Some("permission_denied")),
        RefusalKind::UnknownModel => ("invalid_request_error", Some("model_not_found")),
        RefusalKind::TooLarge => ("invalid_request_error", Some("request_too_large")),
        RefusalKind::Rate => ("rate_limit_error", Some("rate_limit_exceeded")),
        RefusalKind::Budget => ("insufficient_quota", Some("insufficient_quota")),
        RefusalKind::Unpriced => ("invalid_request_error", Some("price_unknown")),
        RefusalKind::Overloaded => ("server_error", Some("overloaded")),
        RefusalKind::Upstream => ("server_error", Some("upstream_error")),
        RefusalKind::Timeout => ("server_error", Some("timeout")),
        RefusalKind::Internal => ("server_error", None),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn refusals_bear_the_type_and_code_that_openais_clients_look_for() {
        let body = |kind| -> Value {
            let refusal = Refusal { param: Some("model".into()), ..Refusal::new(kind, "No.") };
            serde_json::from_slice(&OpenaiChat.refusal(&refusal)).unwrap()
        };
        assert_eq!(
            body(RefusalKind::UnknownModel),
            json!({"error": {"message": "No.", "type": "invalid_request_error", "param": "model", "code": "model_not_found"}})
        );
        assert_eq!(body(RefusalKind::Key)["error"]["code"], "invalid_api_key");
        assert_eq!(body(RefusalKind::Budget)["error"]["type"], "insufficient_quota");
        assert_eq!(body(RefusalKind::Rate)["error"]["code"], "rate_limit_exceeded");
        assert_eq!(body(RefusalKind::Internal)["error"]["code"], Value::Null);
    }

    #[test]
    fn a_refusal_in_a_stream_is_one_event() {
        let event = OpenaiChat.refusal_event(&Refusal::new(RefusalKind::Upstream, "Two\nlines"));
        let event = String::from_utf8(event).unwrap();
        assert_eq!(event.lines().count(), 2);
        assert!(event.starts_with("data: {\"error\":{") && event.ends_with("}}\n\n"), "{event}");
    }
}
