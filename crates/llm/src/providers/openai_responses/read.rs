use serde::Deserialize;
use serde_json::Value;

use super::super::{ErrorBody, MAX_EVENT, Progress, Reader};
use crate::draft::{Answer, Draft, MAX_ANSWER};
use crate::fault::Fault;
use crate::model::{Stop, TokenUsage};
use crate::piece::Sink;
use crate::request::Echo;
use crate::sse::{Event, SseParser};
use crate::vendor::Encrypted;

/// The most items one answer may have.
const MAX_ITEMS: usize = 1024;

/// One event's data. The event's name says the same as `type`, so it is not looked at.
#[derive(Deserialize)]
#[serde(tag = "type")]
enum Data {
    #[serde(rename = "response.output_item.added")]
    Added {
        #[serde(default)]
        output_index: u64,
        item: Value,
    },
    #[serde(rename = "response.output_item.done")]
    Done {
        #[serde(default)]
        output_index: u64,
        item: Value,
    },
    #[serde(rename = "response.output_text.delta", alias = "response.refusal.delta")]
    Text {
        #[serde(default)]
        output_index: u64,
        delta: String,
    },
    #[serde(rename = "response.function_call_arguments.delta")]
    Arguments {
        #[serde(default)]
        output_index: u64,
        delta: String,
    },
    #[serde(rename = "response.reasoning_summary_text.delta", alias = "response.reasoning_text.delta")]
    Thought {
        #[serde(default)]
        output_index: u64,
        #[serde(default, alias = "content_index")]
        summary_index: u64,
        delta: String,
    },
    #[serde(rename = "response.completed")]
    Completed { response: Value },
    #[serde(rename = "response.incomplete")]
    Incomplete { response: Value },
    #[serde(rename = "response.failed")]
    Failed { response: Value },
    #[serde(rename = "error")]
    Error {
        #[serde(flatten)]
        error: Value,
    },
    /// `response.created`, what repeats the pieces, and what is yet to be invented.
    #[serde(other)]
    Other,
}

#[derive(Deserialize)]
#[serde(tag = "type", rename_all = "snake_case")]
enum Item {
    Message {
        #[serde(default)]
        content: Vec<Block>,
    },
    FunctionCall {
        #[serde(default)]
        call_id: String,
        name: String,
        #[serde(default)]
        arguments: String,
    },
    Reasoning {
        #[serde(default)]
        summary: Vec<Block>,
        #[serde(default)]
        content: Option<Vec<Block>>,
        #[serde(default)]
        encrypted_content: Option<String>,
    },
    /// What was not asked for, and what is yet to be invented.
    #[serde(other)]
    Other,
}

#[derive(Deserialize)]
struct Block {
    #[serde(default, alias = "refusal")]
    text: Option<String>,
}

#[derive(Deserialize)]
struct Response {
    #[serde(default)]
    status: Option<String>,
    #[serde(default)]
    error: Option<Value>,
    #[serde(default)]
    incomplete_details: Option<Incomplete>,
    #[serde(default)]
    output: Option<Vec<Value>>,
    #[serde(default)]
    usage: Option<Usage>,
}

#[derive(Deserialize)]
struct Incomplete {
    #[serde(default)]
    reason: Option<String>,
}

#[derive(Deserialize)]
struct Usage {
    #[serde(default)]
    input_tokens: u64,
    #[serde(default)]
    input_tokens_details: Option<InputDetails>,
    #[serde(default)]
    output_tokens: u64,
    #[serde(default)]
    output_tokens_details: Option<OutputDetails>,
}

#[derive(Deserialize)]
struct InputDetails {
    #[serde(default)]
    cached_tokens: Option<u64>,
    #[serde(default)]
    cache_write_tokens: Option<u64>,
}

#[derive(Deserialize)]
struct OutputDetails {
    #[serde(default)]
    reasoning_tokens: Option<u64>,
}

pub(super) struct ResponseReader {
    sse: SseParser,
    state: State,
}

