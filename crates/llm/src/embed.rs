//! What is asked of models that write no text: vectors of texts.

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
