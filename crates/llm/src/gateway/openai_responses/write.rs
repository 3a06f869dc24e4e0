use serde::Serialize;
use serde_json::{Value, json};

use super::super::{Refusal, RefusalKind, Reply, Writer, emit, openai_chat};
use super::item::{Item, Kind, Part, Shown, Status};
use super::tools::{self, Known};
use crate::draft::Answer;
use crate::model::{Stop, TokenUsage};
use crate::piece::Piece;
use crate::request::Thought;
use crate::vendor::Encrypted;

#[derive(Serialize)]
struct Response<'a> {
    id: String,
    object: &'static str,
    created_at: i64,
    status: &'static str,
    error: Option<Error<'a>>,
    incomplete_details: Option<Incomplete>,
    model: &'a str,
    output: Vec<Shown<'a>>,
    usage: Option<Usage>,
    #[serde(flatten)]
    terms: &'a Value,
}

#[derive(Serialize)]
struct Error<'a> {
    code: &'a str,
    message: &'a str,
}

#[derive(Serialize)]
struct Incomplete {
    reason: &'static str,
}

#[derive(Serialize)]
struct Usage {
    input_tokens: u64,
    input_tokens_details: InputDetails,
    output_tokens: u64,
    output_tokens_details: OutputDetails,
    total_tokens: u64,
}

#[derive(Serialize)]
struct InputDetails {
    cached_tokens: u64,
    cache_write_tokens: u64,
}

#[derive(Serialize)]
struct OutputDetails {
    reasoning_tokens: u64,
}

#[derive(Serialize)]
struct Event<'a> {
    #[serde(rename = "type")]
    kind: &'a str,
    sequence_number: u64,
    #[serde(flatten)]
    detail: Detail<'a>,
}

