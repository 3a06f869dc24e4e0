//! Vectors of texts: OpenAI's embeddings (`POST {base}/embeddings`) and every server that speaks like it, Ollama's
//! (`/api/embed`), Gemini's (`:batchEmbedContents`).

use std::fmt;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde::de::{self, SeqAccess, Unexpected, Visitor};
use serde::{Deserialize, Deserializer, Serialize};

use super::{Door, Endpoint, ErrorBody, Post, adapter, gemini, join, to_bytes};
use crate::embed::{EmbedRequest, Vectors};
use crate::fault::Fault;
use crate::model::{TokenUsage, Wire};

/// The most texts Gemini takes in one call.
const GEMINI_BATCH: usize = 100;

/// The calls that bring the vectors of all texts, each with how many texts it holds.
pub(crate) fn calls(wire: Wire, endpoint: &Endpoint<'_>, request: &EmbedRequest) -> Result<Vec<(Post, usize)>, Fault> {
    let batch = if wire == Wire::Gemini { GEMINI_BATCH } else { request.texts.len().max(1) };
    let post = |texts: &[String]| Ok((call(wire, endpoint, request, texts)?, texts.len()));
    request.texts.chunks(batch).map(post).collect()
}

/// Where vectors are asked for in OpenAI's words.
pub(crate) fn door(wire: Wire, endpoint: &Endpoint<'_>) -> Result<Door, Fault> {
    Ok(Door { url: join(endpoint.base, "embeddings"), ..adapter(wire).door(endpoint)? })
}

fn call(wire: Wire, endpoint: &Endpoint<'_>, request: &EmbedRequest, texts: &[String]) -> Result<Post, Fault> {
    let (model, dimensions) = (endpoint.model, request.dimensions);
    let (url, body) = match wire {
        Wire::OpenaiChat | Wire::OpenaiResponses => {
            let body =
                OpenaiBody { model, input: texts, encoding_format: "float", dimensions, user: request.user.as_deref() };
            (join(endpoint.base, "embeddings"), to_bytes(&body)?)
        }
        Wire::Ollama => (join(endpoint.base, "api/embed"), to_bytes(&OllamaBody { model, input: texts, dimensions })?),
        Wire::Gemini => {
            let name = format!("models/{}", model.trim_start_matches("models/"));
            let one = |text| GeminiText {
                model: &name,
                content: GeminiContent { parts: [GeminiPart { text }] },
                output_dimensionality: dimensions,
            };
            let body = GeminiBody { requests: texts.iter().map(|text| one(text.as_str())).collect() };
            (gemini::method_url(endpoint, "batchEmbedContents")?, to_bytes(&body)?)
        }
        Wire::Anthropic | Wire::Builtin => {
            return Err(Fault::Misconfigured(format!("no vectors can be had over `{wire}`")));
        }
    };
    Ok(Post { door: Door { url, ..adapter(wire).door(endpoint)? }, body })
}

/// Reads the answer to a call with so many texts.
pub(crate) fn read(wire: Wire, body: &[u8], texts: usize) -> Result<Vectors, Fault> {
    let vectors = match wire {
        Wire::Ollama => {
            let OllamaAnswer { embeddings, prompt_eval_count } = parse(body)?;
            Vectors { vectors: embeddings, usage: prompt_eval_count.map(read_tokens) }
        }
        Wire::Gemini => {
            let GeminiAnswer { embeddings, usage_metadata } = parse(body)?;
            let vectors = embeddings.into_iter().map(|embedding| embedding.values).collect();
            Vectors { vectors, usage: usage_metadata.map(|usage| read_tokens(usage.prompt_token_count)) }
        }
        _ => {
            let OpenaiAnswer { mut data, usage } = parse(body)?;
            // Servers that work on several texts at once may be done with a later one first.
            data.sort_by_key(|one| one.index);
            let vectors = data.into_iter().map(|one| one.embedding.0).collect();
            Vectors { vectors, usage: usage.map(|usage| read_tokens(usage.prompt_tokens)) }
        }
    };
    check(&vectors.vectors, texts)?;
    Ok(vectors)
}

/// An answer, or the error that stands in its place.
fn parse<'a, T: Deserialize<'a>>(body: &'a [u8]) -> Result<T, Fault> {
    serde_json::from_slice(body)
        .map_err(|error| ErrorBody::parse(body).map_or_else(|| error.into(), ErrorBody::into_fault))
}

