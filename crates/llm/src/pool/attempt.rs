//! One call to one model.

use std::error::Error;
use std::time::Duration;

use bytes::Bytes;
use chrono::{DateTime, Utc};
use infra::{Egress, EgressError, Timeouts, read_limited};
use kernel::Clock;
use reqwest::header::{CONTENT_TYPE, HeaderMap, RETRY_AFTER};
use reqwest::{Method, Response, StatusCode};
use tokio::time::{Instant, timeout, timeout_at};
use url::Url;

use super::catalogue::Target;
use crate::draft::Answer;
use crate::fault::{Fault, Verdict, brief};
use crate::piece::{Piece, Sink};
use crate::providers::{Call, Endpoint, ErrorBody, Progress, Reader, adapter};
use crate::request::ChatRequest;

/// The most of an error's body that is read.
const MAX_ERROR: usize = 64 << 10;
/// The most of an answer's body that came in one piece.
const MAX_WHOLE: usize = 8 << 20;
/// How long the end of a stream is waited for after its last event, so that the connection can be used again.
const TAIL: Duration = Duration::from_millis(100);

/// How long to wait for what.
#[derive(Clone, Copy, Debug)]
pub(super) struct Patience {
    pub(super) first_token: Duration,
    pub(super) between_tokens: Duration,
}

pub(super) struct Attempt<'a> {
    pub(super) egress: &'a Egress,
    pub(super) clock: &'a Clock,
    pub(super) target: &'a Target,
    pub(super) request: &'a ChatRequest,
    pub(super) patience: Patience,
}

impl Attempt<'_> {
    /// Asks once; text is handed on as it comes, also where no answer comes of it.
    pub(super) async fn make(&self, sink: &mut Sink<'_>) -> Result<Answer, Fault> {
        let upstream = &self.target.upstream;
        let base = upstream.base.as_ref().ok_or_else(|| Fault::Misconfigured("it has no usable address".to_owned()))?;
        let key = upstream.key.as_ref().map(|key| key.expose());
        match adapter(upstream.wire).call(&Endpoint { base, key, model: &self.target.model }, self.request)? {
            Call::Here(answer) => {
                answer.text.split_inclusive(' ').for_each(|word| sink(Piece::Text(word)));
                Ok(answer)
            }
            Call::Http(call) => {
                let silent_until = Instant::now() + self.patience.first_token;
                let response = self.send(call.url, call.headers, call.body).await?;
                if response.status() == StatusCode::OK {
                    self.read(response, call.reader, silent_until, sink).await
                } else {
                    Err(refusal(response, self.patience.between_tokens, self.clock.now()).await)
                }
            }
        }
    }

    async fn send(&self, url: Url, headers: HeaderMap, body: Bytes) -> Result<Response, Fault> {
        let upstream = &self.target.upstream;
        let mut call = self.egress.request(Method::POST, &url, upstream.reach)?.label(upstream.id).body(body);
        for (name, value) in &headers {
            call = call.header(name, value);
        }
        self.egress.send(call, Timeouts::stream(self.patience.first_token)).await.map_err(|error| match error {
            EgressError::Timeout { .. } => Fault::Silent(self.patience.first_token),
            other => other.into(),
        })
    }

    async fn read(
        &self,
        mut response: Response,
        mut reader: Box<dyn Reader>,
        mut silent_until: Instant,
        sink: &mut Sink<'_>,
    ) -> Result<Answer, Fault> {
        let Patience { first_token, between_tokens } = self.patience;
        let lines = content_type(&response).contains("ndjson");
        let (mut began, mut token) = (false, false);
        loop {
            let bytes = match timeout_at(silent_until, response.chunk()).await {
                Ok(Ok(Some(bytes))) => bytes,
                Ok(Ok(None)) if began => break,
                Ok(Ok(None)) => return Err(Fault::Empty),
                Ok(Err(_)) => return Err(Fault::BrokenOff),
                Err(_) if token => return Err(Fault::Stalled(between_tokens)),
                Err(_) => return Err(Fault::Silent(first_token)),
            };
            if !began && let Some(first) = bytes.iter().find(|byte| !byte.is_ascii_whitespace()) {
                began = true;
                match first {
                    b'<' => return Err(Fault::Garbage("a web page".to_owned())),
                    b'{' | b'[' if !lines => {
                        let body = rest(response, bytes, silent_until).await?;
                        return reader.whole(&body, sink);
                    }
                    _ => {}
                }
            }
            match reader.feed(&bytes, sink)? {
                Progress::None => {}
                Progress::Event => (token, silent_until) = (true, Instant::now() + between_tokens),
                Progress::End => {
                    // Read to its end, the connection serves the next call.
                    let _ = timeout(TAIL, async { while let Ok(Some(_)) = response.chunk().await {} }).await;
                    break;
                }
            }
        }
        reader.finish(sink)
    }
}