struct State {
    draft: Draft,
    progress: Progress,
    model: String,
    /// The items that pieces have come of.
    begun: Vec<Begun>,
    /// The part of a thought under way.
    section: Option<(u64, u64)>,
    /// The items as they were in the end, and their size.
    echo: Vec<Value>,
    echoed: usize,
}

struct Begun {
    index: u64,
    /// Some of its text or arguments have come.
    told: bool,
}

impl ResponseReader {
    pub(super) fn new(turn: usize, model: &str) -> Self {
        let state = State {
            draft: Draft::new(turn),
            progress: Progress::None,
            model: model.to_owned(),
            begun: Vec::new(),
            section: None,
            echo: Vec::new(),
            echoed: 0,
        };
        Self { sse: SseParser::new(MAX_EVENT), state }
    }
}

impl Reader for ResponseReader {
    fn whole(mut self: Box<Self>, body: &[u8], sink: &mut Sink<'_>) -> Result<Answer, Fault> {
        self.state.end("", serde_json::from_slice(body)?, sink)?;
        self.state.finish()
    }

    fn feed(&mut self, bytes: &[u8], sink: &mut Sink<'_>) -> Result<Progress, Fault> {
        let Self { sse, state } = self;
        state.progress = Progress::None;
        sse.feed(bytes, |event| state.take(event, sink))?;
        Ok(state.progress)
    }

    fn finish(mut self: Box<Self>, sink: &mut Sink<'_>) -> Result<Answer, Fault> {
        if self.state.progress != Progress::End {
            let Self { sse, state } = &mut *self;
            // Half an event is no garbage: the connection broke.
            sse.finish(|event| state.take(event, sink)).map_err(|fault| match fault {
                Fault::Garbage(_) => Fault::BrokenOff,
                other => other,
            })?;
        }
        self.state.finish()
    }
}

impl State {
    fn take(&mut self, event: Event<'_>, sink: &mut Sink<'_>) -> Result<(), Fault> {
        if self.progress == Progress::End || event.data == b"[DONE]" {
            return Ok(());
        }
        self.progress = Progress::Event;
        match serde_json::from_slice(event.data)? {
            Data::Added { output_index, item } => self.begin(output_index, Item::deserialize(item)?, sink),
            Data::Done { output_index, item } => self.complete(output_index, item, sink),
            Data::Text { output_index, delta } => {
                self.begun(output_index)?.told |= !delta.is_empty();
                self.draft.say(&delta, sink)
            }
            Data::Arguments { output_index, delta } => {
                self.begun(output_index)?.told |= !delta.is_empty();
                self.draft.argue(output_index, &delta, sink)
            }
            Data::Thought { output_index, summary_index, delta } => {
                self.begun(output_index)?.told |= !delta.is_empty();
                self.think((output_index, summary_index), &delta, sink)
            }
            Data::Completed { response } => self.end("completed", response, sink),
            Data::Incomplete { response } => self.end("incomplete", response, sink),
            Data::Failed { response } => self.end("failed", response, sink),
            Data::Error { error } => Err(reported(&error)),
            Data::Other => Ok(()),
        }
    }

    fn begun(&mut self, index: u64) -> Result<&mut Begun, Fault> {
        let at = match self.begun.iter().rposition(|item| item.index == index) {
            Some(at) => at,
            None if self.begun.len() < MAX_ITEMS => {
                self.begun.push(Begun { index, told: false });
                self.begun.len() - 1
            }
            None => return Err(Fault::TooLarge),
        };
        Ok(&mut self.begun[at])
    }

    fn begin(&mut self, index: u64, item: Item, sink: &mut Sink<'_>) -> Result<(), Fault> {
        self.begun(index)?;
        match item {
            Item::FunctionCall { call_id, name, .. } => self.draft.call(index, &call_id, &name, sink),
            _ => Ok(()),
        }
    }

