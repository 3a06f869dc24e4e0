use chrono::{DateTime, Utc};
use kernel::{ProviderId, Secret};
use llm::store::{KeyChange, ProviderSpec};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::extract::present;

/// The protocol a provider speaks.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "kebab-case")]
pub(crate) enum Wire {
    OpenaiChat,
    OpenaiResponses,
    Anthropic,
    Gemini,
    Ollama,
    /// The offline model that ships with the product.
    Builtin,
}

#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct Provider {
    #[schema(value_type = Uuid)]
    pub id: ProviderId,
    pub name: String,
    pub wire: Wire,
    pub base_url: String,
    /// Whether an API key is stored; the key itself is never shown.
    pub has_key: bool,
    pub created_at: DateTime<Utc>,
}

#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct CreateProvider {
    pub name: String,
    pub wire: Wire,
    #[serde(default)]
    #[schema(default = "")]
    pub base_url: String,
    #[schema(value_type = Option<String>, format = Password)]
    pub api_key: Option<Secret>,
}

#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct ChangeProvider {
    pub name: Option<String>,
    pub wire: Option<Wire>,
    pub base_url: Option<String>,
    /// Replaces the stored key; null removes it.
    #[serde(default, deserialize_with = "present")]
    #[schema(value_type = Option<String>, format = Password)]
    pub api_key: Option<Option<Secret>>,
}

/// What came of trying a provider.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct ProviderTest {
    /// Whether it took the key and told its models.
    pub ok: bool,
    /// The HTTP status that it answered with; null where it did not answer.
    pub status: Option<u16>,
    pub latency_ms: u64,
    /// What went wrong, in the provider's own words without the key.
    pub error: Option<String>,
    /// The models that it has, at most 500.
    pub models: Vec<String>,
}

impl From<llm::ConnectionTest> for ProviderTest {
    fn from(test: llm::ConnectionTest) -> Self {
        let (models, error) = match test.outcome {
            Ok(models) => (models, None),
            Err(error) => (Vec::new(), Some(error)),
        };
        let latency_ms = u64::try_from(test.took.as_millis()).unwrap_or(u64::MAX);
        Self { ok: error.is_none(), status: test.status, latency_ms, error, models }
    }
}

impl ChangeProvider {
    /// Whether calls go elsewhere afterwards.
    pub(crate) fn moves(&self, old: &llm::store::Provider) -> bool {
        self.wire.is_some_and(|wire| llm::Wire::from(wire) != old.wire)
            || self.base_url.as_ref().is_some_and(|base_url| *base_url != old.base_url)
    }

    /// What the provider is to be, given what it is.
    pub(crate) fn onto(self, old: llm::store::Provider) -> ProviderSpec {
        ProviderSpec {
            name: self.name.unwrap_or(old.name),
            wire: self.wire.map_or(old.wire, Into::into),
            base_url: self.base_url.unwrap_or(old.base_url),
            private_allowed: false,
            api_key: match self.api_key {
                None => KeyChange::Keep,
                Some(None) => KeyChange::Remove,
                Some(Some(key)) => KeyChange::Set(key),
            },
        }
    }
}

impl From<llm::store::Provider> for Provider {
    fn from(found: llm::store::Provider) -> Self {
        Self {
            id: found.id,
            name: found.name,
            wire: found.wire.into(),
            base_url: found.base_url,
            has_key: found.has_key,
            created_at: found.created_at,
        }
    }
}

impl From<llm::Wire> for Wire {
    fn from(wire: llm::Wire) -> Self {
        match wire {
            llm::Wire::OpenaiChat => Self::OpenaiChat,
            llm::Wire::OpenaiResponses => Self::OpenaiResponses,
            llm::Wire::Anthropic => Self::Anthropic,
            llm::Wire::Gemini => Self::Gemini,
            llm::Wire::Ollama => Self::Ollama,
            llm::Wire::Builtin => Self::Builtin,
        }
    }
}

impl From<Wire> for llm::Wire {
    fn from(wire: Wire) -> Self {
        match wire {
            Wire::OpenaiChat => Self::OpenaiChat,
            Wire::OpenaiResponses => Self::OpenaiResponses,
            Wire::Anthropic => Self::Anthropic,
            Wire::Gemini => Self::Gemini,
            Wire::Ollama => Self::Ollama,
            Wire::Builtin => Self::Builtin,
        }
    }
}
