//! An answer as it comes in, the same for every protocol.

use serde_json::Value;

use crate::fault::Fault;
use crate::model::{Stop, TokenUsage};
use crate::piece::{Piece, Sink};
use crate::request::{Echo, Thought, ToolCall};

/// The most bytes of text and tool arguments one answer may hold.
pub(crate) const MAX_ANSWER: usize = 8 << 20;
/// The most tool calls one answer may hold.
const MAX_CALLS: usize = 1024;

/// A whole answer of one call.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Answer {
    pub(crate) thoughts: Vec<Thought>,
    pub(crate) text: String,
    pub(crate) tool_calls: Vec<ToolCall>,
    pub(crate) stop: Stop,
    pub(crate) usage: Option<TokenUsage>,
}

impl Answer {
    /// The answer, unless it says nothing: to whom a reply is due, none is a failure. Whoever asks a model directly may
    /// be content with it: a model ends its turn without a word after the result of a tool, or once it has thought.
    pub(crate) fn spoken(self) -> Result<Self, Fault> {
        match self.stop {
            _ if self.speaks() => Ok(self),
            Stop::Length => Err(Fault::Speechless),
            Stop::End | Stop::ToolCalls | Stop::Filtered => Err(Fault::Empty),
        }
    }

    /// Whether there is more to it than thoughts.
    pub(crate) fn speaks(&self) -> bool {
        !self.text.trim().is_empty() || !self.tool_calls.is_empty()
    }
}

/// Collects an answer and hands its pieces on, each as soon as it is complete enough to be understood.
#[derive(Debug, Default)]
pub(crate) struct Draft {
    pub(crate) usage: Option<TokenUsage>,
    pub(crate) stop: Option<Stop>,
    /// Goes with the first tool call.
    pub(crate) echo: Option<Echo>,
    /// The number of messages before the answer: keeps made-up ids apart over a conversation.
    turn: usize,
    thoughts: Vec<Thought>,
    /// The last thought goes on.
    thinking: bool,
    text: String,
    tools: Vec<ToolDraft>,
    size: usize,
}

#[derive(Debug, Default)]
pub(crate) struct ToolDraft {
    /// The protocol's own number of it within the answer.
    pub(crate) index: u64,
    pub(crate) id: String,
    /// Empty until it is known; the call is told of when it is.
    pub(crate) name: String,
    /// JSON, in pieces so far.
    arguments: String,
    signature: Option<String>,
}

impl Draft {
    pub(crate) fn new(turn: usize) -> Self {
        Self { turn, ..Self::default() }
    }

    pub(crate) fn say(&mut self, text: &str, sink: &mut Sink<'_>) -> Result<(), Fault> {
        if text.is_empty() {
            return Ok(());
        }
        self.grow(text.len())?;
        self.thinking = false;
        self.text.push_str(text);
        sink(Piece::Text(text));
        Ok(())
    }

    /// More of a thought.
    pub(crate) fn think(&mut self, text: &str, sink: &mut Sink<'_>) -> Result<(), Fault> {
        if text.is_empty() {
            return Ok(());
        }
        self.grow(text.len())?;
        match self.thoughts.last_mut() {
            Some(Thought::Open { text: begun, .. }) if self.thinking => begun.push_str(text),
            _ => self.thoughts.push(Thought::Open { text: text.to_owned(), signature: None }),
        }
        self.thinking = true;
        sink(Piece::Thought(text));
        Ok(())
    }

    /// The proof of the thought under way; some providers prove a thought they do not tell.
    pub(crate) fn sign(&mut self, proof: &str, sink: &mut Sink<'_>) -> Result<(), Fault> {
        if proof.is_empty() {
            return Ok(());
        }
        self.grow(proof.len())?;
        match self.thoughts.last_mut() {
            Some(Thought::Open { signature, .. }) if self.thinking => *signature = Some(proof.to_owned()),
            _ => self.thoughts.push(Thought::Open { text: String::new(), signature: Some(proof.to_owned()) }),
        }
        self.thinking = false;
        sink(Piece::Signature(proof));
        Ok(())
    }

    /// A thought that only its own provider can read.
    pub(crate) fn seal(&mut self, data: &str, sink: &mut Sink<'_>) -> Result<(), Fault> {
        self.grow(data.len())?;
        self.thinking = false;
        self.thoughts.push(Thought::Sealed { data: data.to_owned() });
        sink(Piece::Sealed(data));
        Ok(())
    }