impl From<EgressError> for Fault {
    fn from(error: EgressError) -> Self {
        match error {
            EgressError::Refused { .. } | EgressError::Invalid(_) => Self::Misconfigured(error.to_string()),
            EgressError::TooLarge { .. } => Self::TooLarge,
            EgressError::BreakerOpen { retry_after } => Self::LeftAlone { retry_after },
            EgressError::Connect(_) | EgressError::Timeout { .. } | EgressError::Broken(_) => {
                Self::Unreachable(with_cause(&error))
            }
        }
    }
}

/// The error with its root cause ("connection refused"), which is what helps whoever has to mend it.
fn with_cause(error: &EgressError) -> String {
    let mut cause = error.source();
    while let Some(deeper) = cause.and_then(Error::source) {
        cause = Some(deeper);
    }
    match cause {
        Some(cause) => brief(&format!("{error} ({cause})")),
        None => error.to_string(),
    }
}

/// The whole of a body that does not stream.
async fn rest(mut response: Response, begun: Bytes, until: Instant) -> Result<Vec<u8>, Fault> {
    let mut body = Vec::from(begun);
    loop {
        match timeout_at(until, response.chunk()).await {
            Ok(Ok(Some(bytes))) => body.extend_from_slice(&bytes),
            Ok(Ok(None)) => return Ok(body),
            Ok(Err(_)) | Err(_) => return Err(Fault::BrokenOff),
        }
        if body.len() > MAX_WHOLE {
            return Err(Fault::TooLarge);
        }
    }
}

/// What an answer that is not 200 means.
async fn refusal(response: Response, patience: Duration, now: DateTime<Utc>) -> Fault {
    let (status, headers) = (response.status(), response.headers().clone());
    let body = match timeout(patience, read_limited(response, MAX_ERROR)).await {
        Ok(Ok(body)) => body,
        _ => Bytes::new(),
    };
    judge(status, &headers, &body, now)
}

fn judge(status: StatusCode, headers: &HeaderMap, body: &[u8], now: DateTime<Utc>) -> Fault {
    let error = ErrorBody::parse(body);
    let money = error.as_ref().is_some_and(ErrorBody::is_about_money);
    let words = match error {
        Some(error) => error.words,
        None if status.is_redirection() => "it points to another address, which is not followed".to_owned(),
        None if body.trim_ascii_start().starts_with(b"<") => "a web page".to_owned(),
        None => brief(&String::from_utf8_lossy(body)),
    };
    let retry = Verdict::Retry { after: retry_after(headers, now) };
    let verdict = match headers.get("x-should-retry").map(|value| value.as_bytes()) {
        _ if money => Verdict::Refused,
        Some(b"true") => retry,
        Some(b"false") => Verdict::Refused,
        _ if matches!(status.as_u16(), 408 | 409 | 429 | 500..) => retry,
        _ => Verdict::Refused,
    };
    Fault::Status { status: status.as_u16(), words, verdict }
}

