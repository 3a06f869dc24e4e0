use serde::Deserialize;
use serde::de::IgnoredAny;
use serde_json::Value;

use super::super::{ErrorBody, MAX_EVENT, Progress, Reader};
use crate::draft::{Answer, Draft};
use crate::fault::Fault;
use crate::model::{Stop, TokenUsage};
use crate::piece::Sink;
use crate::sse::{Event, SseParser};

/// A chunk of a stream, or a whole completion: the two differ in `delta` against `message`.
#[derive(Deserialize)]
struct Chunk {
    /// Null in the usage chunk of some servers.
    #[serde(default)]
    choices: Option<Vec<Choice>>,
    #[serde(default)]
    usage: Option<Usage>,
    #[serde(default)]
    error: Option<Value>,
}

#[derive(Deserialize)]
struct Choice {
    #[serde(default, alias = "message")]
    delta: Option<Delta>,
    #[serde(default)]
    finish_reason: Option<String>,
}

#[derive(Deserialize)]
struct Delta {
    #[serde(default)]
    content: Option<Content>,
    /// What the model thinks: no word of OpenAI's, but of the servers that speak like it.
    #[serde(default)]
    reasoning_content: Option<String>,
    /// Another name of the same, for others.
    #[serde(default)]
    reasoning: Option<Value>,
    #[serde(default)]
    refusal: Option<String>,
    #[serde(default)]
    tool_calls: Option<Vec<ToolDelta>>,
}

#[derive(Deserialize)]
#[serde(untagged)]
enum Content {
    Text(String),
    Parts(Vec<Part>),
}

#[derive(Deserialize)]
struct Part {
    #[serde(default)]
    text: String,
    /// Mistral's models think in parts.
    #[serde(default)]
    thinking: Vec<Thinking>,
}

#[derive(Deserialize)]
struct Thinking {
    #[serde(default)]
    text: String,
}

#[derive(Deserialize)]
struct ToolDelta {
    #[serde(default)]
    index: Option<u64>,
    #[serde(default)]
    id: Option<String>,
    #[serde(default)]
    function: Option<FunctionDelta>,
}

#[derive(Deserialize)]
struct FunctionDelta {
    #[serde(default)]
    name: Option<String>,
    /// A piece of JSON text; some servers send the object itself.
    #[serde(default)]
    arguments: Option<Value>,
}

#[derive(Deserialize)]
struct Usage {
    #[serde(default)]
    prompt_tokens: u64,
    #[serde(default)]
    completion_tokens: u64,
    #[serde(default)]
    prompt_tokens_details: Option<PromptDetails>,
    #[serde(default)]
    completion_tokens_details: Option<CompletionDetails>,
}

#[derive(Deserialize)]
struct PromptDetails {
    #[serde(default)]
    cached_tokens: Option<u64>,
    #[serde(default)]
    cache_write_tokens: Option<u64>,
}

#[derive(Deserialize)]
struct CompletionDetails {
    #[serde(default)]
    reasoning_tokens: Option<u64>,
}

pub(super) struct ChatReader {
    sse: SseParser,
    state: State,
}

struct State {
    draft: Draft,
    progress: Progress,
}

impl ChatReader {
    pub(super) fn new(turn: usize) -> Self {
        let state = State { draft: Draft::new(turn), progress: Progress::None };
        Self { sse: SseParser::new(MAX_EVENT), state }
    }
}

impl Reader for ChatReader {
    fn whole(self: Box<Self>, body: &[u8], sink: &mut Sink<'_>) -> Result<Answer, Fault> {
        read_whole(body, self.state.draft, sink)
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
        self.state.draft.finish()
    }
}

impl State {
    fn take(&mut self, event: Event<'_>, sink: &mut Sink<'_>) -> Result<(), Fault> {
        if self.progress == Progress::End {
            return Ok(());
        }
        if event.data == b"[DONE]" {
            self.progress = Progress::End;
            self.draft.stop.get_or_insert(Stop::End);
            return Ok(());
        }
        self.progress = Progress::Event;
        take_chunk(&mut self.draft, serde_json::from_slice(event.data)?, sink)
    }
}

/// See [`super::super::Adapter::count`].
pub(super) fn count(json: &[u8], usage: &mut Option<TokenUsage>) -> bool {
    #[derive(Deserialize)]
    struct Counted {
        #[serde(default)]
        choices: Option<Vec<IgnoredAny>>,
        #[serde(default)]
        usage: Option<Usage>,
    }
    let Ok(Counted { choices, usage: Some(counted) }) = serde_json::from_slice(json) else { return false };
    *usage = Some(counted.into());
    choices.is_none_or(|choices| choices.is_empty())
}

