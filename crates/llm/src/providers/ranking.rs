//! How well documents answer a question, as Cohere is asked (`POST {base}/rerank`), and as many servers that speak like
//! OpenAI otherwise (vLLM, Jina) can be.

use reqwest::Url;
use serde::Deserialize;

use super::{Door, Endpoint, adapter, join};
use crate::fault::Fault;
use crate::model::{TokenUsage, Wire};

/// Where documents are ranked.
pub(crate) fn door(wire: Wire, endpoint: &Endpoint<'_>) -> Result<Door, Fault> {
    Ok(Door { url: url(endpoint.base), ..adapter(wire).door(endpoint)? })
}

/// Cohere's own address holds no version.
fn url(base: &Url) -> Url {
    join(base, if matches!(base.path(), "" | "/") { "v2/rerank" } else { "rerank" })
}

/// What an answer tells of usage.
pub(crate) fn count(body: &[u8]) -> Option<TokenUsage> {
    serde_json::from_slice::<Answer>(body).ok()?.usage()
}

#[derive(Deserialize)]
struct Answer {
    #[serde(default)]
    meta: Option<Meta>,
    /// Of servers other than Cohere's.
    #[serde(default)]
    usage: Option<Usage>,
}

#[derive(Deserialize)]
struct Meta {
    #[serde(default)]
    billed_units: Option<Billed>,
}

/// Cohere counts in fractions.
#[derive(Deserialize)]
struct Billed {
    #[serde(default)]
    search_units: Option<f64>,
    #[serde(default)]
    input_tokens: Option<f64>,
}

#[derive(Deserialize)]
struct Usage {
    #[serde(default)]
    total_tokens: u64,
}

impl Answer {
    fn usage(&self) -> Option<TokenUsage> {
        let whole = |units: Option<f64>| units.map_or(0, |units| units.max(0.0).ceil() as u64);
        let billed = self.meta.as_ref().and_then(|meta| meta.billed_units.as_ref());
        match (billed, &self.usage) {
            (Some(billed), _) => Some(TokenUsage {
                searches: whole(billed.search_units),
                input: whole(billed.input_tokens),
                ..TokenUsage::default()
            }),
            (None, Some(usage)) => Some(TokenUsage { input: usage.total_tokens, ..TokenUsage::default() }),
            (None, None) => None,
        }
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn documents_go_to_cohere_and_to_servers_that_speak_like_it() {
        for (base, want) in [
            ("https://api.cohere.com", "https://api.cohere.com/v2/rerank"),
            ("https://api.cohere.com/v2", "https://api.cohere.com/v2/rerank"),
            ("http://h:8000/v1/", "http://h:8000/v1/rerank"),
        ] {
            let base = base.parse().unwrap();
            let door = door(Wire::OpenaiChat, &Endpoint { base: &base, key: Some("k"), model: "m" }).unwrap();
            assert_eq!(door.url.as_str(), want);
        }
    }

    #[test]
    fn what_a_ranking_costs_is_read() {
        let cohere = json!({"results": [], "meta": {"billed_units": {"search_units": 1.0}}});
        let searches = TokenUsage { searches: 1, ..TokenUsage::default() };
        assert_eq!(count(cohere.to_string().as_bytes()), Some(searches));
        let vllm = json!({"results": [{"index": 0, "score": 1}], "usage": {"total_tokens": 56}});
        let input = TokenUsage { input: 56, ..TokenUsage::default() };
        assert_eq!(count(vllm.to_string().as_bytes()), Some(input));
        assert_eq!(count(b"{}"), None);
    }
}
