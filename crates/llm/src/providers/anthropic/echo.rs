//! An answer kept as it came, where the model thought before it called a tool: see [`Echo`].

use serde_json::{Value, json};

use crate::draft::MAX_ANSWER;
use crate::fault::Fault;
use crate::request::Echo;

pub(super) struct EchoDraft {
    model: String,
    blocks: Vec<(u64, Value)>,
    /// The arguments of tool calls, in pieces so far.
    inputs: Vec<(u64, String)>,
    size: usize,
}

impl EchoDraft {
    pub(super) fn new(model: &str) -> Self {
        Self { model: model.to_owned(), blocks: Vec::new(), inputs: Vec::new(), size: 0 }
    }

    pub(super) fn of_whole(model: &str, content: &[Value]) -> Self {
        Self { blocks: (0..).zip(content.iter().cloned()).collect(), ..Self::new(model) }
    }

    pub(super) fn model(&self) -> &str {
        &self.model
    }

    pub(super) fn begin(&mut self, index: u64, block: &Value) {
        self.blocks.push((index, block.clone()));
    }

    /// Adds a piece to its block, in whichever field it belongs.
    pub(super) fn add(&mut self, index: u64, delta: &Value) -> Result<(), Fault> {
        const FIELDS: [&str; 4] = ["text", "thinking", "signature", "partial_json"];
        let Some((name, piece)) = FIELDS.iter().find_map(|name| Some((*name, delta[*name].as_str()?))) else {
            return Ok(());
        };
        self.size += piece.len();
        if self.size > MAX_ANSWER {
            return Err(Fault::TooLarge);
        }
        if name == "partial_json" {
            match self.inputs.iter_mut().find(|(known, _)| *known == index) {
                Some((_, input)) => input.push_str(piece),
                None => self.inputs.push((index, piece.to_owned())),
            }
        } else if let Some((_, block)) = self.blocks.iter_mut().rfind(|(known, _)| *known == index)
            && let Some(block) = block.as_object_mut()
        {
            // Grown in place: an answer has thousands of pieces.
            match block.get_mut(name) {
                Some(Value::String(text)) => text.push_str(piece),
                _ => drop(block.insert(name.to_owned(), json!(piece))),
            }
        }
        Ok(())
    }

    /// `None` where there were no thoughts: such an answer can be told in anybody's words.
    pub(super) fn finish(mut self) -> Option<Echo> {
        let thought = |block: &Value| !matches!(block["type"].as_str(), Some("text" | "tool_use"));
        if !self.blocks.iter().any(|(_, block)| thought(block)) {
            return None;
        }
        for (index, block) in &mut self.blocks {
            let input = self.inputs.iter().find(|(known, _)| known == index);
            let input = input.and_then(|(_, input)| serde_json::from_str(input).ok());
            if let (Some(input), Some(block)) = (input, block.as_object_mut()) {
                block.insert("input".to_owned(), input);
            }
        }
        // Empty texts are sent, but not taken back.
        let content = self.blocks.into_iter().map(|(_, block)| block).filter(|block: &Value| block["text"] != "");
        Some(Echo { model: self.model, content: content.collect() })
    }
}
