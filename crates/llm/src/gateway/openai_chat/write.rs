//! Answers. Thoughts go into `reasoning_content`, as servers that speak like OpenAI tell them; their proofs, and thoughts
//! that are sealed, have no place there: a client of this protocol cannot give them back.

use serde::Serialize;

use super::super::{Protocol as _, Refusal, Reply, Writer, emit};
use super::OpenaiChat;
use crate::draft::Answer;
use crate::model::{Stop, TokenUsage};
use crate::piece::Piece;
use crate::request::Thought;

#[derive(Serialize)]
struct Chunk<'a> {
    id: &'a str,
    object: &'static str,
    created: i64,
    model: &'a str,
    /// One, or none in the chunk that tells the usage.
    choices: &'a [Choice<'a>],
    /// Null in every other chunk where the usage is wanted, and not there where it is not.
    #[serde(skip_serializing_if = "Option::is_none")]
    usage: Option<Option<Usage>>,
}

#[derive(Serialize)]
struct Choice<'a> {
    index: u8,
    delta: Delta<'a>,
    logprobs: Option<()>,
    /// Null until the last.
    finish_reason: Option<&'static str>,
}

#[derive(Default, Serialize)]
struct Delta<'a> {
    #[serde(skip_serializing_if = "Option::is_none")]
    role: Option<&'static str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    content: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    reasoning_content: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    tool_calls: Option<[CallDelta<'a>; 1]>,
}

#[derive(Serialize)]
struct CallDelta<'a> {
    index: usize,
    #[serde(skip_serializing_if = "Option::is_none")]
    id: Option<&'a str>,
    #[serde(rename = "type", skip_serializing_if = "Option::is_none")]
    kind: Option<&'static str>,
    function: Function<'a>,
}

#[derive(Serialize)]
struct Function<'a> {
    #[serde(skip_serializing_if = "Option::is_none")]
    name: Option<&'a str>,
    arguments: &'a str,
}

#[derive(Serialize)]
struct Usage {
    prompt_tokens: u64,
    completion_tokens: u64,
    total_tokens: u64,
    prompt_tokens_details: PromptDetails,
    completion_tokens_details: CompletionDetails,
}

#[derive(Serialize)]
struct PromptDetails {
    cached_tokens: u64,
    cache_write_tokens: u64,
}

#[derive(Serialize)]
struct CompletionDetails {
    reasoning_tokens: u64,
}

pub(super) struct ChatWriter {
    reply: Reply,
    /// `reply.id` as it is told.
    id: String,
    /// The calls that have had no arguments so far.
    unargued: Vec<usize>,
}

impl ChatWriter {
    pub(super) fn new(reply: Reply) -> Self {
        Self { id: completion_id(&reply), reply, unargued: Vec::new() }
    }

    fn chunk(&self, choices: &[Choice<'_>], usage: Option<Usage>, out: &mut Vec<u8>) {
        let chunk = Chunk {
            id: &self.id,
            object: "chat.completion.chunk",
            created: self.reply.created,
            model: &self.reply.model,
            choices,
            usage: self.reply.wants_usage.then_some(usage),
        };
        emit::data(&chunk, out);
    }

    fn delta(&self, delta: Delta<'_>, finish_reason: Option<&'static str>, out: &mut Vec<u8>) {
        self.chunk(&[Choice { index: 0, delta, logprobs: None, finish_reason }], None, out);
    }

    fn arguments(&self, call: usize, json: &str, out: &mut Vec<u8>) {
        let function = Function { name: None, arguments: json };
        let call = CallDelta { index: call, id: None, kind: None, function };
        self.delta(Delta { tool_calls: Some([call]), ..Delta::default() }, None, out);
    }
}

impl Writer for ChatWriter {
    fn begin(&mut self, out: &mut Vec<u8>) {
        self.delta(Delta { role: Some("assistant"), content: Some(""), ..Delta::default() }, None, out);
    }