#[derive(Serialize)]
#[serde(untagged)]
enum Detail<'a> {
    Whole { response: Response<'a> },
    Item { output_index: usize, item: Shown<'a> },
    Summary { item_id: &'a str, output_index: usize, summary_index: u8, part: Part<'a> },
    SummaryDelta { item_id: &'a str, output_index: usize, summary_index: u8, delta: &'a str },
    SummaryDone { item_id: &'a str, output_index: usize, summary_index: u8, text: &'a str },
    Content { item_id: &'a str, output_index: usize, content_index: u8, part: Part<'a> },
    TextDelta { item_id: &'a str, output_index: usize, content_index: u8, delta: &'a str, logprobs: [(); 0] },
    TextDone { item_id: &'a str, output_index: usize, content_index: u8, text: &'a str, logprobs: [(); 0] },
    CallDelta { item_id: &'a str, output_index: usize, delta: &'a str },
    ArgumentsDone { item_id: &'a str, output_index: usize, name: &'a str, arguments: &'a str },
    InputDone { item_id: &'a str, output_index: usize, input: &'a str },
}

/// Writes an answer's items. Words and thoughts follow one another; calls, which providers may tell side by side, stay
/// open until the end.
pub(super) struct ResponseWriter {
    reply: Reply,
    known: Vec<Known>,
    items: Vec<Item>,
    /// The place of the thought or message under way.
    open: Option<usize>,
    /// The calls by their numbers, and their places.
    calls: Vec<(usize, usize)>,
    begun: bool,
    sequence: u64,
}

impl ResponseWriter {
    pub(super) fn new(mut reply: Reply) -> Self {
        if !reply.terms.is_object() {
            reply.terms = json!({});
        }
        let known = tools::known(&reply.terms["tools"]);
        Self { reply, known, items: Vec::new(), open: None, calls: Vec::new(), begun: false, sequence: 0 }
    }

    fn response<'a>(&'a self, status: &'static str) -> Response<'a> {
        Response::new(&self.reply, status, &self.items)
    }

    fn begin_item(&mut self, kind: Kind, out: &mut Vec<u8>) -> usize {
        let at = self.items.len();
        self.items.push(Item::new(&self.reply.id, at, kind));
        let Self { items, sequence, .. } = self;
        let item = items[at].shown();
        write("response.output_item.added", sequence, Detail::Item { output_index: at, item }, out);
        at
    }

    /// The place of the item of this kind that is under way; it begins where there is none.
    fn under_way(&mut self, message: bool, out: &mut Vec<u8>) -> usize {
        let fits = |at: &usize| message == matches!(self.items[*at].kind, Kind::Message);
        if let Some(at) = self.open.filter(fits) {
            return at;
        }
        self.close_open(out);
        let at = self.begin_item(if message { Kind::Message } else { Kind::Thought { encrypted: None } }, out);
        self.open = Some(at);
        at
    }

    fn think(&mut self, delta: &str, out: &mut Vec<u8>) {
        let at = self.under_way(false, out);
        let Self { items, sequence, .. } = self;
        let Item { id, text, .. } = &mut items[at];
        let (item_id, output_index, summary_index) = (id.as_str(), at, 0);
        if text.is_empty() {
            let part = Part::SummaryText { text: "" };
            let added = Detail::Summary { item_id, output_index, summary_index, part };
            write("response.reasoning_summary_part.added", sequence, added, out);
        }
        text.push_str(delta);
        let detail = Detail::SummaryDelta { item_id, output_index, summary_index, delta };
        write("response.reasoning_summary_text.delta", sequence, detail, out);
    }

    fn prove(&mut self, proof: Encrypted, out: &mut Vec<u8>) {
        if matches!(proof, Encrypted::Sealed(_)) {
            self.close_open(out);
        }
        let at = self.under_way(false, out);
        self.items[at].kind = Kind::Thought { encrypted: Some(proof.write()) };
        self.close_open(out);
    }

    fn say(&mut self, delta: &str, out: &mut Vec<u8>) {
        let at = self.under_way(true, out);
        let Self { items, sequence, .. } = self;
        let Item { id, text, .. } = &mut items[at];
        let (item_id, output_index, content_index) = (id.as_str(), at, 0);
        if text.is_empty() {
            let added = Detail::Content { item_id, output_index, content_index, part: Part::output("") };
            write("response.content_part.added", sequence, added, out);
        }
        text.push_str(delta);
        let detail = Detail::TextDelta { item_id, output_index, content_index, delta, logprobs: [] };
        write("response.output_text.delta", sequence, detail, out);
    }

    fn call(&mut self, call: usize, id: &str, name: &str, out: &mut Vec<u8>) {
        self.close_open(out);
        let tool = tools::called(&self.known, name);
        let at = self.begin_item(Kind::Call { id: id.to_owned(), tool }, out);
        self.calls.push((call, at));
    }

    fn argue(&mut self, call: usize, delta: &str, out: &mut Vec<u8>) {
        let Some(at) = self.calls.iter().rev().find(|(number, _)| *number == call).map(|(_, at)| *at) else { return };
        let Self { items, sequence, .. } = self;
        let Item { id, kind, text, .. } = &mut items[at];
        text.push_str(delta);
        // Free input cannot be told before the JSON that holds it is whole.
        if matches!(kind, Kind::Call { tool, .. } if !tool.free) {
            let detail = Detail::CallDelta { item_id: id, output_index: at, delta };
            write("response.function_call_arguments.delta", sequence, detail, out);
        }
    }

    fn close_open(&mut self, out: &mut Vec<u8>) {
        if let Some(at) = self.open.take() {
            self.close(at, Status::Completed, out);
        }
    }

    fn close_all(&mut self, cut: bool, out: &mut Vec<u8>) {
        let mut open: Vec<usize> = self.calls.drain(..).map(|(_, at)| at).chain(self.open.take()).collect();
        open.sort_unstable();
        let last = self.items.len().saturating_sub(1);
        for at in open {
            self.close(at, if cut && at == last { Status::Incomplete } else { Status::Completed }, out);
        }
    }

    fn close(&mut self, at: usize, status: Status, out: &mut Vec<u8>) {
        let Self { items, sequence, .. } = self;
        let item = &mut items[at];
        item.status = status;
        match &item.kind {
            Kind::Call { tool, .. } if tool.free => item.text = tools::unwrap(&item.text),
            _ => {}
        }
        item.tell_end(at, sequence, out);
        write("response.output_item.done", sequence, Detail::Item { output_index: at, item: item.shown() }, out);
    }
}

impl Item {
    /// Repeats what its pieces came to.
    fn tell_end(&self, output_index: usize, sequence: &mut u64, out: &mut Vec<u8>) {
        let (item_id, text) = (self.id.as_str(), self.text.as_str());
        let mut tell = |kind: &str, detail: Detail<'_>| write(kind, sequence, detail, out);
        match &self.kind {
            Kind::Thought { .. } | Kind::Message if text.is_empty() => {}
            Kind::Thought { .. } => {
                let (summary_index, part) = (0, Part::SummaryText { text });
                let done = Detail::SummaryDone { item_id, output_index, summary_index, text };
                tell("response.reasoning_summary_text.done", done);
                let done = Detail::Summary { item_id, output_index, summary_index, part };
                tell("response.reasoning_summary_part.done", done);
            }
            Kind::Message => {
                let (content_index, part) = (0, Part::output(text));
                let done = Detail::TextDone { item_id, output_index, content_index, text, logprobs: [] };
                tell("response.output_text.done", done);
                tell("response.content_part.done", Detail::Content { item_id, output_index, content_index, part });
            }
            Kind::Call { tool, .. } if tool.free => {
                let delta = Detail::CallDelta { item_id, output_index, delta: text };
                tell("response.custom_tool_call_input.delta", delta);
                let done = Detail::InputDone { item_id, output_index, input: text };
                tell("response.custom_tool_call_input.done", done);
            }
            Kind::Call { tool, .. } => {
                let done = Detail::ArgumentsDone { item_id, output_index, name: &tool.name, arguments: text };
                tell("response.function_call_arguments.done", done);
            }
        }
    }
}

impl Writer for ResponseWriter {
    fn begin(&mut self, out: &mut Vec<u8>) {
        self.begun = true;
        let mut sequence = self.sequence;
        for kind in ["response.created", "response.in_progress"] {
            write(kind, &mut sequence, Detail::Whole { response: self.response("in_progress") }, out);
        }
        self.sequence = sequence;
    }

    fn piece(&mut self, piece: Piece<'_>, out: &mut Vec<u8>) {
        match piece {
            Piece::Thought(text) => self.think(text, out),
            Piece::Signature(proof) => self.prove(Encrypted::Signature(proof.to_owned()), out),
            Piece::Sealed(data) => self.prove(Encrypted::Sealed(data.to_owned()), out),
            Piece::Text(text) => self.say(text, out),
            Piece::Call { call, id, name } => self.call(call, id, name, out),
            Piece::Arguments { call, json } => self.argue(call, json, out),
        }
    }

    fn end(&mut self, answer: &Answer, out: &mut Vec<u8>) {
        // Clients parse what they have got, and an empty string is no JSON.
        let unargued = |(call, at): &(usize, usize)| self.items[*at].text.is_empty().then_some(*call);
        for call in self.calls.iter().filter_map(unargued).collect::<Vec<_>>() {
            self.argue(call, "{}", out);
        }
        let (status, incomplete) = ending(answer.stop);
        self.close_all(incomplete.is_some(), out);
        let mut sequence = self.sequence;
        let response = self.response(status).ended(answer);
        write(&format!("response.{status}"), &mut sequence, Detail::Whole { response }, out);
    }

    fn fail(&mut self, refusal: &Refusal, out: &mut Vec<u8>) {
        if !self.begun {
            self.begin(out);
        }
        // The SDKs raise this one; others wait for a response that has failed.
        emit::named("error", &error_event(refusal, self.sequence), out);
        let error = Error { code: code(refusal.kind), message: &refusal.message };
        let (mut sequence, mut response) = (self.sequence + 1, self.response("failed"));
        response.error = Some(error);
        // What was begun is not offered as a result.
        response.output.clear();
        write("response.failed", &mut sequence, Detail::Whole { response }, out);
    }
}

pub(super) fn error_event(refusal: &Refusal, sequence: u64) -> Value {
    let mut event = openai_chat::error(refusal);
    event["type"] = json!("error");
    event["sequence_number"] = json!(sequence);
    for name in ["code", "message", "param"] {
        event[name] = event["error"][name].clone();
    }
    event
}

pub(super) fn whole(reply: &Reply, answer: &Answer) -> Vec<u8> {
    let known = tools::known(&reply.terms["tools"]);
    let (status, incomplete) = ending(answer.stop);
    let mut items: Vec<Item> = Vec::new();
    let mut push = |kind: Kind, text: &str| {
        let item = Item::new(&reply.id, items.len(), kind);
        items.push(item.ended(text, Status::Completed));
    };
    for thought in &answer.thoughts {
        let (text, proof) = match thought {
            Thought::Open { text, signature } => (text.as_str(), signature.clone().map(Encrypted::Signature)),
            Thought::Sealed { data } => ("", Some(Encrypted::Sealed(data.clone()))),
        };
        push(Kind::Thought { encrypted: proof.map(|proof| proof.write()) }, text);
    }
    if !answer.text.is_empty() {
        push(Kind::Message, &answer.text);
    }
    for call in &answer.tool_calls {
        let (tool, arguments) = (tools::called(&known, &call.name), call.arguments.to_string());
        let text = if tool.free { tools::unwrap(&arguments) } else { arguments };
        push(Kind::Call { id: call.id.clone(), tool }, &text);
    }
    if let Some(last) = items.last_mut().filter(|_| incomplete.is_some()) {
        last.status = Status::Incomplete;
    }
    let mut body = Vec::new();
    emit::json(&Response::new(reply, status, &items).ended(answer), &mut body);
    body
}

impl<'a> Response<'a> {
    fn new(reply: &'a Reply, status: &'static str, items: &'a [Item]) -> Self {
        Self {
            id: format!("resp_{}", reply.id),
            object: "response",
            created_at: reply.created,
            status,
            error: None,
            incomplete_details: None,
            model: &reply.model,
            output: items.iter().map(Item::shown).collect(),
            usage: None,
            terms: &reply.terms,
        }
    }

    fn ended(self, answer: &Answer) -> Self {
        let (_, incomplete) = ending(answer.stop);
        Self {
            incomplete_details: incomplete.map(|reason| Incomplete { reason }),
            usage: answer.usage.map(Usage::from),
            ..self
        }
    }
}

fn write(kind: &str, sequence: &mut u64, detail: Detail<'_>, out: &mut Vec<u8>) {
    emit::named(kind, &Event { kind, sequence_number: *sequence, detail }, out);
    *sequence += 1;
}

/// Why a response failed: there are fewer words for it than for refusals.
fn code(kind: RefusalKind) -> &'static str {
    match kind {
        RefusalKind::Rate => "rate_limit_exceeded",
        RefusalKind::ContentPolicy => "invalid_prompt",
        // Codex knows these two.
        RefusalKind::ContextLength => "context_length_exceeded",
        RefusalKind::Budget => "insufficient_quota",
        _ => "server_error",
    }
}

/// A response's status, and why it is incomplete.
fn ending(stop: Stop) -> (&'static str, Option<&'static str>) {
    match stop {
        Stop::End | Stop::ToolCalls => ("completed", None),
        Stop::Length => ("incomplete", Some("max_output_tokens")),
        Stop::Filtered => ("incomplete", Some("content_filter")),
    }
}

impl From<TokenUsage> for Usage {
    /// OpenAI counts the cache's tokens among the prompt's.
    fn from(usage: TokenUsage) -> Self {
        Self {
            input_tokens: usage.prompt(),
            input_tokens_details: InputDetails {
                cached_tokens: usage.cache_read,
                cache_write_tokens: usage.cache_write,
            },
            output_tokens: usage.output,
            output_tokens_details: OutputDetails { reasoning_tokens: usage.reasoning },
            total_tokens: usage.prompt() + usage.output,
        }
    }
}
