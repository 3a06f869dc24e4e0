use std::collections::HashMap;

use super::super::Refusal;
use super::super::body::Field;
use crate::request::{ChatMessage, Content, Part, Thought, ToolCall};

/// The system text and the conversation of a body. The place of system messages among the others is lost: most providers
/// know a single system text.
pub(super) fn read(body: &Field<'_>) -> Result<(String, Vec<ChatMessage>), Refusal> {
    let mut conversation = Conversation::default();
    if let Some(system) = body.get("system") {
        conversation.add_system(&system)?;
    }
    let messages = body.need("messages")?;
    for message in messages.items()? {
        let (role, content) = (message.need("role")?, message.need("content")?);
        match role.text()? {
            "user" => conversation.add_question(&content)?,
            "assistant" => conversation.add_answer(&content)?,
            "system" => conversation.add_system(&content)?,
            _ => return Err(role.wrong("must be `user`, `assistant` or `system`")),
        }
    }
    if conversation.messages.is_empty() {
        return Err(messages.wrong("must hold at least one message"));
    }
    Ok((conversation.system.join("\n\n"), conversation.messages))
}

#[derive(Default)]
struct Conversation {
    system: Vec<String>,
    messages: Vec<ChatMessage>,
    /// The names of the tools that were called, by the calls' ids.
    called: HashMap<String, String>,
}

impl Conversation {
    fn add_system(&mut self, content: &Field<'_>) -> Result<(), Refusal> {
        if let Some(text) = content.as_text() {
            self.system.push(text.to_owned());
            return Ok(());
        }
        for block in content.items()? {
            match block.kind()? {
                "text" => self.system.push(block.need("text")?.text_owned()?),
                other => return Err(block.untranslatable(other)),
            }
        }
        Ok(())
    }

    /// Tools' results stand within the user's turn: each becomes a message of its own.
    fn add_question(&mut self, content: &Field<'_>) -> Result<(), Refusal> {
        if let Some(text) = content.as_text() {
            self.messages.push(ChatMessage::user(text));
            return Ok(());
        }
        let mut parts = Vec::new();
        for block in content.items()? {
            if block.kind()? == "tool_result" {
                self.say(&mut parts);
                self.add_result(&block)?;
            } else {
                parts.push(part(&block)?);
            }
        }
        self.say(&mut parts);
        Ok(())
    }

    fn say(&mut self, parts: &mut Vec<Part>) {
        if !parts.is_empty() {
            self.messages.push(ChatMessage::User { content: Content(std::mem::take(parts)) });
        }
    }

    fn add_result(&mut self, block: &Field<'_>) -> Result<(), Refusal> {
        let id = block.need("tool_use_id")?;
        let call_id = id.name()?;
        let Some(name) = self.called.get(&call_id).cloned() else {
            return Err(id.wrong("names no `tool_use` block of a message before it"));
        };
        let content = block.optional("content", result)?.unwrap_or_default();
        let is_error = block.optional("is_error", Field::flag)?.unwrap_or(false);
        self.messages.push(ChatMessage::Tool { call_id, name, content, is_error });
        Ok(())
    }

    fn add_answer(&mut self, content: &Field<'_>) -> Result<(), Refusal> {
        if let Some(text) = content.as_text() {
            self.messages.push(ChatMessage::assistant(text));
            return Ok(());
        }
        let (mut thoughts, mut text, mut tool_calls) = (Vec::new(), String::new(), Vec::new());
        for block in content.items()? {
            match block.kind()? {
                "text" => text.push_str(block.need("text")?.text()?),
                "thinking" => {
                    let signature = block.optional("signature", Field::text_owned)?;
                    thoughts.push(Thought::Open {
                        text: block.need("thinking")?.text_owned()?,
                        signature: signature.filter(|proof| !proof.is_empty()),
                    });
                }
                "redacted_thinking" => thoughts.push(Thought::Sealed { data: block.need("data")?.text_owned()? }),
                "tool_use" => tool_calls.push(tool_call(&block)?),
                other => return Err(block.untranslatable(other)),
            }
        }
        self.called.extend(tool_calls.iter().map(|call: &ToolCall| (call.id.clone(), call.name.clone())));
        self.messages.push(ChatMessage::Assistant { thoughts, text, tool_calls });
        Ok(())
    }
}

fn tool_call(block: &Field<'_>) -> Result<ToolCall, Refusal> {
    Ok(ToolCall {
        id: block.need("id")?.name()?,
        name: block.need("name")?.name()?,
        arguments: block.need("input")?.object()?.clone(),
        echo: None,
        signature: None,
    })
}

fn result(content: &Field<'_>) -> Result<Content, Refusal> {
    match content.as_text() {
        Some(text) => Ok(text.into()),
        None => Ok(Content(content.items()?.map(|block| part(&block)).collect::<Result<_, _>>()?)),
    }
}

fn part(block: &Field<'_>) -> Result<Part, Refusal> {
    let source = || block.need("source");
    match block.kind()? {
        "text" => Ok(Part::Text { text: block.need("text")?.text_owned()? }),
        "image" => {
            let source = source()?;
            let image = match source.kind()? {
                "url" => source.need("url")?.image()?,
                "base64" => {
                    let data = source.need("data")?;
                    data.image_data(source.need("media_type")?.text()?, data.text()?)?
                }
                other => return Err(source.untranslatable(other)),
            };
            Ok(Part::Image { image })
        }
        "document" => {
            let source = source()?;
            match source.kind()? {
                "text" => Ok(Part::Text { text: source.need("data")?.text_owned()? }),
                other => Err(source.untranslatable(&format!("document ({other})"))),
            }
        }
        other => Err(block.untranslatable(other)),
    }
}
