use std::borrow::Cow;

use serde::Serialize;
use serde_json::Value;

use crate::request::{ChatMessage, ChatRequest, ToolCall, ToolSpec};

#[derive(Serialize)]
pub(super) struct Body<'a> {
    model: &'a str,
    messages: Vec<Message<'a>>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    tools: Vec<Tool<'a>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    max_tokens: Option<u32>,
    #[serde(skip_serializing_if = "Option::is_none")]
    max_completion_tokens: Option<u32>,
    stream: bool,
    stream_options: StreamOptions,
}

#[derive(Serialize)]
struct StreamOptions {
    include_usage: bool,
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
        /// Null beside tool calls.
        content: Option<&'a str>,
        #[serde(skip_serializing_if = "Vec::is_empty")]
        tool_calls: Vec<Called<'a>>,
    },
    Tool {
        tool_call_id: &'a str,
        content: Cow<'a, str>,
    },
}

#[derive(Serialize)]
struct Called<'a> {
    id: &'a str,
    r#type: &'static str,
    function: Function<'a>,
}

#[derive(Serialize)]
struct Function<'a> {
    name: &'a str,
    /// JSON within a JSON string.
    arguments: String,
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
    /// `official`: for OpenAI itself rather than a server that speaks like it.
    pub(super) fn new(model: &'a str, request: &'a ChatRequest, official: bool) -> Self {
        let system = Some(request.system.as_str()).filter(|text| !text.is_empty());
        Self {
            model,
            messages: system
                .map(|content| Message::System { content })
                .into_iter()
                .chain(request.messages.iter().map(Message::new))
                .collect(),
            tools: request.tools.iter().map(Tool::new).collect(),
            max_tokens: request.max_output_tokens.filter(|_| !official),
            max_completion_tokens: request.max_output_tokens.filter(|_| official),
            stream: true,
            stream_options: StreamOptions { include_usage: true },
        }
    }
}

impl<'a> Message<'a> {
    fn new(message: &'a ChatMessage) -> Self {
        match message {
            ChatMessage::User { content } => Self::User { content: content.text() },
            ChatMessage::Assistant { text, tool_calls, .. } => Self::Assistant {
                content: Some(text.as_str()).filter(|text| !text.is_empty() || tool_calls.is_empty()),
                tool_calls: tool_calls.iter().map(Called::new).collect(),
            },
            ChatMessage::Tool { call_id, content, .. } => Self::Tool { tool_call_id: call_id, content: content.text() },
        }
    }
}

impl<'a> Called<'a> {
    fn new(call: &'a ToolCall) -> Self {
        let function = Function { name: &call.name, arguments: call.arguments.to_string() };
        Self { id: &call.id, r#type: "function", function }
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
    use serde_json::{json, to_value};

    use super::*;
    use crate::golden;

    #[test]
    fn a_conversation_with_parallel_tools_becomes_a_body() {
        assert_eq!(
            to_value(Body::new("scripted-1", &golden::request(), false)).unwrap(),
            json!({
                "model": "scripted-1",
                "messages": [
                    {"role": "system", "content": "You are Mara."},
                    {"role": "user", "content": "Hello"},
                    {"role": "assistant", "content": "Good day."},
                    {"role": "user", "content": "What time is it, and what is 2+2?"},
                    {"role": "assistant", "content": null, "tool_calls": [
                        {"id": "call_1", "type": "function", "function": {"name": "date_time", "arguments": "{\"zone\":\"UTC\"}"}},
                        {"id": "functions.calculator:1", "type": "function", "function": {"name": "calculator", "arguments": "{\"expression\":\"2+2\"}"}},
                    ]},
                    {"role": "tool", "tool_call_id": "call_1", "content": "09:17"},
                    {"role": "tool", "tool_call_id": "functions.calculator:1", "content": "division by zero"},
                ],
                "tools": [{"type": "function", "function": {
                    "name": "date_time", "description": "Tells the time.",
                    "parameters": {"type": "object", "properties": {"zone": {"type": "string"}}},
                }}],
                "max_tokens": 256,
                "stream": true,
                "stream_options": {"include_usage": true},
            })
        );
    }

    #[test]
    fn openai_itself_is_told_the_limit_by_its_newer_name() {
        let request = golden::request();
        let body = to_value(Body::new("gpt-5.4", &request, true)).unwrap();
        assert_eq!(body["max_completion_tokens"], 256);
        assert!(body.get("max_tokens").is_none());
    }

    #[test]
    fn what_there_is_nothing_of_is_left_out() {
        let request = ChatRequest { messages: vec![ChatMessage::user("Hi")], ..ChatRequest::default() };
        assert_eq!(
            to_value(Body::new("m", &request, false)).unwrap(),
            json!({"model": "m", "messages": [{"role": "user", "content": "Hi"}], "stream": true,
                   "stream_options": {"include_usage": true}})
        );
    }
}
