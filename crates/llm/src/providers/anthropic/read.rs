use serde::Deserialize;
use serde_json::Value;

use super::super::{ErrorBody, MAX_EVENT, Progress, Reader};
use super::echo::EchoDraft;
use crate::draft::{Answer, Draft};
use crate::fault::Fault;
use crate::model::{Stop, TokenUsage};
use crate::piece::Sink;
use crate::sse::{Event, SseParser};

/// One event's data. The event's name says the same as `type`, so it is not looked at: some servers leave it out.
#[derive(Deserialize)]
#[serde(tag = "type", rename_all = "snake_case")]
enum Data {
    MessageStart {
        message: Start,
    },
    ContentBlockStart {
        index: u64,
        content_block: Value,
    },
    ContentBlockDelta {
        index: u64,
        delta: Value,
    },
    MessageDelta {
        delta: End,
        #[serde(default)]
        usage: Option<Usage>,
    },
    MessageStop,
    Error {
        error: Value,
    },
    /// `ping`, `content_block_stop`, and what is yet to be invented.
    #[serde(other)]
    Other,
}

#[derive(Deserialize)]
struct Start {
    #[serde(default)]
    usage: Option<Usage>,
}

#[derive(Deserialize)]
struct End {
    #[serde(default)]
    stop_reason: Option<String>,
}

#[derive(Deserialize)]
#[serde(tag = "type", rename_all = "snake_case")]
enum Block {
    Text {
        #[serde(default)]
        text: String,
    },
    ToolUse {
        #[serde(default)]
        id: String,
        name: String,
        #[serde(default)]
        input: Value,
    },
    Thinking {
        #[serde(default)]
        thinking: String,
        #[serde(default)]
        signature: String,
    },
    RedactedThinking {
        data: String,
    },
    /// What is yet to be invented.
    #[serde(other)]
    Other,
}

#[derive(Deserialize)]
#[serde(tag = "type", rename_all = "snake_case")]
enum Delta {
    #[serde(rename = "text_delta")]
    Text { text: String },
    #[serde(rename = "input_json_delta")]
    InputJson { partial_json: String },
    #[serde(rename = "thinking_delta")]
    Thinking { thinking: String },
    #[serde(rename = "signature_delta")]
    Signature { signature: String },
    #[serde(other)]
    Other,
}

/// `input_tokens` does not count those of the cache. In `message_delta` all are totals so far, and only those present
/// are meant.
#[derive(Default, Deserialize)]
struct Usage {
    #[serde(default)]
    input_tokens: Option<u64>,
    #[serde(default)]
    cache_read_input_tokens: Option<u64>,
    #[serde(default)]
    cache_creation_input_tokens: Option<u64>,
    /// How long what was written into the cache is kept.
    #[serde(default)]
    cache_creation: Option<CacheCreation>,
    #[serde(default)]
    output_tokens: Option<u64>,
    #[serde(default)]
    output_tokens_details: Option<OutputDetails>,
}

#[derive(Deserialize)]
struct OutputDetails {
    #[serde(default)]
    thinking_tokens: Option<u64>,
}

#[derive(Deserialize)]
struct CacheCreation {
    #[serde(default)]
    ephemeral_1h_input_tokens: Option<u64>,
}

impl Usage {
    fn written_for_an_hour(&self) -> Option<u64> {
        self.cache_creation.as_ref()?.ephemeral_1h_input_tokens
    }
}

/// A message that came in one piece.
#[derive(Deserialize)]
struct Message {
    #[serde(default)]
    content: Vec<Value>,
    #[serde(default)]
    stop_reason: Option<String>,
    #[serde(default)]
    usage: Option<Usage>,
}

pub(super) struct MessageReader {
    sse: SseParser,
    state: State,
}

struct State {
    draft: Draft,
    progress: Progress,
    echo: EchoDraft,
    /// What tool calls were begun with, for servers that send no pieces.
    begun: Vec<(u64, Value)>,
    argued: Vec<u64>,
}

impl MessageReader {
    pub(super) fn new(turn: usize, model: &str) -> Self {
        let state = State {
            draft: Draft::new(turn),
            progress: Progress::None,
            echo: EchoDraft::new(model),
            begun: Vec::new(),
            argued: Vec::new(),
        };
        Self { sse: SseParser::new(MAX_EVENT), state }
    }
}

impl Reader for MessageReader {
    fn whole(self: Box<Self>, body: &[u8], sink: &mut Sink<'_>) -> Result<Answer, Fault> {
        read_whole(body, self.state.draft, self.state.echo.model(), sink)
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
        let State { mut draft, echo, begun, argued, .. } = self.state;
        draft.echo = echo.finish();
        for (index, input) in begun.into_iter().filter(|(index, _)| !argued.contains(index)) {
            draft.argue(index, &input.to_string(), sink)?;
        }
        draft.finish()
    }
}

