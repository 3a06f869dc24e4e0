use std::borrow::Cow;

use serde::Serialize;
use serde_json::{Value, json};

use super::generation::{Generation, Mode};
use crate::request::{
    ChatMessage, ChatRequest, Content, Echo, Image, OutputFormat, Part, Sampling, Thought, ToolCall, ToolChoice,
    ToolSpec,
};
use crate::vendor::Vendor;

/// The protocol wants a limit; this one is asked for where the request names none, beside what is given to think.
const MAX_TOKENS: u32 = 4096;
/// A longer name is refused.
const LONGEST_USER: usize = 256;

#[derive(Serialize)]
pub(super) struct Body<'a> {
    model: &'a str,
    max_tokens: u32,
    #[serde(skip_serializing_if = "str::is_empty")]
    system: Cow<'a, str>,
    messages: Vec<Message<'a>>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    tools: Vec<Tool<'a>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    tool_choice: Option<Choice<'a>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    thinking: Option<Thinking>,
    #[serde(skip_serializing_if = "Option::is_none")]
    output_config: Option<OutputConfig<'a>>,
    #[serde(flatten)]
    sampling: Sampled,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    stop_sequences: Vec<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    metadata: Option<Metadata<'a>>,
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
    Image {
        source: ImageSource<'a>,
    },
    Thinking {
        thinking: &'a str,
        signature: &'a str,
    },
    RedactedThinking {
        data: &'a str,
    },
    ToolUse {
        id: Cow<'a, str>,
        name: &'a str,
        input: Cow<'a, Value>,
    },
    ToolResult {
        tool_use_id: Cow<'a, str>,
        #[serde(skip_serializing_if = "Said::is_empty")]
        content: Said<'a>,
        #[serde(skip_serializing_if = "std::ops::Not::not")]
        is_error: bool,
    },
    /// A part of an answer of this very model, as it was.
    #[serde(untagged)]
    Echo(&'a Value),
}

/// What a tool said.
#[derive(Serialize)]
#[serde(untagged)]
enum Said<'a> {
    Text(Cow<'a, str>),
    Blocks(Vec<Block<'a>>),
}

#[derive(Serialize)]
#[serde(tag = "type", rename_all = "snake_case")]
enum ImageSource<'a> {
    Base64 { media_type: &'a str, data: &'a str },
    Url { url: &'a str },
}

#[derive(Serialize)]
struct Tool<'a> {
    name: &'a str,
    #[serde(skip_serializing_if = "str::is_empty")]
    description: &'a str,
    input_schema: &'a Value,
}

#[derive(Serialize)]
struct Choice<'a> {
    r#type: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    name: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    disable_parallel_tool_use: Option<bool>,
}

#[derive(Serialize)]
#[serde(tag = "type", rename_all = "snake_case")]
enum Thinking {
    Disabled,
    Enabled {
        budget_tokens: u32,
    },
    /// Newer models keep their thoughts to themselves unless they are asked for.
    Adaptive {
        display: &'static str,
    },
}

#[derive(Serialize)]
struct OutputConfig<'a> {
    #[serde(skip_serializing_if = "Option::is_none")]
    effort: Option<&'static str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    format: Option<Format<'a>>,
}

#[derive(Serialize)]
struct Format<'a> {
    r#type: &'static str,
    schema: &'a Value,
}

#[derive(Default, Serialize)]
struct Sampled {
    #[serde(skip_serializing_if = "Option::is_none")]
    temperature: Option<f64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    top_p: Option<f64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    top_k: Option<u32>,
}

#[derive(Serialize)]
struct Metadata<'a> {
    user_id: &'a str,
}

impl<'a> Body<'a> {
    pub(super) fn new(model: &'a str, request: &'a ChatRequest) -> Self {
        let generation = Generation::of(model);
        let mode = mode(generation, model, request);
        let budget = if let Mode::Budget(budget) = mode { budget } else { 0 };
        let format = native_format(generation, &request.output);
        let effort = if let Mode::Adaptive(effort) = mode { Some(effort) } else { None };
        Self {
            model,
            max_tokens: request.max_output_tokens.unwrap_or(MAX_TOKENS + budget),
            system: system(request, format.is_some()),
            messages: turns(&request.messages, model),
            tools: request.tools.iter().map(Tool::new).collect(),
            tool_choice: Choice::new(request),
            thinking: Thinking::new(mode),
            output_config: (format.is_some() || effort.is_some()).then_some(OutputConfig { effort, format }),
            sampling: Sampled::new(&request.sampling, generation, mode),
            // One of white space alone is refused.
            stop_sequences: request.sampling.stop.iter().map(String::as_str).filter(|s| !s.trim().is_empty()).collect(),
            metadata: request
                .user
                .as_deref()
                .filter(|user| user.len() <= LONGEST_USER)
                .map(|user_id| Metadata { user_id }),
            stream: true,
        }
    }
}

