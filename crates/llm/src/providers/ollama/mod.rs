//! Ollama's own chat (`POST {base}/api/chat`): lines of JSON rather than events, arguments as objects, no ids.

mod read;
mod request;

use reqwest::header::AUTHORIZATION;

use self::read::ChatReader;
use super::{Adapter, Call, Endpoint, HttpCall, join, json_headers, secret_value, to_bytes};
use crate::fault::Fault;
use crate::request::ChatRequest;

pub(super) struct Ollama;

impl Adapter for Ollama {
    fn default_base_url(&self) -> &'static str {
        "http://127.0.0.1:11434"
    }

    fn call(&self, endpoint: &Endpoint<'_>, request: &ChatRequest) -> Result<Call, Fault> {
        let mut headers = json_headers();
        // Ollama itself asks for none; a proxy before it may.
        if let Some(key) = endpoint.key {
            headers.insert(AUTHORIZATION, secret_value(&format!("Bearer {key}"))?);
        }
        let body = to_bytes(&request::Body::new(endpoint.model, request))?;
        let (url, reader) = (join(endpoint.base, "api/chat"), Box::new(ChatReader::new(request.messages.len())));
        Ok(Call::Http(HttpCall { url, headers, body, reader }))
    }
}
