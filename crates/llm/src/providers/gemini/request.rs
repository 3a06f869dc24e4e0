use std::borrow::Cow;
use std::collections::HashMap;

use serde::Serialize;
use serde_json::{Map, Value};

use crate::request::{
    ChatMessage, ChatRequest, Content, Effort, Image, OutputFormat, Part, Thinking, Thought, ToolCall, ToolChoice,
    ToolSpec,
};
use crate::vendor::Vendor;

/// What stands for the proof of a call that another model made: models of the third generation refuse calls without.
const NO_PROOF: &str = "skip_thought_signature_validator";
/// More are refused.
const MOST_STOPS: usize = 5;

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Body<'a> {
    #[serde(skip_serializing_if = "Option::is_none")]
    system_instruction: Option<Turn<'a>>,
    contents: Vec<Turn<'a>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    tools: Option<[Tools<'a>; 1]>,
    #[serde(skip_serializing_if = "Option::is_none")]
    tool_config: Option<ToolConfig<'a>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    generation_config: Option<GenerationConfig<'a>>,
}

#[derive(Serialize)]
struct Turn<'a> {
    #[serde(skip_serializing_if = "Option::is_none")]
    role: Option<Role>,
    parts: Vec<Block<'a>>,
}

#[derive(Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
enum Role {
    User,
    Model,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
enum Block<'a> {
    Text(Cow<'a, str>),
    #[serde(rename_all = "camelCase")]
    InlineData {
        mime_type: &'a str,
        data: &'a str,
    },
    #[serde(rename_all = "camelCase")]
    FileData {
        mime_type: &'static str,
        file_uri: &'a str,
    },
    FunctionResponse {
        id: &'a str,
        name: &'a str,
        response: Response<'a>,
    },
    #[serde(untagged, rename_all = "camelCase")]
    FunctionCall {
        function_call: Called<'a>,
        #[serde(skip_serializing_if = "Option::is_none")]
        thought_signature: Option<&'a str>,
    },
}

#[derive(Serialize)]
struct Called<'a> {
    id: &'a str,
    name: &'a str,
    args: Cow<'a, Value>,
}