/// Reads a completion that came in one piece.
fn read_whole(body: &[u8], mut draft: Draft, sink: &mut Sink<'_>) -> Result<Answer, Fault> {
    take_chunk(&mut draft, serde_json::from_slice(body)?, sink)?;
    draft.finish()
}

fn take_chunk(draft: &mut Draft, chunk: Chunk, sink: &mut Sink<'_>) -> Result<(), Fault> {
    if let Some(error) = chunk.error {
        let unnamed = || Fault::Garbage("an error without a message".to_owned());
        return Err(ErrorBody::read(&error).map_or_else(unnamed, ErrorBody::into_fault));
    }
    if let Some(usage) = chunk.usage {
        draft.usage = Some(usage.into());
    }
    // Only one answer is asked for; a server that sends several is taken at its first.
    let Some(choice) = chunk.choices.into_iter().flatten().next() else { return Ok(()) };
    if let Some(delta) = choice.delta {
        take_delta(draft, delta, sink)?;
    }
    if let Some(reason) = choice.finish_reason {
        draft.stop = Some(stop(&reason));
    }
    Ok(())
}

fn take_delta(draft: &mut Draft, delta: Delta, sink: &mut Sink<'_>) -> Result<(), Fault> {
    match (delta.reasoning_content, delta.reasoning) {
        (Some(thought), _) | (None, Some(Value::String(thought))) => draft.think(&thought, sink)?,
        _ => {}
    }
    match delta.content {
        Some(Content::Text(text)) => draft.say(&text, sink)?,
        Some(Content::Parts(parts)) => {
            for part in parts {
                part.thinking.iter().try_for_each(|thought| draft.think(&thought.text, sink))?;
                draft.say(&part.text, sink)?;
            }
        }
        None => {}
    }
    draft.say(&delta.refusal.unwrap_or_default(), sink)?;
    delta.tool_calls.into_iter().flatten().try_for_each(|tool| take_tool(draft, tool, sink))
}

/// Merges by index. Servers that leave it out, or give every call the same, are told by the id of a call's first piece.
fn take_tool(draft: &mut Draft, delta: ToolDelta, sink: &mut Sink<'_>) -> Result<(), Fault> {
    let id = delta.id.filter(|id| !id.is_empty());
    let (name, arguments) = delta.function.map_or((None, None), |function| (function.name, function.arguments));
    let name = name.filter(|name| !name.is_empty());
    let last = draft.tools().last().map(|tool| tool.index);
    let index = delta.index.or(last).unwrap_or(0);
    let open = draft.tools().iter().rfind(|tool| tool.index == index);
    let another = open.is_some_and(|open| match &id {
        Some(id) => name.is_some() && !open.id.is_empty() && *id != open.id,
        None => name.is_some() && delta.index.is_none() && !open.name.is_empty(),
    });
    let index = if another { draft.tools().iter().map(|tool| tool.index + 1).max().unwrap_or(0) } else { index };
    draft.call(index, &id.unwrap_or_default(), &name.unwrap_or_default(), sink)?;
    match arguments {
        None | Some(Value::Null) => Ok(()),
        Some(Value::String(fragment)) => draft.argue(index, &fragment, sink),
        Some(object) => draft.argue(index, &object.to_string(), sink),
    }
}

fn stop(reason: &str) -> Stop {
    match reason {
        "tool_calls" | "function_call" => Stop::ToolCalls,
        "length" => Stop::Length,
        "content_filter" => Stop::Filtered,
        _ => Stop::End,
    }
}

