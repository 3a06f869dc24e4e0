//! One call to one model.

use std::error::Error;
use std::time::Duration;

use bytes::Bytes;
use infra::{Egress, EgressError, Timeouts};
use kernel::Clock;
use reqwest::header::{CONTENT_TYPE, HeaderMap};
use reqwest::{Method, Response, StatusCode};
use tokio::time::{Instant, timeout, timeout_at};

use super::judge::refusal;
use super::route::{Patience, Turn};
use crate::draft::Answer;
use crate::fault::{Fault, brief};
use crate::piece::{Piece, Sink};
use crate::providers::{Call, Door, Endpoint, Progress, Reader, adapter};
use crate::request::ChatRequest;

/// The most of an answer's body that came in one piece.
const MAX_WHOLE: usize = 8 << 20;
/// How long the end of a stream is waited for after its last event, so that the connection can be used again.
const TAIL: Duration = Duration::from_millis(100);

pub(super) struct Attempt<'a> {
    pub(super) egress: &'a Egress,
    pub(super) clock: &'a Clock,
    pub(super) turn: &'a Turn,
    pub(super) request: &'a ChatRequest,
}

impl Attempt<'_> {
    /// Asks once; text is handed on as it comes, also where no answer comes of it.
    pub(super) async fn make(&self, sink: &mut Sink<'_>) -> Result<Answer, Fault> {
        let upstream = &self.turn.target().upstream;
        let base = upstream.base.as_ref().ok_or_else(|| Fault::Misconfigured("it has no usable address".to_owned()))?;
        let key = upstream.key.as_ref().map(|key| key.expose());
        match adapter(upstream.wire).call(&Endpoint { base, key, model: &self.turn.target().model }, self.request)? {
            Call::Here(answer) => {
                answer.text.split_inclusive(' ').for_each(|word| sink(Piece::Text(word)));
                Ok(answer)
            }
            Call::Http(call) => {
                let silent_until = Instant::now() + self.turn.patience().first_token;
                let response = self.send(call.door, call.body).await?;
                if response.status() == StatusCode::OK {
                    self.read(response, call.reader, silent_until, sink).await
                } else {
                    Err(refusal(response, self.turn.patience().between_tokens, self.clock.now()).await)
                }
            }
        }
    }

    async fn send(&self, Door { url, headers }: Door, body: Bytes) -> Result<Response, Fault> {
        let upstream = &self.turn.target().upstream;
        let mut call = self.egress.request(Method::POST, &url, upstream.reach)?.label(upstream.id).body(body);
        for (name, value) in &headers {
            call = call.header(name, value);
        }
        self.egress.send(call, Timeouts::stream(self.turn.patience().first_token)).await.map_err(|error| match error {
            EgressError::Timeout { .. } => Fault::Silent(self.turn.patience().first_token),
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
        let Patience { first_token, between_tokens, .. } = self.turn.patience();
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
                Progress::Event => {
                    self.turn.began();
                    (token, silent_until) = (true, Instant::now() + between_tokens);
                }
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

fn content_type(response: &Response) -> String {
    let value = response.headers().get(CONTENT_TYPE).and_then(|value| value.to_str().ok());
    value.unwrap_or_default().to_ascii_lowercase()
}
