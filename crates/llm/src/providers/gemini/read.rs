use serde::Deserialize;
use serde_json::Value;

use super::super::{ErrorBody, MAX_EVENT, Progress, Reader};
use crate::draft::{Answer, Draft};
use crate::fault::{Fault, Verdict, brief};
use crate::model::{Stop, TokenUsage};
use crate::piece::Sink;
use crate::sse::{Event, SseParser};
use crate::vendor::Vendor;

/// A chunk of a stream, and a whole response: the two are the same.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Chunk {
    #[serde(default)]
    candidates: Option<Vec<Candidate>>,
    #[serde(default)]
    prompt_feedback: Option<Feedback>,
    #[serde(default)]
    usage_metadata: Option<Usage>,
    #[serde(default)]
    error: Option<Value>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Candidate {
    #[serde(default)]
    content: Option<Content>,
    #[serde(default)]
    finish_reason: Option<String>,
    #[serde(default)]
    finish_message: Option<String>,
}

#[derive(Deserialize)]
struct Content {
    #[serde(default)]
    parts: Option<Vec<Part>>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Part {
    #[serde(default)]
    text: Option<String>,
    /// The text is a thought.
    #[serde(default)]
    thought: Option<bool>,
    #[serde(default)]
    thought_signature: Option<String>,
    #[serde(default)]
    function_call: Option<FunctionCall>,
}

#[derive(Deserialize)]
struct FunctionCall {
    #[serde(default)]
    id: Option<String>,
    name: String,
    #[serde(default)]
    args: Option<Value>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Feedback {
    #[serde(default)]
    block_reason: Option<String>,
}

/// In each chunk the totals so far.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase", default)]
#[derive(Default)]
struct Usage {
    prompt_token_count: u64,
    tool_use_prompt_token_count: u64,
    cached_content_token_count: u64,
    candidates_token_count: u64,
    thoughts_token_count: u64,
}

pub(super) struct ContentReader {
    sse: SseParser,
    state: State,
}

struct State {
    draft: Draft,
    progress: Progress,
}

impl ContentReader {
    pub(super) fn new(turn: usize) -> Self {
        let state = State { draft: Draft::new(turn), progress: Progress::None };
        Self { sse: SseParser::new(MAX_EVENT), state }
    }
}

impl Reader for ContentReader {
    /// Servers that know nothing of `alt=sse` send an array of chunks.
    fn whole(mut self: Box<Self>, body: &[u8], sink: &mut Sink<'_>) -> Result<Answer, Fault> {
        let chunks = match serde_json::from_slice(body)? {
            Value::Array(chunks) => chunks,
            chunk => vec![chunk],
        };
        for chunk in chunks {
            self.state.chunk(Chunk::deserialize(chunk)?, sink)?;
        }
        self.state.draft.finish()
    }

    fn feed(&mut self, bytes: &[u8], sink: &mut Sink<'_>) -> Result<Progress, Fault> {
        let Self { sse, state } = self;
        state.progress = Progress::None;
        sse.feed(bytes, |event| state.take(event, sink))?;
        Ok(state.progress)
    }

    fn finish(mut self: Box<Self>, sink: &mut Sink<'_>) -> Result<Answer, Fault> {
        let Self { sse, state } = &mut *self;
        // Half an event is no garbage: the connection broke.
        sse.finish(|event| state.take(event, sink)).map_err(|fault| match fault {
            Fault::Garbage(_) => Fault::BrokenOff,
            other => other,
        })?;
        self.state.draft.finish()
    }
}

impl State {
    /// The protocol has no last event: usage may come after the reason of the end.
    fn take(&mut self, event: Event<'_>, sink: &mut Sink<'_>) -> Result<(), Fault> {
        if event.data == b"[DONE]" {
            return Ok(());
        }
        self.progress = Progress::Event;
        self.chunk(serde_json::from_slice(event.data)?, sink)
    }

    fn chunk(&mut self, chunk: Chunk, sink: &mut Sink<'_>) -> Result<(), Fault> {
        if let Some(error) = chunk.error {
            let unnamed = || Fault::Garbage("an error without a message".to_owned());
            return Err(ErrorBody::read(&error).map_or_else(unnamed, ErrorBody::into_fault));
        }
        if let Some(usage) = chunk.usage_metadata {
            self.draft.usage = Some(usage.into());
        }
        if chunk.prompt_feedback.is_some_and(|feedback| feedback.block_reason.is_some()) {
            self.draft.stop = Some(Stop::Filtered);
        }
        // Only one answer is asked for; a server that sends several is taken at its first.
        let Some(candidate) = chunk.candidates.into_iter().flatten().next() else { return Ok(()) };
        for part in candidate.content.and_then(|content| content.parts).into_iter().flatten() {
            self.part(part, sink)?;
        }
        if let Some(reason) = candidate.finish_reason {
            self.draft.stop = Some(stop(&reason, candidate.finish_message.as_deref())?);
        }
        Ok(())
    }

