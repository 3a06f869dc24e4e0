use std::borrow::Cow;

use serde::Serialize;
use serde_json::{Value, json};

use crate::request::{ChatMessage, ChatRequest, Echo, ToolCall, ToolSpec};

/// The protocol wants a limit; this one is asked for where the request names none.
const MAX_TOKENS: u32 = 4096;

#[derive(Serialize)]
pub(super) struct Body<'a> {
    model: &'a str,
    max_tokens: u32,
    #[serde(skip_serializing_if = "str::is_empty")]
    system: &'a str,
    messages: Vec<Message<'a>>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    tools: Vec<Tool<'a>>,
    stream: bool,
}

#[derive(Serialize)]
struct Message<'a> {
    role: Role,
    content: Vec<Block<'a>>,
}

#[derive(Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
enum Role {
    User,
    Assistant,
}

#[derive(Serialize)]
#[serde(tag = "type", rename_all = "snake_case")]
enum Block<'a> {
    Text {
        text: Cow<'a, str>,
    },
    ToolUse {
        id: Cow<'a, str>,
        name: &'a str,
        input: Cow<'a, Value>,
    },
    ToolResult {
        tool_use_id: Cow<'a, str>,
        #[serde(skip_serializing_if = "str::is_empty")]
        content: Cow<'a, str>,
        #[serde(skip_serializing_if = "std::ops::Not::not")]
        is_error: bool,
    },
    /// A part of an answer of this very model, as it was.
    #[serde(untagged)]
    Echo(&'a Value),
}

#[derive(Serialize)]
struct Tool<'a> {
    name: &'a str,
    description: &'a str,
    input_schema: &'a Value,
}

impl<'a> Body<'a> {
    pub(super) fn new(model: &'a str, request: &'a ChatRequest) -> Self {
        Self {
            model,
            max_tokens: request.max_output_tokens.unwrap_or(MAX_TOKENS),
            system: &request.system,
            messages: turns(&request.messages, model),
            tools: request.tools.iter().map(Tool::new).collect(),
            stream: true,
        }
    }
}

/// The protocol knows two speakers that take turns: what stands side by side goes into one turn, all results of
/// parallel tools into the one that follows their calls.
fn turns<'a>(messages: &'a [ChatMessage], model: &str) -> Vec<Message<'a>> {
    let mut turns: Vec<Message<'a>> = Vec::with_capacity(messages.len());
    for message in messages {
        let (role, blocks) = blocks(message, model);
        if blocks.is_empty() {
            continue;
        }
        match turns.last_mut().filter(|turn| turn.role == role) {
            Some(turn) => turn.content.extend(blocks),
            None => turns.push(Message { role, content: blocks }),
        }
    }
    turns
}

fn blocks<'a>(message: &'a ChatMessage, model: &str) -> (Role, Vec<Block<'a>>) {
    match message {
        ChatMessage::User { content } => (Role::User, Block::text(content.text()).into_iter().collect()),
        ChatMessage::Assistant { text, tool_calls, .. } => {
            if let Some(echo) = echo(tool_calls, model) {
                return (Role::Assistant, echo.content.iter().map(Block::Echo).collect());
            }
            (Role::Assistant, Block::text(text.into()).into_iter().chain(tool_calls.iter().map(Block::call)).collect())
        }
        ChatMessage::Tool { call_id, content, is_error, .. } => {
            let result =
                Block::ToolResult { tool_use_id: plain_id(call_id), content: content.text(), is_error: *is_error };
            (Role::User, vec![result])
        }
    }
}

fn echo<'a>(calls: &'a [ToolCall], model: &str) -> Option<&'a Echo> {
    calls.first()?.echo.as_ref().filter(|echo| echo.model == model)
}

impl<'a> Block<'a> {
    /// Empty text blocks are refused.
    fn text(text: Cow<'a, str>) -> Option<Self> {
        (!text.trim().is_empty()).then_some(Self::Text { text })
    }