    /// Takes of a whole item what did not come in pieces.
    fn complete(&mut self, index: u64, item: Value, sink: &mut Sink<'_>) -> Result<(), Fault> {
        let told = self.begun(index)?.told;
        let parsed = Item::deserialize(&item)?;
        self.keep(item)?;
        match parsed {
            Item::Message { content } if !told => {
                content.iter().filter_map(|block| block.text.as_deref()).try_for_each(|text| self.draft.say(text, sink))
            }
            Item::FunctionCall { call_id, name, arguments } => {
                self.draft.call(index, &call_id, &name, sink)?;
                if told { Ok(()) } else { self.draft.argue(index, &arguments, sink) }
            }
            Item::Reasoning { summary, content, encrypted_content } => {
                if !told {
                    let parts = if summary.is_empty() { content.unwrap_or_default() } else { summary };
                    for (number, part) in (0..).zip(parts) {
                        self.think((index, number), &part.text.unwrap_or_default(), sink)?;
                    }
                }
                self.prove(index, encrypted_content, sink)
            }
            Item::Message { .. } | Item::Other => Ok(()),
        }
    }

    /// A thought's parts are paragraphs.
    fn think(&mut self, section: (u64, u64), text: &str, sink: &mut Sink<'_>) -> Result<(), Fault> {
        if text.is_empty() {
            return Ok(());
        }
        if self.section.is_some_and(|last| last.0 == section.0 && last != section) {
            self.draft.think("\n\n", sink)?;
        }
        self.section = Some(section);
        self.draft.think(text, sink)
    }

    fn prove(&mut self, index: u64, proof: Option<String>, sink: &mut Sink<'_>) -> Result<(), Fault> {
        let open = self.section.take().is_some_and(|section| section.0 == index);
        match proof.filter(|proof| !proof.is_empty()).map(|proof| Encrypted::read(&proof, open)) {
            Some(Encrypted::Signature(proof)) => self.draft.sign(&proof, sink),
            Some(Encrypted::Sealed(data)) => self.draft.seal(&data, sink),
            None => Ok(()),
        }
    }

    /// Keeps an item to be shown to its model again. Ids name what the provider stores: nothing, here.
    fn keep(&mut self, mut item: Value) -> Result<(), Fault> {
        if let Some(item) = item.as_object_mut() {
            item.remove("id");
            item.remove("status");
        }
        if matches!(item["type"].as_str(), Some("reasoning" | "message" | "function_call")) {
            self.echoed += item.to_string().len();
            if self.echoed > MAX_ANSWER {
                return Err(Fault::TooLarge);
            }
            self.echo.push(item);
        }
        Ok(())
    }

    /// The end, told with the whole response; `status` where that names none.
    fn end(&mut self, status: &str, response: Value, sink: &mut Sink<'_>) -> Result<(), Fault> {
        self.progress = Progress::End;
        let Response { status: named, error, incomplete_details, output, usage } = Response::deserialize(&response)?;
        if let Some(error) = error.filter(|error| !error.is_null()) {
            return Err(reported(&error));
        }
        self.draft.usage = usage.map(TokenUsage::from).or(self.draft.usage);
        if self.begun.is_empty() {
            for (index, item) in (0..).zip(output.unwrap_or_default()) {
                self.complete(index, item, sink)?;
            }
        }
        let reason = incomplete_details.and_then(|details| details.reason);
        self.draft.stop = match (named.as_deref().unwrap_or(status), reason.as_deref()) {
            ("completed", _) => Some(Stop::End),
            ("incomplete", Some("content_filter")) => Some(Stop::Filtered),
            ("incomplete", _) => Some(Stop::Length),
            ("failed" | "cancelled", _) => return Err(Fault::Garbage("an error without a message".to_owned())),
            _ => None,
        };
        Ok(())
    }

    fn finish(mut self) -> Result<Answer, Fault> {
        // Without thoughts an answer can be told in anybody's words.
        if self.echo.iter().any(|item| item["type"] == "reasoning" && item["encrypted_content"].is_string()) {
            self.draft.echo = Some(Echo { model: self.model, content: self.echo });
        }
        self.draft.finish()
    }
}