    fn part(&mut self, part: Part, sink: &mut Sink<'_>) -> Result<(), Fault> {
        let (text, proof) = (part.text.unwrap_or_default(), part.thought_signature.unwrap_or_default());
        let marked = if proof.is_empty() { String::new() } else { Vendor::Gemini.mark(&proof) };
        if let Some(call) = part.function_call {
            // Once as the call's own, once as a thought's: most protocols have no other way to bring it back.
            self.draft.sign(&marked, sink)?;
            return self.call(call, &proof, sink);
        }
        if part.thought == Some(true) {
            self.draft.think(&text, sink)?;
            return self.draft.sign(&marked, sink);
        }
        // A proof of plain text is wanted back by no model.
        self.draft.say(&text, sink)
    }

    /// A call comes whole.
    fn call(&mut self, call: FunctionCall, proof: &str, sink: &mut Sink<'_>) -> Result<(), Fault> {
        let index = self.draft.tools().len() as u64;
        self.draft.call(index, &call.id.unwrap_or_default(), &call.name, sink)?;
        if let Some(args) = call.args.filter(|args| !args.is_null()) {
            self.draft.argue(index, &args.to_string(), sink)?;
        }
        self.draft.sign_call(index, proof)
    }
}

fn stop(reason: &str, message: Option<&str>) -> Result<Stop, Fault> {
    match reason {
        "MAX_TOKENS" => Ok(Stop::Length),
        "SAFETY"
        | "RECITATION"
        | "LANGUAGE"
        | "BLOCKLIST"
        | "PROHIBITED_CONTENT"
        | "SPII"
        | "MODEL_ARMOR"
        | "ESCALATION"
        | "IMAGE_SAFETY"
        | "IMAGE_PROHIBITED_CONTENT"
        | "IMAGE_RECITATION" => Ok(Stop::Filtered),
        "MALFORMED_FUNCTION_CALL" | "UNEXPECTED_TOOL_CALL" | "MALFORMED_RESPONSE" | "TOO_MANY_TOOL_CALLS" => {
            Err(Fault::Garbage(brief(message.unwrap_or(reason))))
        }
        "MISSING_THOUGHT_SIGNATURE" => {
            Err(Fault::Reported { words: brief(message.unwrap_or(reason)), verdict: Verdict::Refused })
        }
        _ => Ok(Stop::End),
    }
}

impl From<Usage> for TokenUsage {
    /// The prompt's count holds the cached tokens; the answer's does not hold the thoughts.
    fn from(usage: Usage) -> Self {
        let prompt = usage.prompt_token_count.saturating_add(usage.tool_use_prompt_token_count);
        Self {
            input: prompt.saturating_sub(usage.cached_content_token_count),
            cache_read: usage.cached_content_token_count,
            output: usage.candidates_token_count.saturating_add(usage.thoughts_token_count),
            reasoning: usage.thoughts_token_count,
            ..Self::default()
        }
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::golden::{call, read};
    use crate::model::Wire;
    use crate::request::Thought;

    /// A stream of chunks, each a candidate's parts, the last with a reason and the usage.
    fn stream(chunks: &[Value], reason: &str) -> String {
        let chunk = |parts: &Value| {
            json!({"candidates": [{"content": {"role": "model", "parts": parts}, "index": 0}],
            "usageMetadata": {"promptTokenCount": 30, "candidatesTokenCount": 1}})
        };
        let last = json!({"candidates": [{"content": {"role": "model", "parts": [{"text": ""}]}, "finishReason": reason}],
            "usageMetadata": {"promptTokenCount": 30, "cachedContentTokenCount": 20, "candidatesTokenCount": 5,
                              "thoughtsTokenCount": 4, "toolUsePromptTokenCount": 2, "totalTokenCount": 41}});
        chunks.iter().map(chunk).chain([last]).map(|chunk| format!("data: {chunk}\r\n\r\n")).collect()
    }

    fn text(text: &str) -> Value {
        json!([{ "text": text }])
    }

    #[test]
    fn text_is_put_together_and_usage_is_counted_apart_from_cache_and_thoughts() {
        let answer = read(Wire::Gemini, &stream(&[text("Grüß "), text("Gott 🦀")], "STOP")).unwrap();
        assert_eq!((answer.text.as_str(), answer.stop), ("Grüß Gott 🦀", Stop::End));
        let usage = TokenUsage { input: 12, cache_read: 20, output: 9, reasoning: 4, ..TokenUsage::default() };
        assert_eq!(answer.usage, Some(usage));
    }

    #[test]
    fn parallel_calls_get_ids_and_keep_those_they_have() {
        let calls =
            json!([{"functionCall": {"name": "one", "args": {"x": 1}}}, {"functionCall": {"id": "b", "name": "two"}}]);
        let answer = read(Wire::Gemini, &stream(&[text("Look."), calls], "STOP")).unwrap();
        assert_eq!(answer.text, "Look.");
        assert_eq!(answer.tool_calls, [call("call_3_0", "one", json!({"x": 1})), call("b", "two", json!({}))]);
        assert_eq!(answer.stop, Stop::ToolCalls);
    }

    #[test]
    fn a_calls_proof_is_kept_with_the_call_and_with_the_thought_before_it() {
        let thought = json!([{"text": "What time?", "thought": true}]);
        let called = json!([{"functionCall": {"name": "clock", "args": {}}, "thoughtSignature": "c2ln"},
                            {"functionCall": {"name": "clock", "args": {}}}]);
        let answer = read(Wire::Gemini, &stream(&[thought, called], "STOP")).unwrap();
        let told = Thought::Open { text: "What time?".into(), signature: Some("gemini:c2ln".into()) };
        assert_eq!(answer.thoughts, [told]);
        let proofs: Vec<Option<&str>> = answer.tool_calls.iter().map(|call| call.signature.as_deref()).collect();
        assert_eq!(proofs, [Some("c2ln"), None]);
    }

    #[test]
    fn why_the_model_stopped_is_understood() {
        let stopped = |reason: &str| read(Wire::Gemini, &stream(&[text("Hel")], reason)).map(|answer| answer.stop);
        assert_eq!(stopped("STOP"), Ok(Stop::End));
        assert_eq!(stopped("MAX_TOKENS"), Ok(Stop::Length));
        assert_eq!(stopped("SAFETY"), Ok(Stop::Filtered));
        assert_eq!(stopped("NEWLY_INVENTED"), Ok(Stop::End));
        assert_eq!(stopped("MALFORMED_FUNCTION_CALL").unwrap_err().verdict(), Verdict::Retry { after: None });
        assert_eq!(stopped("MISSING_THOUGHT_SIGNATURE").unwrap_err().verdict(), Verdict::Refused);
    }

    #[test]
    fn a_blocked_prompt_is_declined() {
        let blocked =
            "data: {\"promptFeedback\":{\"blockReason\":\"SAFETY\"},\"usageMetadata\":{\"promptTokenCount\":4}}\n\n";
        assert_eq!(read(Wire::Gemini, blocked), Err(Fault::Declined));
    }

    #[test]
    fn an_error_in_mid_stream_is_told_and_judged() {
        let with = |status: &str| {
            let error = json!({"error": {"code": 400, "message": "boom", "status": status}});
            let begun = json!({"candidates": [{"content": {"parts": [{"text": "Hel"}]}}]});
            read(Wire::Gemini, &format!("data: {begun}\n\ndata: {error}\n\n")).unwrap_err()
        };
        let retry = Verdict::Retry { after: None };
        assert_eq!(with("UNAVAILABLE"), Fault::Reported { words: "boom".into(), verdict: retry });
        assert_eq!(with("INVALID_ARGUMENT").verdict(), Verdict::Invalid);
    }

    #[test]
    fn a_stream_that_breaks_off_is_no_answer_wherever_it_does() {
        let whole = stream(&[text("Hello"), text(" there")], "STOP");
        for at in 0..whole.find("finishReason").unwrap() {
            assert_eq!(read(Wire::Gemini, &whole[..at]), Err(Fault::BrokenOff), "cut at {at}");
        }
    }

    #[test]
    fn garbage_is_no_answer_and_calls_without_end_are_given_up() {
        for garbage in ["data: <html>\n\n", "data: {\"candidates\": 7}\n\n", "data: 1\n\n"] {
            assert!(matches!(read(Wire::Gemini, garbage), Err(Fault::Garbage(_))), "{garbage}");
        }
        let many: Vec<Value> = (0..2_000).map(|_| json!({"functionCall": {"name": "t"}})).collect();
        assert_eq!(read(Wire::Gemini, &stream(&[json!(many)], "STOP")), Err(Fault::TooLarge));
    }

    #[test]
    fn an_answer_in_one_piece_is_read_too_also_as_an_array_of_chunks() {
        let whole = |body: &Value| Box::new(ContentReader::new(0)).whole(body.to_string().as_bytes(), &mut |_| {});
        let begun = json!({"candidates": [{"content": {"parts": [{"text": "Hel"}]}}]});
        let last = json!({"candidates": [{"content": {"parts": [{"text": "lo"}]}, "finishReason": "STOP"}]});
        assert_eq!(whole(&last).unwrap().text, "lo");
        assert_eq!(whole(&json!([begun, last])).unwrap().text, "Hello");
        assert_eq!(whole(&json!([begun])), Err(Fault::BrokenOff));
        assert!(matches!(whole(&json!([{"error": {"message": "no"}}])), Err(Fault::Reported { .. })));
    }
}
