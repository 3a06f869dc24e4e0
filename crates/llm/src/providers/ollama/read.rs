use serde::Deserialize;
use serde_json::Value;

use super::super::{ErrorBody, MAX_EVENT, Progress, Reader};
use crate::draft::{Answer, Draft};
use crate::fault::Fault;
use crate::lines::Lines;
use crate::model::{Stop, TokenUsage};
use crate::piece::Sink;

/// One line of the stream; an answer in one piece is a single such line.
#[derive(Deserialize)]
struct Line {
    #[serde(default)]
    message: Option<Message>,
    #[serde(default)]
    done: bool,
    #[serde(default)]
    done_reason: Option<String>,
    #[serde(default)]
    prompt_eval_count: Option<u64>,
    #[serde(default)]
    eval_count: Option<u64>,
    #[serde(default)]
    error: Option<Value>,
}

#[derive(Deserialize)]
struct Message {
    #[serde(default)]
    content: Option<String>,
    #[serde(default)]
    thinking: Option<String>,
    #[serde(default)]
    tool_calls: Option<Vec<Called>>,
}

#[derive(Deserialize)]
struct Called {
    #[serde(default)]
    id: Option<String>,
    function: Function,
}

#[derive(Deserialize)]
struct Function {
    name: String,
    #[serde(default)]
    arguments: Value,
}

pub(super) struct ChatReader {
    lines: Lines,
    state: State,
}

struct State {
    draft: Draft,
    progress: Progress,
}

impl ChatReader {
    pub(super) fn new(turn: usize) -> Self {
        let state = State { draft: Draft::new(turn), progress: Progress::None };
        Self { lines: Lines::new(MAX_EVENT), state }
    }
}

impl Reader for ChatReader {
    fn whole(self: Box<Self>, body: &[u8], sink: &mut Sink<'_>) -> Result<Answer, Fault> {
        read_whole(body, self.state.draft, sink)
    }

    fn feed(&mut self, bytes: &[u8], sink: &mut Sink<'_>) -> Result<Progress, Fault> {
        let Self { lines, state } = self;
        state.progress = Progress::None;
        lines.feed(bytes, |line| state.take(line, sink))?;
        Ok(state.progress)
    }

    fn finish(mut self: Box<Self>, sink: &mut Sink<'_>) -> Result<Answer, Fault> {
        if self.state.progress != Progress::End {
            let rest = self.lines.rest();
            // Half a line is no garbage: the connection broke.
            self.state.take(&rest, sink).map_err(|fault| match fault {
                Fault::Garbage(_) => Fault::BrokenOff,
                other => other,
            })?;
        }
        self.state.draft.finish()
    }
}

impl State {
    fn take(&mut self, line: &[u8], sink: &mut Sink<'_>) -> Result<(), Fault> {
        if self.progress == Progress::End || line.trim_ascii().is_empty() {
            return Ok(());
        }
        self.progress = Progress::Event;
        if take_line(&mut self.draft, serde_json::from_slice(line)?, sink)? {
            self.progress = Progress::End;
        }
        Ok(())
    }
}

/// Reads an answer that came as one body: one object or several, over however many lines they are spread.
fn read_whole(body: &[u8], mut draft: Draft, sink: &mut Sink<'_>) -> Result<Answer, Fault> {
    for line in serde_json::Deserializer::from_slice(body).into_iter() {
        take_line(&mut draft, line?, sink)?;
    }
    draft.finish()
}

/// Answers whether it was the last.
fn take_line(draft: &mut Draft, line: Line, sink: &mut Sink<'_>) -> Result<bool, Fault> {
    if let Some(error) = line.error {
        let unnamed = || Fault::Garbage("an error without a message".to_owned());
        let named = ErrorBody::read(&serde_json::json!({ "error": error }));
        return Err(named.map_or_else(unnamed, ErrorBody::into_fault));
    }
    if let Some(message) = line.message {
        draft.think(message.thinking.as_deref().unwrap_or_default(), sink)?;
        draft.say(message.content.as_deref().unwrap_or_default(), sink)?;
        for called in message.tool_calls.into_iter().flatten() {
            take_call(draft, called, sink)?;
        }
    }
    if line.prompt_eval_count.is_some() || line.eval_count.is_some() {
        // The prompt's count is left out where all of it was still in memory.
        draft.usage = Some(TokenUsage {
            input: line.prompt_eval_count.unwrap_or(0),
            output: line.eval_count.unwrap_or(0),
            ..TokenUsage::default()
        });
    }
    if line.done {
        let length = line.done_reason.as_deref() == Some("length");
        draft.stop = Some(if length { Stop::Length } else { Stop::End });
    }
    Ok(line.done)
}

