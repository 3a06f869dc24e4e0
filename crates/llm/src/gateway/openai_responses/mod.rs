//! OpenAI's responses (`POST /llm/v1/responses`), as clients speak them. The gateway keeps no conversations: a request
//! holds the whole of its own, and an answer holds all that the next request has to bring back.

mod accept;
mod conversation;
mod foreign;
mod item;
mod tools;
mod write;

use bytes::Bytes;

use self::write::ResponseWriter;
use super::{Asked, Protocol, Refusal, Reply, Writer, emit, openai_chat};
use crate::draft::Answer;

pub(crate) struct OpenaiResponses;

impl Protocol for OpenaiResponses {
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
        Box::new(ResponseWriter::new(reply))
    }

    fn refusal(&self, refusal: &Refusal) -> Vec<u8> {
        openai_chat::error(refusal).to_string().into_bytes()
    }

    fn refusal_event(&self, refusal: &Refusal) -> Vec<u8> {
        let mut event = Vec::new();
        emit::named("error", &write::error_event(refusal, 0), &mut event);
        event
    }
}
