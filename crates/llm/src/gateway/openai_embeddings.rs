//! OpenAI's embeddings (`POST /llm/v1/embeddings`), as clients speak them. Its errors are those of chat completions.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde::Serialize;

use super::body::{Field, parse};
use super::{Refusal, emit};
use crate::embed::{EmbedRequest, Vectors};

/// The most texts of one request.
const MOST_TEXTS: usize = 2048;

/// A request, understood.
#[derive(Debug, PartialEq)]
pub(super) struct AskedVectors {
    pub(super) request: EmbedRequest,
    /// Vectors are told in base64, which OpenAI's SDKs ask for unless they are told otherwise.
    pub(super) base64: bool,
}

/// Understands a request, for a provider that is asked in other words.
pub(super) fn accept(body: &[u8]) -> Result<AskedVectors, Refusal> {
    let body = parse(body)?;
    let body = &Field::body(&body);
    let base64 = body.optional("encoding_format", |format| match format.text()? {
        "float" => Ok(false),
        "base64" => Ok(true),
        _ => Err(format.wrong("must be `float` or `base64`")),
    })?;
    let request = EmbedRequest {
        texts: texts(&body.need("input")?)?,
        dimensions: body.optional("dimensions", Field::positive)?,
        user: body.optional("user", Field::text_owned)?,
    };
    Ok(AskedVectors { request, base64: base64.unwrap_or(false) })
}

fn texts(input: &Field<'_>) -> Result<Vec<String>, Refusal> {
    if input.as_text().is_some() {
        return Ok(vec![input.name()?]);
    }
    let mut texts = Vec::new();
    for text in input.items()? {
        if text.as_text().is_none() && (text.items().is_ok() || text.count().is_ok()) {
            return Err(text.untranslatable("tokens"));
        }
        if texts.len() == MOST_TEXTS {
            return Err(input.wrong(format_args!("must hold at most {MOST_TEXTS} texts")));
        }
        texts.push(text.name()?);
    }
    if texts.is_empty() { Err(input.wrong("must hold at least one text")) } else { Ok(texts) }
}

#[derive(Serialize)]
struct Answer<'a> {
    object: &'static str,
    data: Vec<One<'a>>,
    model: &'a str,
    usage: Usage,
}

#[derive(Serialize)]
struct One<'a> {
    object: &'static str,
    index: usize,
    embedding: Embedding<'a>,
}

#[derive(Serialize)]
#[serde(untagged)]
enum Embedding<'a> {
    Numbers(&'a [f32]),
    Base64(String),
}

#[derive(Serialize)]
struct Usage {
    prompt_tokens: u64,
    total_tokens: u64,
}

/// The body of a 200. Clients cannot do without the count of tokens: `tokens` is the guess where the provider told none.
pub(super) fn whole(model: &str, base64: bool, vectors: &Vectors, tokens: u64) -> Vec<u8> {
    let told = |vector: &'_ Vec<f32>| {
        let bytes = || vector.iter().flat_map(|number| number.to_le_bytes()).collect::<Vec<u8>>();
        base64.then(|| Embedding::Base64(STANDARD.encode(bytes())))
    };
    let one = |(index, vector)| One {
        object: "embedding",
        index,
        embedding: told(vector).unwrap_or(Embedding::Numbers(vector)),
    };
    let tokens = vectors.usage.map_or(tokens, |usage| usage.prompt());
    let answer = Answer {
        object: "list",
        data: vectors.vectors.iter().enumerate().map(one).collect(),
        model,
        usage: Usage { prompt_tokens: tokens, total_tokens: tokens },
    };
    let mut body = Vec::new();
    emit::json(&answer, &mut body);
    body
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use serde_json::{Value, json};

    use super::*;
    use crate::model::{TokenUsage, Wire};
    use crate::providers::vectors;

    fn accepted(body: &Value) -> Result<AskedVectors, Refusal> {
        accept(body.to_string().as_bytes())
    }

    #[test]
    fn one_text_and_many_are_understood_with_the_form_the_client_wants() {
        let one =
            accepted(&json!({"model": "m", "input": "Hi", "encoding_format": "base64", "dimensions": 8})).unwrap();
        assert_eq!((one.request.texts, one.request.dimensions, one.base64), (vec!["Hi".into()], Some(8), true));
        let many = accepted(&json!({"model": "m", "input": ["a", "b"], "user": "u"})).unwrap();
        assert_eq!((many.request.texts.len(), many.request.user.as_deref(), many.base64), (2, Some("u"), false));
    }

    #[test]
    fn what_is_wrong_or_nobody_else_can_do_is_refused_by_name() {
        let too_many = vec!["x"; MOST_TEXTS + 1];
        for (body, param) in [
            (json!({}), "input"),
            (json!({"input": ""}), "input"),
            (json!({"input": []}), "input"),
            (json!({"input": ["a", ""]}), "input[1]"),
            (json!({"input": [1, 2]}), "input[0]"),
            (json!({"input": [[1, 2]]}), "input[0]"),
            (json!({"input": [null]}), "input[0]"),
            (json!({"input": too_many}), "input"),
            (json!({"input": "a", "dimensions": 0}), "dimensions"),
            (json!({"input": "a", "encoding_format": "hex"}), "encoding_format"),
        ] {
            assert_eq!(accepted(&body).unwrap_err().param.as_deref(), Some(param));
        }
        assert!(accepted(&json!({"input": [[1, 2]]})).unwrap_err().message.contains("tokens"));
    }

    proptest! {
        #[test]
        fn vectors_are_read_again_as_they_were_written(
            vectors in prop::collection::vec(prop::collection::vec(-1e3_f32..1e3, 1..5), 1..4),
            base64 in any::<bool>(),
        ) {
            let usage = Some(TokenUsage { input: 7, ..TokenUsage::default() });
            let vectors = Vectors { vectors, usage };
            let body = whole("m", base64, &vectors, 99);
            prop_assert_eq!(vectors::read(Wire::OpenaiChat, &body, vectors.vectors.len()).unwrap(), vectors);
        }

        #[test]
        fn no_bytes_upset_it(bytes in prop::collection::vec(any::<u8>(), 0..100)) {
            let _ = accept(&bytes);
            let _ = vectors::read(Wire::OpenaiChat, &bytes, 1);
        }
    }

    #[test]
    fn the_answer_has_what_openais_sdk_wants() {
        let vectors = Vectors { vectors: vec![vec![0.5, -1.0]], usage: None };
        let told = |base64| -> Value { serde_json::from_slice(&whole("m", base64, &vectors, 3)).unwrap() };
        let one = |embedding: Value| {
            json!({"object": "list", "model": "m", "usage": {"prompt_tokens": 3, "total_tokens": 3},
                   "data": [{"object": "embedding", "index": 0, "embedding": embedding}]})
        };
        assert_eq!(told(false), one(json!([0.5, -1.0])));
        assert_eq!(told(true), one(json!("AAAAPwAAgL8=")));
    }
}