/// `retry-after-ms`, else `retry-after` in seconds or as a date.
fn retry_after(headers: &HeaderMap, now: DateTime<Utc>) -> Option<Duration> {
    let text = |name: &str| headers.get(name).and_then(|value| value.to_str().ok()).map(str::trim);
    let seconds = |seconds: f64| Duration::try_from_secs_f64(seconds).ok();
    if let Some(millis) = text("retry-after-ms").and_then(|text| text.parse::<f64>().ok()) {
        return seconds(millis / 1000.0);
    }
    let after = text(RETRY_AFTER.as_str())?;
    match after.parse::<f64>() {
        Ok(number) => seconds(number),
        Err(_) => (DateTime::parse_from_rfc2822(after).ok()?.to_utc() - now).to_std().ok(),
    }
}

fn content_type(response: &Response) -> String {
    let value = response.headers().get(CONTENT_TYPE).and_then(|value| value.to_str().ok());
    value.unwrap_or_default().to_ascii_lowercase()
}

#[cfg(test)]
mod tests {
    use reqwest::header::{HeaderName, HeaderValue};

    use super::*;

    fn headers(pairs: &[(&'static str, &'static str)]) -> HeaderMap {
        pairs.iter().map(|(name, value)| (HeaderName::from_static(name), HeaderValue::from_static(value))).collect()
    }

    #[test]
    fn what_to_wait_is_read_in_every_form() {
        let now = "2026-01-01T00:00:00Z".parse().unwrap();
        for (pairs, want) in [
            (&[("retry-after", "2")][..], Some(2000)),
            (&[("retry-after", "0.5")], Some(500)),
            (&[("retry-after-ms", "1500"), ("retry-after", "9")], Some(1500)),
            (&[("retry-after", "Thu, 01 Jan 2026 00:00:03 GMT")], Some(3000)),
            (&[("retry-after", "Wed, 31 Dec 2025 00:00:03 GMT")], None),
            (&[("retry-after", "soon")], None),
            (&[("retry-after", "-1")], None),
            (&[("retry-after", "1e300")], None),
            (&[], None),
        ] {
            assert_eq!(retry_after(&headers(pairs), now), want.map(Duration::from_millis), "{pairs:?}");
        }
    }

    #[test]
    fn statuses_are_judged_as_the_vendors_sdks_do() {
        let judged = |status: u16, pairs: &[(&'static str, &'static str)], body: &str| {
            let fault =
                judge(StatusCode::from_u16(status).unwrap(), &headers(pairs), body.as_bytes(), DateTime::UNIX_EPOCH);
            fault.verdict()
        };
        let retry = Verdict::Retry { after: None };
        for status in [408, 409, 429, 500, 502, 503, 529] {
            assert_eq!(judged(status, &[], ""), retry, "{status}");
        }
        for status in [201, 301, 400, 401, 402, 403, 404, 413, 422] {
            assert_eq!(judged(status, &[], ""), Verdict::Refused, "{status}");
        }
        assert_eq!(judged(429, &[], r#"{"error":{"message":"x","code":"insufficient_quota"}}"#), Verdict::Refused);
        assert_eq!(judged(429, &[("x-should-retry", "false")], ""), Verdict::Refused);
        assert_eq!(judged(400, &[("x-should-retry", "true")], ""), retry);
    }

    #[test]
    fn a_refusal_is_told_in_the_providers_words() {
        let told = |status, body: &str| {
            judge(StatusCode::from_u16(status).unwrap(), &HeaderMap::new(), body.as_bytes(), DateTime::UNIX_EPOCH)
                .to_string()
        };
        assert_eq!(told(401, r#"{"error":{"message":"bad key"}}"#), "answered with status 401: bad key");
        assert_eq!(told(502, "<html>nginx</html>"), "answered with status 502: a web page");
        assert_eq!(told(500, ""), "answered with status 500");
        assert!(told(302, "").contains("not followed"));
        assert!(told(500, &"x".repeat(100_000)).chars().count() < 340);
    }
}