    pub(crate) fn tools(&self) -> &[ToolDraft] {
        &self.tools
    }

    /// Begins the tool call with this index, or tells more of it. It is told of once its name is known; an id that is
    /// missing then, or that another call has, is made up.
    pub(crate) fn call(&mut self, index: u64, id: &str, name: &str, sink: &mut Sink<'_>) -> Result<(), Fault> {
        let at = self.find_or_begin(index)?;
        self.grow(id.len() + name.len())?;
        let tool = &mut self.tools[at];
        if !tool.name.is_empty() {
            return Ok(());
        }
        if tool.id.is_empty() {
            tool.id = id.to_owned();
        }
        if name.is_empty() {
            return Ok(());
        }
        tool.name = name.to_owned();
        let (given, taken) = (self.tools[at].id.as_str(), |id: &str| self.tools[..at].iter().any(|one| one.id == id));
        if given.is_empty() || taken(given) {
            self.tools[at].id = format!("call_{}_{at}", self.turn);
        }
        let tool = &self.tools[at];
        sink(Piece::Call { call: at, id: &tool.id, name: &tool.name });
        if !tool.arguments.is_empty() {
            sink(Piece::Arguments { call: at, json: &tool.arguments });
        }
        Ok(())
    }

    /// More of the arguments of the tool call with this index.
    pub(crate) fn argue(&mut self, index: u64, fragment: &str, sink: &mut Sink<'_>) -> Result<(), Fault> {
        if fragment.is_empty() {
            return Ok(());
        }
        self.grow(fragment.len())?;
        let at = self.find_or_begin(index)?;
        self.tools[at].arguments.push_str(fragment);
        if !self.tools[at].name.is_empty() {
            sink(Piece::Arguments { call: at, json: fragment });
        }
        Ok(())
    }

    /// What proves the tool call with this index to the model that made it.
    pub(crate) fn sign_call(&mut self, index: u64, proof: &str) -> Result<(), Fault> {
        self.grow(proof.len())?;
        let at = self.find_or_begin(index)?;
        self.tools[at].signature = Some(proof.to_owned()).filter(|proof| !proof.is_empty());
        Ok(())
    }

