use std::borrow::Cow;

use serde::Serialize;
use serde_json::{Value, json};

use crate::fault::Fault;
use crate::request::{
    ChatMessage, ChatRequest, Content, Effort, Image, OutputFormat, Sampling, Thinking, Thought, ToolCall, ToolChoice,
    ToolSpec,
};

#[derive(Serialize)]
pub(super) struct Body<'a> {
    model: &'a str,
    messages: Vec<Message<'a>>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    tools: Vec<Tool<'a>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    format: Option<Cow<'a, Value>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    think: Option<Think>,
    #[serde(skip_serializing_if = "Options::is_empty")]
    options: Options<'a>,
    stream: bool,
}

#[derive(Serialize)]
struct Options<'a> {
    #[serde(skip_serializing_if = "Option::is_none")]
    num_predict: Option<u32>,
    #[serde(skip_serializing_if = "Option::is_none")]
    temperature: Option<f64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    top_p: Option<f64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    top_k: Option<u32>,
    #[serde(skip_serializing_if = "<[_]>::is_empty")]
    stop: &'a [String],
    #[serde(skip_serializing_if = "Option::is_none")]
    seed: Option<i64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    presence_penalty: Option<f64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    frequency_penalty: Option<f64>,
}

#[derive(Serialize)]
#[serde(untagged)]
enum Think {
    Whether(bool),
    HowMuch(&'static str),
}

#[derive(Serialize)]
#[serde(tag = "role", rename_all = "snake_case")]
enum Message<'a> {
    System {
        content: &'a str,
    },
    User {
        content: Cow<'a, str>,
        #[serde(skip_serializing_if = "Vec::is_empty")]
        images: Vec<&'a str>,
    },
    Assistant {
        content: &'a str,
        #[serde(skip_serializing_if = "String::is_empty")]
        thinking: String,
        #[serde(skip_serializing_if = "Vec::is_empty")]
        tool_calls: Vec<Called<'a>>,
    },
    /// Told apart by the tool's name: there are no ids.
    Tool {
        tool_name: &'a str,
        content: Cow<'a, str>,
        #[serde(skip_serializing_if = "Vec::is_empty")]
        images: Vec<&'a str>,
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
    pub(super) fn new(model: &'a str, request: &'a ChatRequest) -> Result<Self, Fault> {
        let system = Some(request.system.as_str()).filter(|text| !text.is_empty());
        let mut messages: Vec<Message<'a>> = system.map(|content| Message::System { content }).into_iter().collect();
        for message in &request.messages {
            messages.push(Message::new(message)?);
        }
        Ok(Self {
            model,
            messages,
            tools: offered(request).map(Tool::new).collect(),
            format: match &request.output {
                OutputFormat::Text => None,
                OutputFormat::Json => Some(Cow::Owned(json!("json"))),
                OutputFormat::Schema { schema, .. } => Some(Cow::Borrowed(schema)),
            },
            think: request.thinking.and_then(|thinking| Think::new(thinking, model)),
            options: Options::new(request.max_output_tokens, &request.sampling),
            stream: true,
        })
    }
}

/// There is no choice of tools, so that the choice is made here: none, or the one. Whether one must be called at all
/// cannot be said.
fn offered(request: &ChatRequest) -> impl Iterator<Item = &ToolSpec> {
    request.tools.iter().filter(|tool| match &request.tool_choice {
        ToolChoice::Auto | ToolChoice::Any => true,
        ToolChoice::Never => false,
        ToolChoice::Tool(name) => tool.name == *name,
    })
}

impl Think {
    /// Models that can think do so unless they are told not to, and to all others the word must not be said.
    fn new(thinking: Thinking, model: &str) -> Option<Self> {
        let effort = match thinking {
            Thinking::Off => return Some(Self::Whether(false)),
            Thinking::Effort(effort) => effort,
            Thinking::Tokens(0..=2_048) => Effort::Low,
            Thinking::Tokens(2_049..=8_192) => Effort::Medium,
            Thinking::Tokens(8_193..) => Effort::High,
        };
        let level = match effort {
            Effort::Minimal | Effort::Low => "low",
            Effort::Medium => "medium",
            Effort::High | Effort::Highest => "high",
        };
        model.contains("gpt-oss").then_some(Self::HowMuch(level))
    }
}

impl<'a> Options<'a> {
    fn new(num_predict: Option<u32>, sampling: &'a Sampling) -> Self {
        Self {
            num_predict,
            temperature: sampling.temperature,
            top_p: sampling.top_p,
            top_k: sampling.top_k,
            stop: &sampling.stop,
            seed: sampling.seed,
            presence_penalty: sampling.presence_penalty,
            frequency_penalty: sampling.frequency_penalty,
        }
    }