/// A model that is given a budget to think wants the thoughts before its last tool calls back, and may not be forced to
/// call a tool: where that cannot be, it does not think.
fn mode(generation: Generation, model: &str, request: &ChatRequest) -> Mode {
    let mode = generation.mode(request.thinking, request.max_output_tokens);
    let forced = !request.tools.is_empty() && matches!(request.tool_choice, ToolChoice::Any | ToolChoice::Tool(_));
    match mode {
        Mode::Budget(_) if forced || forgot_its_thoughts(&request.messages, model) => Mode::Unsaid,
        mode => mode,
    }
}

fn forgot_its_thoughts(messages: &[ChatMessage], model: &str) -> bool {
    let last = messages.iter().rev().find_map(|message| match message {
        ChatMessage::Assistant { thoughts, tool_calls, .. } => Some((thoughts, tool_calls)),
        _ => None,
    });
    last.is_some_and(|(thoughts, calls)| {
        !calls.is_empty() && echo(calls, model).is_none() && thoughts.iter().all(|one| Block::thought(one).is_none())
    })
}

/// The schema, where the model can be held to it. Schemas that were not written to be strict hold what it refuses.
fn native_format(generation: Generation, output: &OutputFormat) -> Option<Format<'_>> {
    match output {
        OutputFormat::Schema { schema, strict: true, .. } if generation.keeps_to_schemas => {
            Some(Format { r#type: "json_schema", schema })
        }
        _ => None,
    }
}

/// The system text, and the form of the answer where it can only be asked for.
fn system(request: &ChatRequest, native: bool) -> Cow<'_, str> {
    let Some(wish) = request.output.in_words().filter(|_| !native) else { return Cow::Borrowed(&request.system) };
    if request.system.is_empty() { Cow::Owned(wish) } else { Cow::Owned(format!("{}\n\n{wish}", request.system)) }
}

/// The protocol knows two speakers that take turns, the user first: what stands side by side goes into one turn, all
/// results of parallel tools into the one that follows their calls.
fn turns<'a>(messages: &'a [ChatMessage], model: &str) -> Vec<Message<'a>> {
    let mut turns: Vec<Message<'a>> = Vec::with_capacity(messages.len() + 1);
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
    if turns.first().is_some_and(|turn| turn.role == Role::Assistant) {
        // Who greets first answers to nothing in particular.
        turns.insert(0, Message { role: Role::User, content: vec![Block::Text { text: "…".into() }] });
    }
    turns
}

fn blocks<'a>(message: &'a ChatMessage, model: &str) -> (Role, Vec<Block<'a>>) {
    match message {
        ChatMessage::User { content } => (Role::User, Block::all(content)),
        ChatMessage::Assistant { thoughts, text, tool_calls } => {
            if let Some(echo) = echo(tool_calls, model) {
                return (Role::Assistant, echo.content.iter().map(Block::Echo).collect());
            }
            let thoughts = thoughts.iter().filter_map(Block::thought);
            let calls = tool_calls.iter().map(Block::call);
            (Role::Assistant, thoughts.chain(Block::text(text.into())).chain(calls).collect())
        }
        ChatMessage::Tool { call_id, content, is_error, .. } => {
            let said = match content.images().next() {
                None => Said::Text(content.text()),
                Some(_) => Said::Blocks(Block::all(content)),
            };
            let result = Block::ToolResult { tool_use_id: plain_id(call_id), content: said, is_error: *is_error };
            (Role::User, vec![result])
        }
    }
}

fn echo<'a>(calls: &'a [ToolCall], model: &str) -> Option<&'a Echo> {
    calls.first()?.echo.as_ref().filter(|echo| echo.model == model)
}

