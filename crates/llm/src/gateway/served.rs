use std::time::Duration;

use bytes::Bytes;
use futures::stream::{self, BoxStream, StreamExt as _};
use http::header::{CACHE_CONTROL, CONTENT_TYPE, RETRY_AFTER};
use http::{HeaderMap, HeaderName, HeaderValue, Response, StatusCode};
use kernel::ModelCallId;
use serde_json::Value;

use super::Surface;
use super::flow::Flow;
use super::refusal::Refusal;
use crate::model::ModelRef;

const SHOULD_RETRY: HeaderName = HeaderName::from_static("x-should-retry");
const RETRY_AFTER_MS: HeaderName = HeaderName::from_static("retry-after-ms");
/// The call's id in the log, under the names by which the vendors' SDKs show it.
const IDS: [HeaderName; 2] = [HeaderName::from_static("x-request-id"), HeaderName::from_static("request-id")];
const CACHE: HeaderName = HeaderName::from_static("x-konstruct-cache");
/// Who answered: `provider/model`.
const MODEL: HeaderName = HeaderName::from_static("x-konstruct-model");

/// The body of an answer.
pub enum Served {
    Whole(Bytes),
    Stream(BoxStream<'static, Bytes>),
}

pub(super) fn whole(body: Bytes, model: &ModelRef) -> Response<Served> {
    let mut response = Response::new(Served::Whole(body));
    answered_by(response.headers_mut(), model);
    response.headers_mut().insert(CONTENT_TYPE, HeaderValue::from_static("application/json"));
    response
}

/// Marks an answer that was given before.
pub(super) fn kept(mut response: Response<Served>) -> Response<Served> {
    response.headers_mut().insert(CACHE, HeaderValue::from_static("hit"));
    response
}

pub(super) fn json(value: &Value) -> Response<Served> {
    let mut response = Response::new(Served::Whole(value.to_string().into()));
    response.headers_mut().insert(CONTENT_TYPE, HeaderValue::from_static("application/json"));
    response
}

pub(super) fn stream(flow: Flow, model: &ModelRef) -> Response<Served> {
    let events = stream::unfold(flow, |mut flow| async move { Some((flow.next().await?, flow)) });
    let mut response = Response::new(Served::Stream(events.boxed()));
    let headers = response.headers_mut();
    answered_by(headers, model);
    headers.insert(CONTENT_TYPE, HeaderValue::from_static("text/event-stream; charset=utf-8"));
    headers.insert(CACHE_CONTROL, HeaderValue::from_static("no-cache"));
    // Proxies are not to gather what is meant to be seen at once.
    headers.insert(HeaderName::from_static("x-accel-buffering"), HeaderValue::from_static("no"));
    response
}

pub(super) fn refusal(surface: Surface, refusal: &Refusal) -> Response<Served> {
    let told = refusal.told.as_ref().filter(|told| surface.passes(told.wire));
    let (status, body) = match told {
        Some(told) => (told.status, told.body.clone()),
        None => (surface.status(refusal.kind), surface.refusal(refusal).into()),
    };
    let mut response = Response::new(Served::Whole(body));
    *response.status_mut() = status;
    let headers = response.headers_mut();
    headers.insert(CONTENT_TYPE, HeaderValue::from_static("application/json"));
    headers.insert(SHOULD_RETRY, HeaderValue::from_static(if refusal.may_pass { "true" } else { "false" }));
    if let Some(after) = refusal.retry_after {
        wait(headers, after);
    }
    if response.status() == StatusCode::UNAUTHORIZED {
        response.headers_mut().insert(http::header::WWW_AUTHENTICATE, HeaderValue::from_static("Bearer"));
    }
    response
}

/// Gives the answer its call's id.
pub(super) fn signed(mut response: Response<Served>, id: ModelCallId) -> Response<Served> {
    if let Ok(value) = HeaderValue::try_from(id.to_string()) {
        for name in IDS {
            response.headers_mut().insert(name, value.clone());
        }
    }
    response
}

fn answered_by(headers: &mut HeaderMap, model: &ModelRef) {
    if let Ok(value) = HeaderValue::try_from(model.to_string()) {
        headers.insert(MODEL, value);
    }
}

fn wait(headers: &mut HeaderMap, after: Duration) {
    let millis = u64::try_from(after.as_millis()).unwrap_or(u64::MAX).max(1);
    headers.insert(RETRY_AFTER_MS, HeaderValue::from(millis));
    headers.insert(RETRY_AFTER, HeaderValue::from(millis.div_ceil(1_000)));
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::gateway::RefusalKind;

    #[test]
    fn a_refusal_has_the_status_that_the_clients_sdk_tells_apart() {
        let status = |surface, kind| refusal(surface, &Refusal::new(kind, "No.")).status().as_u16();
        for (kind, openai, anthropic) in [
            (RefusalKind::Overloaded, 503, 529),
            (RefusalKind::of_status(429), 429, 429),
            (RefusalKind::of_status(529), 503, 529),
            (RefusalKind::of_status(500), 502, 502),
            (RefusalKind::of_status(401), 502, 502),
        ] {
            let told = (status(Surface::ChatCompletions, kind), status(Surface::Messages, kind));
            assert_eq!(told, (openai, anthropic), "{kind:?}");
        }
    }
}