    fn is_empty(&self) -> bool {
        let numbers = [self.temperature, self.top_p, self.presence_penalty, self.frequency_penalty];
        let counts = [self.num_predict, self.top_k];
        numbers.iter().all(Option::is_none)
            && counts.iter().all(Option::is_none)
            && self.seed.is_none()
            && self.stop.is_empty()
    }
}

impl<'a> Message<'a> {
    fn new(message: &'a ChatMessage) -> Result<Self, Fault> {
        Ok(match message {
            ChatMessage::User { content } => Self::User { content: content.text(), images: images(content)? },
            ChatMessage::Assistant { thoughts, text, tool_calls } => Self::Assistant {
                content: text,
                thinking: thoughts.iter().filter_map(told).collect(),
                tool_calls: tool_calls.iter().map(Called::new).collect(),
            },
            ChatMessage::Tool { name, content, .. } => {
                Self::Tool { tool_name: name, content: content.text(), images: images(content)? }
            }
        })
    }
}

fn images<'a>(content: &'a Content) -> Result<Vec<&'a str>, Fault> {
    let data = |image: &'a Image| match image {
        Image::Data { base64, .. } => Ok(base64.as_str()),
        // Ollama fetches nothing.
        Image::Url { .. } => Err(Fault::Unfit("it takes images by their data, not by an address")),
    };
    content.images().map(data).collect()
}

fn told(thought: &Thought) -> Option<&str> {
    match thought {
        Thought::Open { text, .. } => Some(text),
        Thought::Sealed { .. } => None,
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
    use crate::request::Part;

    #[test]
    fn a_conversation_with_parallel_tools_becomes_a_body() {
        assert_eq!(
            to_value(Body::new("llama3.2", &golden::request()).unwrap()).unwrap(),
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

    fn sent(model: &str, request: &ChatRequest) -> Value {
        to_value(Body::new(model, request).unwrap()).unwrap()
    }

    #[test]
    fn images_go_along_as_data_and_by_an_address_not_at_all() {
        let with = |image| {
            let parts = vec![Part::Text { text: "What is this?".into() }, Part::Image { image }];
            let messages = vec![ChatMessage::User { content: Content(parts) }];
            Body::new("llava", &ChatRequest { messages, ..ChatRequest::default() }).map(|body| to_value(body).unwrap())
        };
        let sent = with(Image::Data { media_type: "image/png".into(), base64: "aGk=".into() }).unwrap();
        assert_eq!(sent["messages"][0], json!({"role": "user", "content": "What is this?", "images": ["aGk="]}));
        assert!(matches!(with(Image::Url { url: "https://e.org/a.png".into() }), Err(Fault::Unfit(_))));
    }

    #[test]
    fn the_choice_of_tools_is_made_beforehand() {
        let names = |tool_choice| {
            let tools = sent("m", &ChatRequest { tool_choice, ..golden::request() })["tools"].clone();
            tools.as_array().map_or(0, Vec::len)
        };
        assert_eq!(names(ToolChoice::Any), 1);
        assert_eq!(names(ToolChoice::Never), 0);
        assert_eq!(names(ToolChoice::Tool("date_time".into())), 1);
        assert_eq!(names(ToolChoice::Tool("another".into())), 0);
    }

    #[test]
    fn how_much_to_think_is_said_to_models_that_are_known_to_understand() {
        let think = |model, thinking| {
            sent(model, &ChatRequest { thinking: Some(thinking), ..ChatRequest::default() })["think"].clone()
        };
        assert_eq!(think("qwen3:8b", Thinking::Off), json!(false));
        assert_eq!(think("llama3.2", Thinking::Effort(Effort::High)), Value::Null);
        assert_eq!(think("gpt-oss:20b", Thinking::Effort(Effort::Highest)), json!("high"));
        assert_eq!(think("gpt-oss:20b", Thinking::Tokens(4_096)), json!("medium"));
    }

    #[test]
    fn the_form_of_the_answer_is_json_or_a_schema() {
        let format = |output| sent("m", &ChatRequest { output, ..ChatRequest::default() })["format"].clone();
        assert_eq!(format(OutputFormat::Text), Value::Null);
        assert_eq!(format(OutputFormat::Json), json!("json"));
        let schema = OutputFormat::Schema { name: "x".into(), schema: json!({"type": "object"}), strict: true };
        assert_eq!(format(schema), json!({"type": "object"}));
    }
}