impl State {
    fn take(&mut self, event: Event<'_>, sink: &mut Sink<'_>) -> Result<(), Fault> {
        if self.progress == Progress::End {
            return Ok(());
        }
        self.progress = Progress::Event;
        match serde_json::from_slice(event.data)? {
            Data::MessageStart { message } => self.count(message.usage),
            Data::ContentBlockStart { index, content_block } => {
                self.echo.begin(index, &content_block);
                self.begin(index, Block::deserialize(content_block)?, sink)?;
            }
            Data::ContentBlockDelta { index, delta } => {
                self.echo.add(index, &delta)?;
                self.add(index, Delta::deserialize(delta)?, sink)?;
            }
            Data::Other => {}
            Data::MessageDelta { delta, usage } => {
                if let Some(reason) = delta.stop_reason {
                    self.draft.stop = Some(stop(&reason));
                }
                self.count(usage);
            }
            Data::MessageStop => self.progress = Progress::End,
            Data::Error { error } => {
                let unnamed = || Fault::Garbage("an error without a message".to_owned());
                return Err(ErrorBody::read(&error).map_or_else(unnamed, ErrorBody::into_fault));
            }
        }
        Ok(())
    }

    fn begin(&mut self, index: u64, block: Block, sink: &mut Sink<'_>) -> Result<(), Fault> {
        match block {
            Block::Text { text } => self.draft.say(&text, sink),
            Block::ToolUse { id, name, input } => {
                self.draft.call(index, &id, &name, sink)?;
                if input.as_object().is_some_and(|input| !input.is_empty()) {
                    self.begun.push((index, input));
                }
                Ok(())
            }
            Block::Thinking { thinking, signature } => {
                self.draft.think(&thinking, sink)?;
                self.draft.sign(&signature, sink)
            }
            Block::RedactedThinking { data } => self.draft.seal(&data, sink),
            Block::Other => Ok(()),
        }
    }

    fn add(&mut self, index: u64, delta: Delta, sink: &mut Sink<'_>) -> Result<(), Fault> {
        match delta {
            Delta::Text { text } => self.draft.say(&text, sink),
            Delta::InputJson { partial_json } => {
                if !partial_json.is_empty() && !self.argued.contains(&index) {
                    self.argued.push(index);
                }
                self.draft.argue(index, &partial_json, sink)
            }
            Delta::Thinking { thinking } => self.draft.think(&thinking, sink),
            Delta::Signature { signature } => self.draft.sign(&signature, sink),
            Delta::Other => Ok(()),
        }
    }

    fn count(&mut self, usage: Option<Usage>) {
        if let Some(usage) = usage {
            usage.replace_in(&mut self.draft.usage);
        }
    }
}

impl Usage {
    fn replace_in(self, usage: &mut Option<TokenUsage>) {
        let total = usage.get_or_insert_default();
        let replace = |total: &mut u64, count: Option<u64>| *total = count.unwrap_or(*total);
        replace(&mut total.input, self.input_tokens);
        replace(&mut total.cache_read, self.cache_read_input_tokens);
        replace(&mut total.cache_write, self.cache_creation_input_tokens);
        replace(&mut total.cache_write_1h, self.written_for_an_hour());
        replace(&mut total.output, self.output_tokens);
        replace(&mut total.reasoning, self.output_tokens_details.and_then(|details| details.thinking_tokens));
    }
}

/// See [`super::super::Adapter::count`]. Usage stands in a whole message and in `message_delta` at the top, in
/// `message_start` within the message.
pub(super) fn count(json: &[u8], usage: &mut Option<TokenUsage>) {
    #[derive(Deserialize)]
    struct Counted {
        #[serde(default)]
        usage: Option<Usage>,
        #[serde(default)]
        message: Option<Start>,
    }
    let Ok(counted) = serde_json::from_slice::<Counted>(json) else { return };
    let started = counted.message.and_then(|message| message.usage);
    if let Some(counted) = counted.usage.or(started) {
        counted.replace_in(usage);
    }
}