#[derive(Serialize)]
#[serde(rename_all = "snake_case")]
enum Response<'a> {
    Output(Cow<'a, str>),
    Error(Cow<'a, str>),
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Tools<'a> {
    function_declarations: Vec<Declaration<'a>>,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Declaration<'a> {
    name: &'a str,
    description: &'a str,
    parameters_json_schema: &'a Value,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct ToolConfig<'a> {
    function_calling_config: Calling<'a>,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Calling<'a> {
    mode: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    allowed_function_names: Option<[&'a str; 1]>,
}

#[derive(Default, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
struct GenerationConfig<'a> {
    #[serde(skip_serializing_if = "Option::is_none")]
    max_output_tokens: Option<u32>,
    #[serde(skip_serializing_if = "Option::is_none")]
    temperature: Option<f64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    top_p: Option<f64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    top_k: Option<u32>,
    #[serde(skip_serializing_if = "<[_]>::is_empty")]
    stop_sequences: &'a [String],
    #[serde(skip_serializing_if = "Option::is_none")]
    seed: Option<i32>,
    #[serde(skip_serializing_if = "Option::is_none")]
    presence_penalty: Option<f64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    frequency_penalty: Option<f64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    response_mime_type: Option<&'static str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    response_json_schema: Option<&'a Value>,
    #[serde(skip_serializing_if = "Option::is_none")]
    thinking_config: Option<ThinkingConfig>,
}

#[derive(PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
struct ThinkingConfig {
    include_thoughts: bool,
    #[serde(skip_serializing_if = "Option::is_none")]
    thinking_budget: Option<u32>,
    #[serde(skip_serializing_if = "Option::is_none")]
    thinking_level: Option<&'static str>,
}

impl<'a> Body<'a> {
    pub(super) fn new(model: &str, request: &'a ChatRequest) -> Self {
        let model = model.rsplit('/').next().unwrap_or(model);
        let held = is_held_to_its_form(model, request);
        let config = GenerationConfig::new(model, request, held);
        let wish = request.output.in_words().filter(|_| !held).map(|wish| Block::Text(wish.into()));
        let system: Vec<Block<'a>> = Block::text(&request.system).into_iter().chain(wish).collect();
        let declared: Vec<Declaration<'a>> = request.tools.iter().map(Declaration::new).collect();
        let tools = (!declared.is_empty()).then_some([Tools { function_declarations: declared }]);
        Self {
            system_instruction: (!system.is_empty()).then_some(Turn { role: None, parts: system }),
            contents: turns(&request.messages, model),
            tool_config: ToolConfig::new(&request.tool_choice).filter(|_| tools.is_some()),
            tools,
            generation_config: (config != GenerationConfig::default()).then_some(config),
        }
    }
}

/// The protocol knows two speakers that take turns: what stands side by side goes into one turn, all results of
/// parallel tools into the one that follows their calls.
fn turns<'a>(messages: &'a [ChatMessage], model: &str) -> Vec<Turn<'a>> {
    let proofs_wanted = wants_proofs(model);
    let (mut turns, mut called): (Vec<Turn<'a>>, HashMap<&str, &str>) =
        (Vec::with_capacity(messages.len()), HashMap::new());
    for message in messages {
        let (role, parts) = match message {
            ChatMessage::User { content } => (Role::User, Block::all(content)),
            ChatMessage::Assistant { thoughts, text, tool_calls } => {
                called.extend(tool_calls.iter().map(|call| (call.id.as_str(), call.name.as_str())));
                let calls = calls(thoughts, tool_calls, proofs_wanted);
                (Role::Model, Block::text(text).into_iter().chain(calls).collect())
            }
            ChatMessage::Tool { call_id, name, content, is_error } => {
                // Results are told apart by name, which some protocols leave out.
                let name = if name.is_empty() { called.get(call_id.as_str()).copied().unwrap_or("tool") } else { name };
                (Role::User, Block::result(call_id, name, content, *is_error))
            }
        };
        if parts.is_empty() {
            continue;
        }
        match turns.last_mut().filter(|turn| turn.role == Some(role)) {
            Some(turn) => turn.parts.extend(parts),
            None => turns.push(Turn { role: Some(role), parts }),
        }
    }
    turns
}

/// An answer's proof stands on its first call. It comes back with the call, or, over protocols whose calls hold no
/// proof, with the thought before it.
fn calls<'a>(thoughts: &'a [Thought], calls: &'a [ToolCall], proofs_wanted: bool) -> impl Iterator<Item = Block<'a>> {
    let proven = calls.iter().any(|call| call.signature.is_some());
    let thought = thoughts.iter().rev().find_map(|thought| match thought {
        Thought::Open { signature, .. } => Vendor::Gemini.own(signature.as_deref()?),
        Thought::Sealed { data } => Vendor::Gemini.own(data),
    });
    let first = thought.or(proofs_wanted.then_some(NO_PROOF)).filter(|_| !proven);
    let proofs = std::iter::once(first).chain(std::iter::repeat(None));
    calls.iter().zip(proofs).map(|(call, proof)| Block::FunctionCall {
        function_call: Called::new(call),
        thought_signature: call.signature.as_deref().or(proof),
    })
}

/// The first two generations take calls as they are.
fn wants_proofs(model: &str) -> bool {
    model.starts_with("gemini-") && !is_older(model)
}

/// Those before 2.5 refuse to be told how much.
fn thinks(model: &str) -> bool {
    model.starts_with("gemini-") && !model.starts_with("gemini-1") && !model.starts_with("gemini-2.0")
}

/// The first two generations refuse a form of the answer beside tools.
fn is_held_to_its_form(model: &str, request: &ChatRequest) -> bool {
    request.tools.is_empty() || !is_older(model)
}

fn is_older(model: &str) -> bool {
    model.starts_with("gemini-1") || model.starts_with("gemini-2")
}

impl<'a> Block<'a> {
    /// Empty parts are refused.
    fn text(text: &'a str) -> Option<Self> {
        (!text.is_empty()).then_some(Self::Text(text.into()))
    }

    fn all(content: &'a Content) -> Vec<Self> {
        let block = |part: &'a Part| match part {
            Part::Text { text } => Self::text(text),
            Part::Image { image } => Some(Self::image(image)),
        };
        content.0.iter().filter_map(block).collect()
    }

    fn image(image: &'a Image) -> Self {
        match image {
            Image::Data { media_type, base64 } => Self::InlineData { mime_type: media_type, data: base64 },
            Image::Url { url } => Self::FileData { mime_type: media_type(url), file_uri: url },
        }
    }

    /// A result is text; images that came with it stand beside it.
    fn result(id: &'a str, name: &'a str, content: &'a Content, is_error: bool) -> Vec<Self> {
        let text = content.text();
        let response = if is_error { Response::Error(text) } else { Response::Output(text) };
        let images = content.images().map(Self::image);
        std::iter::once(Self::FunctionResponse { id, name, response }).chain(images).collect()
    }
}

/// The protocol wants the kind of a linked image; only its name can tell before it is fetched.
fn media_type(url: &str) -> &'static str {
    let path = url.split(['?', '#']).next().unwrap_or_default().to_ascii_lowercase();
    let endings = [(".png", "image/png"), (".webp", "image/webp"), (".gif", "image/gif"), (".heic", "image/heic")];
    endings.iter().find(|(ending, _)| path.ends_with(ending)).map_or("image/jpeg", |(_, kind)| kind)
}

impl<'a> Called<'a> {
    fn new(call: &'a ToolCall) -> Self {
        let object = call.arguments.is_object();
        let args = if object { Cow::Borrowed(&call.arguments) } else { Cow::Owned(Value::Object(Map::new())) };
        Self { id: &call.id, name: &call.name, args }
    }
}

impl<'a> Declaration<'a> {
    fn new(tool: &'a ToolSpec) -> Self {
        Self { name: &tool.name, description: &tool.description, parameters_json_schema: &tool.parameters }
    }
}

impl<'a> ToolConfig<'a> {
    fn new(choice: &'a ToolChoice) -> Option<Self> {
        let (mode, allowed_function_names) = match choice {
            ToolChoice::Auto => return None,
            ToolChoice::Never => ("NONE", None),
            ToolChoice::Any => ("ANY", None),
            ToolChoice::Tool(name) => ("ANY", Some([name.as_str()])),
        };
        Some(Self { function_calling_config: Calling { mode, allowed_function_names } })
    }
}

impl<'a> GenerationConfig<'a> {
    fn new(model: &str, request: &'a ChatRequest, held: bool) -> Self {
        let sampling = &request.sampling;
        let (response_mime_type, response_json_schema) = match &request.output {
            _ if !held => (None, None),
            OutputFormat::Text => (None, None),
            OutputFormat::Json => (Some("application/json"), None),
            OutputFormat::Schema { schema, .. } => (Some("application/json"), Some(schema)),
        };
        Self {
            max_output_tokens: request.max_output_tokens,
            temperature: sampling.temperature,
            top_p: sampling.top_p,
            top_k: sampling.top_k,
            stop_sequences: &sampling.stop[..sampling.stop.len().min(MOST_STOPS)],
            seed: sampling.seed.and_then(|seed| seed.try_into().ok()),
            presence_penalty: sampling.presence_penalty,
            frequency_penalty: sampling.frequency_penalty,
            response_mime_type,
            response_json_schema,
            thinking_config: request
                .thinking
                .filter(|_| thinks(model))
                .map(|thinking| ThinkingConfig::new(model, thinking)),
        }
    }
}

impl ThinkingConfig {
    /// The first generations that think take a budget, later ones a level.
    fn new(model: &str, thinking: Thinking) -> Self {
        let (budget, level) = match thinking {
            Thinking::Tokens(budget) => (Some(budget), None),
            _ if is_older(model) => (Some(budget(model, thinking)), None),
            _ => (None, Some(level(model, thinking))),
        };
        Self { include_thoughts: thinking != Thinking::Off, thinking_budget: budget, thinking_level: level }
    }
}

fn budget(model: &str, thinking: Thinking) -> u32 {
    match thinking {
        // "Pro" cannot stop to think.
        Thinking::Off => {
            if model.contains("pro") {
                128
            } else {
                0
            }
        }
        Thinking::Tokens(budget) => budget,
        Thinking::Effort(Effort::Minimal) => 512,
        Thinking::Effort(Effort::Low) => 1_024,
        Thinking::Effort(Effort::Medium) => 8_192,
        Thinking::Effort(Effort::High | Effort::Highest) => 24_576,
    }
}

fn level(model: &str, thinking: Thinking) -> &'static str {
    match thinking {
        // None can stop to think; "pro" knows less of little.
        Thinking::Off | Thinking::Effort(Effort::Minimal) if !model.contains("pro") => "MINIMAL",
        Thinking::Off | Thinking::Effort(Effort::Minimal | Effort::Low) => "LOW",
        Thinking::Effort(Effort::Medium) => "MEDIUM",
        Thinking::Effort(Effort::High | Effort::Highest) | Thinking::Tokens(_) => "HIGH",
    }
}

