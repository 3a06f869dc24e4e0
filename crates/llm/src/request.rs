//! What a model is asked, in no provider's words: the meeting point of all protocols.
//!
//! What only one protocol has is not here: a call that stays within its protocol is passed on as it came.

use std::borrow::Cow;

use serde::{Deserialize, Serialize};
use serde_json::Value;

#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct ChatRequest {
    /// Who the model is to be and by which rules; reaches it as system text.
    pub system: String,
    /// The conversation, oldest first. The words to answer are the last [`ChatMessage::User`]; what tools said follows.
    pub messages: Vec<ChatMessage>,
    /// What the model may call, in a stable order (providers cache prompts by their beginning).
    #[serde(default)]
    pub tools: Vec<ToolSpec>,
    #[serde(default)]
    pub tool_choice: ToolChoice,
    /// Whether several tools may be called at once; `None`: as the model is used to.
    #[serde(default)]
    pub parallel_tools: Option<bool>,
    #[serde(default)]
    pub output: OutputFormat,
    #[serde(default)]
    pub max_output_tokens: Option<u32>,
    #[serde(default)]
    pub sampling: Sampling,
    /// How much the model is to think first; `None`: as it is used to.
    #[serde(default)]
    pub thinking: Option<Thinking>,
    /// Who asks, for the provider's abuse detection: an opaque name.
    #[serde(default)]
    pub user: Option<String>,
    /// Texts that belong to the question; the built-in offline model answers from them and from nothing else.
    #[serde(default)]
    pub sources: Vec<Source>,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(tag = "role", rename_all = "snake_case")]
pub enum ChatMessage {
    User {
        content: Content,
    },
    Assistant {
        /// What it thought before it spoke, oldest first.
        #[serde(default, skip_serializing_if = "Vec::is_empty")]
        thoughts: Vec<Thought>,
        text: String,
        #[serde(default)]
        tool_calls: Vec<ToolCall>,
    },
    /// What a tool said to the call `call_id`.
    Tool {
        call_id: String,
        name: String,
        content: Content,
        is_error: bool,
    },
}

/// Texts and images in the order in which they are meant to be read.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Content(pub Vec<Part>);

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(tag = "type", rename_all = "snake_case")]
pub enum Part {
    Text { text: String },
    Image { image: Image },
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(untagged)]
pub enum Image {
    /// Where the provider finds it.
    Url { url: String },
    /// Its bytes in base64, with their media type ("image/png").
    Data { media_type: String, base64: String },
}

/// What a model thought before it spoke.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(tag = "type", rename_all = "snake_case")]
pub enum Thought {
    /// `signature`: what proves the thought to the model that had it.
    Open {
        text: String,
        #[serde(default, skip_serializing_if = "Option::is_none")]
        signature: Option<String>,
    },
    /// Only its own provider can read it.
    Sealed { data: String },
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct ToolCall {
    /// Unique within the conversation; made up here where the provider gave none.
    pub id: String,
    pub name: String,
    /// What the model wrote, parsed; not checked against the tool's schema.
    pub arguments: Value,
    /// What its model wants to see again; on the first call of an answer alone.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub echo: Option<Echo>,
    /// What proves the call to the model that made it, where its protocol wants that.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub signature: Option<String>,
}

/// An answer as its model gave it. A model that thought before it called a tool refuses the tool's result unless its
/// thoughts come back with it, unchanged; to another model they say nothing.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Echo {
    /// The model's name at its provider.
    pub model: String,
    /// The answer's parts, as the provider's protocol has them.
    pub content: Vec<Value>,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct ToolSpec {
    pub name: String,
    pub description: String,
    /// JSON Schema of the arguments, an object.
    pub parameters: Value,
}

/// A text that a question is to be answered from.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Source {
    pub title: String,
    pub text: String,
    pub url: Option<String>,
}

/// Whether the model must call a tool.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ToolChoice {
    #[default]
    Auto,
    /// It must not.
    Never,
    /// It must call one, whichever.
    Any,
    /// It must call this one.
    Tool(String),
}

/// The form of the answer's text.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(tag = "type", rename_all = "snake_case")]
pub enum OutputFormat {
    #[default]
    Text,
    /// Any JSON object.
    Json,
    /// JSON that fits a JSON Schema.
    Schema { name: String, schema: Value, strict: bool },
}

/// How the next token is chosen. What a provider does not know is left out.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct Sampling {
    pub temperature: Option<f64>,
    pub top_p: Option<f64>,
    pub top_k: Option<u32>,
    /// Texts that end the answer where they would stand.
    pub stop: Vec<String>,
    pub seed: Option<i64>,
    pub presence_penalty: Option<f64>,
    pub frequency_penalty: Option<f64>,
}

/// How much a model is to think before it answers.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Thinking {
    Off,
    Effort(Effort),
    /// So many tokens at most.
    Tokens(u32),
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Effort {
    Minimal,
    Low,
    Medium,
    High,
    Highest,
}

impl ChatRequest {
    /// The words to answer.
    pub fn question(&self) -> Cow<'_, str> {
        let asked = self.messages.iter().rev().find_map(|message| match message {
            ChatMessage::User { content } => Some(content.text()),
            _ => None,
        });
        asked.unwrap_or_default()
    }
}

impl ChatMessage {
    pub fn user(text: impl Into<Content>) -> Self {
        Self::User { content: text.into() }
    }

    pub fn assistant(text: impl Into<String>) -> Self {
        Self::Assistant { thoughts: Vec::new(), text: text.into(), tool_calls: Vec::new() }
    }
}

impl Content {
    /// All texts, one after the other.
    pub fn text(&self) -> Cow<'_, str> {
        match self.0.as_slice() {
            [Part::Text { text }] => Cow::Borrowed(text),
            parts => parts.iter().filter_map(Part::as_text).collect::<Vec<_>>().concat().into(),
        }
    }

    pub fn images(&self) -> impl Iterator<Item = &Image> {
        self.0.iter().filter_map(|part| match part {
            Part::Image { image } => Some(image),
            Part::Text { .. } => None,
        })
    }
}

impl OutputFormat {
    /// What asks for it where a model cannot be held to it.
    pub(crate) fn in_words(&self) -> Option<String> {
        match self {
            Self::Text => None,
            Self::Json => Some("Answer with a JSON object and nothing else: no words around it.".to_owned()),
            Self::Schema { schema, .. } => Some(format!(
                "Answer with JSON and nothing else, no words around it. It must fit this JSON Schema:\n{schema}"
            )),
        }
    }
}

impl<T: Into<String>> From<T> for Content {
    fn from(text: T) -> Self {
        Self(vec![Part::Text { text: text.into() }])
    }
}

impl Part {
    pub fn as_text(&self) -> Option<&str> {
        match self {
            Self::Text { text } => Some(text),
            Self::Image { .. } => None,
        }
    }
}
