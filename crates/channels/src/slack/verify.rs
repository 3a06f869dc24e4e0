//! Slack's request signature, version 0: `v0=` + hex HMAC-SHA256 of `v0:{timestamp}:{raw body}` under the signing
//! secret (docs.slack.dev/authentication/verifying-requests-from-slack).
//!
//! Invariant: it is computed over the bytes as they came, and compared in constant time.

use chrono::{DateTime, Utc};
use hmac::{Hmac, KeyInit as _, Mac as _};
use kernel::Secret;
use sha2::Sha256;

/// How far a delivery's timestamp may lie from now, in either direction.
const WINDOW_S: u64 = 300;

/// The headers of a delivery that matter: absent ones are `None`.
#[derive(Clone, Copy, Debug, Default)]
pub struct SlackHeaders<'a> {
    /// `X-Slack-Signature`
    pub signature: Option<&'a str>,
    /// `X-Slack-Request-Timestamp`, seconds since the epoch
    pub timestamp: Option<&'a str>,
}

/// What a delivery claims about itself: to be held against the signing secrets that may have made it.
pub(crate) struct Claimed<'a> {
    timestamp: &'a str,
    mac: [u8; 32],
}

impl<'a> Claimed<'a> {
    /// Reads the headers; `None` where they are missing, misshapen or too far from `now`.
    pub(crate) fn read(headers: SlackHeaders<'a>, now: DateTime<Utc>) -> Option<Self> {
        let timestamp = headers.timestamp?;
        if timestamp.is_empty() || !timestamp.bytes().all(|byte| byte.is_ascii_digit()) {
            return None;
        }
        if timestamp.parse::<i64>().ok()?.abs_diff(now.timestamp()) > WINDOW_S {
            return None;
        }
        let mut mac = [0; 32];
        hex::decode_to_slice(headers.signature?.strip_prefix("v0=")?, &mut mac).ok()?;
        Some(Self { timestamp, mac })
    }
}

/// A signing secret, ready to verify with.
#[derive(Clone)]
pub(crate) struct SigningKey(Hmac<Sha256>);

impl SigningKey {
    /// `None` for an empty secret: it would verify what anybody can sign.
    pub(crate) fn new(secret: &Secret) -> Option<Self> {
        if secret.is_empty() {
            return None;
        }
        Hmac::new_from_slice(secret.expose().as_bytes()).ok().map(Self)
    }

    pub(crate) fn verifies(&self, claimed: &Claimed<'_>, raw: &[u8]) -> bool {
        let mut mac = self.0.clone();
        for piece in [b"v0:", claimed.timestamp.as_bytes(), b":", raw] {
            mac.update(piece);
        }
        mac.verify_slice(&claimed.mac).is_ok()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Slack's published example.
    const SECRET: &str = "8f742231b10e8888abcd99yyyzzz85a5";
    const TIMESTAMP: i64 = 1_531_420_618;
    const SIGNATURE: &str = "v0=a2114d57b48eac39b9ad189dd8316235a7b4a8d21a10bd27519666489c69b503";
    const BODY: &[u8] = b"token=xyzz0WbapA4vBCDEFasx0q6G&team_id=T1DC2JH3J&team_domain=testteamnow&channel_id=G8PSS9T3V&channel_name=foobar&user_id=U2CERLKJA&user_name=roadrunner&command=%2Fwebhook-collect&text=&response_url=https%3A%2F%2Fhooks.slack.com%2Fcommands%2FT1DC2JH3J%2F397700885554%2F96rGlfmibIGlgcZRskXaIFfN&trigger_id=398738663015.47445629121.803a0bc887a14d10d2c447fce8b6703c";

    fn verified(secret: &str, signature: &str, timestamp: &str, body: &[u8], now: i64) -> bool {
        let headers = SlackHeaders { signature: Some(signature), timestamp: Some(timestamp) };
        let now = DateTime::from_timestamp(now, 0).unwrap();
        let Some(claimed) = Claimed::read(headers, now) else { return false };
        SigningKey::new(&Secret::new(secret)).is_some_and(|key| key.verifies(&claimed, body))
    }

    #[test]
    fn the_published_example_verifies_and_any_change_to_it_does_not() {
        let at = TIMESTAMP.to_string();
        assert!(verified(SECRET, SIGNATURE, &at, BODY, TIMESTAMP));
        assert!(!verified("another", SIGNATURE, &at, BODY, TIMESTAMP));
        assert!(!verified("", SIGNATURE, &at, BODY, TIMESTAMP));
        assert!(!verified(SECRET, SIGNATURE, &at, &BODY[1..], TIMESTAMP));
        assert!(!verified(SECRET, SIGNATURE, &(TIMESTAMP + 1).to_string(), BODY, TIMESTAMP));
        for signature in
            ["", "v0=", "v0=00", &SIGNATURE[3..], &SIGNATURE.replace("v0", "v1"), &format!("{SIGNATURE}00")]
        {
            assert!(!verified(SECRET, signature, &at, BODY, TIMESTAMP), "{signature}");
        }
    }

    #[test]
    fn the_window_is_five_minutes_both_ways() {
        let at = TIMESTAMP.to_string();
        for (offset, allowed) in [(-301, false), (-300, true), (0, true), (300, true), (301, false)] {
            assert_eq!(verified(SECRET, SIGNATURE, &at, BODY, TIMESTAMP + offset), allowed, "{offset}");
        }
    }

    #[test]
    fn missing_and_misshapen_headers_are_refused() {
        let now = DateTime::from_timestamp(TIMESTAMP, 0).unwrap();
        let whole = SlackHeaders { signature: Some(SIGNATURE), timestamp: Some("1531420618") };
        assert!(Claimed::read(whole, now).is_some());
        assert!(Claimed::read(SlackHeaders { signature: None, ..whole }, now).is_none());
        for timestamp in [None, Some(""), Some("+1531420618"), Some("now"), Some("99999999999999999999999")] {
            assert!(Claimed::read(SlackHeaders { timestamp, ..whole }, now).is_none(), "{timestamp:?}");
        }
    }
}
