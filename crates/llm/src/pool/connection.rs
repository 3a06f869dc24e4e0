//! Whether a provider can be reached with its key, for whoever sets it up.

use std::time::Duration;

use infra::{EgressError, Timeouts, read_limited};
use kernel::{ProviderId, TenantCtx};
use reqwest::{Method, StatusCode};
use serde_json::Value;
use tokio::time::{Instant, timeout};
use url::Url;

use super::catalogue::{Target, Upstream};
use super::judge::judge;
use super::{Caller, Pool};
use crate::error::Error;
use crate::fault::Fault;
use crate::providers::{Endpoint, adapter, join};

const PATIENCE: Duration = Duration::from_secs(10);
/// The longest list of models that is read.
const MAX_BODY: usize = 4 << 20;
/// The most models that are told.
const MAX_MODELS: usize = 500;

/// What came of trying a provider.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ConnectionTest {
    /// The status that it answered with, where it answered.
    pub status: Option<u16>,
    pub took: Duration,
    /// The models that it has, or what went wrong: in the provider's own words, without the key.
    pub outcome: Result<Vec<String>, String>,
}

impl Pool {
    /// Really calls the provider: asks which models it has. `None`: there is no such provider.
    pub async fn test_provider(
        &self,
        tenant: TenantCtx,
        provider: ProviderId,
    ) -> Result<Option<ConnectionTest>, Error> {
        let catalogue = self.catalogue(tenant).await?;
        let Some(upstream) = catalogue.upstream(provider) else { return Ok(None) };
        let target = Target { upstream, model: String::new(), price: None };
        let began = Instant::now();
        let (status, result) = self.shared.caller.list_models(&target.upstream).await;
        let outcome = result.map_err(|fault| target.redact(&fault.to_string()));
        Ok(Some(ConnectionTest { status, took: began.elapsed(), outcome }))
    }
}

impl Caller {
    /// Beside the health that is remembered: a test tells of this moment, and changes nothing for others.
    async fn list_models(&self, upstream: &Upstream) -> (Option<u16>, Result<Vec<String>, Fault>) {
        let Some(path) = adapter(upstream.wire).models_path() else { return (None, Ok(Vec::new())) };
        let Some(base) = &upstream.base else {
            return (None, Err(Fault::Misconfigured("it has no usable address".to_owned())));
        };
        match timeout(PATIENCE, self.get(upstream, base, path)).await {
            Ok(Ok((status, Ok(body)))) => (Some(status), names(&body)),
            Ok(Ok((status, Err(refused)))) => (Some(status), Err(refused)),
            Ok(Err(fault)) => (None, Err(fault)),
            Err(_) => (None, Err(Fault::Silent(PATIENCE))),
        }
    }

    /// The status, with the body where it is 200, else with what it means.
    async fn get(
        &self,
        upstream: &Upstream,
        base: &Url,
        path: &str,
    ) -> Result<(u16, Result<bytes::Bytes, Fault>), Fault> {
        let key = upstream.key.as_ref().map(|key| key.expose());
        let headers = adapter(upstream.wire).door(&Endpoint { base, key, model: "" })?.headers;
        let mut call = self.egress.request(Method::GET, &join(base, path), upstream.reach)?.unwatched();
        for (name, value) in &headers {
            call = call.header(name, value);
        }
        let response = self.egress.send(call, Timeouts::within(PATIENCE)).await.map_err(|error| match error {
            EgressError::Timeout { .. } => Fault::Silent(PATIENCE),
            other => other.into(),
        })?;
        let (status, headers) = (response.status(), response.headers().clone());
        let body = read_limited(response, MAX_BODY).await?;
        let answer = match status {
            StatusCode::OK => Ok(body),
            _ => Err(judge(status, &headers, &body, self.clock.now())),
        };
        Ok((status.as_u16(), answer))
    }
}

/// The names in a list of models, in every vendor's form: `data[].id` (OpenAI, Anthropic), `models[].name` (Ollama,
/// Gemini), or a bare list.
fn names(body: &[u8]) -> Result<Vec<String>, Fault> {
    let body: Value = match body.trim_ascii_start().first() {
        Some(b'<') => return Err(Fault::Garbage("a web page".to_owned())),
        _ => serde_json::from_slice(body)?,
    };
    let list = body.get("data").or_else(|| body.get("models")).unwrap_or(&body);
    let Some(list) = list.as_array() else { return Err(Fault::Garbage("no list of models".to_owned())) };
    let name = |model: &Value| {
        let name = model.get("id").or_else(|| model.get("name"))?.as_str()?;
        Some(name.strip_prefix("models/").unwrap_or(name).to_owned())
    };
    Ok(list.iter().filter_map(name).take(MAX_MODELS).collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_vendors_list_of_models_is_read() {
        for (body, want) in [
            (r#"{"object":"list","data":[{"id":"gpt-5.4"},{"id":"b"}]}"#, Ok(vec!["gpt-5.4", "b"])),
            (r#"{"models":[{"name":"llama3.2:latest","size":1}]}"#, Ok(vec!["llama3.2:latest"])),
            (r#"{"models":[{"name":"models/gemini-3"}]}"#, Ok(vec!["gemini-3"])),
            (r#"[{"id":"a"},{},7]"#, Ok(vec!["a"])),
            ("<html>", Err("a web page")),
            (r#"{"ok":true}"#, Err("no list of models")),
            ("Ollama is running", Err("invalid JSON")),
        ] {
            match (names(body.as_bytes()), want) {
                (Ok(names), Ok(want)) => assert_eq!(names, want),
                (Err(fault), Err(why)) => assert!(fault.to_string().contains(why), "{fault}"),
                (names, _) => panic!("{body}: {names:?}"),
            }
        }
    }
}