#[cfg(test)]
mod tests {
    use serde_json::{json, to_value};

    use super::*;
    use crate::golden;
    use crate::request::Sampling;

    fn sent(model: &str, request: &ChatRequest) -> Value {
        to_value(Body::new(model, request)).unwrap()
    }

    fn called(thoughts: Vec<Thought>, calls: Vec<ToolCall>) -> ChatRequest {
        let message = ChatMessage::Assistant { thoughts, text: String::new(), tool_calls: calls };
        ChatRequest { messages: vec![message], ..ChatRequest::default() }
    }

    #[test]
    fn a_conversation_with_parallel_tools_becomes_turns() {
        assert_eq!(
            sent("gemini-2.5-pro", &golden::request()),
            json!({
                "systemInstruction": {"parts": [{"text": "You are Mara."}]},
                "contents": [
                    {"role": "user", "parts": [{"text": "Hello"}]},
                    {"role": "model", "parts": [{"text": "Good day."}]},
                    {"role": "user", "parts": [{"text": "What time is it, and what is 2+2?"}]},
                    {"role": "model", "parts": [
                        {"functionCall": {"id": "call_1", "name": "date_time", "args": {"zone": "UTC"}}},
                        {"functionCall": {"id": "functions.calculator:1", "name": "calculator", "args": {"expression": "2+2"}}},
                    ]},
                    {"role": "user", "parts": [
                        {"functionResponse": {"id": "call_1", "name": "date_time", "response": {"output": "09:17"}}},
                        {"functionResponse": {"id": "functions.calculator:1", "name": "calculator",
                                              "response": {"error": "division by zero"}}},
                    ]},
                ],
                "tools": [{"functionDeclarations": [{"name": "date_time", "description": "Tells the time.",
                    "parametersJsonSchema": {"type": "object", "properties": {"zone": {"type": "string"}}}}]}],
                "generationConfig": {"maxOutputTokens": 256},
            })
        );
    }

