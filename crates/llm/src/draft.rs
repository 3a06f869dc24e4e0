//! An answer as it comes in, the same for every protocol.

use serde_json::Value;

use crate::fault::Fault;
use crate::model::{Echo, Stop, TokenUsage, ToolCall};

/// The most bytes of text and tool arguments one answer may hold.
pub(crate) const MAX_ANSWER: usize = 8 << 20;

/// A whole answer of one call.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Answer {
    pub(crate) text: String,
    pub(crate) tool_calls: Vec<ToolCall>,
    pub(crate) stop: Stop,
    pub(crate) usage: Option<TokenUsage>,
}

#[derive(Debug, Default)]
pub(crate) struct Draft {
    pub(crate) usage: Option<TokenUsage>,
    pub(crate) stop: Option<Stop>,
    /// Goes with the first tool call.
    pub(crate) echo: Option<Echo>,
    text: String,
    tools: Vec<ToolDraft>,
    size: usize,
}

#[derive(Debug, Default)]
pub(crate) struct ToolDraft {
    /// The protocol's own number of it within the answer.
    pub(crate) index: u64,
    pub(crate) id: String,
    pub(crate) name: String,
    /// JSON, in pieces so far.
    arguments: String,
}

impl Draft {
    pub(crate) fn say(&mut self, text: &str, on_text: &mut (dyn FnMut(&str) + Send)) -> Result<(), Fault> {
        if text.is_empty() {
            return Ok(());
        }
        self.grow(text.len())?;
        self.text.push_str(text);
        on_text(text);
        Ok(())
    }

    /// The tool call with this index, begun if it is new.
    pub(crate) fn tool(&mut self, index: u64) -> Result<&mut ToolDraft, Fault> {
        let at = match self.tools.iter().rposition(|tool| tool.index == index) {
            Some(at) => at,
            None => self.begin_tool(index)?,
        };
        Ok(&mut self.tools[at])
    }

    /// Begins another tool call; answers where it stands.
    pub(crate) fn begin_tool(&mut self, index: u64) -> Result<usize, Fault> {
        self.grow(size_of::<ToolDraft>())?;
        self.tools.push(ToolDraft { index, ..ToolDraft::default() });
        Ok(self.tools.len() - 1)
    }

    pub(crate) fn tools(&self) -> &[ToolDraft] {
        &self.tools
    }

    /// More of the arguments of the tool call with this index.
    pub(crate) fn argue(&mut self, index: u64, fragment: &str) -> Result<(), Fault> {
        self.grow(fragment.len())?;
        self.tool(index)?.arguments.push_str(fragment);
        Ok(())
    }

    /// The answer, if it is whole. `turn` (the number of messages before it) keeps made-up ids apart over a conversation.
    pub(crate) fn finish(self, turn: usize) -> Result<Answer, Fault> {
        let said = self.stop.ok_or(Fault::BrokenOff)?;
        let mut tool_calls: Vec<ToolCall> = Vec::with_capacity(self.tools.len());
        for (n, tool) in self.tools.into_iter().enumerate() {
            let Some(arguments) = parse_arguments(&tool, said)? else { continue };
            let taken = tool_calls.iter().any(|call| call.id == tool.id);
            let id = if tool.id.is_empty() || taken { format!("call_{turn}_{n}") } else { tool.id };
            tool_calls.push(ToolCall { id, name: tool.name, arguments, echo: None });
        }
        if self.text.trim().is_empty() && tool_calls.is_empty() {
            return Err(match said {
                Stop::Filtered => Fault::Declined,
                Stop::Length => Fault::Speechless,
                Stop::End | Stop::ToolCalls => Fault::Empty,
            });
        }
        // At the limit a call may be missing, and half an answer is no echo.
        if said != Stop::Length
            && let Some(first) = tool_calls.first_mut()
        {
            first.echo = self.echo;
        }
        // Some servers say "stop" after tool calls, some say "tool_calls" after none.
        let stop = match said {
            Stop::End | Stop::ToolCalls if tool_calls.is_empty() => Stop::End,
            Stop::End => Stop::ToolCalls,
            other => other,
        };
        Ok(Answer { text: self.text, tool_calls, stop, usage: self.usage })
    }

