//! Anthropic's messages (`POST /llm/v1/messages`), as clients speak them.

mod accept;
mod blocks;
mod conversation;
mod foreign;
mod write;

use bytes::Bytes;
use serde_json::{Value, json};

use self::write::MessageWriter;
use super::{Asked, Protocol, Refusal, RefusalKind, Reply, Writer, emit};
use crate::draft::Answer;

pub(crate) struct Anthropic;

impl Protocol for Anthropic {
    fn accept(&self, body: &[u8]) -> Result<Asked, Refusal> {
        accept::accept(body)
    }

    fn without_foreign(&self, body: Bytes) -> Bytes {
        foreign::leave_out(body)
    }

    fn whole(&self, reply: &Reply, answer: &Answer) -> Vec<u8> {
        write::whole(reply, answer)
    }

    fn writer(&self, reply: Reply) -> Box<dyn Writer> {
        Box::new(MessageWriter::new(reply))
    }

    fn refusal(&self, refusal: &Refusal) -> Vec<u8> {
        error(refusal).to_string().into_bytes()
    }

    fn refusal_event(&self, refusal: &Refusal) -> Vec<u8> {
        let mut event = Vec::new();
        emit::named("error", &error(refusal), &mut event);
        event
    }
}

fn error(refusal: &Refusal) -> Value {
    let message = match refusal.kind {
        // The words by which Claude Code knows that it has to shorten the conversation.
        RefusalKind::ContextLength => format!("prompt is too long: {}", refusal.message),
        _ => refusal.message.clone(),
    };
    json!({"type": "error", "error": {"type": name(refusal.kind), "message": message}})
}

fn name(kind: RefusalKind) -> &'static str {
    match kind {
        RefusalKind::Invalid | RefusalKind::ContextLength | RefusalKind::ContentPolicy | RefusalKind::Unpriced => {
            "invalid_request_error"
        }
        RefusalKind::Key => "authentication_error",
        RefusalKind::Forbidden => "permission_error",
        RefusalKind::UnknownModel => "not_found_error",
        RefusalKind::TooLarge => "request_too_large",
        // Anthropic's own word for money that is used up, `billing_error`, comes with another status.
        RefusalKind::Rate | RefusalKind::Budget => "rate_limit_error",
        RefusalKind::Overloaded => "overloaded_error",
        RefusalKind::Timeout => "timeout_error",
        RefusalKind::Upstream | RefusalKind::Internal => "api_error",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn refusals_bear_the_type_that_anthropics_clients_look_for() {
        let body = |kind| -> Value { serde_json::from_slice(&Anthropic.refusal(&Refusal::new(kind, "No."))).unwrap() };
        assert_eq!(
            body(RefusalKind::Key),
            json!({"type": "error", "error": {"type": "authentication_error", "message": "No."}})
        );
        assert_eq!(body(RefusalKind::Overloaded)["error"]["type"], "overloaded_error");
        assert_eq!(body(RefusalKind::ContextLength)["error"]["message"], "prompt is too long: No.");
    }

    #[test]
    fn a_refusal_in_a_stream_is_a_named_event() {
        let event = String::from_utf8(Anthropic.refusal_event(&Refusal::new(RefusalKind::Upstream, "No."))).unwrap();
        assert!(event.starts_with("event: error\ndata: {") && event.ends_with("}\n\n"), "{event}");
    }
}