/// See [`super::super::Adapter::count`]. Usage stands in a whole response at the top, in an event within its response.
pub(super) fn count(json: &[u8], usage: &mut Option<TokenUsage>) {
    #[derive(Deserialize)]
    struct Counted {
        #[serde(default)]
        usage: Option<Usage>,
        #[serde(default)]
        response: Option<Box<Self>>,
    }
    let Ok(counted) = serde_json::from_slice::<Counted>(json) else { return };
    let within = counted.response.and_then(|response| response.usage);
    *usage = counted.usage.or(within).map(TokenUsage::from).or(*usage);
}

fn reported(error: &Value) -> Fault {
    let unnamed = || Fault::Garbage("an error without a message".to_owned());
    ErrorBody::read(error).map_or_else(unnamed, ErrorBody::into_fault)
}

impl From<Usage> for TokenUsage {
    /// Cached tokens are counted among the prompt's.
    fn from(usage: Usage) -> Self {
        let details = usage.input_tokens_details;
        let cache_read = details.as_ref().and_then(|details| details.cached_tokens).unwrap_or(0);
        let cache_write = details.and_then(|details| details.cache_write_tokens).unwrap_or(0);
        Self {
            input: usage.input_tokens.saturating_sub(cache_read).saturating_sub(cache_write),
            cache_read,
            cache_write,
            output: usage.output_tokens,
            reasoning: usage.output_tokens_details.and_then(|details| details.reasoning_tokens).unwrap_or(0),
            ..Self::default()
        }
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::fault::Verdict;
    use crate::golden::{call, read};
    use crate::model::Wire;
    use crate::request::Thought;

    /// A stream of events, each named as its data says.
    fn stream(events: &[Value]) -> String {
        let (event, number) = (|event: &Value| event["type"].as_str().unwrap().to_owned(), 0..);
        number
            .zip(events)
            .map(|(number, data): (u64, _)| {
                let mut data = data.clone();
                data["sequence_number"] = number.into();
                format!("event: {}\ndata: {data}\n\n", event(&data))
            })
            .collect()
    }

    fn created() -> Value {
        json!({"type": "response.created", "response": {"id": "resp_1", "status": "in_progress", "output": []}})
    }

    fn added(index: u64, item: Value) -> Value {
        json!({"type": "response.output_item.added", "output_index": index, "item": item})
    }

    fn done(index: u64, item: Value) -> Value {
        json!({"type": "response.output_item.done", "output_index": index, "item": item})
    }

    fn delta(kind: &str, index: u64, delta: &str) -> Value {
        json!({"type": format!("response.{kind}.delta"), "item_id": "x", "output_index": index, "delta": delta})
    }

    fn thought(index: u64, part: u64, text: &str) -> Value {
        let mut event = delta("reasoning_summary_text", index, text);
        event["summary_index"] = part.into();
        event
    }

    fn completed() -> Value {
        json!({"type": "response.completed", "response": {"id": "resp_1", "status": "completed", "error": null,
            "usage": {"input_tokens": 30, "input_tokens_details": {"cached_tokens": 20}, "output_tokens": 9,
                      "output_tokens_details": {"reasoning_tokens": 4}, "total_tokens": 39}}})
    }

    fn message(text: &str) -> Value {
        json!({"type": "message", "id": "msg_1", "role": "assistant", "status": "completed",
            "content": [{"type": "output_text", "text": text, "annotations": []}]})
    }

    fn function(id: &str, name: &str, arguments: &str) -> Value {
        json!({"type": "function_call", "id": "fc_1", "call_id": id, "name": name, "arguments": arguments,
            "status": "completed"})
    }

    #[test]
    fn text_is_put_together_and_usage_is_counted_apart_from_the_cache() {
        let begun =
            json!({"type": "message", "id": "msg_1", "role": "assistant", "status": "in_progress", "content": []});
        let (grüß, gott) = (delta("output_text", 0, "Grüß "), delta("output_text", 0, "Gott 🦀"));
        let events = [created(), added(0, begun), grüß, gott, done(0, message("Grüß Gott 🦀")), completed()];
        let answer = read(Wire::OpenaiResponses, &stream(&events)).unwrap();
        assert_eq!((answer.text.as_str(), answer.stop), ("Grüß Gott 🦀", Stop::End));
        let usage = TokenUsage { input: 10, cache_read: 20, output: 9, reasoning: 4, ..TokenUsage::default() };
        assert_eq!(answer.usage, Some(usage));
    }

    #[test]
    fn parallel_tool_calls_that_interleave_are_told_apart_by_their_place() {
        let arguments = |index, json| delta("function_call_arguments", index, json);
        let events = [
            created(),
            added(0, function("a", "one", "")),
            added(1, function("b", "two", "")),
            arguments(1, "{\"y\""),
            arguments(0, "{\"x\":1}"),
            arguments(1, ":2}"),
            done(0, function("a", "one", "{\"x\":1}")),
            done(1, function("b", "two", "{\"y\":2}")),
            completed(),
        ];
        let answer = read(Wire::OpenaiResponses, &stream(&events)).unwrap();
        assert_eq!(answer.tool_calls, [call("a", "one", json!({"x": 1})), call("b", "two", json!({"y": 2}))]);
        assert_eq!(answer.stop, Stop::ToolCalls);
    }

    #[test]
    fn a_thought_is_told_and_comes_back_with_its_seal_and_its_call() {
        let sealed = json!({"type": "reasoning", "id": "rs_1", "encrypted_content": "c2ln",
            "summary": [{"type": "summary_text", "text": "What"}, {"type": "summary_text", "text": "time?"}]});
        let events = [
            created(),
            added(0, json!({"type": "reasoning", "id": "rs_1", "summary": []})),
            thought(0, 0, "Wh"),
            thought(0, 0, "at"),
            thought(0, 1, "time?"),
            done(0, sealed),
            done(1, function("a", "clock", "{}")),
            completed(),
        ];
        let answer = read(Wire::OpenaiResponses, &stream(&events)).unwrap();
        let told = Thought::Open { text: "What\n\ntime?".into(), signature: Some("openai:c2ln".into()) };
        assert_eq!(answer.thoughts, [told]);
        let echo = answer.tool_calls[0].echo.as_ref().unwrap();
        assert_eq!(
            echo.content[1],
            json!({"type": "function_call", "call_id": "a", "name": "clock", "arguments": "{}"})
        );
        assert_eq!((echo.content.len(), &echo.content[0]["id"]), (2, &Value::Null));
    }

    #[test]
    fn a_thought_without_words_stays_sealed() {
        let sealed = json!({"type": "reasoning", "id": "rs_1", "summary": [], "encrypted_content": "c2ln"});
        let events = [created(), done(0, sealed), done(1, message("Hi")), completed()];
        let answer = read(Wire::OpenaiResponses, &stream(&events)).unwrap();
        assert_eq!(answer.thoughts, [Thought::Sealed { data: "openai:c2ln".into() }]);
    }

    #[test]
    fn servers_that_send_whole_items_or_the_whole_response_alone_are_understood() {
        let items = [message("Look."), function("a", "one", "{\"x\":1}")];
        let by_items = [created(), done(0, items[0].clone()), done(1, items[1].clone()), completed()];
        let at_once = [json!({"type": "response.completed", "response": {"output": items.clone()}})];
        let body = json!({"object": "response", "status": "completed", "output": items});
        let reader = Box::new(ResponseReader::new(0, "m"));
        let answers = [
            read(Wire::OpenaiResponses, &stream(&by_items)).unwrap(),
            read(Wire::OpenaiResponses, &stream(&at_once)).unwrap(),
            reader.whole(body.to_string().as_bytes(), &mut |_| {}).unwrap(),
        ];
        for answer in answers {
            assert_eq!(answer.text, "Look.");
            assert_eq!(answer.tool_calls, [call("a", "one", json!({"x": 1}))]);
        }
    }

    #[test]
    fn a_limit_and_a_filter_are_told_apart_and_a_refusal_is_said() {
        let ended = |reason: &str| {
            let details = json!({"status": "incomplete", "incomplete_details": {"reason": reason}});
            stream(&[delta("refusal", 0, "I can't"), json!({"type": "response.incomplete", "response": details})])
        };
        let answer = read(Wire::OpenaiResponses, &ended("max_output_tokens")).unwrap();
        assert_eq!((answer.text.as_str(), answer.stop), ("I can't", Stop::Length));
        assert_eq!(read(Wire::OpenaiResponses, &ended("content_filter")).unwrap().stop, Stop::Filtered);
    }

    #[test]
    fn an_error_in_mid_stream_is_told_and_judged_in_either_form() {
        let error = |code: &str| json!({"code": code, "message": "boom"});
        let failed =
            |code: &str| json!({"type": "response.failed", "response": {"status": "failed", "error": error(code)}});
        let bare = |code: &str| json!({"type": "error", "code": code, "message": "boom", "param": null});
        let nested = |code: &str| json!({"type": "error", "error": error(code)});
        let fault = |event: Value| {
            read(Wire::OpenaiResponses, &stream(&[created(), delta("output_text", 0, "Hel"), event])).unwrap_err()
        };
        for event in [failed("server_error"), bare("server_error"), nested("server_error")] {
            assert_eq!(fault(event), Fault::Reported { words: "boom".into(), verdict: Verdict::Retry { after: None } });
        }
        for event in [failed("insufficient_quota"), bare("insufficient_quota")] {
            assert_eq!(fault(event).verdict(), Verdict::OutOfCredit);
        }
        assert_eq!(fault(nested("context_length_exceeded")).verdict(), Verdict::TooLong);
    }

    #[test]
    fn a_stream_that_breaks_off_is_no_answer_wherever_it_does() {
        let whole = stream(&[created(), delta("output_text", 0, "Hello"), done(0, message("Hello")), completed()]);
        for at in 0..whole.rfind("data: ").unwrap() {
            assert_eq!(read(Wire::OpenaiResponses, &whole[..at]), Err(Fault::BrokenOff), "cut at {at}");
        }
    }

    #[test]
    fn usage_is_read_off_a_whole_response_and_off_an_event() {
        let counted = |json: &Value| {
            let mut usage = None;
            count(json.to_string().as_bytes(), &mut usage);
            usage
        };
        let usage = Some(TokenUsage { input: 10, cache_read: 20, output: 9, reasoning: 4, ..TokenUsage::default() });
        assert_eq!(counted(&completed()), usage);
        assert_eq!(counted(&completed()["response"]), usage);
        assert_eq!((counted(&created()), counted(&json!([]))), (None, None));
    }

    #[test]
    fn garbage_is_no_answer_and_items_without_end_are_given_up() {
        for garbage in ["data: <html>\n\n", "data: {\"type\":\"response.completed\"}\n\n", "data: [1,2]\n\n"] {
            assert!(matches!(read(Wire::OpenaiResponses, garbage), Err(Fault::Garbage(_))), "{garbage}");
        }
        let many: Vec<Value> = (0..2_000).map(|index| added(index, function("", "t", ""))).collect();
        assert_eq!(read(Wire::OpenaiResponses, &stream(&many)), Err(Fault::TooLarge));
        let whole = |body: &[u8]| Box::new(ResponseReader::new(0, "m")).whole(body, &mut |_| {});
        assert_eq!(whole(b"{}"), Err(Fault::BrokenOff));
        assert!(matches!(whole(br#"{"error":{"message":"no"}}"#), Err(Fault::Reported { .. })));
    }
}
