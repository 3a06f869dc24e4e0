//! An answer's content as blocks that follow one another. Some providers tell several tool calls side by side; here a
//! block begins when the one before it has ended, and what belongs to a later one waits until then.

use std::collections::VecDeque;

use serde::Serialize;
use serde_json::{Map, Value};

use super::super::emit;
use crate::piece::Piece;
use crate::providers::anthropic::plain_id;

#[derive(Default)]
pub(super) struct Blocks {
    /// The number of the next block.
    next: u64,
    open: Option<Open>,
    waiting: VecDeque<Waiting>,
}

struct Open {
    index: u64,
    kind: Kind,
    /// How far a call's arguments have come.
    json: Extent,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Kind {
    Thought,
    Sealed,
    Text,
    Call(usize),
}

struct Waiting {
    start: Start,
    /// What has come of it so far.
    text: String,
    /// A thought's, which ends with it.
    signature: Option<String>,
}

enum Start {
    Thought,
    Sealed {
        data: String,
    },
    Text,
    /// With an id that Anthropic itself takes back, should the conversation go on with one of its models.
    Call {
        call: usize,
        id: String,
        name: String,
    },
}

#[derive(Serialize)]
#[serde(tag = "type")]
enum Event<'a> {
    #[serde(rename = "content_block_start")]
    Start { index: u64, content_block: Block<'a> },
    #[serde(rename = "content_block_delta")]
    Delta { index: u64, delta: Delta<'a> },
    #[serde(rename = "content_block_stop")]
    Stop { index: u64 },
}

#[derive(Serialize)]
#[serde(tag = "type", rename_all = "snake_case")]
enum Block<'a> {
    Thinking { thinking: &'static str, signature: &'static str },
    RedactedThinking { data: &'a str },
    Text { text: &'static str },
    ToolUse { id: &'a str, name: &'a str, input: Map<String, Value> },
}

#[derive(Serialize)]
#[serde(tag = "type")]
enum Delta<'a> {
    #[serde(rename = "thinking_delta")]
    Thinking { thinking: &'a str },
    #[serde(rename = "signature_delta")]
    Signature { signature: &'a str },
    #[serde(rename = "text_delta")]
    Text { text: &'a str },
    #[serde(rename = "input_json_delta")]
    InputJson { partial_json: &'a str },
}

impl Blocks {
    pub(super) fn add(&mut self, piece: Piece<'_>, out: &mut Vec<u8>) {
        match piece {
            Piece::Thought(text) => self.grow(Kind::Thought, text, out),
            Piece::Text(text) => self.grow(Kind::Text, text, out),
            Piece::Arguments { call, json } => self.grow(Kind::Call(call), json, out),
            Piece::Signature(proof) => self.sign(proof, out),
            Piece::Sealed(data) => self.begin(Start::Sealed { data: data.to_owned() }, out),
            Piece::Call { call, id, name } => {
                self.begin(Start::Call { call, id: plain_id(id).into_owned(), name: name.to_owned() }, out);
            }
        }
    }

    /// Ends every block, in their order.
    pub(super) fn end(&mut self, out: &mut Vec<u8>) {
        while let Some(next) = self.waiting.pop_front() {
            self.open(next, out);
        }
        self.close(out);
    }

    fn begin(&mut self, start: Start, out: &mut Vec<u8>) {
        let block = Waiting { start, text: String::new(), signature: None };
        if self.waiting.is_empty() && self.may_go_on() {
            self.open(block, out);
        } else {
            self.waiting.push_back(block);
        }
    }

    fn grow(&mut self, kind: Kind, text: &str, out: &mut Vec<u8>) {
        if let Some(open) = self.open.as_mut().filter(|open| open.kind == kind) {
            open.grow(text, out);
            while self.may_go_on()
                && let Some(next) = self.waiting.pop_front()
            {
                self.open(next, out);
            }
            return;
        }
        let held = match kind {
            Kind::Call(_) => self.waiting.iter_mut().find(|block| block.kind() == kind),
            _ => self.waiting.back_mut().filter(|block| block.kind() == kind && block.signature.is_none()),
        };
        match (held, kind) {
            (Some(block), _) => block.text.push_str(text),
            (None, Kind::Thought) => {
                self.begin(Start::Thought, out);
                self.grow(kind, text, out);
            }
            (None, Kind::Text) => {
                self.begin(Start::Text, out);
                self.grow(kind, text, out);
            }
            // The block has ended with its JSON; only white space can follow.
            (None, Kind::Call(_) | Kind::Sealed) => {}
        }
    }

    /// Ends the thought under way with its proof, or tells of a thought that is nothing but one.
    fn sign(&mut self, proof: &str, out: &mut Vec<u8>) {
        if let Some(open) = self.open.take_if(|open| open.kind == Kind::Thought) {
            open.sign(proof, out);
            open.stop(out);
            return;
        }
        match self.waiting.back_mut().filter(|block| block.kind() == Kind::Thought && block.signature.is_none()) {
            Some(thought) => thought.signature = Some(proof.to_owned()),
            None => {
                self.begin(Start::Thought, out);
                self.sign(proof, out);
            }
        }
    }

    /// Whether the open block may end here: a call's only where its arguments are all there.
    fn may_go_on(&self) -> bool {
        self.open.as_ref().is_none_or(|open| !matches!(open.kind, Kind::Call(_)) || open.json.is_whole())
    }

    /// Begins `block` after the one that is open, with all that has come of it.
    fn open(&mut self, block: Waiting, out: &mut Vec<u8>) {
        self.close(out);
        let mut open = Open { index: self.next, kind: block.kind(), json: Extent::default() };
        self.next += 1;
        let content_block = match &block.start {
            Start::Thought => Block::Thinking { thinking: "", signature: "" },
            Start::Sealed { data } => Block::RedactedThinking { data },
            Start::Text => Block::Text { text: "" },
            Start::Call { id, name, .. } => Block::ToolUse { id, name, input: Map::new() },
        };
        emit::named("content_block_start", &Event::Start { index: open.index, content_block }, out);
        if !block.text.is_empty() {
            open.grow(&block.text, out);
        }
        match block.signature {
            Some(proof) => {
                open.sign(&proof, out);
                open.stop(out);
            }
            None => self.open = Some(open),
        }
    }

    fn close(&mut self, out: &mut Vec<u8>) {
        if let Some(open) = self.open.take() {
            open.stop(out);
        }
    }
}

impl Open {
    fn grow(&mut self, text: &str, out: &mut Vec<u8>) {
        let delta = match self.kind {
            Kind::Thought => Delta::Thinking { thinking: text },
            Kind::Text => Delta::Text { text },
            Kind::Call(_) => {
                self.json.grow(text);
                Delta::InputJson { partial_json: text }
            }
            Kind::Sealed => return,
        };
        self.delta(delta, out);
    }

    fn sign(&self, signature: &str, out: &mut Vec<u8>) {
        self.delta(Delta::Signature { signature }, out);
    }

    fn delta(&self, delta: Delta<'_>, out: &mut Vec<u8>) {
        emit::named("content_block_delta", &Event::Delta { index: self.index, delta }, out);
    }

    fn stop(self, out: &mut Vec<u8>) {
        emit::named("content_block_stop", &Event::Stop { index: self.index }, out);
    }
}

impl Waiting {
    fn kind(&self) -> Kind {
        match self.start {
            Start::Thought => Kind::Thought,
            Start::Sealed { .. } => Kind::Sealed,
            Start::Text => Kind::Text,
            Start::Call { call, .. } => Kind::Call(call),
        }
    }
}

/// Follows JSON that comes in pieces, to know when its outermost object or array has ended.
#[derive(Default)]
struct Extent {
    depth: usize,
    within_text: bool,
    escaped: bool,
    whole: bool,
}

impl Extent {
    fn grow(&mut self, json: &str) {
        for byte in json.bytes() {
            match byte {
                _ if self.escaped => self.escaped = false,
                b'\\' if self.within_text => self.escaped = true,
                b'"' => self.within_text = !self.within_text,
                _ if self.within_text => {}
                b'{' | b'[' => self.depth += 1,
                b'}' | b']' => {
                    self.depth = self.depth.saturating_sub(1);
                    self.whole = self.depth == 0;
                }
                _ => {}
            }
        }
    }

    fn is_whole(&self) -> bool {
        self.whole
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The events of `pieces`, each on a line: block number, and what happens to it.
    fn told(pieces: &[Piece<'_>]) -> Vec<String> {
        let (mut blocks, mut out) = (Blocks::default(), Vec::new());
        pieces.iter().for_each(|piece| blocks.add(*piece, &mut out));
        blocks.end(&mut out);
        let text = String::from_utf8(out).unwrap();
        let line = |data: &str| {
            let event: Value = serde_json::from_str(data).unwrap();
            let (index, block, delta) = (&event["index"], &event["content_block"], &event["delta"]);
            let grown = ["text", "thinking", "signature", "partial_json"].iter().find_map(|name| delta[*name].as_str());
            match (block["type"].as_str(), grown) {
                (Some(kind), _) => format!("{index} {kind} {}", block["name"].as_str().unwrap_or("-")),
                (None, Some(text)) => format!("{index} +{text}"),
                (None, None) => format!("{index} stop"),
            }
        };
        text.lines().filter_map(|text| text.strip_prefix("data: ")).map(line).collect()
    }

    fn call(call: usize) -> Piece<'static> {
        Piece::Call { call, id: ["a", "b", "c"][call], name: ["one", "two", "three"][call] }
    }

    fn arguments(call: usize, json: &str) -> Piece<'_> {
        Piece::Arguments { call, json }
    }

    #[test]
    fn calls_that_interleave_follow_one_another() {
        let pieces = [
            call(0),
            arguments(0, "{\"x\":"),
            call(1),
            arguments(1, "{\"y\":"),
            arguments(0, "\"}\""),
            arguments(1, "2}"),
            arguments(0, "}"),
            call(2),
        ];
        let want = [
            "0 tool_use one",
            "0 +{\"x\":",
            "0 +\"}\"",
            "0 +}",
            "0 stop",
            "1 tool_use two",
            "1 +{\"y\":2}",
            "1 stop",
            "2 tool_use three",
            "2 stop",
        ];
        assert_eq!(told(&pieces), want);
    }

    #[test]
    fn a_call_whose_arguments_are_all_there_makes_room_at_once() {
        let mut blocks = Blocks::default();
        let mut out = Vec::new();
        for piece in [call(0), arguments(0, "{}"), call(1), arguments(1, "{\"y\"")] {
            blocks.add(piece, &mut out);
        }
        assert!(String::from_utf8(out).unwrap().contains("{\\\"y\\\""), "the second call is told as it comes");
    }

    #[test]
    fn calls_without_arguments_and_words_between_calls_keep_their_order() {
        let pieces = [call(0), Piece::Text("and "), Piece::Text("now"), call(1), arguments(1, "{}"), Piece::Text(".")];
        let want = [
            "0 tool_use one",
            "0 stop",
            "1 text -",
            "1 +and now",
            "1 stop",
            "2 tool_use two",
            "2 +{}",
            "2 stop",
            "3 text -",
            "3 +.",
            "3 stop",
        ];
        assert_eq!(told(&pieces), want);
    }

    #[test]
    fn ids_are_such_as_anthropic_takes_back() {
        let (mut blocks, mut out) = (Blocks::default(), Vec::new());
        blocks.add(Piece::Call { call: 0, id: "functions.clock:0", name: "clock" }, &mut out);
        assert!(String::from_utf8(out).unwrap().contains("\"id\":\"functions_clock_0\""));
    }

    #[test]
    fn thoughts_end_with_their_proofs() {
        let pieces = [
            Piece::Thought("Hm"),
            Piece::Thought("."),
            Piece::Signature("s1"),
            Piece::Signature("s2"),
            Piece::Sealed("x"),
            Piece::Thought("So."),
            Piece::Text("Yes."),
        ];
        let want = [
            "0 thinking -",
            "0 +Hm",
            "0 +.",
            "0 +s1",
            "0 stop",
            "1 thinking -",
            "1 +s2",
            "1 stop",
            "2 redacted_thinking -",
            "2 stop",
            "3 thinking -",
            "3 +So.",
            "3 stop",
            "4 text -",
            "4 +Yes.",
            "4 stop",
        ];
        assert_eq!(told(&pieces), want);
    }

    #[test]
    fn thoughts_that_have_to_wait_keep_their_proofs() {
        let pieces = [call(0), Piece::Thought("a"), Piece::Signature("s"), Piece::Thought("b"), arguments(0, "{}")];
        let want = [
            "0 tool_use one",
            "0 +{}",
            "0 stop",
            "1 thinking -",
            "1 +a",
            "1 +s",
            "1 stop",
            "2 thinking -",
            "2 +b",
            "2 stop",
        ];
        assert_eq!(told(&pieces), want);
    }
}
