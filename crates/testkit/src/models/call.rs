use axum::http::HeaderMap;
use serde_json::Value;

/// The protocol a call speaks.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum ModelWire {
    OpenAi,
    Responses,
    Anthropic,
    Gemini,
    Ollama,
    Cohere,
}

/// What a call asks for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Wanted {
    Answer,
    Vectors,
    Ranking,
    TokenCount,
    Models,
}

/// One call, as it came in.
#[derive(Clone, Debug)]
pub struct Call {
    pub wire: ModelWire,
    pub wanted: Wanted,
    pub path: String,
    pub headers: HeaderMap,
    /// Null where the body was no JSON.
    pub body: Value,
}

/// Which protocol and what in it a path stands for; `None`: no path of a model server.
pub(super) fn read_path(path: &str, headers: &HeaderMap) -> Option<(ModelWire, Wanted)> {
    use ModelWire::{Anthropic, Cohere, Gemini, Ollama, OpenAi, Responses};
    if let Some((_, action)) = path.rsplit_once(':').filter(|_| path.contains("/models/")) {
        let wanted = match action {
            "generateContent" | "streamGenerateContent" => Wanted::Answer,
            "embedContent" | "batchEmbedContents" => Wanted::Vectors,
            "countTokens" => Wanted::TokenCount,
            _ => return None,
        };
        return Some((Gemini, wanted));
    }
    Some(match path {
        path if path.ends_with("/chat/completions") => (OpenAi, Wanted::Answer),
        path if path.ends_with("/responses") => (Responses, Wanted::Answer),
        path if path.ends_with("/embeddings") => (OpenAi, Wanted::Vectors),
        path if path.ends_with("/rerank") => (Cohere, Wanted::Ranking),
        path if path.ends_with("/v1/messages") => (Anthropic, Wanted::Answer),
        path if path.ends_with("/v1/messages/count_tokens") => (Anthropic, Wanted::TokenCount),
        path if path.ends_with("/api/chat") => (Ollama, Wanted::Answer),
        path if path.ends_with("/api/embed") => (Ollama, Wanted::Vectors),
        path if path.ends_with("/api/tags") => (Ollama, Wanted::Models),
        path if path.ends_with("/v1beta/models") => (Gemini, Wanted::Models),
        path if path.ends_with("/models") && headers.contains_key("anthropic-version") => (Anthropic, Wanted::Models),
        path if path.ends_with("/models") => (OpenAi, Wanted::Models),
        _ => return None,
    })
}

impl Call {
    pub fn model(&self) -> &str {
        if self.wire == ModelWire::Gemini {
            let behind = self.path.rsplit_once("/models/").map_or("", |(_, behind)| behind);
            return behind.split(':').next().unwrap_or_default();
        }
        self.body["model"].as_str().unwrap_or_default()
    }

    /// The key it came with, without "Bearer".
    pub fn key(&self) -> Option<&str> {
        let header = |name: &str| self.headers.get(name).and_then(|value| value.to_str().ok());
        let bearer = || header("authorization").map(|value| value.trim_start_matches("Bearer "));
        header("x-api-key").or_else(|| header("x-goog-api-key")).or_else(bearer)
    }

    pub fn streams(&self) -> bool {
        match self.wire {
            ModelWire::Gemini => self.path.ends_with(":streamGenerateContent"),
            // Ollama streams unless it is told not to, the others do not unless they are told to.
            wire => self.body["stream"].as_bool().unwrap_or(wire == ModelWire::Ollama),
        }
    }

    /// The system text, wherever the protocol puts it.
    pub fn system(&self) -> String {
        match self.wire {
            ModelWire::Anthropic => text(&self.body["system"]),
            ModelWire::Gemini => text(&self.body["systemInstruction"]["parts"]),
            ModelWire::Responses if self.body["instructions"].is_string() => text(&self.body["instructions"]),
            _ => {
                let system = |message: &&Value| matches!(message["role"].as_str(), Some("system" | "developer"));
                self.messages().iter().find(system).map(content).unwrap_or_default()
            }
        }
    }