    #[test]
    fn every_setting_that_the_protocol_knows_is_sent() {
        let request = ChatRequest {
            tool_choice: ToolChoice::Tool("date_time".into()),
            output: OutputFormat::Schema { name: "o".into(), schema: json!({"type": "object"}), strict: true },
            sampling: Sampling {
                temperature: Some(0.5),
                top_p: Some(0.9),
                top_k: Some(40),
                stop: (0..9).map(|n| n.to_string()).collect(),
                seed: Some(7),
                presence_penalty: Some(0.1),
                frequency_penalty: Some(0.2),
            },
            thinking: Some(Thinking::Tokens(2_000)),
            ..golden::request()
        };
        let body = sent("gemini-3-flash", &request);
        assert_eq!(
            body["toolConfig"],
            json!({"functionCallingConfig": {"mode": "ANY", "allowedFunctionNames": ["date_time"]}})
        );
        assert_eq!(
            body["generationConfig"],
            json!({"maxOutputTokens": 256, "temperature": 0.5, "topP": 0.9, "topK": 40,
                   "stopSequences": ["0", "1", "2", "3", "4"], "seed": 7, "presencePenalty": 0.1,
                   "frequencyPenalty": 0.2, "responseMimeType": "application/json",
                   "responseJsonSchema": {"type": "object"},
                   "thinkingConfig": {"includeThoughts": true, "thinkingBudget": 2000}})
        );
    }

