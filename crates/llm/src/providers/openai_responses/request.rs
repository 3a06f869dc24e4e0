use std::borrow::Cow;
use std::hash::{DefaultHasher, Hash, Hasher};

use serde::Serialize;
use serde_json::Value;

use super::super::openai_chat::dialect::Dialect;
use crate::request::{
    ChatMessage, ChatRequest, Content, Echo, Image, OutputFormat, Part, Thinking, Thought, ToolCall, ToolChoice,
    ToolSpec,
};
use crate::vendor::Vendor;

/// A lower limit is refused.
const LEAST_OUTPUT: u32 = 16;
/// A longer id of a call is refused.
const LONGEST_ID: usize = 64;

#[derive(Serialize)]
pub(super) struct Body<'a> {
    model: &'a str,
    #[serde(skip_serializing_if = "str::is_empty")]
    instructions: &'a str,
    input: Vec<Item<'a>>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    tools: Vec<Tool<'a>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    tool_choice: Option<Choice<'a>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    parallel_tool_calls: Option<bool>,
    #[serde(skip_serializing_if = "Option::is_none")]
    text: Option<TextOptions<'a>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    reasoning: Option<Reasoning>,
    #[serde(skip_serializing_if = "<[_]>::is_empty")]
    include: &'static [&'static str],
    #[serde(skip_serializing_if = "Option::is_none")]
    max_output_tokens: Option<u32>,
    #[serde(skip_serializing_if = "Option::is_none")]
    temperature: Option<f64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    top_p: Option<f64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    user: Option<&'a str>,
    /// The conversation is ours to keep.
    store: bool,
    stream: bool,
}

#[derive(Serialize)]
#[serde(tag = "type", rename_all = "snake_case")]
enum Item<'a> {
    Message {
        role: &'static str,
        content: Said<'a>,
    },
    Reasoning {
        summary: Vec<Summary<'a>>,
        encrypted_content: &'a str,
    },
    FunctionCall {
        call_id: Cow<'a, str>,
        name: &'a str,
        /// JSON within a JSON string.
        arguments: String,
    },
    FunctionCallOutput {
        call_id: Cow<'a, str>,
        output: Said<'a>,
    },
    /// A part of an answer of this very model, as it was.
    #[serde(untagged)]
    Echo(&'a Value),
}

#[derive(Serialize)]
#[serde(tag = "type", rename_all = "snake_case")]
enum Block<'a> {
    InputText { text: &'a str },
    InputImage { image_url: Cow<'a, str>, detail: &'static str },
}

/// What the model said is text: as parts it would need an id, which only what is stored has.
#[derive(Serialize)]
#[serde(untagged)]
enum Said<'a> {
    Text(Cow<'a, str>),
    Blocks(Vec<Block<'a>>),
}

#[derive(Serialize)]
#[serde(tag = "type", rename_all = "snake_case")]
enum Summary<'a> {
    SummaryText { text: &'a str },
}

#[derive(Serialize)]
struct Tool<'a> {
    r#type: &'static str,
    name: &'a str,
    description: &'a str,
    parameters: &'a Value,
    /// Strict is the protocol's default, and refuses most schemas.
    strict: bool,
}

#[derive(Serialize)]
#[serde(untagged)]
enum Choice<'a> {
    Mode(&'static str),
    Tool { r#type: &'static str, name: &'a str },
}

#[derive(Serialize)]
struct TextOptions<'a> {
    format: Format<'a>,
}

#[derive(Serialize)]
#[serde(tag = "type", rename_all = "snake_case")]
enum Format<'a> {
    JsonObject,
    JsonSchema { name: &'a str, schema: &'a Value, strict: bool },
}

#[derive(Serialize)]
struct Reasoning {
    effort: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    summary: Option<&'static str>,
}

