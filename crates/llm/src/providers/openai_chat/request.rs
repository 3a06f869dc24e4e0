use std::borrow::Cow;

use serde::Serialize;
use serde_json::Value;

use super::dialect::Dialect;
use crate::request::{
    ChatMessage, ChatRequest, Content, Image, OutputFormat, Part, Sampling, Thought, ToolCall, ToolChoice, ToolSpec,
};

#[derive(Serialize)]
pub(super) struct Body<'a> {
    model: &'a str,
    messages: Vec<Message<'a>>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    tools: Vec<Tool<'a>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    tool_choice: Option<Choice<'a>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    parallel_tool_calls: Option<bool>,
    #[serde(skip_serializing_if = "Option::is_none")]
    response_format: Option<Format<'a>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    max_tokens: Option<u32>,
    #[serde(skip_serializing_if = "Option::is_none")]
    max_completion_tokens: Option<u32>,
    #[serde(flatten)]
    sampling: Sampled<'a>,
    #[serde(skip_serializing_if = "Option::is_none")]
    reasoning_effort: Option<&'static str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    user: Option<&'a str>,
    stream: bool,
    stream_options: StreamOptions,
}

#[derive(Serialize)]
struct StreamOptions {
    include_usage: bool,
}

#[derive(Default, Serialize)]
struct Sampled<'a> {
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
#[serde(tag = "role", rename_all = "snake_case")]
enum Message<'a> {
    System {
        content: &'a str,
    },
    User {
        content: Words<'a>,
    },
    Assistant {
        /// Null beside tool calls.
        content: Option<&'a str>,
        #[serde(skip_serializing_if = "String::is_empty")]
        reasoning_content: String,
        #[serde(skip_serializing_if = "Vec::is_empty")]
        tool_calls: Vec<Called<'a>>,
    },
    Tool {
        tool_call_id: &'a str,
        content: Cow<'a, str>,
    },
}

#[derive(Serialize)]
#[serde(untagged)]
enum Words<'a> {
    Text(Cow<'a, str>),
    Parts(Vec<Piece<'a>>),
}

#[derive(Serialize)]
#[serde(tag = "type", rename_all = "snake_case")]
enum Piece<'a> {
    Text { text: &'a str },
    ImageUrl { image_url: ImageUrl<'a> },
}

#[derive(Serialize)]
struct ImageUrl<'a> {
    url: Cow<'a, str>,
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

#[derive(Serialize)]
#[serde(untagged)]
enum Choice<'a> {
    Plain(&'static str),
    Function { r#type: &'static str, function: Named<'a> },
}

#[derive(Serialize)]
struct Named<'a> {
    name: &'a str,
}

#[derive(Serialize)]
#[serde(tag = "type", rename_all = "snake_case")]
enum Format<'a> {
    JsonObject,
    JsonSchema { json_schema: Schema<'a> },
}

#[derive(Serialize)]
struct Schema<'a> {
    name: &'a str,
    schema: &'a Value,
    strict: bool,
}

impl<'a> Body<'a> {
    pub(super) fn new(model: &'a str, request: &'a ChatRequest, dialect: Dialect) -> Self {
        let (limit, newer) = (request.max_output_tokens, dialect.knows_max_completion_tokens());
        // Without tools, what is said of them is refused.
        let with_tools = !request.tools.is_empty();
        Self {
            model,
            messages: messages(request, dialect),
            tools: request.tools.iter().map(Tool::new).collect(),
            tool_choice: Choice::new(&request.tool_choice).filter(|_| with_tools),
            parallel_tool_calls: request.parallel_tools.filter(|_| with_tools),
            response_format: Format::new(&request.output),
            max_tokens: limit.filter(|_| !newer),
            max_completion_tokens: limit.filter(|_| newer),
            sampling: Sampled::new(&request.sampling, dialect),
            reasoning_effort: request.thinking.and_then(|thinking| dialect.effort(thinking)),
            user: request.user.as_deref(),
            stream: true,
            stream_options: StreamOptions { include_usage: true },
        }
    }
}

fn messages(request: &ChatRequest, dialect: Dialect) -> Vec<Message<'_>> {
    let mut messages = Vec::with_capacity(request.messages.len() + 1);
    messages.extend(
        Some(request.system.as_str()).filter(|text| !text.is_empty()).map(|content| Message::System { content }),
    );
    // Tools answer in words alone: the images that came with them are shown after the last of their results.
    let mut images: Vec<Piece<'_>> = Vec::new();
    for message in &request.messages {
        if !matches!(message, ChatMessage::Tool { .. }) {
            show(&mut images, &mut messages);
        }
        messages.push(Message::new(message, dialect));
        if let ChatMessage::Tool { content, .. } = message {
            images.extend(content.images().map(Piece::image));
        }
    }
    show(&mut images, &mut messages);
    messages
}

