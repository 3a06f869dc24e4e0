//! Cohere's rerank (`POST /llm/v2/rerank`), as clients speak it.

use serde::Serialize;
use serde_json::json;

use super::body::{Field, parse};
use super::{Refusal, emit};
use crate::embed::{Ranking, RerankRequest};

/// The most documents of one request.
const MOST_DOCUMENTS: usize = 10_000;

/// Understands a request, for a provider that is asked in other words.
pub(super) fn accept(body: &[u8]) -> Result<RerankRequest, Refusal> {
    let body = parse(body)?;
    let body = &Field::body(&body);
    if let Some(spans) = body.get("relevant_spans") {
        return Err(spans.untranslatable("relevant_spans"));
    }
    let given = body.need("documents")?;
    let mut documents = Vec::new();
    for document in given.items()? {
        if documents.len() == MOST_DOCUMENTS {
            return Err(given.wrong(format_args!("must hold at most {MOST_DOCUMENTS} documents")));
        }
        // The older form is an object.
        documents.push(match document.as_text() {
            Some(text) => text.to_owned(),
            None => document.need("text")?.text_owned()?,
        });
    }
    if documents.is_empty() {
        return Err(given.wrong("must hold at least one document"));
    }
    Ok(RerankRequest {
        query: body.need("query")?.name()?,
        documents,
        top: body.optional("top_n", Field::positive)?,
        tokens_per_document: body.optional("max_tokens_per_doc", Field::positive)?,
    })
}

#[derive(Serialize)]
struct Answer<'a> {
    id: &'a str,
    results: Vec<One>,
    meta: Meta,
}

#[derive(Serialize)]
struct One {
    index: usize,
    relevance_score: f64,
}

#[derive(Serialize)]
struct Meta {
    api_version: Version,
    #[serde(skip_serializing_if = "Option::is_none")]
    billed_units: Option<Billed>,
}

#[derive(Serialize)]
struct Version {
    version: &'static str,
}

#[derive(Serialize)]
struct Billed {
    search_units: u64,
    input_tokens: u64,
}

/// The body of a 200.
pub(super) fn whole(id: &str, ranking: &Ranking) -> Vec<u8> {
    let billed = |usage: crate::TokenUsage| Billed { search_units: usage.searches, input_tokens: usage.input };
    let answer = Answer {
        id,
        results: ranking.ranked.iter().map(|one| One { index: one.index, relevance_score: one.score }).collect(),
        meta: Meta { api_version: Version { version: "2" }, billed_units: ranking.usage.map(billed) },
    };
    let mut body = Vec::new();
    emit::json(&answer, &mut body);
    body
}

/// Cohere's SDKs tell refusals apart by their status.
pub(super) fn refusal(refusal: &Refusal) -> Vec<u8> {
    json!({ "message": refusal.message }).to_string().into_bytes()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use serde_json::Value;

    use super::*;
    use crate::embed::Ranked;
    use crate::gateway::RefusalKind;
    use crate::model::TokenUsage;
    use crate::providers::ranking;

    fn accepted(body: &Value) -> Result<RerankRequest, Refusal> {
        accept(body.to_string().as_bytes())
    }

    #[test]
    fn documents_are_understood_in_either_form() {
        let body = json!({"model": "m", "query": "q", "documents": ["a", {"text": "b"}], "top_n": 1, "priority": 3});
        let want = RerankRequest {
            query: "q".into(),
            documents: vec!["a".into(), "b".into()],
            top: Some(1),
            tokens_per_document: None,
        };
        assert_eq!(accepted(&body), Ok(want));
    }

    #[test]
    fn what_is_wrong_or_nobody_else_can_do_is_refused_by_name() {
        for (body, param) in [
            (json!({"query": "q"}), "documents"),
            (json!({"query": "q", "documents": []}), "documents"),
            (json!({"query": "q", "documents": [7]}), "documents[0]"),
            (json!({"query": "q", "documents": [{"title": "a"}]}), "documents[0].text"),
            (json!({"documents": ["a"]}), "query"),
            (json!({"query": "", "documents": ["a"]}), "query"),
            (json!({"query": "q", "documents": ["a"], "top_n": 0}), "top_n"),
            (json!({"query": "q", "documents": ["a"], "relevant_spans": {}}), "relevant_spans"),
        ] {
            assert_eq!(accepted(&body).unwrap_err().param.as_deref(), Some(param), "{body}");
        }
        let refused: Value = serde_json::from_slice(&refusal(&Refusal::new(RefusalKind::Key, "No."))).unwrap();
        assert_eq!(refused, json!({"message": "No."}));
    }

    proptest! {
        #[test]
        fn an_order_is_read_again_as_it_was_written(scores in prop::collection::vec(0..=64_u8, 0..5), searches in 0..9_u64) {
            let ranked = scores.into_iter().enumerate().map(|(index, score)| Ranked { index, score: f64::from(score) / 64.0 }).collect();
            let ranking = Ranking { ranked, usage: Some(TokenUsage { searches, ..TokenUsage::default() }) };
            prop_assert_eq!(ranking::read(&whole("x", &ranking), 5).unwrap(), ranking);
        }

        #[test]
        fn no_bytes_upset_it(bytes in prop::collection::vec(any::<u8>(), 0..100)) {
            let _ = accept(&bytes);
            let _ = ranking::read(&bytes, 1);
        }
    }
}