impl<'a> Block<'a> {
    fn all(content: &'a Content) -> Vec<Self> {
        let block = |part: &'a Part| match part {
            Part::Text { text } => Self::text(text.into()),
            Part::Image { image } => Some(Self::Image { source: ImageSource::new(image) }),
        };
        content.0.iter().filter_map(block).collect()
    }

    /// Empty text blocks are refused.
    fn text(text: Cow<'a, str>) -> Option<Self> {
        (!text.trim().is_empty()).then_some(Self::Text { text })
    }

    /// A thought that nothing proves is refused.
    fn thought(thought: &'a Thought) -> Option<Self> {
        match thought {
            Thought::Open { text, signature } => {
                let signature = Vendor::Anthropic.own(signature.as_deref()?)?;
                Some(Self::Thinking { thinking: text, signature })
            }
            Thought::Sealed { data } => Some(Self::RedactedThinking { data: Vendor::Anthropic.own(data)? }),
        }
    }

    fn call(call: &'a ToolCall) -> Self {
        let input = if call.arguments.is_object() { Cow::Borrowed(&call.arguments) } else { Cow::Owned(json!({})) };
        Self::ToolUse { id: plain_id(&call.id), name: &call.name, input }
    }
}

impl Said<'_> {
    fn is_empty(&self) -> bool {
        match self {
            Self::Text(text) => text.is_empty(),
            Self::Blocks(blocks) => blocks.is_empty(),
        }
    }
}

impl<'a> ImageSource<'a> {
    fn new(image: &'a Image) -> Self {
        match image {
            Image::Url { url } => Self::Url { url },
            Image::Data { media_type, base64 } => Self::Base64 { media_type, data: base64 },
        }
    }
}

/// Ids must match `[a-zA-Z0-9_-]+`; those of another provider, earlier in the conversation, need not.
pub(crate) fn plain_id(id: &str) -> Cow<'_, str> {
    let plain = |c: char| c.is_ascii_alphanumeric() || c == '_' || c == '-';
    if id.chars().all(plain) { Cow::Borrowed(id) } else { Cow::Owned(id.replace(|c| !plain(c), "_")) }
}

impl<'a> Tool<'a> {
    fn new(tool: &'a ToolSpec) -> Self {
        Self { name: &tool.name, description: &tool.description, input_schema: &tool.parameters }
    }
}

