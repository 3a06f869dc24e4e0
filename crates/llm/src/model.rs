use std::fmt;
use std::str::FromStr;

use rust_decimal::Decimal;
use serde::{Deserialize, Serialize};

use crate::request::ToolCall;

/// A piece of an answer under way, as it is shown to people.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Delta<'a> {
    /// What was shown so far is void: attempt number `attempt` begins from the start.
    Restart {
        attempt: u32,
    },
    Text(&'a str),
}

/// A model's answer.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Completion {
    pub text: String,
    pub tool_calls: Vec<ToolCall>,
    pub stop: Stop,
    /// Who answered.
    pub model: ModelRef,
    /// Zero throughout where the provider reported none.
    pub usage: TokenUsage,
    /// USD for this answer; `None` where the model's price or the usage is not known.
    pub cost_usd: Option<Decimal>,
    /// Every call made on the way, failed ones included, oldest first.
    pub calls: Vec<CallRecord>,
}

/// Why a model stopped.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Stop {
    /// It had said what it had to say.
    End,
    /// It waits for the results of its tool calls.
    ToolCalls,
    /// It ran into the limit of output tokens; the text is cut.
    Length,
    /// The provider's content policy cut it short.
    Filtered,
}

/// One model at one provider, by the names the organisation gave them.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct ModelRef {
    pub provider: String,
    pub model: String,
}

impl fmt::Display for ModelRef {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}", self.provider, self.model)
    }
}

/// Tokens of one call, counted alike for all providers.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct TokenUsage {
    /// Read afresh: without those of the provider's prompt cache.
    pub input: u64,
    pub cache_read: u64,
    pub cache_write: u64,
    /// Of `cache_write`, what is kept for an hour.
    #[serde(default)]
    pub cache_write_1h: u64,
    /// Written, `reasoning` included.
    pub output: u64,
    pub reasoning: u64,
    /// A reranker's.
    #[serde(default)]
    pub searches: u64,
}

impl TokenUsage {
    /// All tokens of the prompt, however they were paid for.
    pub fn prompt(&self) -> u64 {
        self.input.saturating_add(self.cache_read).saturating_add(self.cache_write)
    }

    /// What both took together.
    #[must_use]
    pub fn plus(self, other: Self) -> Self {
        Self {
            input: self.input.saturating_add(other.input),
            cache_read: self.cache_read.saturating_add(other.cache_read),
            cache_write: self.cache_write.saturating_add(other.cache_write),
            cache_write_1h: self.cache_write_1h.saturating_add(other.cache_write_1h),
            output: self.output.saturating_add(other.output),
            reasoning: self.reasoning.saturating_add(other.reasoning),
            searches: self.searches.saturating_add(other.searches),
        }
    }
}

/// One call to a provider, whatever came of it.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct CallRecord {
    pub provider: String,
    pub model: String,
    pub ms: u64,
    pub ok: bool,
    /// For the organisation's people: without keys, at most 300 characters of what the provider said.
    pub error: Option<String>,
    /// `None` where the provider reported none.
    pub usage: Option<TokenUsage>,
    /// `None` where it is not known; 0 only for models that cost nothing.
    pub cost_usd: Option<Decimal>,
}

/// The protocol a provider speaks.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Wire {
    OpenaiChat,
    OpenaiResponses,
    Anthropic,
    Gemini,
    Ollama,
    /// The offline model inside this process.
    Builtin,
}

impl Wire {
    pub const ALL: [Self; 6] =
        [Self::OpenaiChat, Self::OpenaiResponses, Self::Anthropic, Self::Gemini, Self::Ollama, Self::Builtin];

    pub fn as_str(self) -> &'static str {
        match self {
            Self::OpenaiChat => "openai-chat",
            Self::OpenaiResponses => "openai-responses",
            Self::Anthropic => "anthropic",
            Self::Gemini => "gemini",
            Self::Ollama => "ollama",
            Self::Builtin => "builtin",
        }
    }
}

impl fmt::Display for Wire {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

impl FromStr for Wire {
    type Err = UnknownWire;

    fn from_str(name: &str) -> Result<Self, UnknownWire> {
        Self::ALL.into_iter().find(|wire| wire.as_str() == name).ok_or_else(|| UnknownWire(name.to_owned()))
    }
}

#[derive(Debug, thiserror::Error)]
#[error("unknown wire `{0}`: one of openai-chat, openai-responses, anthropic, gemini, ollama, builtin")]
pub struct UnknownWire(String);