impl<'a> Body<'a> {
    pub(super) fn new(model: &'a str, request: &'a ChatRequest, dialect: Dialect) -> Self {
        let effort = request.thinking.and_then(|thinking| dialect.effort(thinking));
        let thinks = effort.is_some() && request.thinking != Some(Thinking::Off);
        let sampling = Some(&request.sampling).filter(|_| dialect.takes_sampling());
        Self {
            model,
            instructions: &request.system,
            input: request.messages.iter().flat_map(|message| items(message, model)).collect(),
            tools: request.tools.iter().map(Tool::new).collect(),
            tool_choice: Choice::new(&request.tool_choice).filter(|_| !request.tools.is_empty()),
            parallel_tool_calls: request.parallel_tools.filter(|_| !request.tools.is_empty()),
            text: Format::new(&request.output).map(|format| TextOptions { format }),
            reasoning: effort.map(|effort| Reasoning { effort, summary: thinks.then_some("auto") }),
            // Refused by models that do not think.
            include: if thinks { &["reasoning.encrypted_content"] } else { &[] },
            max_output_tokens: request.max_output_tokens.map(|limit| limit.max(LEAST_OUTPUT)),
            temperature: sampling.and_then(|sampling| sampling.temperature),
            top_p: sampling.and_then(|sampling| sampling.top_p),
            user: request.user.as_deref(),
            store: false,
            stream: true,
        }
    }
}

fn items<'a>(message: &'a ChatMessage, model: &str) -> Vec<Item<'a>> {
    match message {
        ChatMessage::User { content } => {
            let blocks = Block::all(content);
            let item = (!blocks.is_empty()).then_some(Item::Message { role: "user", content: Said::Blocks(blocks) });
            item.into_iter().collect()
        }
        ChatMessage::Assistant { thoughts, text, tool_calls } => {
            if let Some(echo) = echo(tool_calls, model) {
                return echo.content.iter().map(Item::Echo).collect();
            }
            let said =
                (!text.is_empty()).then(|| Item::Message { role: "assistant", content: Said::Text(text.into()) });
            thoughts.iter().filter_map(Item::thought).chain(said).chain(tool_calls.iter().map(Item::call)).collect()
        }
        ChatMessage::Tool { call_id, content, .. } => {
            vec![Item::FunctionCallOutput { call_id: short_id(call_id), output: Said::result(content) }]
        }
    }
}

/// Another protocol's model may bear the same name: its parts are told by their kinds.
fn echo<'a>(calls: &'a [ToolCall], model: &str) -> Option<&'a Echo> {
    let own = |part: &Value| matches!(part["type"].as_str(), Some("reasoning" | "message" | "function_call"));
    calls.first()?.echo.as_ref().filter(|echo| echo.model == model && echo.content.iter().all(own))
}

impl<'a> Item<'a> {
    /// `None` for a thought of another vendor's model: it would be refused.
    fn thought(thought: &'a Thought) -> Option<Self> {
        let (text, proof) = match thought {
            Thought::Open { text, signature } => (text.as_str(), signature.as_deref()?),
            Thought::Sealed { data } => ("", data.as_str()),
        };
        let summary = (!text.is_empty()).then_some(Summary::SummaryText { text }).into_iter().collect();
        Some(Self::Reasoning { summary, encrypted_content: Vendor::OpenAi.own(proof)? })
    }

    fn call(call: &'a ToolCall) -> Self {
        Self::FunctionCall { call_id: short_id(&call.id), name: &call.name, arguments: call.arguments.to_string() }
    }
}

/// Ids of another provider, earlier in the conversation, may be longer than is taken.
fn short_id(id: &str) -> Cow<'_, str> {
    if id.len() <= LONGEST_ID {
        return Cow::Borrowed(id);
    }
    let mut hasher = DefaultHasher::new();
    id.hash(&mut hasher);
    Cow::Owned(format!("call_{:016x}", hasher.finish()))
}

impl<'a> Block<'a> {
    fn all(content: &'a Content) -> Vec<Self> {
        let block = |part: &'a Part| match part {
            Part::Text { text } => (!text.is_empty()).then_some(Self::InputText { text }),
            Part::Image { image } => Some(Self::InputImage { image_url: image_url(image), detail: "auto" }),
        };
        content.0.iter().filter_map(block).collect()
    }
}

fn image_url(image: &Image) -> Cow<'_, str> {
    match image {
        Image::Url { url } => Cow::Borrowed(url),
        Image::Data { media_type, base64 } => Cow::Owned(format!("data:{media_type};base64,{base64}")),
    }
}

impl<'a> Said<'a> {
    fn result(content: &'a Content) -> Self {
        match content.images().next() {
            Some(_) => Self::Blocks(Block::all(content)),
            None => Self::Text(content.text()),
        }
    }
}