    fn grow(&mut self, by: usize) -> Result<(), Fault> {
        self.size += by;
        if self.size > MAX_ANSWER { Err(Fault::TooLarge) } else { Ok(()) }
    }
}

/// `None` for a call that the limit of output tokens cut short: half a call is not carried out.
fn parse_arguments(tool: &ToolDraft, said: Stop) -> Result<Option<Value>, Fault> {
    if tool.name.is_empty() {
        return Err(Fault::Garbage("a tool call without a name".to_owned()));
    }
    if tool.arguments.trim().is_empty() {
        return Ok(Some(Value::Object(serde_json::Map::new())));
    }
    match serde_json::from_str(&tool.arguments) {
        Ok(arguments) => Ok(Some(arguments)),
        Err(_) if said == Stop::Length => Ok(None),
        Err(_) => {
            Err(Fault::Garbage(format!("the arguments of a call of {} are not JSON", crate::fault::brief(&tool.name))))
        }
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn with_tool(name: &str, arguments: &str, stop: Stop) -> Draft {
        let mut draft = Draft { stop: Some(stop), ..Draft::default() };
        draft.tool(0).unwrap().name = name.to_owned();
        draft.argue(0, arguments).unwrap();
        draft
    }

    #[test]
    fn missing_and_doubled_ids_are_replaced_by_ones_of_this_turn() {
        let mut draft = Draft { stop: Some(Stop::ToolCalls), ..Draft::default() };
        for (index, id) in [(0, "a"), (1, "a"), (2, "")] {
            let tool = draft.tool(index).unwrap();
            (tool.id, tool.name) = (id.to_owned(), "clock".to_owned());
        }
        let ids: Vec<String> = draft.finish(7).unwrap().tool_calls.into_iter().map(|call| call.id).collect();
        assert_eq!(ids, ["a", "call_7_1", "call_7_2"]);
    }

    #[test]
    fn the_stop_follows_what_is_there_not_what_is_said() {
        assert_eq!(with_tool("clock", "", Stop::End).finish(0).unwrap().stop, Stop::ToolCalls);
        let mut draft = Draft { stop: Some(Stop::ToolCalls), ..Draft::default() };
        draft.say("hi", &mut |_| {}).unwrap();
        assert_eq!(draft.finish(0).unwrap().stop, Stop::End);
    }

    #[test]
    fn arguments_that_are_cut_short_are_dropped_at_the_limit_and_refused_elsewhere() {
        assert_eq!(with_tool("clock", "{\"zone\": \"Eur", Stop::Length).finish(0), Err(Fault::Speechless));
        assert!(matches!(with_tool("clock", "{\"zone\": \"Eur", Stop::ToolCalls).finish(0), Err(Fault::Garbage(_))));
        assert_eq!(with_tool("clock", " ", Stop::ToolCalls).finish(0).unwrap().tool_calls[0].arguments, json!({}));
        assert!(matches!(with_tool("", "{}", Stop::ToolCalls).finish(0), Err(Fault::Garbage(_))));
    }

    #[test]
    fn an_answer_without_an_end_without_content_or_without_measure_is_none() {
        assert_eq!(Draft::default().finish(0), Err(Fault::BrokenOff));
        assert_eq!(Draft { stop: Some(Stop::End), ..Draft::default() }.finish(0), Err(Fault::Empty));
        assert_eq!(Draft { stop: Some(Stop::Filtered), ..Draft::default() }.finish(0), Err(Fault::Declined));
        let (mut draft, piece) = (Draft::default(), "x".repeat(1 << 20));
        assert!((0..10).any(|_| draft.argue(0, &piece) == Err(Fault::TooLarge)));
    }
}
