//! One call to one model.

use std::error::Error;

use bytes::Bytes;
use infra::{Egress, EgressError, Timeouts};
use kernel::Clock;
use reqwest::{Method, Response, StatusCode};

use super::judge::refusal;
use super::reading::Reading;
use super::route::{Patience, Turn};
use crate::draft::Answer;
use crate::fault::{Fault, brief};
use crate::piece::{Piece, Sink};
use crate::providers::{Call, Door, Endpoint, adapter};
use crate::request::ChatRequest;

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
                let patience = self.turn.patience();
                let response = ask(self.egress, self.clock, self.turn, patience, call.door, call.body).await?;
                let mut reading = Reading::new(response, call.reader, patience);
                loop {
                    let answer = reading.next(sink).await?;
                    if reading.heard() {
                        self.turn.began();
                    }
                    if let Some(answer) = answer {
                        return answer.spoken();
                    }
                }
            }
        }
    }
}

/// Puts a question to the turn's target and waits for its answer to begin; whatever is not 200 is a fault.
pub(crate) async fn ask(
    egress: &Egress,
    clock: &Clock,
    turn: &Turn,
    patience: Patience,
    Door { url, headers }: Door,
    body: Bytes,
) -> Result<Response, Fault> {
    let upstream = &turn.target().upstream;
    let mut call = egress.request(Method::POST, &url, upstream.reach)?.unwatched().body(body);
    for (name, value) in &headers {
        call = call.header(name, value);
    }
    let sent = egress.send(call, Timeouts::stream(patience.first_token)).await;
    let response = sent.map_err(|error| match error {
        EgressError::Timeout { .. } => Fault::Silent(patience.first_token),
        other => other.into(),
    })?;
    match response.status() {
        StatusCode::OK => Ok(response),
        _ => Err(refusal(response, patience.between_tokens, clock.now()).await),
    }
}

impl From<EgressError> for Fault {
    fn from(error: EgressError) -> Self {
        match error {
            EgressError::Refused { .. } | EgressError::Invalid(_) => Self::Misconfigured(error.to_string()),
            EgressError::TooLarge { .. } => Self::TooLarge,
            EgressError::BreakerOpen { retry_after } => Self::LeftAlone { retry_after, last: None },
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
