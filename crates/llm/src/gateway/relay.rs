//! One call to a provider that speaks the client's own protocol: bytes pass.

use std::time::Duration;

use bytes::Bytes;
use futures::FutureExt as _;
use infra::{EgressError, read_limited};
use reqwest::Response;
use tokio::time::{Instant, timeout, timeout_at};

use super::events::{Cutter, Watch};
use crate::fault::Fault;
use crate::model::{TokenUsage, Wire};
use crate::pool::Patience;
use crate::providers::ErrorBody;

/// The most of an answer that came in one piece.
const MAX_WHOLE: usize = 64 << 20;
/// The most of a streamed answer.
const MAX_STREAM: u64 = 256 << 20;
/// How long the end of a stream is waited for after its last event, so that the connection can be used again.
const TAIL: Duration = Duration::from_millis(100);

/// An answer in one piece, as it came. `count` reads the usage off it.
pub(super) async fn whole(
    response: Response,
    count: impl Fn(&[u8]) -> Option<TokenUsage>,
    patience: Patience,
) -> Result<(Bytes, Option<TokenUsage>), Fault> {
    let body = match timeout_at(patience.until, read_limited(response, MAX_WHOLE)).await {
        Ok(Ok(body)) => body,
        Ok(Err(EgressError::TooLarge { .. })) => return Err(Fault::TooLarge),
        Ok(Err(_)) => return Err(Fault::BrokenOff),
        Err(_) => return Err(Fault::CutOff),
    };
    match body.trim_ascii_start().first() {
        None => return Err(Fault::Empty),
        Some(b'<') => return Err(Fault::Garbage("a web page".to_owned())),
        Some(_) => {}
    }
    let usage = count(&body);
    if usage.is_none() {
        // Seldom, and worth a closer look: an error in an answer's place, or no JSON at all.
        let value: serde_json::Value = serde_json::from_slice(&body)?;
        if let Some(error) = value.get("error").filter(|error| !error.is_null()).and_then(ErrorBody::read) {
            return Err(error.into_fault());
        }
    }
    Ok((body, usage))
}

/// A stream under way.
pub(super) struct Relay {
    /// `None` once the end has come.
    response: Option<Response>,
    cutter: Cutter,
    pub(super) watch: Watch,
    patience: Patience,
    silent_until: Instant,
    began: bool,
    over: bool,
}

impl Relay {
    pub(super) fn new(response: Response, wire: Wire, withhold_usage: bool, patience: Patience) -> Self {
        let silent_until = Instant::now() + patience.first_token;
        let watch = Watch::new(wire, withhold_usage);
        Self {
            response: Some(response),
            cutter: Cutter::default(),
            watch,
            patience,
            silent_until,
            began: false,
            over: false,
        }
    }

    /// The next events for the client; `None` once the answer has ended as its protocol ends.
    pub(super) async fn next(&mut self) -> Result<Option<Bytes>, Fault> {
        while !self.over {
            let events = match self.chunk().await? {
                Some(bytes) => self.cutter.feed(bytes)?,
                None => {
                    self.over = true;
                    self.cutter.finish()
                }
            };
            let events = if events.is_empty() { events } else { self.watch.look(events)? };
            if self.watch.bytes > MAX_STREAM {
                return Err(Fault::TooLarge);
            }
            if !events.is_empty() {
                return Ok(Some(events));
            }
        }
        if let Some(fault) = self.watch.error() {
            return Err(fault);
        }
        match self.watch.missing_end() {
            _ if self.watch.ended() => Ok(None),
            Some(end) => self.watch.look(Bytes::from_static(end)).map(Some),
            None => Err(Fault::BrokenOff),
        }
    }

    async fn chunk(&mut self) -> Result<Option<Bytes>, Fault> {
        let Some(response) = &mut self.response else { return Ok(None) };
        if self.watch.ended() {
            // What came along with the end is at hand already.
            return match response.chunk().now_or_never() {
                Some(more) => Ok(more.ok().flatten()),
                None => {
                    self.leave_tail();
                    Ok(None)
                }
            };
        }
        let until = self.silent_until.min(self.patience.until);
        let bytes = match timeout_at(until, response.chunk()).await {
            Ok(Ok(bytes)) => bytes,
            Ok(Err(_)) => return Err(Fault::BrokenOff),
            Err(_) if until == self.patience.until => return Err(Fault::CutOff),
            Err(_) if self.began => return Err(Fault::Stalled(self.patience.between_tokens)),
            Err(_) => return Err(Fault::Silent(self.patience.first_token)),
        };
        if let Some(bytes) = &bytes {
            self.check_beginning(bytes)?;
            self.silent_until = Instant::now() + self.patience.between_tokens;
        }
        Ok(bytes)
    }

    /// Read to its end, a connection serves the next call; the client does not wait for that.
    fn leave_tail(&mut self) {
        if let Some(mut response) = self.response.take() {
            let drain = async move { while let Ok(Some(_)) = response.chunk().await {} };
            tokio::spawn(timeout(TAIL, drain));
        }
    }

    fn check_beginning(&mut self, bytes: &[u8]) -> Result<(), Fault> {
        if self.began {
            return Ok(());
        }
        match bytes.trim_ascii_start().first() {
            None => Ok(()),
            Some(b'<') => Err(Fault::Garbage("a web page".to_owned())),
            Some(b'{' | b'[') => match ErrorBody::parse(bytes) {
                Some(error) => Err(error.into_fault()),
                None => Err(Fault::Garbage("no stream, although it was asked for one".to_owned())),
            },
            Some(_) => {
                self.began = true;
                Ok(())
            }
        }
    }
}
