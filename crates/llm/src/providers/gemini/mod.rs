//! Google's Gemini (`POST {base}/models/{model}:streamGenerateContent`): parts rather than messages, arguments as
//! objects, and calls that have to come back with their proof.

mod read;
mod request;

use reqwest::header::HeaderName;
use url::Url;

use self::read::ContentReader;
use super::{Adapter, Call, Door, Endpoint, HttpCall, json_headers, secret_value, to_bytes};
use crate::fault::Fault;
use crate::request::ChatRequest;

pub(super) struct Gemini;

impl Adapter for Gemini {
    fn default_base_url(&self) -> &'static str {
        "https://generativelanguage.googleapis.com/v1beta"
    }

    fn door(&self, endpoint: &Endpoint<'_>) -> Result<Door, Fault> {
        let mut url = method_url(endpoint, "streamGenerateContent")?;
        url.set_query(Some("alt=sse"));
        let mut headers = json_headers();
        if let Some(key) = endpoint.key {
            headers.insert(HeaderName::from_static("x-goog-api-key"), secret_value(key)?);
        }
        Ok(Door { url, headers })
    }

    fn call(&self, endpoint: &Endpoint<'_>, request: &ChatRequest) -> Result<Call, Fault> {
        let body = to_bytes(&request::Body::new(endpoint.model, request))?;
        let reader = Box::new(ContentReader::new(request.messages.len()));
        Ok(Call::Http(HttpCall { door: self.door(endpoint)?, body, reader }))
    }
}

/// `{base}/models/{model}:{method}`. The name of a model may come from a client: it is one segment, whatever it holds.
pub(super) fn method_url(endpoint: &Endpoint<'_>, method: &str) -> Result<Url, Fault> {
    let mut url = endpoint.base.clone();
    let (folder, model) = match endpoint.model.split_once('/') {
        Some((folder @ ("models" | "tunedModels"), model)) => (folder, model),
        _ => ("models", endpoint.model),
    };
    let bare = matches!(url.path(), "" | "/");
    let mut segments =
        url.path_segments_mut().map_err(|()| Fault::Misconfigured("its address is no URL".to_owned()))?;
    segments.pop_if_empty().extend(bare.then_some("v1beta")).push(folder).push(&format!("{model}:{method}"));
    drop(segments);
    Ok(url)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses_of_every_habit_and_hostile_names_of_models_lead_to_the_method() {
        for (base, model, want) in [
            (
                "http://h:1/v1beta",
                "gemini-2.5-pro",
                "http://h:1/v1beta/models/gemini-2.5-pro:streamGenerateContent?alt=sse",
            ),
            ("http://h:1/v1/", "models/g", "http://h:1/v1/models/g:streamGenerateContent?alt=sse"),
            ("http://h:1", "tunedModels/g", "http://h:1/v1beta/tunedModels/g:streamGenerateContent?alt=sse"),
            (
                "http://h:1/",
                "../../x?y#z",
                "http://h:1/v1beta/models/..%2F..%2Fx%3Fy%23z:streamGenerateContent?alt=sse",
            ),
        ] {
            let base = base.parse().unwrap();
            let door = Gemini.door(&Endpoint { base: &base, key: None, model }).unwrap();
            assert_eq!(door.url.as_str(), want);
        }
    }
}