    fn call(call: &'a ToolCall) -> Self {
        let input = if call.arguments.is_object() { Cow::Borrowed(&call.arguments) } else { Cow::Owned(json!({})) };
        Self::ToolUse { id: plain_id(&call.id), name: &call.name, input }
    }
}

/// Ids must match `[a-zA-Z0-9_-]+`; those of another provider, earlier in the conversation, need not.
fn plain_id(id: &str) -> Cow<'_, str> {
    let plain = |c: char| c.is_ascii_alphanumeric() || c == '_' || c == '-';
    if id.chars().all(plain) { Cow::Borrowed(id) } else { Cow::Owned(id.replace(|c| !plain(c), "_")) }
}

impl<'a> Tool<'a> {
    fn new(tool: &'a ToolSpec) -> Self {
        Self { name: &tool.name, description: &tool.description, input_schema: &tool.parameters }
    }
}

#[cfg(test)]
mod tests {
    use serde_json::to_value;

    use super::*;
    use crate::golden;

    #[test]
    fn a_conversation_with_parallel_tools_becomes_a_body_with_all_results_in_one_turn() {
        let text = |text: &str| json!([{"type": "text", "text": text}]);
        assert_eq!(
            to_value(Body::new("claude-sonnet-5", &golden::request())).unwrap(),
            json!({
                "model": "claude-sonnet-5",
                "max_tokens": 256,
                "system": "You are Mara.",
                "messages": [
                    {"role": "user", "content": text("Hello")},
                    {"role": "assistant", "content": text("Good day.")},
                    {"role": "user", "content": text("What time is it, and what is 2+2?")},
                    {"role": "assistant", "content": [
                        {"type": "tool_use", "id": "call_1", "name": "date_time", "input": {"zone": "UTC"}},
                        {"type": "tool_use", "id": "functions_calculator_1", "name": "calculator", "input": {"expression": "2+2"}},
                    ]},
                    {"role": "user", "content": [
                        {"type": "tool_result", "tool_use_id": "call_1", "content": "09:17"},
                        {"type": "tool_result", "tool_use_id": "functions_calculator_1", "content": "division by zero", "is_error": true},
                    ]},
                ],
                "tools": [{"name": "date_time", "description": "Tells the time.",
                           "input_schema": {"type": "object", "properties": {"zone": {"type": "string"}}}}],
                "stream": true,
            })
        );
    }

    #[test]
    fn thoughts_go_back_to_the_model_that_had_them_and_to_no_other() {
        let content = vec![
            json!({"type": "thinking", "thinking": "", "signature": "s"}),
            json!({"type": "tool_use", "id": "a", "name": "t", "input": {}}),
        ];
        let echo = Some(Echo { model: "claude-sonnet-5-5".into(), content: content.clone() });
        let call = ToolCall { echo, ..golden::call("a", "t", json!({})) };
        let message = ChatMessage::Assistant { thoughts: vec![], text: String::new(), tool_calls: vec![call] };
        let request = ChatRequest { messages: vec![message], ..ChatRequest::default() };
        let sent = |model| to_value(Body::new(model, &request)).unwrap()["messages"][0]["content"].clone();
        assert_eq!(sent("claude-sonnet-5-5"), json!(content));
        assert_eq!(sent("claude-haiku-4-5"), json!([content[1]]));
    }

    #[test]
    fn side_by_side_messages_share_a_turn_and_empty_ones_take_none() {
        let user = |text: &str| ChatMessage::user(text);
        let request =
            ChatRequest { messages: vec![user("a"), ChatMessage::assistant(" "), user("b")], ..ChatRequest::default() };
        assert_eq!(
            to_value(Body::new("m", &request)).unwrap(),
            json!({"model": "m", "max_tokens": 4096, "stream": true, "messages": [
                {"role": "user", "content": [{"type": "text", "text": "a"}, {"type": "text", "text": "b"}]}]})
        );
    }
}
