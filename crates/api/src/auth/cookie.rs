//! The cookie that holds a browser's refresh token: out of scripts' reach and never sent by another site's doing.

use std::time::Duration;

use axum::http::header::COOKIE;
use axum::http::{HeaderMap, HeaderValue};
use kernel::Secret;

use crate::serve::Peer;
use crate::state::AppState;

const PLAIN: &str = "konstruct_refresh";
/// Browsers take this name over TLS only, from this very host only.
const SECURE: &str = "__Host-konstruct_refresh";

#[derive(Clone, Copy)]
pub(super) struct Cookie {
    secure: bool,
}

impl Cookie {
    /// Over TLS where this connection is, or where the installation says that its users' are.
    pub(super) fn of(app: &AppState, peer: Peer) -> Self {
        let public = app.public_url.as_ref().is_some_and(|url| url.scheme() == "https");
        Self { secure: peer.tls || public }
    }

    pub(super) fn read(self, headers: &HeaderMap) -> Option<Secret> {
        let cookies = headers.get_all(COOKIE).iter().filter_map(|value| value.to_str().ok());
        let mut pairs = cookies.flat_map(|value| value.split(';')).filter_map(|pair| pair.trim().split_once('='));
        pairs.find(|(name, value)| *name == self.name() && !value.is_empty()).map(|(_, value)| value.into())
    }

    pub(super) fn set(self, token: &Secret, age: Duration) -> HeaderValue {
        self.value(token.expose(), age.as_secs())
    }

    pub(super) fn clear(self) -> HeaderValue {
        self.value("", 0)
    }

    fn name(self) -> &'static str {
        if self.secure { SECURE } else { PLAIN }
    }

    fn value(self, token: &str, age: u64) -> HeaderValue {
        let secure = if self.secure { "; Secure" } else { "" };
        let text = format!("{}={token}; Path=/; Max-Age={age}; HttpOnly; SameSite=Strict{secure}", self.name());
        // Tokens are made of letters, digits, `-` and `_`.
        let mut value = HeaderValue::try_from(text).unwrap_or(HeaderValue::from_static(""));
        value.set_sensitive(true);
        value
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_cookie_is_read_among_others_and_only_under_its_own_name() {
        let plain = Cookie { secure: false };
        let mut headers = HeaderMap::new();
        headers.append(COOKIE, HeaderValue::from_static("a=1; konstruct_refresh=kr_x; b=2"));
        assert_eq!(plain.read(&headers).unwrap().expose(), "kr_x");
        assert!(Cookie { secure: true }.read(&headers).is_none());
        assert!(plain.read(&HeaderMap::new()).is_none());
    }

    #[test]
    fn over_tls_the_cookie_is_bound_to_the_host() {
        let value = Cookie { secure: true }.set(&"kr_x".into(), Duration::from_secs(60));
        let text = value.to_str().unwrap();
        assert!(text.starts_with("__Host-konstruct_refresh=kr_x; Path=/; Max-Age=60; HttpOnly; SameSite=Strict"));
        assert!(text.ends_with("; Secure"));
    }
}