    fn piece(&mut self, piece: Piece<'_>, out: &mut Vec<u8>) {
        match piece {
            Piece::Thought(text) => {
                self.delta(Delta { reasoning_content: Some(text), ..Delta::default() }, None, out);
            }
            Piece::Text(text) => self.delta(Delta { content: Some(text), ..Delta::default() }, None, out),
            Piece::Call { call, id, name } => {
                self.unargued.push(call);
                let function = Function { name: Some(name), arguments: "" };
                let call = CallDelta { index: call, id: Some(id), kind: Some("function"), function };
                self.delta(Delta { tool_calls: Some([call]), ..Delta::default() }, None, out);
            }
            Piece::Arguments { call, json } => {
                self.unargued.retain(|open| *open != call);
                self.arguments(call, json, out);
            }
            Piece::Signature(_) | Piece::Sealed(_) => {}
        }
    }

    fn end(&mut self, answer: &Answer, out: &mut Vec<u8>) {
        // Clients parse what they have got, and an empty string is no JSON.
        for call in std::mem::take(&mut self.unargued) {
            self.arguments(call, "{}", out);
        }
        self.delta(Delta::default(), Some(finish_reason(answer.stop)), out);
        if self.reply.wants_usage
            && let Some(usage) = answer.usage
        {
            self.chunk(&[], Some(usage.into()), out);
        }
        out.extend_from_slice(b"data: [DONE]\n\n");
    }

    fn fail(&mut self, refusal: &Refusal, out: &mut Vec<u8>) {
        out.extend(OpenaiChat.refusal_event(refusal));
    }
}

#[derive(Serialize)]
struct Completion<'a> {
    id: String,
    object: &'static str,
    created: i64,
    model: &'a str,
    choices: [WholeChoice<'a>; 1],
    #[serde(skip_serializing_if = "Option::is_none")]
    usage: Option<Usage>,
}

#[derive(Serialize)]
struct WholeChoice<'a> {
    index: u8,
    message: Message<'a>,
    logprobs: Option<()>,
    finish_reason: &'static str,
}

#[derive(Serialize)]
struct Message<'a> {
    role: &'static str,
    content: Option<&'a str>,
    refusal: Option<()>,
    #[serde(skip_serializing_if = "String::is_empty")]
    reasoning_content: String,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    tool_calls: Vec<Call<'a>>,
}

#[derive(Serialize)]
struct Call<'a> {
    id: &'a str,
    #[serde(rename = "type")]
    kind: &'static str,
    function: WholeFunction<'a>,
}

#[derive(Serialize)]
struct WholeFunction<'a> {
    name: &'a str,
    arguments: String,
}

pub(super) fn whole(reply: &Reply, answer: &Answer) -> Vec<u8> {
    let told = |thought: &Thought| match thought {
        Thought::Open { text, .. } => Some(text.clone()),
        Thought::Sealed { .. } => None,
    };
    let calls = answer.tool_calls.iter().map(|call| Call {
        id: &call.id,
        kind: "function",
        function: WholeFunction { name: &call.name, arguments: call.arguments.to_string() },
    });
    let message = Message {
        role: "assistant",
        content: Some(answer.text.as_str()).filter(|text| !text.is_empty() || answer.tool_calls.is_empty()),
        refusal: None,
        reasoning_content: answer.thoughts.iter().filter_map(told).collect(),
        tool_calls: calls.collect(),
    };
    let choice = WholeChoice { index: 0, message, logprobs: None, finish_reason: finish_reason(answer.stop) };
    let completion = Completion {
        id: completion_id(reply),
        object: "chat.completion",
        created: reply.created,
        model: &reply.model,
        choices: [choice],
        usage: answer.usage.map(Usage::from),
    };
    let mut body = Vec::new();
    emit::json(&completion, &mut body);
    body
}

fn completion_id(reply: &Reply) -> String {
    format!("chatcmpl-{}", reply.id)
}

fn finish_reason(stop: Stop) -> &'static str {
    match stop {
        Stop::End => "stop",
        Stop::ToolCalls => "tool_calls",
        Stop::Length => "length",
        Stop::Filtered => "content_filter",
    }
}

impl From<TokenUsage> for Usage {
    /// OpenAI counts the cache's tokens among the prompt's.
    fn from(usage: TokenUsage) -> Self {
        Self {
            prompt_tokens: usage.prompt(),
            completion_tokens: usage.output,
            total_tokens: usage.prompt() + usage.output,
            prompt_tokens_details: PromptDetails {
                cached_tokens: usage.cache_read,
                cache_write_tokens: usage.cache_write,
            },
            completion_tokens_details: CompletionDetails { reasoning_tokens: usage.reasoning },
        }
    }
}
