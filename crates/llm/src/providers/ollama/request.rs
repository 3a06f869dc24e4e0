use std::borrow::Cow;

use serde::Serialize;
use serde_json::{Value, json};

use crate::request::{ChatMessage, ChatRequest, ToolCall, ToolSpec};

#[derive(Serialize)]
pub(super) struct Body<'a> {
    model: &'a str,
    messages: Vec<Message<'a>>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    tools: Vec<Tool<'a>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    options: Option<Options>,
    stream: bool,
}

#[derive(Serialize)]
struct Options {
    num_predict: u32,
}

#[derive(Serialize)]
#[serde(tag = "role", rename_all = "snake_case")]
enum Message<'a> {
    System {
        content: &'a str,
    },
    User {
        content: Cow<'a, str>,
    },
    Assistant {
        content: &'a str,
        #[serde(skip_serializing_if = "Vec::is_empty")]
        tool_calls: Vec<Called<'a>>,
    },
    /// Told apart by the tool's name: there are no ids.
    Tool {
        tool_name: &'a str,
        content: Cow<'a, str>,
    },
}

#[derive(Serialize)]
struct Called<'a> {
    function: Function<'a>,
}

#[derive(Serialize)]
struct Function<'a> {
    name: &'a str,
    arguments: Cow<'a, Value>,
}

#[derive(Serialize)]
struct Tool<'a> {
    r#type: &'static str,
    function: ToolFunction<'a>,
}

#[derive(Serialize)]
struct ToolFunction<'a> {
    name: &'a str,
    description: &'a str,
    parameters: &'a Value,
}

impl<'a> Body<'a> {
    pub(super) fn new(model: &'a str, request: &'a ChatRequest) -> Self {
        let system = Some(request.system.as_str()).filter(|text| !text.is_empty());
        Self {
            model,
            messages: system
                .map(|content| Message::System { content })
                .into_iter()
                .chain(request.messages.iter().map(Message::new))
                .collect(),
            tools: request.tools.iter().map(Tool::new).collect(),
            options: request.max_output_tokens.map(|num_predict| Options { num_predict }),
            stream: true,
        }
    }
}

impl<'a> Message<'a> {
    fn new(message: &'a ChatMessage) -> Self {
        match message {
            ChatMessage::User { content } => Self::User { content: content.text() },
            ChatMessage::Assistant { text, tool_calls, .. } => {
                Self::Assistant { content: text, tool_calls: tool_calls.iter().map(Called::new).collect() }
            }
            ChatMessage::Tool { name, content, .. } => Self::Tool { tool_name: name, content: content.text() },
        }
    }
}

impl<'a> Called<'a> {
    fn new(call: &'a ToolCall) -> Self {
        let arguments = if call.arguments.is_object() { Cow::Borrowed(&call.arguments) } else { Cow::Owned(json!({})) };
        Self { function: Function { name: &call.name, arguments } }
    }
}

impl<'a> Tool<'a> {
    fn new(tool: &'a ToolSpec) -> Self {
        let function = ToolFunction { name: &tool.name, description: &tool.description, parameters: &tool.parameters };
        Self { r#type: "function", function }
    }
}

#[cfg(test)]
mod tests {
    use serde_json::to_value;

    use super::*;
    use crate::golden;

    #[test]
    fn a_conversation_with_parallel_tools_becomes_a_body() {
        assert_eq!(
            to_value(Body::new("llama3.2", &golden::request())).unwrap(),
            json!({
                "model": "llama3.2",
                "messages": [
                    {"role": "system", "content": "You are Mara."},
                    {"role": "user", "content": "Hello"},
                    {"role": "assistant", "content": "Good day."},
                    {"role": "user", "content": "What time is it, and what is 2+2?"},
                    {"role": "assistant", "content": "", "tool_calls": [
                        {"function": {"name": "date_time", "arguments": {"zone": "UTC"}}},
                        {"function": {"name": "calculator", "arguments": {"expression": "2+2"}}},
                    ]},
                    {"role": "tool", "tool_name": "date_time", "content": "09:17"},
                    {"role": "tool", "tool_name": "calculator", "content": "division by zero"},
                ],
                "tools": [{"type": "function", "function": {
                    "name": "date_time", "description": "Tells the time.",
                    "parameters": {"type": "object", "properties": {"zone": {"type": "string"}}},
                }}],
                "options": {"num_predict": 256},
                "stream": true,
            })
        );
    }
}