fn check(vectors: &[Vec<f32>], texts: usize) -> Result<(), Fault> {
    if vectors.len() != texts {
        return Err(Fault::Garbage(format!("{} vectors for {texts} texts", vectors.len())));
    }
    if vectors.iter().any(Vec::is_empty) {
        return Err(Fault::Garbage("a vector without a number".to_owned()));
    }
    if vectors.iter().flatten().any(|number| !number.is_finite()) {
        return Err(Fault::Garbage("a vector with a number that is none".to_owned()));
    }
    Ok(())
}

fn read_tokens(input: u64) -> TokenUsage {
    TokenUsage { input, ..TokenUsage::default() }
}

#[derive(Serialize)]
struct OpenaiBody<'a> {
    model: &'a str,
    input: &'a [String],
    /// Base64 is shorter, and not every server knows it.
    encoding_format: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    dimensions: Option<u32>,
    #[serde(skip_serializing_if = "Option::is_none")]
    user: Option<&'a str>,
}

#[derive(Serialize)]
struct OllamaBody<'a> {
    model: &'a str,
    input: &'a [String],
    #[serde(skip_serializing_if = "Option::is_none")]
    dimensions: Option<u32>,
}

#[derive(Serialize)]
struct GeminiBody<'a> {
    requests: Vec<GeminiText<'a>>,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct GeminiText<'a> {
    model: &'a str,
    content: GeminiContent<'a>,
    #[serde(skip_serializing_if = "Option::is_none")]
    output_dimensionality: Option<u32>,
}

#[derive(Serialize)]
struct GeminiContent<'a> {
    parts: [GeminiPart<'a>; 1],
}

#[derive(Serialize)]
struct GeminiPart<'a> {
    text: &'a str,
}

#[derive(Deserialize)]
struct OpenaiAnswer {
    data: Vec<OpenaiVector>,
    #[serde(default)]
    usage: Option<OpenaiUsage>,
}

#[derive(Deserialize)]
struct OpenaiVector {
    #[serde(default)]
    index: u64,
    embedding: Numbers,
}

/// Some servers send base64 whatever they are asked for.
struct Numbers(Vec<f32>);

#[derive(Deserialize)]
struct OpenaiUsage {
    #[serde(default)]
    prompt_tokens: u64,
}

#[derive(Deserialize)]
struct OllamaAnswer {
    embeddings: Vec<Vec<f32>>,
    #[serde(default)]
    prompt_eval_count: Option<u64>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct GeminiAnswer {
    embeddings: Vec<GeminiVector>,
    #[serde(default)]
    usage_metadata: Option<GeminiUsage>,
}

#[derive(Deserialize)]
struct GeminiVector {
    values: Vec<f32>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct GeminiUsage {
    #[serde(default)]
    prompt_token_count: u64,
}

impl<'de> Deserialize<'de> for Numbers {
    fn deserialize<D: Deserializer<'de>>(numbers: D) -> Result<Self, D::Error> {
        numbers.deserialize_any(NumbersVisitor)
    }
}

struct NumbersVisitor;

impl<'de> Visitor<'de> for NumbersVisitor {
    type Value = Numbers;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("numbers, or base64 of them")
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut numbers: A) -> Result<Numbers, A::Error> {
        let mut read = Vec::new();
        while let Some(number) = numbers.next_element()? {
            read.push(number);
        }
        Ok(Numbers(read))
    }

    fn visit_str<E: de::Error>(self, base64: &str) -> Result<Numbers, E> {
        let wrong = || E::invalid_value(Unexpected::Str("…"), &self);
        let bytes = STANDARD.decode(base64).map_err(|_| wrong())?;
        let (numbers, []) = bytes.as_chunks::<4>() else { return Err(wrong()) };
        Ok(Numbers(numbers.iter().map(|number| f32::from_le_bytes(*number)).collect()))
    }
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::*;

    fn request(texts: usize) -> EmbedRequest {
        let texts = (0..texts).map(|n| format!("text {n}")).collect();
        EmbedRequest { texts, dimensions: Some(3), user: Some("u".into()) }
    }

    fn sent(wire: Wire, texts: usize) -> Vec<(String, Value, usize)> {
        let base = adapter(wire).default_base_url().parse().unwrap();
        let endpoint = Endpoint { base: &base, key: Some("k"), model: "m" };
        let show = |(post, texts): (Post, usize)| {
            assert!(post.door.headers.len() >= 2, "the key goes with it");
            (post.door.url.to_string(), serde_json::from_slice(&post.body).unwrap(), texts)
        };
        calls(wire, &endpoint, &request(texts)).unwrap().into_iter().map(show).collect()
    }