impl From<Usage> for TokenUsage {
    /// OpenAI counts cached tokens among the prompt's.
    fn from(usage: Usage) -> Self {
        let details = usage.prompt_tokens_details;
        let cache_read = details.as_ref().and_then(|details| details.cached_tokens).unwrap_or(0);
        let cache_write = details.and_then(|details| details.cache_write_tokens).unwrap_or(0);
        let reasoning = usage.completion_tokens_details.and_then(|details| details.reasoning_tokens).unwrap_or(0);
        Self {
            input: usage.prompt_tokens.saturating_sub(cache_read).saturating_sub(cache_write),
            cache_read,
            cache_write,
            output: usage.completion_tokens,
            reasoning,
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

    /// A stream of chunks, each the content of `choices[0]`, and a usage chunk.
    fn stream(choices: &[Value]) -> String {
        let usage = json!({"choices": [], "usage": {"prompt_tokens": 30, "completion_tokens": 9,
            "prompt_tokens_details": {"cached_tokens": 20}, "completion_tokens_details": {"reasoning_tokens": 4}}});
        let chunk =
            |choice: &Value| json!({"id": "c1", "object": "chat.completion.chunk", "choices": [choice], "usage": null});
        let chunks = choices.iter().map(chunk).chain([usage]);
        chunks.map(|chunk| format!("data: {chunk}\n\n")).chain(["data: [DONE]\n\n".to_owned()]).collect()
    }

    fn delta(delta: Value) -> Value {
        json!({"index": 0, "delta": delta, "finish_reason": null})
    }

    fn end(reason: &str) -> Value {
        json!({"index": 0, "delta": {}, "finish_reason": reason})
    }

    fn text(text: &str) -> Value {
        delta(json!({ "content": text }))
    }

    fn tools(calls: Value) -> Value {
        delta(json!({ "tool_calls": calls }))
    }

    #[test]
    fn text_is_put_together_and_usage_is_counted_apart_from_the_cache() {
        let role = delta(json!({"role": "assistant", "content": ""}));
        let answer = read(Wire::OpenaiChat, &stream(&[role, text("Grüß "), text("Gott 🦀"), end("stop")])).unwrap();
        assert_eq!((answer.text.as_str(), answer.stop), ("Grüß Gott 🦀", Stop::End));
        let usage = TokenUsage { input: 10, cache_read: 20, output: 9, reasoning: 4, ..TokenUsage::default() };
        assert_eq!(answer.usage, Some(usage));
    }

    #[test]
    fn thoughts_are_read_by_every_name() {
        let think = |delta: Value| {
            let answer = read(Wire::OpenaiChat, &stream(&[delta, text("Noon."), end("stop")])).unwrap();
            (answer.thoughts, answer.text)
        };
        let want = (vec![Thought::Open { text: "Hm.".into(), signature: None }], "Noon.".to_owned());
        assert_eq!(think(delta(json!({"reasoning_content": "Hm."}))), want);
        assert_eq!(think(delta(json!({"reasoning": "Hm."}))), want);
        assert_eq!(think(delta(json!({"reasoning_content": "Hm.", "reasoning": "Hm."}))), want);
        let parts = json!({"content": [{"type": "thinking", "thinking": [{"type": "text", "text": "Hm."}]}]});
        assert_eq!(think(delta(parts)), want);
        let elsewhere = delta(json!({"reasoning": {"effort": "high"}, "reasoning_content": null}));
        assert_eq!(think(elsewhere), (vec![], "Noon.".to_owned()));
    }

    #[test]
    fn a_refusal_is_told_as_text() {
        let answer = read(Wire::OpenaiChat, &stream(&[delta(json!({"refusal": "I won't."})), end("stop")])).unwrap();
        assert_eq!((answer.text.as_str(), answer.stop), ("I won't.", Stop::End));
    }

    #[test]
    fn text_and_a_tool_call_in_pieces() {
        let answer = read(
            Wire::OpenaiChat,
            &stream(&[
                text("Let me look."),
                tools(json!([{"index": 0, "id": "call_a", "type": "function", "function": {"name": "date_time", "arguments": ""}}])),
                tools(json!([{"index": 0, "function": {"arguments": "{\"zone\":"}}])),
                tools(json!([{"index": 0, "function": {"arguments": "\"UTC\"}"}}])),
                end("tool_calls"),
            ]),
        )
        .unwrap();
        assert_eq!(answer.text, "Let me look.");
        assert_eq!(answer.tool_calls, [call("call_a", "date_time", json!({"zone": "UTC"}))]);
        assert_eq!(answer.stop, Stop::ToolCalls);
    }

    #[test]
    fn parallel_tool_calls_that_interleave_are_merged_by_index() {
        let answer = read(
            Wire::OpenaiChat,
            &stream(&[
                tools(json!([{"index": 0, "id": "a", "function": {"name": "one", "arguments": "{\"x\""}},
                             {"index": 1, "id": "b", "function": {"name": "two", "arguments": ""}}])),
                tools(json!([{"index": 1, "function": {"arguments": "{\"y\":2}"}}, {"index": 0, "function": {"arguments": ":1}"}}])),
                end("tool_calls"),
            ]),
        )
        .unwrap();
        assert_eq!(answer.tool_calls, [call("a", "one", json!({"x": 1})), call("b", "two", json!({"y": 2}))]);
    }

    #[test]
    fn servers_that_number_every_call_zero_or_none_at_all_are_understood() {
        let arguments = |n: u8| json!({ "arguments": format!("{{\"n\":{n}}}"), "name": "t" });
        let numbered_zero = [
            tools(json!([{"index": 0, "id": "a", "function": arguments(1)}])),
            tools(json!([{"index": 0, "id": "b", "function": arguments(2)}])),
            end("stop"),
        ];
        let unnumbered = [
            tools(
                json!([{"id": "a", "function": arguments(1)}, {"id": "b", "function": {"name": "t", "arguments": {"n": 2}}}]),
            ),
            end("stop"),
        ];
        for choices in [&numbered_zero[..], &unnumbered[..]] {
            let answer = read(Wire::OpenaiChat, &stream(choices)).unwrap();
            assert_eq!(answer.tool_calls, [call("a", "t", json!({"n": 1})), call("b", "t", json!({"n": 2}))]);
            assert_eq!(answer.stop, Stop::ToolCalls);
        }
    }

    #[test]
    fn missing_ids_are_made_up() {
        let unnamed = tools(json!([{"index": 0, "id": null, "function": {"name": "t", "arguments": "{}"}}]));
        let answer = read(Wire::OpenaiChat, &stream(&[unnamed, end("tool_calls")])).unwrap();
        assert_eq!(answer.tool_calls, [call("call_3_0", "t", json!({}))]);
    }

    #[test]
    fn a_usage_chunk_without_choices_is_understood_and_a_stream_need_not_say_done() {
        let stream = "data: {\"choices\":[{\"delta\":{\"content\":\"hi\"},\"finish_reason\":\"stop\"}]}\n\n\
                      data: {\"choices\":null,\"usage\":{\"prompt_tokens\":3,\"completion_tokens\":1}}\n\n";
        let answer = read(Wire::OpenaiChat, stream).unwrap();
        assert_eq!(answer.usage, Some(TokenUsage { input: 3, output: 1, ..TokenUsage::default() }));
    }

    #[test]
    fn an_error_in_mid_stream_is_told_and_judged() {
        let with = |error: Value| {
            format!(
                "data: {{\"choices\":[{{\"delta\":{{\"content\":\"hi\"}}}}]}}\n\ndata: {}\n\n",
                json!({ "error": error })
            )
        };
        let fault = read(Wire::OpenaiChat, &with(json!({"message": "boom", "type": "server_error"}))).unwrap_err();
        assert_eq!(fault, Fault::Reported { words: "boom".into(), verdict: Verdict::Retry { after: None } });
        let fault = read(Wire::OpenaiChat, &with(json!({"message": "too long", "code": "context_length_exceeded"})))
            .unwrap_err();
        assert_eq!(fault.verdict(), Verdict::TooLong);
    }

    #[test]
    fn a_stream_that_breaks_off_is_no_answer_wherever_it_does() {
        let whole = stream(&[text("Hello"), text(" there"), end("stop")]);
        let finished = whole.find("\"stop\"").unwrap();
        for at in (0..finished).filter(|at| whole.is_char_boundary(*at)) {
            assert_eq!(read(Wire::OpenaiChat, &whole[..at]), Err(Fault::BrokenOff), "cut at {at}");
        }
    }

    #[test]
    fn garbage_is_no_answer() {
        for garbage in ["data: <html>\n\n", "data: {\"choices\": 7}\n\n", "data: [1,2]\n\n"] {
            assert!(matches!(read(Wire::OpenaiChat, garbage), Err(Fault::Garbage(_))), "{garbage}");
        }
        let (result, _) = crate::golden::read_cut(
            Wire::OpenaiChat,
            b"data: {\"choices\":[{\"delta\":{\"content\":\"\xff\"}}]}\n\n",
            9,
        );
        assert!(matches!(result, Err(Fault::Garbage(_))), "invalid UTF-8");
    }

    #[test]
    fn an_answer_in_one_piece_is_read_too() {
        let body = json!({"id": "x", "object": "chat.completion", "choices": [{"index": 0, "finish_reason": "tool_calls",
            "message": {"role": "assistant", "content": null, "tool_calls": [
                {"id": "a", "type": "function", "function": {"name": "one", "arguments": "{}"}},
                {"id": "b", "type": "function", "function": {"name": "two", "arguments": "{}"}}]}}],
            "usage": {"prompt_tokens": 5, "completion_tokens": 2}});
        let answer = read_whole(body.to_string().as_bytes(), Draft::default(), &mut |_| {}).unwrap();
        assert_eq!(answer.tool_calls, [call("a", "one", json!({})), call("b", "two", json!({}))]);
        assert!(matches!(read_whole(b"{}", Draft::default(), &mut |_| {}), Err(Fault::BrokenOff)));
        assert!(matches!(
            read_whole(br#"{"error":{"message":"no"}}"#, Draft::default(), &mut |_| {}),
            Err(Fault::Reported { .. })
        ));
    }
}
