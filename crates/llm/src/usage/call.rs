use std::str::FromStr;
use std::time::Duration;

use chrono::{DateTime, Utc};
use kernel::ModelCallId;
use serde::Serialize;

use crate::account::Account;
use crate::model::TokenUsage;
use crate::usd::Usd;

/// One call, as whoever made it sees it: attempts and fallbacks included.
#[derive(Clone, Debug, PartialEq)]
pub struct ModelCall {
    pub id: ModelCallId,
    /// When it began.
    pub at: DateTime<Utc>,
    pub account: Account,
    pub protocol: Protocol,
    /// The model group it was made for; `None` where it named a model itself.
    pub group: Option<String>,
    /// Who answered, else who was asked last; empty where nobody was asked.
    pub provider: String,
    pub model: String,
    pub outcome: Outcome,
    /// `None` where no provider told any.
    pub usage: Option<TokenUsage>,
    /// `None` where it is not known; 0 where nobody was asked.
    pub cost: Option<Usd>,
    pub took: Duration,
    /// Until the first token, where any came.
    pub first_token: Option<Duration>,
    pub attempts: u32,
    pub streamed: bool,
    /// Answered out of the cache.
    pub cached: bool,
    /// For the organisation's people: without keys.
    pub error: Option<String>,
}

/// In which protocol a call came.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Protocol {
    /// The product's own calls.
    Internal,
    OpenaiChat,
    OpenaiResponses,
    OpenaiEmbeddings,
    Anthropic,
    CohereRerank,
}

impl Protocol {
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Internal => "internal",
            Self::OpenaiChat => "openai-chat",
            Self::OpenaiResponses => "openai-responses",
            Self::OpenaiEmbeddings => "openai-embeddings",
            Self::Anthropic => "anthropic",
            Self::CohereRerank => "cohere-rerank",
        }
    }
}

/// What came of a call.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Outcome {
    Answered,
    /// No model answered, or an answer broke off.
    Failed,
    /// It was not let through: a limit, a budget, a model that is not the key's.
    Refused,
    /// Whoever called went away.
    Aborted,
}

impl Outcome {
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Answered => "answered",
            Self::Failed => "failed",
            Self::Refused => "refused",
            Self::Aborted => "aborted",
        }
    }
}

impl FromStr for Outcome {
    type Err = UnknownOutcome;

    fn from_str(name: &str) -> Result<Self, UnknownOutcome> {
        let all = [Self::Answered, Self::Failed, Self::Refused, Self::Aborted];
        all.into_iter().find(|outcome| outcome.as_str() == name).ok_or(UnknownOutcome)
    }
}

#[derive(Debug, thiserror::Error)]
#[error("an outcome is one of answered, failed, refused, aborted")]
pub struct UnknownOutcome;