/// Reads a message that came in one piece.
fn read_whole(body: &[u8], mut draft: Draft, model: &str, sink: &mut Sink<'_>) -> Result<Answer, Fault> {
    let value: Value = serde_json::from_slice(body)?;
    if value.get("type").is_some_and(|kind| kind == "error") {
        return Err(ErrorBody::read(&value).map_or(Fault::BrokenOff, ErrorBody::into_fault));
    }
    let message: Message = serde_json::from_value(value)?;
    draft.echo = EchoDraft::of_whole(model, &message.content).finish();
    draft.stop = message.stop_reason.as_deref().map(stop);
    if let Some(usage) = message.usage {
        usage.replace_in(&mut draft.usage);
    }
    for (index, block) in (0..).zip(message.content) {
        match Block::deserialize(block)? {
            Block::Text { text } => draft.say(&text, sink)?,
            Block::ToolUse { id, name, input } => {
                draft.call(index, &id, &name, sink)?;
                draft.argue(index, &input.to_string(), sink)?;
            }
            Block::Thinking { thinking, signature } => {
                draft.think(&thinking, sink)?;
                draft.sign(&signature, sink)?;
            }
            Block::RedactedThinking { data } => draft.seal(&data, sink)?,
            Block::Other => {}
        }
    }
    draft.finish()
}