    #[test]
    fn texts_are_sent_as_each_provider_wants_them() {
        let input = json!(["text 0", "text 1"]);
        assert_eq!(
            sent(Wire::OpenaiChat, 2),
            [(
                "https://api.openai.com/v1/embeddings".to_owned(),
                json!({"model": "m", "input": input, "encoding_format": "float", "dimensions": 3, "user": "u"}),
                2
            )]
        );
        assert_eq!(
            sent(Wire::Ollama, 2),
            [(
                "http://127.0.0.1:11434/api/embed".to_owned(),
                json!({"model": "m", "input": input, "dimensions": 3}),
                2
            )]
        );
        let one = json!({"model": "models/m", "content": {"parts": [{"text": "text 0"}]}, "outputDimensionality": 3});
        let url = "https://generativelanguage.googleapis.com/v1beta/models/m:batchEmbedContents";
        assert_eq!(sent(Wire::Gemini, 1), [(url.to_owned(), json!({"requests": [one]}), 1)]);
        let sizes: Vec<usize> = sent(Wire::Gemini, 250).into_iter().map(|(_, _, texts)| texts).collect();
        assert_eq!(sizes, [100, 100, 50]);
    }

    #[test]
    fn who_makes_no_vectors_says_so() {
        let base = "https://h".parse().unwrap();
        let endpoint = Endpoint { base: &base, key: None, model: "m" };
        for wire in [Wire::Anthropic, Wire::Builtin] {
            assert!(matches!(calls(wire, &endpoint, &request(1)), Err(Fault::Misconfigured(_))));
        }
    }

    #[test]
    fn vectors_are_read_from_each_provider_in_the_texts_order() {
        let base64 = STANDARD.encode([1.5_f32, -2.0].iter().flat_map(|n| n.to_le_bytes()).collect::<Vec<u8>>());
        let openai = json!({"data": [{"index": 1, "embedding": base64}, {"index": 0, "embedding": [0.1, 1]}],
            "usage": {"prompt_tokens": 4, "total_tokens": 4}});
        let ollama = json!({"embeddings": [[0.1, 1], [1.5, -2]], "prompt_eval_count": 4});
        let gemini = json!({"embeddings": [{"values": [0.1, 1]}, {"values": [1.5, -2]}], "usageMetadata": {"promptTokenCount": 4}});
        for (wire, body) in [(Wire::OpenaiChat, openai), (Wire::Ollama, ollama), (Wire::Gemini, gemini)] {
            let read = read(wire, body.to_string().as_bytes(), 2).unwrap();
            assert_eq!(read.vectors, [[0.1, 1.0], [1.5, -2.0]], "{wire}");
            assert_eq!(read.usage.map(|usage| usage.input), Some(4));
        }
    }

    #[test]
    fn what_are_no_vectors_of_the_texts_is_refused() {
        let nan = STANDARD.encode(f32::NAN.to_le_bytes());
        for body in [
            json!({"data": []}),
            json!({"data": [{"embedding": []}]}),
            json!({"data": [{"embedding": "?"}]}),
            json!({"data": [{"embedding": "AAAAAAA="}]}),
            json!({"data": [{"embedding": nan}]}),
            json!({"data": [{"embedding": [1]}, {"embedding": [1]}]}),
            json!({"data": 7}),
            json!([]),
        ] {
            let read = read(Wire::OpenaiChat, body.to_string().as_bytes(), 1);
            assert!(matches!(read, Err(Fault::Garbage(_))), "{body}: {read:?}");
        }
        let error = read(Wire::Gemini, br#"{"error": {"message": "no", "status": "NOT_FOUND"}}"#, 1);
        assert!(matches!(error, Err(Fault::Reported { .. })));
    }

    #[test]
    fn the_vectors_of_several_calls_are_one_answer() {
        let part = |number: f32, input: u64| Vectors { vectors: vec![vec![number]], usage: Some(read_tokens(input)) };
        let whole = Vectors::join([part(1.0, 2), part(3.0, 4)]);
        assert_eq!((whole.vectors, whole.usage), (vec![vec![1.0], vec![3.0]], Some(read_tokens(6))));
    }
}