    /// The words of the last user message; of a turn of tool results those before it.
    pub fn question(&self) -> String {
        if let Some(input) = self.body["input"].as_str() {
            return input.to_owned();
        }
        let said = self.messages().iter().rev().filter(|message| message["role"] == "user").map(content);
        said.into_iter().find(|text| !text.is_empty()).unwrap_or_default()
    }

    /// What tools said after the last words of the user, in order.
    pub fn tool_results(&self) -> Vec<String> {
        let mut results = Vec::new();
        for message in self.messages() {
            let told = told(message);
            if told.is_empty() && message["role"] == "user" {
                results.clear();
            }
            results.extend(told);
        }
        results
    }

    /// The names of the tools it offers.
    pub fn tools(&self) -> Vec<&str> {
        let tools = list(&self.body["tools"]).iter();
        let declared = |tool: &'_ Value| tool["functionDeclarations"].is_array();
        tools
            .flat_map(
                |tool| if declared(tool) { list(&tool["functionDeclarations"]) } else { std::slice::from_ref(tool) },
            )
            .filter_map(|tool| tool["name"].as_str().or(tool["function"]["name"].as_str()))
            .collect()
    }

    /// The JSON Schema its answer is to follow, where it asks for one.
    pub fn schema(&self) -> Option<&Value> {
        let body = &self.body;
        let places = match self.wire {
            ModelWire::OpenAi => vec![&body["response_format"]["json_schema"]["schema"]],
            ModelWire::Responses => vec![&body["text"]["format"]["schema"]],
            ModelWire::Anthropic => vec![&body["output_config"]["format"]["schema"], &body["output_format"]["schema"]],
            ModelWire::Gemini => {
                let config = &body["generationConfig"];
                vec![&config["responseJsonSchema"], &config["responseSchema"]]
            }
            ModelWire::Ollama => vec![&body["format"]],
            ModelWire::Cohere => Vec::new(),
        };
        places.into_iter().find(|schema| schema.is_object())
    }

    /// The texts whose vectors it asks for.
    pub fn texts(&self) -> Vec<String> {
        let body = &self.body;
        if self.wire == ModelWire::Gemini {
            let one = std::slice::from_ref(body);
            let asked = if body["requests"].is_array() { list(&body["requests"]) } else { one };
            return asked.iter().map(|asked| text(&asked["content"]["parts"])).collect();
        }
        match &body["input"] {
            Value::Array(inputs) if inputs.iter().all(Value::is_number) => vec![body["input"].to_string()],
            Value::Array(inputs) => {
                inputs.iter().map(|one| one.as_str().map_or(one.to_string(), str::to_owned)).collect()
            }
            input => vec![text(input)],
        }
    }

    fn messages(&self) -> &[Value] {
        let [messages, input, contents] = ["messages", "input", "contents"].map(|name| list(&self.body[name]));
        [messages, input, contents].into_iter().find(|found| !found.is_empty()).unwrap_or_default()
    }
}

/// The tool results in one message, whichever protocol it is of.
fn told(message: &Value) -> Vec<String> {
    if message["type"] == "function_call_output" {
        return vec![text(&message["output"])];
    }
    if message["role"] == "tool" {
        return vec![content(message)];
    }
    let blocks = list(&message["content"]).iter().filter(|block| block["type"] == "tool_result");
    let parts = list(&message["parts"]).iter().map(|part| &part["functionResponse"]["response"]);
    // An object: with `output` or `error` by convention.
    let said = |response: &Value| {
        let said = response["output"].as_str().or(response["error"].as_str());
        said.map_or_else(|| response.to_string(), str::to_owned)
    };
    let parts = parts.filter(|response| !response.is_null()).map(said);
    blocks.map(|block| text(&block["content"])).chain(parts).collect()
}

fn content(message: &Value) -> String {
    text(if message["parts"].is_array() { &message["parts"] } else { &message["content"] })
}

fn list(value: &Value) -> &[Value] {
    value.as_array().map(Vec::as_slice).unwrap_or_default()
}

/// A text, given as such or in blocks.
fn text(value: &Value) -> String {
    match value {
        Value::String(text) => text.clone(),
        Value::Array(blocks) => blocks.iter().filter_map(|block| block["text"].as_str()).collect::<Vec<_>>().join("\n"),
        _ => String::new(),
    }
}