    /// The answer, if it is whole.
    pub(crate) fn finish(self) -> Result<Answer, Fault> {
        let said = self.stop.ok_or(Fault::BrokenOff)?;
        let mut tool_calls: Vec<ToolCall> = Vec::with_capacity(self.tools.len());
        for tool in self.tools {
            let Some(arguments) = parse_arguments(&tool, said)? else { continue };
            let ToolDraft { id, name, signature, .. } = tool;
            tool_calls.push(ToolCall { id, name, arguments, echo: None, signature });
        }
        if self.text.trim().is_empty() && tool_calls.is_empty() {
            match said {
                Stop::Filtered => return Err(Fault::Declined),
                Stop::ToolCalls => return Err(Fault::Empty),
                // Meant so, or by whoever set a low limit; see [`Answer::spoken`].
                Stop::End | Stop::Length => {}
            }
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
        Ok(Answer { thoughts: self.thoughts, text: self.text, tool_calls, stop, usage: self.usage })
    }

    fn find_or_begin(&mut self, index: u64) -> Result<usize, Fault> {
        if let Some(at) = self.tools.iter().rposition(|tool| tool.index == index) {
            return Ok(at);
        }
        if self.tools.len() == MAX_CALLS {
            return Err(Fault::TooLarge);
        }
        self.tools.push(ToolDraft { index, ..ToolDraft::default() });
        Ok(self.tools.len() - 1)
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

    fn silent() -> impl FnMut(Piece<'_>) + Send {
        |_| {}
    }

    fn with_tool(name: &str, arguments: &str, stop: Stop) -> Draft {
        let mut draft = Draft { stop: Some(stop), ..Draft::default() };
        draft.call(0, "a", name, &mut silent()).unwrap();
        draft.argue(0, arguments, &mut silent()).unwrap();
        draft
    }

    #[test]
    fn missing_and_doubled_ids_are_replaced_by_ones_of_this_turn() {
        let (mut draft, mut told) = (Draft { stop: Some(Stop::ToolCalls), ..Draft::new(7) }, Vec::new());
        for (index, id) in [(0, "a"), (1, "a"), (2, "")] {
            let mut tell = |piece: Piece<'_>| match piece {
                Piece::Call { id, .. } => told.push(id.to_owned()),
                other => panic!("{other:?}"),
            };
            draft.call(index, id, "clock", &mut tell).unwrap();
        }
        let ids: Vec<String> = draft.finish().unwrap().tool_calls.into_iter().map(|call| call.id).collect();
        assert_eq!(ids, ["a", "call_7_1", "call_7_2"]);
        assert_eq!(told, ids);
    }

    #[test]
    fn a_call_is_told_of_once_its_name_is_known_with_the_arguments_that_came_before() {
        let (mut draft, mut told) = (Draft::default(), Vec::new());
        let mut tell = |piece: Piece<'_>| told.push(format!("{piece:?}"));
        draft.call(4, "a", "", &mut tell).unwrap();
        draft.argue(4, "{\"x\"", &mut tell).unwrap();
        draft.call(4, "", "clock", &mut tell).unwrap();
        draft.argue(4, ":1}", &mut tell).unwrap();
        assert_eq!(
            told,
            [
                "Call { call: 0, id: \"a\", name: \"clock\" }",
                "Arguments { call: 0, json: \"{\\\"x\\\"\" }",
                "Arguments { call: 0, json: \":1}\" }",
            ]
        );
    }

    #[test]
    fn a_thought_ends_with_its_proof_or_with_the_first_word() {
        let (mut draft, sink) = (Draft { stop: Some(Stop::End), ..Draft::default() }, &mut silent());
        draft.think("What ", sink).unwrap();
        draft.think("time?", sink).unwrap();
        draft.sign("c2ln", sink).unwrap();
        draft.think("Hm.", sink).unwrap();
        draft.seal("x", sink).unwrap();
        draft.say("Noon.", sink).unwrap();
        let open = |text: &str, signature: Option<&str>| Thought::Open {
            text: text.to_owned(),
            signature: signature.map(str::to_owned),
        };
        let want = [open("What time?", Some("c2ln")), open("Hm.", None), Thought::Sealed { data: "x".into() }];
        assert_eq!(draft.finish().unwrap().thoughts, want);
    }

    #[test]
    fn the_stop_follows_what_is_there_not_what_is_said() {
        assert_eq!(with_tool("clock", "", Stop::End).finish().unwrap().stop, Stop::ToolCalls);
        let mut draft = Draft { stop: Some(Stop::ToolCalls), ..Draft::default() };
        draft.say("hi", &mut silent()).unwrap();
        assert_eq!(draft.finish().unwrap().stop, Stop::End);
    }

    #[test]
    fn arguments_that_are_cut_short_are_dropped_at_the_limit_and_refused_elsewhere() {
        let cut = with_tool("clock", "{\"zone\": \"Eur", Stop::Length).finish().unwrap();
        assert_eq!((cut.tool_calls.as_slice(), cut.stop), (&[][..], Stop::Length));
        assert_eq!(cut.spoken(), Err(Fault::Speechless));
        assert!(matches!(with_tool("clock", "{\"zone\": \"Eur", Stop::ToolCalls).finish(), Err(Fault::Garbage(_))));
        assert_eq!(with_tool("clock", " ", Stop::ToolCalls).finish().unwrap().tool_calls[0].arguments, json!({}));
        assert!(matches!(with_tool("", "{}", Stop::ToolCalls).finish(), Err(Fault::Garbage(_))));
    }

    #[test]
    fn an_answer_without_an_end_or_without_measure_is_none_and_one_without_a_word_no_reply() {
        let of = |stop| Draft { stop, ..Draft::default() };
        assert_eq!(of(None).finish(), Err(Fault::BrokenOff));
        assert_eq!(of(Some(Stop::Filtered)).finish(), Err(Fault::Declined));
        assert_eq!(of(Some(Stop::ToolCalls)).finish(), Err(Fault::Empty), "the calls are missing");
        let mut thought = of(Some(Stop::End));
        thought.think("Nothing to add.", &mut silent()).unwrap();
        for draft in [of(Some(Stop::End)), thought] {
            assert_eq!(draft.finish().unwrap().spoken(), Err(Fault::Empty));
        }
        let (mut draft, piece) = (Draft::default(), "x".repeat(1 << 20));
        assert!((0..10).any(|_| draft.argue(0, &piece, &mut silent()) == Err(Fault::TooLarge)));
    }
}