impl<'a> Tool<'a> {
    fn new(tool: &'a ToolSpec) -> Self {
        let ToolSpec { name, description, parameters } = tool;
        Self { r#type: "function", name, description, parameters, strict: false }
    }
}

impl<'a> Choice<'a> {
    fn new(choice: &'a ToolChoice) -> Option<Self> {
        match choice {
            ToolChoice::Auto => None,
            ToolChoice::Never => Some(Self::Mode("none")),
            ToolChoice::Any => Some(Self::Mode("required")),
            ToolChoice::Tool(name) => Some(Self::Tool { r#type: "function", name }),
        }
    }
}

impl<'a> Format<'a> {
    fn new(output: &'a OutputFormat) -> Option<Self> {
        match output {
            OutputFormat::Text => None,
            OutputFormat::Json => Some(Self::JsonObject),
            OutputFormat::Schema { name, schema, strict } => Some(Self::JsonSchema { name, schema, strict: *strict }),
        }
    }
}

#[cfg(test)]
mod tests {
    use serde_json::{json, to_value};

    use super::*;
    use crate::golden;
    use crate::request::{Effort, Sampling};

    fn sent(request: &ChatRequest) -> Value {
        sent_to("gpt-5.4", request)
    }

    fn sent_to(model: &str, request: &ChatRequest) -> Value {
        to_value(Body::new(model, request, Dialect::of(Some("api.openai.com"), model))).unwrap()
    }

    fn assistant(thoughts: Vec<Thought>, text: &str, tool_calls: Vec<ToolCall>) -> ChatMessage {
        ChatMessage::Assistant { thoughts, text: text.into(), tool_calls }
    }

    #[test]
    fn a_conversation_with_parallel_tools_becomes_items() {
        let output = |id: &str, text: &str| json!({"type": "function_call_output", "call_id": id, "output": text});
        assert_eq!(
            sent(&golden::request()),
            json!({
                "model": "gpt-5.4",
                "instructions": "You are Mara.",
                "input": [
                    {"type": "message", "role": "user", "content": [{"type": "input_text", "text": "Hello"}]},
                    {"type": "message", "role": "assistant", "content": "Good day."},
                    {"type": "message", "role": "user",
                     "content": [{"type": "input_text", "text": "What time is it, and what is 2+2?"}]},
                    {"type": "function_call", "call_id": "call_1", "name": "date_time", "arguments": "{\"zone\":\"UTC\"}"},
                    {"type": "function_call", "call_id": "functions.calculator:1", "name": "calculator",
                     "arguments": "{\"expression\":\"2+2\"}"},
                    output("call_1", "09:17"),
                    output("functions.calculator:1", "division by zero"),
                ],
                "tools": [{"type": "function", "name": "date_time", "description": "Tells the time.",
                           "parameters": {"type": "object", "properties": {"zone": {"type": "string"}}}, "strict": false}],
                "max_output_tokens": 256,
                "store": false,
                "stream": true,
            })
        );
    }

    #[test]
    fn every_setting_that_the_protocol_knows_is_sent() {
        let request = ChatRequest {
            tool_choice: ToolChoice::Tool("date_time".into()),
            parallel_tools: Some(false),
            output: OutputFormat::Schema { name: "o".into(), schema: json!({"type": "object"}), strict: true },
            max_output_tokens: Some(1),
            sampling: Sampling { temperature: Some(0.5), top_p: Some(0.9), seed: Some(1), ..Sampling::default() },
            thinking: Some(Thinking::Effort(Effort::Highest)),
            user: Some("u".into()),
            ..golden::request()
        };
        let shown = |body: Value, names: &[&str]| json!(names.iter().map(|name| &body[*name]).collect::<Vec<_>>());
        let for_all = ["tool_choice", "parallel_tool_calls", "text", "max_output_tokens", "user"];
        assert_eq!(
            shown(sent(&request), &for_all),
            json!([
                {"type": "function", "name": "date_time"}, false,
                {"format": {"type": "json_schema", "name": "o", "schema": {"type": "object"}, "strict": true}}, 16, "u"
            ])
        );
        // Models that think choose their tokens themselves; others cannot be told to think.
        let for_some = ["temperature", "top_p", "reasoning", "include"];
        assert_eq!(
            shown(sent(&request), &for_some),
            json!([null, null, {"effort": "xhigh", "summary": "auto"}, ["reasoning.encrypted_content"]])
        );
        assert_eq!(shown(sent_to("gpt-4o", &request), &for_some), json!([0.5, 0.9, null, null]));
        let calm = ChatRequest { thinking: Some(Thinking::Off), ..request };
        assert_eq!(shown(sent(&calm), &for_some), json!([null, null, {"effort": "none"}, null]));
    }

    #[test]
    fn thoughts_go_back_to_the_vendor_that_sealed_them_and_to_no_other() {
        let open = |proof: Option<&str>| Thought::Open { text: "Hm.".into(), signature: proof.map(str::to_owned) };
        let thoughts = vec![
            open(Some("openai:c2ln")),
            open(Some("c2ln")),
            open(None),
            Thought::Sealed { data: "openai:eA".into() },
        ];
        let request = ChatRequest { messages: vec![assistant(thoughts, "Yes.", vec![])], ..ChatRequest::default() };
        let reasoning =
            |summary: Value, proof: &str| json!({"type": "reasoning", "summary": summary, "encrypted_content": proof});
        assert_eq!(
            sent(&request)["input"],
            json!([
                reasoning(json!([{"type": "summary_text", "text": "Hm."}]), "c2ln"),
                reasoning(json!([]), "eA"),
                {"type": "message", "role": "assistant", "content": "Yes."},
            ])
        );
    }

    #[test]
    fn an_answer_goes_back_to_its_model_as_it_was_and_to_another_in_plain_words() {
        let content = vec![
            json!({"type": "reasoning", "summary": [], "encrypted_content": "s"}),
            json!({"type": "function_call", "call_id": "a", "name": "t", "arguments": "{}"}),
        ];
        let with = |model: &str, content: Vec<Value>| {
            let echo = Some(Echo { model: model.into(), content });
            let call = ToolCall { echo, ..golden::call("a", "t", json!({})) };
            sent(&ChatRequest { messages: vec![assistant(vec![], "", vec![call])], ..ChatRequest::default() })["input"]
                .clone()
        };
        assert_eq!(with("gpt-5.4", content.clone()), json!(content));
        assert_eq!(with("gpt-5.5", content.clone()), json!([content[1]]));
        let another_protocols = vec![json!({"type": "thinking", "thinking": "", "signature": "s"})];
        assert_eq!(with("gpt-5.4", another_protocols), json!([content[1]]));
    }

    #[test]
    fn images_are_shown_to_the_model_also_those_that_a_tool_took() {
        let image = Part::Image { image: Image::Data { media_type: "image/png".into(), base64: "eA==".into() } };
        let linked = Part::Image { image: Image::Url { url: "https://h/a.png".into() } };
        let content = Content(vec![Part::Text { text: "Look".into() }, image, linked]);
        let request = ChatRequest {
            messages: vec![
                ChatMessage::User { content: content.clone() },
                ChatMessage::Tool { call_id: "a".into(), name: "t".into(), content, is_error: false },
            ],
            ..ChatRequest::default()
        };
        let shown = json!([
            {"type": "input_text", "text": "Look"},
            {"type": "input_image", "image_url": "data:image/png;base64,eA==", "detail": "auto"},
            {"type": "input_image", "image_url": "https://h/a.png", "detail": "auto"},
        ]);
        let input = sent(&request)["input"].clone();
        assert_eq!((&input[0]["content"], &input[1]["output"]), (&shown, &shown));
    }

    #[test]
    fn ids_that_are_too_long_are_shortened_alike_in_call_and_result() {
        let id = "x".repeat(65);
        let request = ChatRequest {
            messages: vec![
                assistant(vec![], "", vec![golden::call(&id, "t", json!({}))]),
                ChatMessage::Tool { call_id: id, name: "t".into(), content: "ok".into(), is_error: false },
            ],
            ..ChatRequest::default()
        };
        let input = sent(&request)["input"].clone();
        assert_eq!(input[0]["call_id"], input[1]["call_id"]);
        assert!(input[0]["call_id"].as_str().is_some_and(|id| id.len() <= LONGEST_ID));
    }
}
