//! Anthropic's messages (`POST {base}/v1/messages`, version 2023-06-01).

mod echo;
mod generation;
mod read;
mod request;

use reqwest::header::{HeaderName, HeaderValue};

use self::read::MessageReader;
pub(crate) use self::request::plain_id;
use super::{Adapter, Call, Door, Endpoint, HttpCall, join, json_headers, secret_value, to_bytes};
use crate::fault::Fault;
use crate::model::TokenUsage;
use crate::request::ChatRequest;

pub(super) struct Anthropic;

impl Adapter for Anthropic {
    fn default_base_url(&self) -> &'static str {
        "https://api.anthropic.com"
    }

    fn models_path(&self) -> Option<&'static str> {
        Some("v1/models")
    }

    fn door(&self, endpoint: &Endpoint<'_>) -> Result<Door, Fault> {
        let mut headers = json_headers();
        headers.insert(HeaderName::from_static("anthropic-version"), HeaderValue::from_static("2023-06-01"));
        if let Some(key) = endpoint.key {
            headers.insert(HeaderName::from_static("x-api-key"), secret_value(key)?);
        }
        Ok(Door { url: join(endpoint.base, "v1/messages"), headers })
    }

    fn call(&self, endpoint: &Endpoint<'_>, request: &ChatRequest) -> Result<Call, Fault> {
        let body = to_bytes(&request::Body::new(endpoint.model, request))?;
        let reader = Box::new(MessageReader::new(request.messages.len(), endpoint.model));
        Ok(Call::Http(HttpCall { door: self.door(endpoint)?, body, reader }))
    }

    fn count(&self, json: &[u8], usage: &mut Option<TokenUsage>) -> bool {
        read::count(json, usage);
        false
    }
}