impl<'a> Choice<'a> {
    /// `None` where nothing has to be said; without tools nothing may be.
    fn new(request: &'a ChatRequest) -> Option<Self> {
        let alone = request.parallel_tools.filter(|parallel| !parallel).map(|_| true);
        let choice = |kind, name| Self { r#type: kind, name, disable_parallel_tool_use: alone };
        match &request.tool_choice {
            _ if request.tools.is_empty() => None,
            ToolChoice::Auto => alone.map(|_| choice("auto", None)),
            ToolChoice::Never => Some(Self { r#type: "none", name: None, disable_parallel_tool_use: None }),
            ToolChoice::Any => Some(choice("any", None)),
            ToolChoice::Tool(name) => Some(choice("tool", Some(name))),
        }
    }
}

impl Thinking {
    fn new(mode: Mode) -> Option<Self> {
        match mode {
            Mode::Unsaid => None,
            Mode::Off => Some(Self::Disabled),
            Mode::Budget(budget_tokens) => Some(Self::Enabled { budget_tokens }),
            Mode::Adaptive(_) => Some(Self::Adaptive { display: "summarized" }),
        }
    }
}

impl Sampled {
    /// A model that thinks chooses by itself. Several refuse `temperature` and `top_p` together: the first one counts.
    fn new(sampling: &Sampling, generation: Generation, mode: Mode) -> Self {
        if generation.adapts || matches!(mode, Mode::Budget(_)) {
            return Self::default();
        }
        let temperature = sampling.temperature.map(|temperature| temperature.clamp(0.0, 1.0));
        Self { temperature, top_p: sampling.top_p.filter(|_| temperature.is_none()), top_k: sampling.top_k }
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
        let sent = |model| to_value(Body::new(model, &request)).unwrap()["messages"][1]["content"].clone();
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

    fn sent(model: &str, request: &ChatRequest) -> Value {
        to_value(Body::new(model, request)).unwrap()
    }

    fn with_thoughts(thoughts: Vec<Thought>) -> ChatRequest {
        let calls = vec![golden::call("a", "t", json!({}))];
        let result = ChatMessage::Tool { call_id: "a".into(), name: "t".into(), content: "1".into(), is_error: false };
        let answer = ChatMessage::Assistant { thoughts, text: String::new(), tool_calls: calls };
        let thinking = Some(crate::request::Thinking::Tokens(2_000));
        ChatRequest { messages: vec![ChatMessage::user("Hi"), answer, result], thinking, ..ChatRequest::default() }
    }

    fn open(signature: Option<&str>) -> Thought {
        Thought::Open { text: "Hm.".into(), signature: signature.map(str::to_owned) }
    }

    #[test]
    fn proven_thoughts_go_back_before_what_was_said() {
        let thoughts = vec![
            open(Some("c2ln")),
            open(None),
            Thought::Sealed { data: "x".into() },
            open(Some("gemini:c2ln")),
            Thought::Sealed { data: "openai:x".into() },
        ];
        assert_eq!(
            sent("claude-sonnet-4-5", &with_thoughts(thoughts))["messages"][1]["content"],
            json!([
                {"type": "thinking", "thinking": "Hm.", "signature": "c2ln"},
                {"type": "redacted_thinking", "data": "x"},
                {"type": "tool_use", "id": "a", "name": "t", "input": {}},
            ])
        );
    }

    #[test]
    fn a_model_with_a_budget_that_cannot_have_its_thoughts_back_does_not_think() {
        let thinking = |model, thoughts| sent(model, &with_thoughts(thoughts))["thinking"].clone();
        let budget = json!({"type": "enabled", "budget_tokens": 2_000});
        assert_eq!(thinking("claude-sonnet-4-5", vec![open(Some("c2ln"))]), budget);
        assert_eq!(thinking("claude-sonnet-4-5", vec![open(None)]), Value::Null);
        assert_eq!(thinking("claude-sonnet-5", vec![])["type"], "adaptive");
    }

    #[test]
    fn who_thinks_is_not_told_how_to_choose_and_newer_models_never_are() {
        let sampling = Sampling { temperature: Some(1.7), top_p: Some(0.5), top_k: Some(7), ..Sampling::default() };
        let calm = ChatRequest { sampling: sampling.clone(), ..ChatRequest::default() };
        let thoughtful = ChatRequest { sampling, ..with_thoughts(vec![open(Some("s"))]) };
        let told = |model, request| {
            let body = sent(model, request);
            ["temperature", "top_p", "top_k"].map(|name| body[name].clone())
        };
        assert_eq!(told("claude-sonnet-4-5", &calm), [json!(1.0), json!(null), json!(7)]);
        assert_eq!(told("claude-sonnet-4-5", &thoughtful), [json!(null), json!(null), json!(null)]);
        assert_eq!(told("claude-sonnet-5", &calm), [json!(null), json!(null), json!(null)]);
        assert_eq!(sent("claude-sonnet-4-5", &thoughtful)["max_tokens"], 4_096 + 2_000);
    }

    #[test]
    fn a_form_that_a_model_cannot_be_held_to_is_asked_for() {
        let with = |output| ChatRequest { system: "You are Mara.".into(), output, ..ChatRequest::default() };
        let schema = |strict| OutputFormat::Schema { name: "x".into(), schema: json!({"type": "object"}), strict };
        let strict = sent("claude-sonnet-4-5", &with(schema(true)));
        assert_eq!(strict["output_config"], json!({"format": {"type": "json_schema", "schema": {"type": "object"}}}));
        assert_eq!(strict["system"], "You are Mara.");
        for (model, output) in [
            ("claude-3-7-sonnet-20250219", schema(true)),
            ("claude-sonnet-4-5", schema(false)),
            ("claude-sonnet-4-5", OutputFormat::Json),
        ] {
            let body = sent(model, &with(output));
            assert!(body.get("output_config").is_none());
            assert!(body["system"].as_str().unwrap().starts_with("You are Mara.\n\nAnswer with "), "{body}");
        }
    }

    #[test]
    fn a_choice_of_tools_is_told_where_there_are_any() {
        let with = |tool_choice, parallel_tools| {
            sent("m", &ChatRequest { tool_choice, parallel_tools, ..golden::request() })["tool_choice"].clone()
        };
        assert_eq!(with(ToolChoice::Auto, Some(true)), Value::Null);
        assert_eq!(with(ToolChoice::Auto, Some(false)), json!({"type": "auto", "disable_parallel_tool_use": true}));
        assert_eq!(with(ToolChoice::Never, Some(false)), json!({"type": "none"}));
        assert_eq!(with(ToolChoice::Tool("t".into()), None), json!({"type": "tool", "name": "t"}));
        let alone = ChatRequest { tool_choice: ToolChoice::Any, ..ChatRequest::default() };
        assert!(sent("m", &alone).get("tool_choice").is_none());
    }

    #[test]
    fn a_conversation_begins_with_the_user() {
        let request = ChatRequest { messages: vec![ChatMessage::assistant("Hello!")], ..ChatRequest::default() };
        assert_eq!(sent("m", &request)["messages"][0]["role"], "user");
    }
}
