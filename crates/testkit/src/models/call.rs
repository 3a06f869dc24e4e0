use axum::http::HeaderMap;
use serde_json::Value;

/// The protocol a call speaks.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum ModelWire {
    OpenAi,
    Anthropic,
    Ollama,
}

impl ModelWire {
    pub(super) fn of(path: &str) -> Option<Self> {
        match path {
            path if path.ends_with("/chat/completions") => Some(Self::OpenAi),
            path if path.ends_with("/v1/messages") => Some(Self::Anthropic),
            path if path.ends_with("/api/chat") => Some(Self::Ollama),
            _ => None,
        }
    }
}

/// One call, as it came in.
#[derive(Clone, Debug)]
pub struct Call {
    pub wire: ModelWire,
    pub path: String,
    pub headers: HeaderMap,
    /// Null where the body was no JSON.
    pub body: Value,
}

impl Call {
    pub fn model(&self) -> &str {
        self.body["model"].as_str().unwrap_or_default()
    }

    /// The key it came with, without "Bearer".
    pub fn key(&self) -> Option<&str> {
        let header = |name: &str| self.headers.get(name).and_then(|value| value.to_str().ok());
        header("x-api-key").or_else(|| header("authorization").map(|value| value.trim_start_matches("Bearer ")))
    }

    pub fn streams(&self) -> bool {
        // Ollama streams unless it is told not to, the others do not unless they are told to.
        self.body["stream"].as_bool().unwrap_or(self.wire == ModelWire::Ollama)
    }

    /// The system text, wherever the protocol puts it.
    pub fn system(&self) -> String {
        match self.wire {
            ModelWire::Anthropic => text(&self.body["system"]),
            ModelWire::OpenAi | ModelWire::Ollama => {
                self.messages().iter().find(|message| message["role"] == "system").map(content).unwrap_or_default()
            }
        }
    }

    /// The words of the last user message; of a turn of tool results those before it.
    pub fn question(&self) -> String {
        let said = self.messages().iter().rev().filter(|message| message["role"] == "user").map(content);
        said.into_iter().find(|text| !text.is_empty()).unwrap_or_default()
    }

    /// What tools said after the last words of the user, in order.
    pub fn tool_results(&self) -> Vec<String> {
        let mut results = Vec::new();
        for message in self.messages() {
            match (self.wire, message["role"].as_str()) {
                (ModelWire::Anthropic, Some("user")) => {
                    let blocks = message["content"].as_array().map(Vec::as_slice).unwrap_or_default();
                    let told: Vec<&Value> = blocks.iter().filter(|block| block["type"] == "tool_result").collect();
                    if told.is_empty() {
                        results.clear();
                    }
                    results.extend(told.into_iter().map(|block| text(&block["content"])));
                }
                (_, Some("tool")) => results.push(content(message)),
                (_, Some("user")) => results.clear(),
                _ => {}
            }
        }
        results
    }

    /// The names of the tools it offers.
    pub fn tools(&self) -> Vec<&str> {
        let tools = self.body["tools"].as_array().map(Vec::as_slice).unwrap_or_default();
        tools.iter().filter_map(|tool| tool["name"].as_str().or(tool["function"]["name"].as_str())).collect()
    }

    fn messages(&self) -> &[Value] {
        self.body["messages"].as_array().map(Vec::as_slice).unwrap_or_default()
    }
}

fn content(message: &Value) -> String {
    text(&message["content"])
}

/// A text, given as such or in blocks.
fn text(value: &Value) -> String {
    match value {
        Value::String(text) => text.clone(),
        Value::Array(blocks) => {
            let texts = blocks.iter().filter(|block| block["type"] == "text");
            texts.filter_map(|block| block["text"].as_str()).collect::<Vec<_>>().join("\n")
        }
        _ => String::new(),
    }
}