fn show<'a>(images: &mut Vec<Piece<'a>>, messages: &mut Vec<Message<'a>>) {
    if !images.is_empty() {
        let said = Piece::Text { text: "What the tools showed:" };
        let parts = std::iter::once(said).chain(images.drain(..)).collect();
        messages.push(Message::User { content: Words::Parts(parts) });
    }
}

impl<'a> Message<'a> {
    fn new(message: &'a ChatMessage, dialect: Dialect) -> Self {
        match message {
            ChatMessage::User { content } => Self::User { content: Words::new(content) },
            ChatMessage::Assistant { thoughts, text, tool_calls } => Self::Assistant {
                content: Some(text.as_str()).filter(|text| !text.is_empty() || tool_calls.is_empty()),
                // Models that thought before a call want to be reminded when they get its result; beside answers
                // without calls some servers refuse it.
                reasoning_content: match dialect.takes_more_than_openai() && !tool_calls.is_empty() {
                    true => thoughts.iter().filter_map(told).collect(),
                    false => String::new(),
                },
                tool_calls: tool_calls.iter().map(Called::new).collect(),
            },
            ChatMessage::Tool { call_id, content, .. } => Self::Tool { tool_call_id: call_id, content: content.text() },
        }
    }
}

fn told(thought: &Thought) -> Option<&str> {
    match thought {
        Thought::Open { text, .. } => Some(text),
        Thought::Sealed { .. } => None,
    }
}

impl<'a> Words<'a> {
    fn new(content: &'a Content) -> Self {
        if content.images().next().is_none() {
            return Self::Text(content.text());
        }
        let piece = |part: &'a Part| match part {
            Part::Text { text } => Piece::Text { text },
            Part::Image { image } => Piece::image(image),
        };
        Self::Parts(content.0.iter().map(piece).collect())
    }
}

