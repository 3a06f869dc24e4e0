use std::time::Duration;

use bytes::{Bytes, BytesMut};
use kernel::Secret;
use reqwest::header::{HeaderName, HeaderValue};
use reqwest::{Body, RequestBuilder, Response};
use serde::Serialize;
use url::Url;

use super::{EgressError, Reach};

/// How long a call may take. Making the connection has its own bound, [`super::EgressOptions::connect`].
#[derive(Clone, Copy, Debug)]
pub struct Timeouts {
    /// Until the answer's headers have come.
    pub first_byte: Duration,
    /// Until the body has been read; `None` for streams, whose reader bounds the gaps instead.
    pub total: Option<Duration>,
}

impl Timeouts {
    /// A call whose whole answer must have come within `total`.
    pub const fn within(total: Duration) -> Self {
        Self { first_byte: total, total: Some(total) }
    }

    /// A stream, whose headers must have come within `first_byte`.
    pub const fn stream(first_byte: Duration) -> Self {
        Self { first_byte, total: None }
    }
}

/// A call in the making.
#[derive(Debug)]
pub struct Call {
    pub(super) request: RequestBuilder,
    /// What the breaker watches: `host:port`, and the label where there is one; `None` where it watches nothing.
    pub(super) destination: Option<String>,
    pub(super) reach: Reach,
}

impl Call {
    pub(super) fn new(request: RequestBuilder, url: &Url, reach: Reach) -> Self {
        let host = url.host_str().unwrap_or_default();
        let port = url.port_or_known_default().unwrap_or_default();
        Self { request, destination: Some(format!("{host}:{port}")), reach }
    }

    /// Gives this caller a breaker of its own at the destination: one tenant's bad luck is not everybody's.
    pub fn label(mut self, label: impl std::fmt::Display) -> Self {
        self.destination = self.destination.map(|destination| format!("{destination}#{label}"));
        self
    }

    /// No breaker here has a say, because the caller keeps a finer one of its own.
    pub fn unwatched(mut self) -> Self {
        self.destination = None;
        self
    }

    pub fn header<K, V>(mut self, name: K, value: V) -> Self
    where
        HeaderName: TryFrom<K>,
        <HeaderName as TryFrom<K>>::Error: Into<http::Error>,
        HeaderValue: TryFrom<V>,
        <HeaderValue as TryFrom<V>>::Error: Into<http::Error>,
    {
        self.request = self.request.header(name, value);
        self
    }

    pub fn bearer(mut self, token: &Secret) -> Self {
        self.request = self.request.bearer_auth(token.expose());
        self
    }

    pub fn json<T: Serialize + ?Sized>(mut self, body: &T) -> Self {
        self.request = self.request.json(body);
        self
    }

    pub fn body(mut self, body: impl Into<Body>) -> Self {
        self.request = self.request.body(body);
        self
    }
}

/// Reads an answer's body, and stops with [`EgressError::TooLarge`] beyond `max` bytes.
pub async fn read_limited(mut response: Response, max: usize) -> Result<Bytes, EgressError> {
    let announced = response.content_length().unwrap_or(0);
    if announced > max as u64 {
        return Err(EgressError::TooLarge { max });
    }
    let Some(first) = response.chunk().await? else { return Ok(Bytes::new()) };
    if first.len() as u64 == announced {
        return Ok(first);
    }
    let mut body = BytesMut::from(first);
    while body.len() <= max {
        match response.chunk().await? {
            Some(chunk) => body.extend_from_slice(&chunk),
            None => return Ok(body.freeze()),
        }
    }
    Err(EgressError::TooLarge { max })
}
