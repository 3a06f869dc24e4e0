//! OpenAI's responses (`POST {base}/responses`): items rather than messages, and thoughts that come back sealed.

mod read;
mod request;

use reqwest::header::AUTHORIZATION;

use self::read::ResponseReader;
use super::openai_chat::dialect::Dialect;
use super::{Adapter, Call, Door, Endpoint, HttpCall, join, json_headers, secret_value, to_bytes};
use crate::fault::Fault;
use crate::model::TokenUsage;
use crate::request::ChatRequest;

pub(super) struct OpenaiResponses;

impl Adapter for OpenaiResponses {
    fn default_base_url(&self) -> &'static str {
        "https://api.openai.com/v1"
    }

    fn door(&self, endpoint: &Endpoint<'_>) -> Result<Door, Fault> {
        let mut headers = json_headers();
        if let Some(key) = endpoint.key {
            headers.insert(AUTHORIZATION, secret_value(&format!("Bearer {key}"))?);
        }
        Ok(Door { url: join(endpoint.base, "responses"), headers })
    }

    fn call(&self, endpoint: &Endpoint<'_>, request: &ChatRequest) -> Result<Call, Fault> {
        let dialect = Dialect::of(endpoint.base.host_str(), endpoint.model);
        let body = to_bytes(&request::Body::new(endpoint.model, request, dialect))?;
        let reader = Box::new(ResponseReader::new(request.messages.len(), endpoint.model));
        Ok(Call::Http(HttpCall { door: self.door(endpoint)?, body, reader }))
    }

    fn count(&self, json: &[u8], usage: &mut Option<TokenUsage>) -> bool {
        read::count(json, usage);
        false
    }
}
