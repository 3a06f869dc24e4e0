use std::borrow::Cow;

use serde::Serialize;
use serde_json::Value;

use super::super::estimate::answer_tokens;
use super::super::{Protocol as _, Refusal, Reply, Writer, emit};
use super::Anthropic;
use super::blocks::Blocks;
use crate::draft::Answer;
use crate::model::Stop;
use crate::piece::Piece;
use crate::providers::anthropic::plain_id;
use crate::request::Thought;

#[derive(Serialize)]
#[serde(tag = "type")]
enum Event<'a> {
    #[serde(rename = "message_start")]
    Start { message: Message<'a> },
    #[serde(rename = "message_delta")]
    Delta { delta: End, usage: Usage },
    #[serde(rename = "message_stop")]
    Stop,
}

#[derive(Serialize)]
struct Message<'a> {
    id: String,
    #[serde(rename = "type")]
    kind: &'static str,
    role: &'static str,
    model: &'a str,
    content: Vec<Block<'a>>,
    stop_reason: Option<&'static str>,
    stop_sequence: Option<()>,
    usage: Usage,
}

#[derive(Serialize)]
#[serde(tag = "type", rename_all = "snake_case")]
enum Block<'a> {
    Thinking { thinking: &'a str, signature: &'a str },
    RedactedThinking { data: &'a str },
    Text { text: &'a str },
    ToolUse { id: Cow<'a, str>, name: &'a str, input: &'a Value },
}

#[derive(Serialize)]
struct End {
    stop_reason: &'static str,
    /// Which one it was, other providers do not tell.
    stop_sequence: Option<()>,
}

/// `input_tokens` does not count those of the cache.
#[derive(Serialize)]
struct Usage {
    input_tokens: u64,
    cache_creation_input_tokens: u64,
    cache_read_input_tokens: u64,
    output_tokens: u64,
    #[serde(skip_serializing_if = "Option::is_none")]
    output_tokens_details: Option<OutputDetails>,
}

#[derive(Serialize)]
struct OutputDetails {
    thinking_tokens: u64,
}

pub(super) struct MessageWriter {
    reply: Reply,
    blocks: Blocks,
}

impl MessageWriter {
    pub(super) fn new(reply: Reply) -> Self {
        Self { reply, blocks: Blocks::default() }
    }
}

impl Writer for MessageWriter {
    fn begin(&mut self, out: &mut Vec<u8>) {
        // Clients count on the prompt's tokens being told here; the provider tells them at the end.
        let usage = Usage::guessed(self.reply.input_tokens, 1);
        let message = Message::new(&self.reply, Vec::new(), None, usage);
        emit::named("message_start", &Event::Start { message }, out);
    }

    fn piece(&mut self, piece: Piece<'_>, out: &mut Vec<u8>) {
        self.blocks.add(piece, out);
    }

    fn end(&mut self, answer: &Answer, out: &mut Vec<u8>) {
        self.blocks.end(out);
        let delta = End { stop_reason: stop_reason(answer.stop), stop_sequence: None };
        emit::named("message_delta", &Event::Delta { delta, usage: Usage::new(&self.reply, answer) }, out);
        emit::named("message_stop", &Event::Stop, out);
    }

    fn fail(&mut self, refusal: &Refusal, out: &mut Vec<u8>) {
        out.extend(Anthropic.refusal_event(refusal));
    }
}

pub(super) fn whole(reply: &Reply, answer: &Answer) -> Vec<u8> {
    let thoughts = answer.thoughts.iter().map(|thought| match thought {
        Thought::Open { text, signature } => {
            Block::Thinking { thinking: text, signature: signature.as_deref().unwrap_or_default() }
        }
        Thought::Sealed { data } => Block::RedactedThinking { data },
    });
    let text = Some(Block::Text { text: &answer.text }).filter(|_| !answer.text.is_empty());
    let calls = answer.tool_calls.iter().map(|call| Block::ToolUse {
        id: plain_id(&call.id),
        name: &call.name,
        input: &call.arguments,
    });
    let content = thoughts.chain(text).chain(calls).collect();
    let message = Message::new(reply, content, Some(stop_reason(answer.stop)), Usage::new(reply, answer));
    let mut body = Vec::new();
    emit::json(&message, &mut body);
    body
}

impl<'a> Message<'a> {
    fn new(reply: &'a Reply, content: Vec<Block<'a>>, stop_reason: Option<&'static str>, usage: Usage) -> Self {
        Self {
            id: format!("msg_{}", reply.id),
            kind: "message",
            role: "assistant",
            model: &reply.model,
            content,
            stop_reason,
            stop_sequence: None,
            usage,
        }
    }
}

impl Usage {
    /// Clients cannot do without: where the provider told nothing, it is guessed.
    fn new(reply: &Reply, answer: &Answer) -> Self {
        let Some(usage) = answer.usage else {
            return Self::guessed(reply.input_tokens, answer_tokens(answer));
        };
        Self {
            input_tokens: usage.input,
            cache_creation_input_tokens: usage.cache_write,
            cache_read_input_tokens: usage.cache_read,
            output_tokens: usage.output,
            output_tokens_details: Some(OutputDetails { thinking_tokens: usage.reasoning }),
        }
    }

    fn guessed(input_tokens: u64, output_tokens: u64) -> Self {
        Self {
            input_tokens,
            cache_creation_input_tokens: 0,
            cache_read_input_tokens: 0,
            output_tokens,
            output_tokens_details: None,
        }
    }
}

fn stop_reason(stop: Stop) -> &'static str {
    match stop {
        Stop::End => "end_turn",
        Stop::ToolCalls => "tool_use",
        Stop::Length => "max_tokens",
        Stop::Filtered => "refusal",
    }
}
