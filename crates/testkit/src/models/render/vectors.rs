//! Embeddings and rankings: made from the texts, so that a test can tell what belongs to what.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde_json::{Value, json};

use crate::models::call::{Call, ModelWire};
use crate::models::reply::Say;

const DIMENSIONS: u64 = 8;

/// A vector for each text, of the length asked for.
pub(super) fn embeddings(call: &Call, say: &Say) -> Value {
    let body = &call.body;
    let asked = [&body["dimensions"], &body["outputDimensionality"], &body["requests"][0]["outputDimensionality"]];
    let dimensions = asked.into_iter().find_map(Value::as_u64).unwrap_or(DIMENSIONS);
    let usage = json!({"promptTokenCount": say.input_tokens});
    let mut vectors = call.texts().into_iter().map(|text| vector(&text, dimensions));
    match call.wire {
        ModelWire::Gemini if call.path.ends_with(":embedContent") => {
            json!({"embedding": {"values": vectors.next_back()}, "usageMetadata": usage})
        }
        ModelWire::Gemini => {
            json!({"embeddings": vectors.map(|vector| json!({ "values": vector })).collect::<Vec<_>>(), "usageMetadata": usage})
        }
        ModelWire::Ollama => json!({"model": call.model(), "embeddings": vectors.collect::<Vec<_>>(),
                                    "total_duration": 1, "load_duration": 1, "prompt_eval_count": say.input_tokens}),
        _ => {
            let base64 = body["encoding_format"] == "base64";
            let shown = |vector: Vec<f32>| if base64 { encoded(&vector).into() } else { json!(vector) };
            let data = vectors
                .enumerate()
                .map(|(index, vector)| json!({"object": "embedding", "index": index, "embedding": shown(vector)}));
            json!({"object": "list", "model": call.model(), "data": data.collect::<Vec<_>>(),
                   "usage": {"prompt_tokens": say.input_tokens, "total_tokens": say.input_tokens}})
        }
    }
}

/// The documents by how many words of the query they hold, the best first.
pub(super) fn ranking(call: &Call) -> Value {
    let words = |text: &str| text.to_lowercase().split_whitespace().map(str::to_owned).collect::<Vec<_>>();
    let query = words(call.body["query"].as_str().unwrap_or_default());
    let documents = call.body["documents"].as_array().map(Vec::as_slice).unwrap_or_default();
    let score = |document: &Value| {
        let text = document.as_str().or(document["text"].as_str()).unwrap_or_default();
        let held = words(text);
        query.iter().filter(|word| held.contains(word)).count() as f64 / query.len().max(1) as f64
    };
    let mut scored: Vec<(usize, f64)> = documents.iter().map(score).enumerate().collect();
    scored.sort_by(|one, two| two.1.total_cmp(&one.1));
    scored.truncate(call.body["top_n"].as_u64().map_or(usize::MAX, |most| most as usize));
    let results = scored.into_iter().map(|(index, score)| json!({"index": index, "relevance_score": score}));
    json!({"id": "fake", "results": results.collect::<Vec<_>>(),
           "meta": {"api_version": {"version": "2"}, "billed_units": {"search_units": 1}}})
}

/// Of length one; the first number tells how long the text is.
fn vector(text: &str, dimensions: u64) -> Vec<f32> {
    let letters = text.chars().count() as f32;
    let raw: Vec<f32> =
        (0..dimensions).map(|index| if index == 0 { letters } else { 1.0 / (index + 1) as f32 }).collect();
    let length = raw.iter().map(|value| value * value).sum::<f32>().sqrt();
    raw.into_iter().map(|value| value / length).collect()
}

fn encoded(vector: &[f32]) -> String {
    STANDARD.encode(vector.iter().flat_map(|value| value.to_le_bytes()).collect::<Vec<u8>>())
}
