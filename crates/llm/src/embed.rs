//! What is asked of models that write no text: vectors of texts, and how well documents answer a question.

use crate::model::TokenUsage;

/// Texts to make vectors of.
#[derive(Clone, Debug, Default, PartialEq)]
pub(crate) struct EmbedRequest {
    pub(crate) texts: Vec<String>,
    /// How long each vector is to be; `None`: as the model makes them.
    pub(crate) dimensions: Option<u32>,
    /// Who asks, for the provider's abuse detection: an opaque name.
    pub(crate) user: Option<String>,
}

/// A vector for each text, in the texts' order.
#[derive(Clone, Debug, Default, PartialEq)]
pub(crate) struct Vectors {
    pub(crate) vectors: Vec<Vec<f32>>,
    pub(crate) usage: Option<TokenUsage>,
}

/// Documents to put in the order in which they answer a question.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct RerankRequest {
    pub(crate) query: String,
    pub(crate) documents: Vec<String>,
    /// How many of them are wanted; `None`: all.
    pub(crate) top: Option<u32>,
    /// What of a long document is looked at, in tokens.
    pub(crate) tokens_per_document: Option<u32>,
}

/// Documents, the best first.
#[derive(Clone, Debug, Default, PartialEq)]
pub(crate) struct Ranking {
    pub(crate) ranked: Vec<Ranked>,
    pub(crate) usage: Option<TokenUsage>,
}

#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct Ranked {
    /// Its place among the documents asked about.
    pub(crate) index: usize,
    /// From 0 to 1 at most providers.
    pub(crate) score: f64,
}

impl Vectors {
    /// Those of several calls for one request, in the calls' order.
    pub(crate) fn join(parts: impl IntoIterator<Item = Self>) -> Self {
        let mut whole = Self::default();
        for Self { vectors, usage } in parts {
            whole.vectors.extend(vectors);
            if let Some(usage) = usage {
                whole.usage.get_or_insert_default().input += usage.input;
            }
        }
        whole
    }
}
