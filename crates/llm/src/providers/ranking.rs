//! How well documents answer a question, as Cohere is asked (`POST {base}/rerank`), and as many servers that speak like
//! OpenAI otherwise (vLLM, Jina) can be.

use std::collections::HashSet;

use reqwest::Url;
use serde::{Deserialize, Serialize};

use super::{Door, Endpoint, ErrorBody, Post, adapter, join, to_bytes};
use crate::embed::{Ranked, Ranking, RerankRequest};
use crate::fault::Fault;
use crate::model::{TokenUsage, Wire};

pub(crate) fn call(wire: Wire, endpoint: &Endpoint<'_>, request: &RerankRequest) -> Result<Post, Fault> {
    let body = Body {
        model: endpoint.model,
        query: &request.query,
        documents: &request.documents,
        top_n: request.top,
        max_tokens_per_doc: request.tokens_per_document,
    };
    Ok(Post { door: door(wire, endpoint)?, body: to_bytes(&body)? })
}

/// Where documents are ranked.
pub(crate) fn door(wire: Wire, endpoint: &Endpoint<'_>) -> Result<Door, Fault> {
    match wire {
        Wire::OpenaiChat => Ok(Door { url: url(endpoint.base), ..adapter(wire).door(endpoint)? }),
        _ => Err(Fault::Misconfigured(format!("no documents can be ranked over `{wire}`"))),
    }
}

/// Cohere's own address holds no version.
fn url(base: &Url) -> Url {
    join(base, if matches!(base.path(), "" | "/") { "v2/rerank" } else { "rerank" })
}

/// Reads the answer to a call with so many documents.
pub(crate) fn read(body: &[u8], documents: usize) -> Result<Ranking, Fault> {
    let answer: Answer = match serde_json::from_slice(body) {
        Ok(answer) => answer,
        Err(error) => return Err(ErrorBody::parse(body).map_or_else(|| error.into(), ErrorBody::into_fault)),
    };
    let mut seen = HashSet::new();
    if let Some(odd) = answer.results.iter().find(|one| one.index >= documents || !seen.insert(one.index)) {
        return Err(Fault::Garbage(format!("document {} of {documents}, or twice the same", odd.index)));
    }
    let usage = answer.usage();
    let ranked =
        answer.results.into_iter().map(|one| Ranked { index: one.index, score: one.relevance_score }).collect();
    Ok(Ranking { ranked, usage })
}

/// What an answer that is passed on as it came tells of usage.
pub(crate) fn count(body: &[u8]) -> Option<TokenUsage> {
    serde_json::from_slice::<Answer>(body).ok()?.usage()
}

#[derive(Serialize)]
struct Body<'a> {
    model: &'a str,
    query: &'a str,
    documents: &'a [String],
    #[serde(skip_serializing_if = "Option::is_none")]
    top_n: Option<u32>,
    #[serde(skip_serializing_if = "Option::is_none")]
    max_tokens_per_doc: Option<u32>,
}

#[derive(Deserialize)]
struct Answer {
    results: Vec<Found>,
    #[serde(default)]
    meta: Option<Meta>,
    /// Of servers other than Cohere's.
    #[serde(default)]
    usage: Option<Usage>,
}

#[derive(Deserialize)]
struct Found {
    index: usize,
    #[serde(alias = "score")]
    relevance_score: f64,
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
    use serde_json::{Value, json};

    use super::*;

    fn sent(wire: Wire, base: &str) -> Result<(String, Value), Fault> {
        let request = RerankRequest {
            query: "q".into(),
            documents: vec!["a".into(), "b".into()],
            top: Some(1),
            tokens_per_document: None,
        };
        let base = base.parse().unwrap();
        let post = call(wire, &Endpoint { base: &base, key: Some("k"), model: "m" }, &request)?;
        Ok((post.door.url.to_string(), serde_json::from_slice(&post.body).unwrap()))
    }

    #[test]
    fn documents_are_sent_to_cohere_and_to_servers_that_speak_like_it() {
        for (base, url) in [
            ("https://api.cohere.com", "https://api.cohere.com/v2/rerank"),
            ("https://api.cohere.com/v2", "https://api.cohere.com/v2/rerank"),
            ("http://h:8000/v1/", "http://h:8000/v1/rerank"),
        ] {
            let body = json!({"model": "m", "query": "q", "documents": ["a", "b"], "top_n": 1});
            assert_eq!(sent(Wire::OpenaiChat, base), Ok((url.to_owned(), body)));
        }
        assert!(matches!(sent(Wire::Gemini, "https://h"), Err(Fault::Misconfigured(_))));
    }

    #[test]
    fn the_order_and_what_it_costs_are_read() {
        let cohere = json!({"id": "x", "results": [{"index": 1, "relevance_score": 0.9}, {"index": 0, "relevance_score": 0.1}],
            "meta": {"api_version": {"version": "2"}, "billed_units": {"search_units": 1.0}}});
        let read_ = read(cohere.to_string().as_bytes(), 2).unwrap();
        assert_eq!(read_.ranked, [Ranked { index: 1, score: 0.9 }, Ranked { index: 0, score: 0.1 }]);
        let searches = Some(TokenUsage { searches: 1, ..TokenUsage::default() });
        assert_eq!((read_.usage, count(cohere.to_string().as_bytes())), (searches, searches));
        let vllm = json!({"results": [{"index": 0, "score": 1}], "usage": {"total_tokens": 56}});
        let input = Some(TokenUsage { input: 56, ..TokenUsage::default() });
        assert_eq!(read(vllm.to_string().as_bytes(), 1).unwrap().usage, input);
    }

    #[test]
    fn what_is_no_order_of_the_documents_is_refused() {
        let ranked = |indices: &[usize]| {
            let results: Vec<Value> =
                indices.iter().map(|index| json!({"index": index, "relevance_score": 1})).collect();
            read(json!({ "results": results }).to_string().as_bytes(), 2)
        };
        assert!(matches!(ranked(&[2]), Err(Fault::Garbage(_))));
        assert!(matches!(ranked(&[1, 1]), Err(Fault::Garbage(_))));
        assert!(matches!(read(b"{}", 2), Err(Fault::Garbage(_))));
        assert!(matches!(read(br#"{"message": "no such model"}"#, 2), Err(Fault::Reported { .. })));
    }
}
