use std::collections::HashMap;

use serde_json::{Value, json};

use super::super::Refusal;
use super::super::body::Field;
use super::tools;
use crate::request::{ChatMessage, Content, Part, Thought, ToolCall};
use crate::vendor::Encrypted;

/// The system text and the conversation of a body. Where system messages stand among the others, the place of each is
/// lost: most providers know a single system text.
pub(super) fn read(body: &Field<'_>) -> Result<(String, Vec<ChatMessage>), Refusal> {
    let mut conversation = Conversation::default();
    let instructions = body.optional("instructions", Field::text_owned)?;
    conversation.system.extend(instructions.filter(|text| !text.is_empty()));
    let input = body.need("input")?;
    match input.as_text() {
        Some(text) => conversation.messages.push(ChatMessage::user(text)),
        None => input.items()?.try_for_each(|item| conversation.add(&item))?,
    }
    conversation.end_answer();
    let Conversation { mut system, mut messages, .. } = conversation;
    if messages.is_empty() {
        // Others want a question: without one, the last word is it.
        let Some(question) = system.pop() else { return Err(input.wrong("must hold at least one item")) };
        messages.push(ChatMessage::user(question));
    }
    Ok((system.join("\n\n"), messages))
}

#[derive(Default)]
struct Conversation {
    system: Vec<String>,
    messages: Vec<ChatMessage>,
    /// The answer under way: items of one answer stand side by side.
    answer: Option<Answered>,
    /// The names of the tools that were called, by the calls' ids.
    called: HashMap<String, String>,
}

#[derive(Default)]
struct Answered {
    thoughts: Vec<Thought>,
    text: String,
    tool_calls: Vec<ToolCall>,
}

impl Conversation {
    fn add(&mut self, item: &Field<'_>) -> Result<(), Refusal> {
        item.object()?;
        // A message need not say that it is one.
        let kind = if item.get("type").is_none() && item.get("role").is_some() { "message" } else { item.kind()? };
        match kind {
            "message" => self.add_message(item),
            "reasoning" => self.add_thought(item),
            "function_call" => {
                let arguments = item.need("arguments").and_then(|field| arguments(&field))?;
                self.add_call(item, arguments)
            }
            "custom_tool_call" => self.add_call(item, tools::wrap(item.need("input")?.text()?)),
            "function_call_output" | "custom_tool_call_output" => self.add_result(item),
            "item_reference" => {
                Err(item.wrong("refers to a stored item: the gateway stores none, send the item itself"))
            }
            // What OpenAI did on the way to an answer that stands beside it.
            "web_search_call" | "image_generation_call" | "tool_search_call" | "tool_search_output" => Ok(()),
            other => Err(item.untranslatable(other)),
        }
    }

    fn add_message(&mut self, item: &Field<'_>) -> Result<(), Refusal> {
        let (role, said) = (item.need("role")?, item.need("content")?);
        match role.text()? {
            "user" => self.push(ChatMessage::User { content: content(&said)? }),
            "assistant" => {
                let (words, answer) = (texts(&said)?, self.answer.get_or_insert_default());
                if !answer.text.is_empty() && !words.is_empty() {
                    answer.text.push_str("\n\n");
                }
                answer.text.push_str(&words);
            }
            "system" | "developer" => self.system.extend(Some(texts(&said)?).filter(|words| !words.is_empty())),
            _ => return Err(role.wrong("must be `user`, `assistant`, `system` or `developer`")),
        }
        Ok(())
    }

    fn add_thought(&mut self, item: &Field<'_>) -> Result<(), Refusal> {
        let mut parts = Vec::new();
        for list in [item.get("summary"), item.get("content")].into_iter().flatten() {
            for part in list.items()? {
                parts.push(part.need("text")?.text_owned()?);
            }
        }
        let text = parts.join("\n\n");
        let proof = item.optional("encrypted_content", Field::text_owned)?.filter(|proof| !proof.is_empty());
        let thought = match proof.map(|proof| Encrypted::read(&proof, !text.is_empty())) {
            Some(Encrypted::Signature(proof)) => Thought::Open { text, signature: Some(proof) },
            Some(Encrypted::Sealed(data)) => Thought::Sealed { data },
            None if text.is_empty() => return Ok(()),
            None => Thought::Open { text, signature: None },
        };
        self.answer.get_or_insert_default().thoughts.push(thought);
        Ok(())
    }

    fn add_call(&mut self, item: &Field<'_>, arguments: Value) -> Result<(), Refusal> {
        let namespace = item.optional("namespace", Field::name)?;
        let name = tools::seen(namespace.as_deref(), &item.need("name")?.name()?);
        let id = item.need("call_id")?.name()?;
        self.called.insert(id.clone(), name.clone());
        let call = ToolCall { id, name, arguments, echo: None, signature: None };
        self.answer.get_or_insert_default().tool_calls.push(call);
        Ok(())
    }

    fn add_result(&mut self, item: &Field<'_>) -> Result<(), Refusal> {
        let id = item.need("call_id")?;
        let call_id = id.name()?;
        let Some(name) = self.called.get(&call_id).cloned() else {
            return Err(id.wrong("names no tool call of an item before it"));
        };
        let content = content(&item.need("output")?)?;
        self.push(ChatMessage::Tool { call_id, name, content, is_error: false });
        Ok(())
    }

    fn push(&mut self, message: ChatMessage) {
        self.end_answer();
        self.messages.push(message);
    }

    fn end_answer(&mut self) {
        if let Some(Answered { thoughts, text, tool_calls }) = self.answer.take() {
            self.messages.push(ChatMessage::Assistant { thoughts, text, tool_calls });
        }
    }
}

/// JSON within a string; none at all stands for no arguments.
fn arguments(field: &Field<'_>) -> Result<Value, Refusal> {
    match field.text()?.trim() {
        "" => Ok(json!({})),
        text => serde_json::from_str(text).map_err(|_| field.wrong("must hold JSON")),
    }
}

/// A string, or parts that are all text.
fn texts(field: &Field<'_>) -> Result<String, Refusal> {
    if let Some(text) = field.as_text() {
        return Ok(text.to_owned());
    }
    let mut words = String::new();
    for part in field.items()? {
        match part.kind()? {
            "input_text" | "output_text" | "text" => words.push_str(part.need("text")?.text()?),
            "refusal" => words.push_str(part.need("refusal")?.text()?),
            other => return Err(part.untranslatable(other)),
        }
    }
    Ok(words)
}

fn content(field: &Field<'_>) -> Result<Content, Refusal> {
    if let Some(text) = field.as_text() {
        return Ok(text.into());
    }
    let mut parts = Vec::new();
    for part in field.items()? {
        parts.push(match part.kind()? {
            "input_text" | "output_text" | "text" => Part::Text { text: part.need("text")?.text_owned()? },
            "input_image" => match part.get("file_id") {
                Some(file) => return Err(file.wrong("names a stored file: the gateway stores none, send `image_url`")),
                None => Part::Image { image: part.need("image_url")?.image()? },
            },
            other => return Err(part.untranslatable(other)),
        });
    }
    Ok(Content(parts))
}