/// Every call comes whole, whatever number it carries.
fn take_call(draft: &mut Draft, called: Called, sink: &mut Sink<'_>) -> Result<(), Fault> {
    let index = draft.tools().len() as u64;
    draft.call(index, &called.id.unwrap_or_default(), &called.function.name, sink)?;
    match called.function.arguments {
        Value::Null => Ok(()),
        Value::String(text) => draft.argue(index, &text, sink),
        object => draft.argue(index, &object.to_string(), sink),
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::golden::{call, read};
    use crate::model::Wire;
    use crate::request::Thought;

    fn stream(lines: &[Value]) -> String {
        lines.iter().map(|line| format!("{line}\n")).collect()
    }

    fn text(text: &str) -> Value {
        json!({"model": "llama3.2", "created_at": "2026-01-01T00:00:00Z", "message": {"role": "assistant", "content": text}, "done": false})
    }

    fn tools(calls: Value) -> Value {
        json!({"message": {"role": "assistant", "content": "", "tool_calls": calls}, "done": false})
    }

    fn end(reason: &str) -> Value {
        json!({"message": {"role": "assistant", "content": ""}, "done": true, "done_reason": reason,
               "total_duration": 5, "prompt_eval_count": 26, "eval_count": 9})
    }

    #[test]
    fn text_is_put_together_and_usage_is_read() {
        let answer = read(Wire::Ollama, &stream(&[text("Grüß "), text("Gott 🦀"), end("stop")])).unwrap();
        assert_eq!((answer.text.as_str(), answer.stop), ("Grüß Gott 🦀", Stop::End));
        assert_eq!(answer.usage, Some(TokenUsage { input: 26, output: 9, ..TokenUsage::default() }));
    }

    #[test]
    fn thoughts_stand_apart_from_what_is_said() {
        let thought = json!({"message": {"role": "assistant", "content": "", "thinking": "Hm."}, "done": false});
        let answer = read(Wire::Ollama, &stream(&[thought, text("Noon."), end("stop")])).unwrap();
        assert_eq!(answer.thoughts, [Thought::Open { text: "Hm.".into(), signature: None }]);
        assert_eq!(answer.text, "Noon.");
    }

    #[test]
    fn text_and_a_tool_call_whose_id_is_made_up() {
        let called = tools(json!([{"function": {"name": "date_time", "arguments": {"zone": "UTC"}}}]));
        let answer = read(Wire::Ollama, &stream(&[text("Let me look."), called, end("stop")])).unwrap();
        assert_eq!(answer.tool_calls, [call("call_3_0", "date_time", json!({"zone": "UTC"}))]);
        assert_eq!(answer.stop, Stop::ToolCalls);
    }

    #[test]
    fn parallel_tool_calls_in_one_line_or_several() {
        let one = json!([{"id": "a", "function": {"index": 0, "name": "one", "arguments": {}}}, {"function": {"name": "two", "arguments": {"y": 2}}}]);
        let three = json!([{"function": {"index": 0, "name": "three"}}]);
        let answer = read(Wire::Ollama, &stream(&[tools(one), tools(three), end("stop")])).unwrap();
        let want = [
            call("a", "one", json!({})),
            call("call_3_1", "two", json!({"y": 2})),
            call("call_3_2", "three", json!({})),
        ];
        assert_eq!(answer.tool_calls, want);
    }

    #[test]
    fn an_error_in_mid_stream_is_told() {
        let broken = stream(&[text("Hel"), json!({"error": "an error was encountered while running the model"})]);
        let Err(Fault::Reported { words, .. }) = read(Wire::Ollama, &broken) else { panic!("not told") };
        assert_eq!(words, "an error was encountered while running the model");
    }

    #[test]
    fn a_stream_that_breaks_off_is_no_answer_wherever_it_does() {
        let whole = stream(&[text("Hello"), end("stop")]);
        for at in 0..whole.trim_end().len() {
            assert_eq!(read(Wire::Ollama, &whole[..at]), Err(Fault::BrokenOff), "cut at {at}");
        }
        assert!(read(Wire::Ollama, whole.trim_end()).is_ok(), "the last line needs no end");
    }

    #[test]
    fn the_limit_of_tokens_is_told_and_garbage_is_none() {
        assert_eq!(read(Wire::Ollama, &stream(&[text("Hel"), end("length")])).unwrap().stop, Stop::Length);
        assert!(matches!(read(Wire::Ollama, "<html>\n"), Err(Fault::Garbage(_))));
        assert!(
            read_whole(
                format!("{:#}", json!({"message": {"content": "Hi"}, "done": true})).as_bytes(),
                Draft::default(),
                &mut |_| {}
            )
            .is_ok()
        );
    }
}
