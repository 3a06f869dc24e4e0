//! What a provider's refusal means for the next call.

use std::time::Duration;

use bytes::Bytes;
use chrono::{DateTime, Utc};
use infra::read_limited;
use reqwest::header::{HeaderMap, RETRY_AFTER};
use reqwest::{Response, StatusCode};
use tokio::time::timeout;

use crate::fault::{Fault, Verdict, brief};
use crate::providers::ErrorBody;

/// The most of an error's body that is read.
const MAX_ERROR: usize = 64 << 10;

/// What an answer that is not 200 means, once its body is read.
pub(crate) async fn refusal(response: Response, patience: Duration, now: DateTime<Utc>) -> Fault {
    let (status, headers) = (response.status(), response.headers().clone());
    let body = match timeout(patience, read_limited(response, MAX_ERROR)).await {
        Ok(Ok(body)) => body,
        _ => Bytes::new(),
    };
    judge(status, &headers, &body, now)
}

pub(crate) fn judge(status: StatusCode, headers: &HeaderMap, body: &[u8], now: DateTime<Utc>) -> Fault {
    let error = ErrorBody::parse(body);
    let verdict = verdict(status, headers, error.as_ref().and_then(ErrorBody::verdict), now);
    let words = match error {
        Some(error) => error.words,
        None if status.is_redirection() => "it points to another address, which is not followed".to_owned(),
        None if body.trim_ascii_start().starts_with(b"<") => "a web page".to_owned(),
        None => brief(&String::from_utf8_lossy(body)),
    };
    Fault::Status { status: status.as_u16(), words, verdict, body: Bytes::copy_from_slice(body) }
}

/// `said`: what the body says of itself. `x-should-retry` goes before everything but money, the body before the status.
fn verdict(status: StatusCode, headers: &HeaderMap, said: Option<Verdict>, now: DateTime<Utc>) -> Verdict {
    let retry = Verdict::Retry { after: retry_after(headers, now) };
    match (headers.get("x-should-retry").map(|value| value.as_bytes()), status.as_u16(), said) {
        (_, _, Some(Verdict::OutOfCredit)) | (_, 402, _) => Verdict::OutOfCredit,
        (Some(b"true"), ..) => retry,
        (_, _, Some(said @ (Verdict::TooLong | Verdict::Declined))) => said,
        (Some(b"false"), 408 | 409 | 429 | 500.., _) => Verdict::Refused,
        (_, 408 | 409 | 429 | 500.., _) => retry,
        (_, 413, _) => Verdict::TooLong,
        (_, 401 | 403 | 404, _) | (.., Some(Verdict::Refused)) => Verdict::Refused,
        (_, 400..=499, _) => Verdict::Invalid,
        _ => Verdict::Refused,
    }
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
        for status in [201, 301, 401, 403, 404] {
            assert_eq!(judged(status, &[], ""), Verdict::Refused, "{status}");
        }
        for status in [400, 405, 422] {
            assert_eq!(judged(status, &[], ""), Verdict::Invalid, "{status}");
        }
        assert_eq!((judged(402, &[], ""), judged(413, &[], "")), (Verdict::OutOfCredit, Verdict::TooLong));
        let quota = r#"{"error":{"message":"x","code":"insufficient_quota"}}"#;
        assert_eq!(judged(429, &[("x-should-retry", "true")], quota), Verdict::OutOfCredit);
        assert_eq!(judged(429, &[("x-should-retry", "false")], ""), Verdict::Refused);
        assert_eq!(judged(400, &[("x-should-retry", "true")], ""), retry);
        let long = r#"{"error":{"message":"x","type":"invalid_request_error","code":"context_length_exceeded"}}"#;
        assert_eq!(judged(400, &[], long), Verdict::TooLong);
        assert_eq!(judged(400, &[], r#"{"error":{"message":"x","code":"model_not_found"}}"#), Verdict::Refused);
        let busy = r#"{"error":{"message":"x","type":"invalid_request_error"}}"#;
        assert_eq!(judged(500, &[], busy), retry, "the status goes before a kind that says little");
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
