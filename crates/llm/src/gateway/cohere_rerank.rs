//! Cohere's rerank (`POST /llm/v2/rerank`), as clients speak it. Requests and answers pass as they are.

use serde_json::json;

use super::Refusal;

/// Cohere's SDKs tell refusals apart by their status.
pub(super) fn refusal(refusal: &Refusal) -> Vec<u8> {
    json!({ "message": refusal.message }).to_string().into_bytes()
}
