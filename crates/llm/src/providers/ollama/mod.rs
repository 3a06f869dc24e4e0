//! Ollama's own chat (`POST {base}/api/chat`): lines of JSON rather than events, arguments as objects, no ids.

mod read;
mod request;

use reqwest::header::AUTHORIZATION;

use self::read::ChatReader;
use super::{Adapter, Call, Door, Endpoint, HttpCall, join, json_headers, secret_value, to_bytes};
use crate::fault::Fault;
use crate::request::ChatRequest;

pub(super) struct Ollama;

impl Adapter for Ollama {
    fn default_base_url(&self) -> &'static str {
        "http://127.0.0.1:11434"
    }

    fn models_path(&self) -> Option<&'static str> {
        Some("api/tags")
    }

    fn door(&self, endpoint: &Endpoint<'_>) -> Result<Door, Fault> {
        let mut headers = json_headers();
        // Ollama itself asks for none; a proxy before it may.
        if let Some(key) = endpoint.key {
            headers.insert(AUTHORIZATION, secret_value(&format!("Bearer {key}"))?);
        }
        Ok(Door { url: join(endpoint.base, "api/chat"), headers })
    }

    fn call(&self, endpoint: &Endpoint<'_>, request: &ChatRequest) -> Result<Call, Fault> {
        let body = to_bytes(&request::Body::new(endpoint.model, request)?)?;
        let reader = Box::new(ChatReader::new(request.messages.len()));
        Ok(Call::Http(HttpCall { door: self.door(endpoint)?, body, reader }))
    }
}
