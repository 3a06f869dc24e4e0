use std::collections::HashMap;

use serde_json::{Value, json};

use super::super::Refusal;
use super::super::body::Field;
use crate::request::{ChatMessage, Content, Part, Thought, ToolCall};

/// The system text and the conversation. Where system messages stand among the others, the place of each is lost: most
/// providers know a single system text.
pub(super) fn read(messages: &Field<'_>) -> Result<(String, Vec<ChatMessage>), Refusal> {
    let mut conversation = Conversation::default();
    for (at, message) in messages.items()?.enumerate() {
        conversation.add(at, &message)?;
    }
    let Conversation { mut system, messages: mut read, .. } = conversation;
    if read.is_empty() {
        // Others want a question: without one, the last word is it.
        let Some(question) = system.pop() else { return Err(messages.wrong("must hold at least one message")) };
        read.push(ChatMessage::user(question));
    }
    Ok((system.join("\n\n"), read))
}

#[derive(Default)]
struct Conversation {
    system: Vec<String>,
    messages: Vec<ChatMessage>,
    /// The names of the tools that were called, by the calls' ids.
    called: HashMap<String, String>,
    /// The id that was made up for the last call in the older form, which has none.
    function_call: Option<String>,
}

impl Conversation {
    fn add(&mut self, at: usize, message: &Field<'_>) -> Result<(), Refusal> {
        let role = message.need("role")?;
        match role.text()? {
            "system" | "developer" => {
                let content = message.need("content")?;
                let words = texts(&content)?;
                self.system.extend(Some(words).filter(|words| !words.is_empty()));
            }
            "user" => self.messages.push(ChatMessage::User { content: content(&message.need("content")?)? }),
            "assistant" => self.add_answer(at, message)?,
            "tool" => {
                let id = message.need("tool_call_id")?;
                self.add_result(id.text()?, message)?;
            }
            "function" => match self.function_call.take() {
                Some(id) => self.add_result(&id, message)?,
                None => return Err(message.wrong("follows no message with a `function_call`")),
            },
            _ => return Err(role.wrong("must be `system`, `developer`, `user`, `assistant` or `tool`")),
        }
        Ok(())
    }

    fn add_answer(&mut self, at: usize, message: &Field<'_>) -> Result<(), Refusal> {
        let mut text = message.optional("content", texts)?.unwrap_or_default();
        text.push_str(&message.optional("refusal", Field::text_owned)?.unwrap_or_default());
        if let Some(audio) = message.get("audio") {
            return Err(audio.untranslatable("audio"));
        }
        let mut tool_calls = Vec::new();
        if let Some(calls) = message.get("tool_calls") {
            for call in calls.items()? {
                match call.get("type").map(|_| call.kind()).transpose()? {
                    None | Some("function") => {}
                    Some(other) => return Err(call.untranslatable(other)),
                }
                tool_calls.push(tool_call(call.need("id")?.name()?, &call.need("function")?)?);
            }
        }
        if let Some(call) = message.get("function_call") {
            let id = format!("call_{at}");
            self.function_call = Some(id.clone());
            tool_calls.push(tool_call(id, &call)?);
        }
        self.called.extend(tool_calls.iter().map(|call| (call.id.clone(), call.name.clone())));
        self.messages.push(ChatMessage::Assistant { thoughts: thoughts(message)?, text, tool_calls });
        Ok(())
    }

    fn add_result(&mut self, call_id: &str, message: &Field<'_>) -> Result<(), Refusal> {
        let Some(name) = self.called.get(call_id).cloned() else {
            return Err(message.wrong("is the result of a tool call that no message before it made"));
        };
        let content = content(&message.need("content")?)?;
        self.messages.push(ChatMessage::Tool { call_id: call_id.to_owned(), name, content, is_error: false });
        Ok(())
    }
}

/// What a client gives back of a thought that was told as `reasoning_content`. Its proof could not travel there.
fn thoughts(message: &Field<'_>) -> Result<Vec<Thought>, Refusal> {
    let told = match message.optional("reasoning_content", Field::text_owned)? {
        None => message.get("reasoning").and_then(|told| told.as_text().map(str::to_owned)),
        told => told,
    };
    Ok(told.filter(|text| !text.is_empty()).map(|text| Thought::Open { text, signature: None }).into_iter().collect())
}

fn tool_call(id: String, function: &Field<'_>) -> Result<ToolCall, Refusal> {
    let name = function.need("name")?.name()?;
    let arguments = function.optional("arguments", arguments)?.unwrap_or_else(|| json!({}));
    Ok(ToolCall { id, name, arguments, echo: None, signature: None })
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
            "text" => words.push_str(part.need("text")?.text()?),
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
            "text" => Part::Text { text: part.need("text")?.text_owned()? },
            "image_url" => Part::Image { image: part.need("image_url")?.need("url")?.image()? },
            other => return Err(part.untranslatable(other)),
        });
    }
    Ok(Content(parts))
}