fn stop(reason: &str) -> Stop {
    match reason {
        "tool_use" => Stop::ToolCalls,
        "max_tokens" | "model_context_window_exceeded" => Stop::Length,
        "refusal" => Stop::Filtered,
        _ => Stop::End,
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::fault::Verdict;
    use crate::golden::{call, read};
    use crate::model::Wire;

    fn stream(events: &[Value]) -> String {
        events.iter().map(|data| format!("event: {}\ndata: {data}\n\n", data["type"].as_str().unwrap())).collect()
    }

    fn start() -> Value {
        json!({"type": "message_start", "message": {"id": "msg_1", "type": "message", "role": "assistant", "content": [],
            "model": "claude", "stop_reason": null, "usage": {"input_tokens": 12, "cache_read_input_tokens": 100,
            "cache_creation_input_tokens": 7, "output_tokens": 1}}})
    }

    fn text(index: u64, text: &str) -> Vec<Value> {
        vec![
            json!({"type": "content_block_start", "index": index, "content_block": {"type": "text", "text": ""}}),
            json!({"type": "ping"}),
            json!({"type": "content_block_delta", "index": index, "delta": {"type": "text_delta", "text": text}}),
            json!({"type": "content_block_stop", "index": index}),
        ]
    }

    fn tool(index: u64, id: &str, name: &str, pieces: &[&str]) -> Vec<Value> {
        let mut events = vec![
            json!({"type": "content_block_start", "index": index, "content_block": {"type": "tool_use", "id": id, "name": name, "input": {}}}),
        ];
        events.extend(pieces.iter().map(|piece| {
            json!({"type": "content_block_delta", "index": index, "delta": {"type": "input_json_delta", "partial_json": piece}})
        }));
        events.push(json!({"type": "content_block_stop", "index": index}));
        events
    }

    fn end(reason: &str) -> Vec<Value> {
        vec![
            json!({"type": "message_delta", "delta": {"stop_reason": reason, "stop_sequence": null}, "usage": {"output_tokens": 9}}),
            json!({"type": "message_stop"}),
        ]
    }

    fn message(parts: &[Vec<Value>]) -> String {
        stream(&std::iter::once(vec![start()]).chain(parts.iter().cloned()).flatten().collect::<Vec<_>>())
    }

    #[test]
    fn text_is_put_together_and_usage_counts_the_cache_apart() {
        let answer = read(Wire::Anthropic, &message(&[text(0, "Grüß Gott 🦀"), end("end_turn")])).unwrap();
        assert_eq!((answer.text.as_str(), answer.stop), ("Grüß Gott 🦀", Stop::End));
        let usage = TokenUsage { input: 12, cache_read: 100, cache_write: 7, output: 9, ..TokenUsage::default() };
        assert_eq!(answer.usage, Some(usage));
        assert_eq!(usage.prompt(), 119);
    }

    #[test]
    fn text_then_a_tool_call_in_pieces() {
        let stream = message(&[
            text(0, "Let me look."),
            tool(1, "toolu_1", "date_time", &["", "{\"zone\": ", "\"UTC\"}"]),
            end("tool_use"),
        ]);
        let answer = read(Wire::Anthropic, &stream).unwrap();
        assert_eq!(answer.text, "Let me look.");
        assert_eq!(answer.tool_calls, [call("toolu_1", "date_time", json!({"zone": "UTC"}))]);
        assert_eq!(answer.stop, Stop::ToolCalls);
    }

    #[test]
    fn parallel_tool_calls_also_without_arguments_or_with_all_of_them_at_the_start() {
        let whole = vec![json!({"type": "content_block_start", "index": 2,
            "content_block": {"type": "tool_use", "id": "c", "name": "three", "input": {"z": 3}}})];
        let stream = message(&[tool(0, "a", "one", &["{\"x\":1}"]), tool(1, "b", "two", &[]), whole, end("tool_use")]);
        let answer = read(Wire::Anthropic, &stream).unwrap();
        let want =
            [call("a", "one", json!({"x": 1})), call("b", "two", json!({})), call("c", "three", json!({"z": 3}))];
        assert_eq!(answer.tool_calls, want);
    }

    #[test]
    fn thinking_and_events_of_the_future_are_passed_over() {
        let unknown = vec![
            json!({"type": "content_block_start", "index": 0, "content_block": {"type": "thinking", "thinking": ""}}),
            json!({"type": "content_block_delta", "index": 0, "delta": {"type": "thinking_delta", "thinking": "hm"}}),
            json!({"type": "content_block_delta", "index": 0, "delta": {"type": "signature_delta", "signature": "x"}}),
            json!({"type": "aurora", "brightness": 7}),
        ];
        let answer = read(Wire::Anthropic, &message(&[unknown, text(1, "Yes."), end("end_turn")])).unwrap();
        assert_eq!(answer.text, "Yes.");
    }

    #[test]
    fn thoughts_before_a_tool_call_are_kept_for_its_result() {
        let thinking = vec![
            json!({"type": "content_block_start", "index": 0, "content_block": {"type": "thinking", "thinking": "", "signature": ""}}),
            json!({"type": "content_block_delta", "index": 0, "delta": {"type": "thinking_delta", "thinking": "What "}}),
            json!({"type": "content_block_delta", "index": 0, "delta": {"type": "thinking_delta", "thinking": "time?"}}),
            json!({"type": "content_block_delta", "index": 0, "delta": {"type": "signature_delta", "signature": "c2ln"}}),
            json!({"type": "content_block_start", "index": 1, "content_block": {"type": "redacted_thinking", "data": "x"}}),
        ];
        let called = tool(3, "toolu_1", "date_time", &["{\"zone\":", "\"UTC\"}"]);
        let stream = message(&[thinking, text(2, "Let me look."), called, end("tool_use")]);
        let answer = read(Wire::Anthropic, &stream).unwrap();
        let echo = answer.tool_calls[0].echo.clone().unwrap();
        let content = json!([
            {"type": "thinking", "thinking": "What time?", "signature": "c2ln"},
            {"type": "redacted_thinking", "data": "x"},
            {"type": "text", "text": "Let me look."},
            {"type": "tool_use", "id": "toolu_1", "name": "date_time", "input": {"zone": "UTC"}},
        ]);
        assert_eq!((echo.model.as_str(), json!(echo.content)), ("m", content.clone()));
        let body = json!({"type": "message", "content": content, "stop_reason": "tool_use"});
        let whole = read_whole(body.to_string().as_bytes(), Draft::default(), "m", &mut |_| {}).unwrap();
        assert_eq!(whole.tool_calls[0].echo.as_ref().unwrap().content, echo.content);
    }

    #[test]
    fn an_error_in_mid_stream_is_told_and_judged() {
        let with = |kind: &str| {
            let error = json!({"type": "error", "error": {"type": kind, "message": "Overloaded"}});
            read(Wire::Anthropic, &message(&[text(0, "Hel"), vec![error]])).unwrap_err()
        };
        assert_eq!(
            with("overloaded_error"),
            Fault::Reported { words: "Overloaded".into(), verdict: Verdict::Retry { after: None } }
        );
        assert_eq!(with("billing_error").verdict(), Verdict::OutOfCredit);
    }

    #[test]
    fn a_stream_that_breaks_off_is_no_answer_wherever_it_does() {
        let whole = message(&[text(0, "Hello there"), end("end_turn")]);
        for at in 0..whole.find("message_delta").unwrap() {
            assert_eq!(read(Wire::Anthropic, &whole[..at]), Err(Fault::BrokenOff), "cut at {at}");
        }
    }

    #[test]
    fn a_refusal_without_a_word_is_one() {
        assert_eq!(read(Wire::Anthropic, &message(&[end("refusal")])), Err(Fault::Declined));
    }

    #[test]
    fn an_answer_in_one_piece_is_read_too() {
        let body = json!({"type": "message", "content": [{"type": "text", "text": "Hi"},
            {"type": "tool_use", "id": "a", "name": "one", "input": {"x": 1}}], "stop_reason": "tool_use",
            "usage": {"input_tokens": 3, "output_tokens": 2}});
        let answer = read_whole(body.to_string().as_bytes(), Draft::default(), "m", &mut |_| {}).unwrap();
        assert_eq!((answer.text.as_str(), answer.tool_calls.len()), ("Hi", 1));
        let error = json!({"type": "error", "error": {"type": "api_error", "message": "no"}});
        assert!(matches!(
            read_whole(error.to_string().as_bytes(), Draft::default(), "m", &mut |_| {}),
            Err(Fault::Reported { .. })
        ));
    }
}