    #[test]
    fn each_generation_is_told_in_its_own_terms_how_much_to_think() {
        let config = |model: &str, thinking| {
            let request = ChatRequest { thinking: Some(thinking), ..ChatRequest::default() };
            let config = &sent(model, &request)["generationConfig"]["thinkingConfig"];
            (config["thinkingBudget"].as_u64(), config["thinkingLevel"].as_str().map(str::to_owned))
        };
        let level = |level: &str| (None, Some(level.to_owned()));
        assert_eq!(config("gemini-2.5-flash", Thinking::Off), (Some(0), None));
        assert_eq!(config("gemini-2.5-pro", Thinking::Off), (Some(128), None));
        assert_eq!(config("gemini-2.5-pro", Thinking::Effort(Effort::Medium)), (Some(8_192), None));
        assert_eq!(config("gemini-3-flash", Thinking::Off), level("MINIMAL"));
        assert_eq!(config("gemini-3-pro", Thinking::Off), level("LOW"));
        assert_eq!(config("gemini-3-pro", Thinking::Effort(Effort::Highest)), level("HIGH"));
        assert_eq!(config("gemini-2.0-flash", Thinking::Effort(Effort::High)), (None, None));
    }

    #[test]
    fn a_form_that_is_refused_beside_tools_is_asked_for_in_words() {
        let request = ChatRequest { output: OutputFormat::Json, ..golden::request() };
        let body = sent("gemini-2.5-pro", &request);
        assert!(body["generationConfig"].get("responseMimeType").is_none());
        assert!(body["systemInstruction"]["parts"][1]["text"].as_str().unwrap().starts_with("Answer with "), "{body}");
        let body = sent("gemini-2.5-pro", &ChatRequest { tools: vec![], ..request });
        assert_eq!(body["generationConfig"]["responseMimeType"], "application/json");
    }

    #[test]
    fn a_calls_proof_goes_back_and_a_call_of_another_model_says_that_it_has_none() {
        let call = |signature: Option<&str>| ToolCall {
            signature: signature.map(str::to_owned),
            ..golden::call("a", "t", json!({}))
        };
        let open = |proof: &str| Thought::Open { text: "Hm.".into(), signature: Some(proof.into()) };
        let proofs = |model: &str, thoughts: Vec<Thought>, calls: Vec<ToolCall>| {
            let body = sent(model, &called(thoughts, calls));
            let parts = body["contents"][0]["parts"].as_array().unwrap().clone();
            parts.iter().map(|part| part["thoughtSignature"].as_str().map(str::to_owned)).collect::<Vec<_>>()
        };
        let some = |proof: &str| Some(proof.to_owned());
        let both = |first: Option<&str>| vec![call(first), call(None)];
        assert_eq!(proofs("gemini-3-pro", vec![open("gemini:b")], both(Some("a"))), [some("a"), None]);
        assert_eq!(proofs("gemini-3-pro", vec![open("gemini:b")], both(None)), [some("b"), None]);
        assert_eq!(proofs("gemini-3-pro", vec![open("openai:b")], both(None)), [some(NO_PROOF), None]);
        assert_eq!(proofs("gemini-2.5-pro", vec![open("c2ln")], both(None)), [None, None]);
    }

    #[test]
    fn a_result_without_a_name_is_named_after_its_call_and_images_stand_beside_it() {
        let image = Part::Image { image: Image::Data { media_type: "image/png".into(), base64: "eA==".into() } };
        let linked = Part::Image { image: Image::Url { url: "https://h/A.PNG?x=1".into() } };
        let content = Content(vec![Part::Text { text: "Look".into() }, image, linked]);
        let mut request = called(vec![], vec![golden::call("a", "clock", json!(null))]);
        request.messages.push(ChatMessage::Tool { call_id: "a".into(), name: String::new(), content, is_error: false });
        assert_eq!(
            sent("gemini-2.5-pro", &request)["contents"],
            json!([
                {"role": "model", "parts": [{"functionCall": {"id": "a", "name": "clock", "args": {}}}]},
                {"role": "user", "parts": [
                    {"functionResponse": {"id": "a", "name": "clock", "response": {"output": "Look"}}},
                    {"inlineData": {"mimeType": "image/png", "data": "eA=="}},
                    {"fileData": {"mimeType": "image/png", "fileUri": "https://h/A.PNG?x=1"}},
                ]},
            ])
        );
    }
}