impl<'a> Piece<'a> {
    fn image(image: &'a Image) -> Self {
        let url = match image {
            Image::Url { url } => Cow::Borrowed(url.as_str()),
            Image::Data { media_type, base64 } => Cow::Owned(format!("data:{media_type};base64,{base64}")),
        };
        Self::ImageUrl { image_url: ImageUrl { url } }
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

impl<'a> Choice<'a> {
    fn new(choice: &'a ToolChoice) -> Option<Self> {
        match choice {
            ToolChoice::Auto => None,
            ToolChoice::Never => Some(Self::Plain("none")),
            ToolChoice::Any => Some(Self::Plain("required")),
            ToolChoice::Tool(name) => Some(Self::Function { r#type: "function", function: Named { name } }),
        }
    }
}

impl<'a> Format<'a> {
    fn new(output: &'a OutputFormat) -> Option<Self> {
        match output {
            OutputFormat::Text => None,
            OutputFormat::Json => Some(Self::JsonObject),
            OutputFormat::Schema { name, schema, strict } => {
                Some(Self::JsonSchema { json_schema: Schema { name, schema, strict: *strict } })
            }
        }
    }
}

impl<'a> Sampled<'a> {
    fn new(sampling: &'a Sampling, dialect: Dialect) -> Self {
        if !dialect.takes_sampling() {
            return Self { stop: &sampling.stop, seed: sampling.seed, ..Self::default() };
        }
        Self {
            temperature: sampling.temperature,
            top_p: sampling.top_p,
            top_k: sampling.top_k.filter(|_| dialect.takes_more_than_openai()),
            stop: &sampling.stop,
            seed: sampling.seed,
            presence_penalty: sampling.presence_penalty,
            frequency_penalty: sampling.frequency_penalty,
        }
    }
}

#[cfg(test)]
mod tests {
    use serde_json::{json, to_value};

    use super::super::dialect::Series;
    use super::*;
    use crate::golden;
    use crate::request::{Effort, Thinking};

    #[test]
    fn a_conversation_with_parallel_tools_becomes_a_body() {
        assert_eq!(
            to_value(Body::new("scripted-1", &golden::request(), Dialect::Other)).unwrap(),
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
        let body = to_value(Body::new("gpt-5.4", &request, Dialect::Plain)).unwrap();
        assert_eq!(body["max_completion_tokens"], 256);
        assert!(body.get("max_tokens").is_none());
    }

    #[test]
    fn what_there_is_nothing_of_is_left_out() {
        let request = ChatRequest { messages: vec![ChatMessage::user("Hi")], ..ChatRequest::default() };
        assert_eq!(
            to_value(Body::new("m", &request, Dialect::Other)).unwrap(),
            json!({"model": "m", "messages": [{"role": "user", "content": "Hi"}], "stream": true,
                   "stream_options": {"include_usage": true}})
        );
    }

    fn sent(request: &ChatRequest, dialect: Dialect) -> Value {
        to_value(Body::new("m", request, dialect)).unwrap()
    }

    #[test]
    fn models_that_think_are_told_how_much_and_not_how_to_choose() {
        let sampling = Sampling { temperature: Some(0.5), top_k: Some(7), seed: Some(1), ..Sampling::default() };
        let thinking = Some(Thinking::Effort(Effort::Low));
        let request = ChatRequest { sampling, thinking, ..ChatRequest::default() };
        let of = |dialect| {
            let body = sent(&request, dialect);
            ["temperature", "top_k", "seed", "reasoning_effort"].map(|name| body[name].clone())
        };
        assert_eq!(of(Dialect::Thinking(Series::O)), [json!(null), json!(null), json!(1), json!("low")]);
        assert_eq!(of(Dialect::Plain), [json!(0.5), json!(null), json!(1), json!(null)]);
        assert_eq!(of(Dialect::Other), [json!(0.5), json!(7), json!(1), json!("low")]);
    }

    #[test]
    fn images_of_tools_are_shown_after_all_their_results() {
        let image = || Part::Image { image: Image::Data { media_type: "image/png".into(), base64: "aGk=".into() } };
        let result = |id: &str, content: Content| ChatMessage::Tool {
            call_id: id.into(),
            name: "camera".into(),
            content,
            is_error: false,
        };
        let text = |text: &str| Part::Text { text: text.into() };
        let messages = vec![
            result("a", Content(vec![text("One."), image()])),
            result("b", "Two.".into()),
            ChatMessage::user("And now?"),
        ];
        let body = sent(&ChatRequest { messages, ..ChatRequest::default() }, Dialect::Plain);
        assert_eq!(
            body["messages"],
            json!([
                {"role": "tool", "tool_call_id": "a", "content": "One."},
                {"role": "tool", "tool_call_id": "b", "content": "Two."},
                {"role": "user", "content": [
                    {"type": "text", "text": "What the tools showed:"},
                    {"type": "image_url", "image_url": {"url": "data:image/png;base64,aGk="}}]},
                {"role": "user", "content": "And now?"},
            ])
        );
    }

    #[test]
    fn thoughts_before_a_call_go_back_to_servers_that_know_them() {
        let thoughts = vec![Thought::Open { text: "Hm.".into(), signature: Some("c2ln".into()) }];
        let call = golden::call("a", "t", json!({}));
        let message = ChatMessage::Assistant { thoughts, text: String::new(), tool_calls: vec![call] };
        let request = ChatRequest { messages: vec![message], ..ChatRequest::default() };
        assert_eq!(sent(&request, Dialect::Other)["messages"][0]["reasoning_content"], "Hm.");
        assert!(sent(&request, Dialect::Plain)["messages"][0].get("reasoning_content").is_none());
    }

    #[test]
    fn nothing_is_said_of_tools_where_there_are_none() {
        let request =
            ChatRequest { tool_choice: ToolChoice::Never, parallel_tools: Some(false), ..ChatRequest::default() };
        let body = sent(&request, Dialect::Plain);
        assert!(body.get("tool_choice").is_none() && body.get("parallel_tool_calls").is_none());
    }
}
