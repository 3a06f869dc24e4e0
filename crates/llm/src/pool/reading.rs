//! Reading one provider's answer, whatever its protocol.

use std::time::Duration;

use bytes::Bytes;
use reqwest::Response;
use reqwest::header::CONTENT_TYPE;
use tokio::time::{Instant, timeout, timeout_at};

use super::route::Patience;
use crate::draft::Answer;
use crate::fault::Fault;
use crate::piece::Sink;
use crate::providers::{Progress, Reader};

/// How long the end of a stream is waited for after its last event, so that the connection can be used again.
const TAIL: Duration = Duration::from_millis(100);
/// The most of an answer's body that came in one piece.
const MAX_WHOLE: usize = 8 << 20;

/// A provider's answer under way.
pub(crate) struct Reading {
    response: Response,
    reader: Option<Box<dyn Reader>>,
    patience: Patience,
    silent_until: Instant,
    began: bool,
    heard: bool,
}

impl Reading {
    pub(crate) fn new(response: Response, reader: Box<dyn Reader>, patience: Patience) -> Self {
        let silent_until = Instant::now() + patience.first_token;
        Self { response, reader: Some(reader), patience, silent_until, began: false, heard: false }
    }

    /// Reads what comes next and hands its pieces on; the answer, once it is whole.
    pub(crate) async fn next(&mut self, sink: &mut Sink<'_>) -> Result<Option<Answer>, Fault> {
        let Some(bytes) = self.chunk().await? else {
            return if self.began { self.finish(sink).map(Some) } else { Err(Fault::Empty) };
        };
        if !self.began
            && let Some(first) = bytes.iter().find(|byte| !byte.is_ascii_whitespace())
        {
            self.began = true;
            match first {
                b'<' => return Err(Fault::Garbage("a web page".to_owned())),
                b'{' | b'[' if !self.is_lines() => return self.whole(bytes, sink).await.map(Some),
                _ => {}
            }
        }
        let Some(reader) = &mut self.reader else { return Err(Fault::BrokenOff) };
        match reader.feed(&bytes, sink)? {
            Progress::None => Ok(None),
            Progress::Event => {
                self.heard = true;
                self.silent_until = Instant::now() + self.patience.between_tokens;
                Ok(None)
            }
            Progress::End => {
                let response = &mut self.response;
                // Read to its end, the connection serves the next call.
                let _ = timeout(TAIL, async { while let Ok(Some(_)) = response.chunk().await {} }).await;
                self.finish(sink).map(Some)
            }
        }
    }

    /// Whether a whole event has come.
    pub(crate) fn heard(&self) -> bool {
        self.heard
    }

    async fn chunk(&mut self) -> Result<Option<Bytes>, Fault> {
        let until = self.silent_until.min(self.patience.until);
        match timeout_at(until, self.response.chunk()).await {
            Ok(Ok(bytes)) => Ok(bytes),
            Ok(Err(_)) => Err(Fault::BrokenOff),
            Err(_) if until == self.patience.until => Err(Fault::CutOff),
            Err(_) if self.heard => Err(Fault::Stalled(self.patience.between_tokens)),
            Err(_) => Err(Fault::Silent(self.patience.first_token)),
        }
    }

    /// An answer in one piece, from a server that does not stream though asked to.
    async fn whole(&mut self, begun: Bytes, sink: &mut Sink<'_>) -> Result<Answer, Fault> {
        let mut body = Vec::from(begun);
        while let Some(bytes) = self.chunk().await? {
            body.extend_from_slice(&bytes);
            if body.len() > MAX_WHOLE {
                return Err(Fault::TooLarge);
            }
        }
        self.reader.take().ok_or(Fault::BrokenOff)?.whole(&body, sink)
    }

    fn finish(&mut self, sink: &mut Sink<'_>) -> Result<Answer, Fault> {
        self.reader.take().ok_or(Fault::BrokenOff)?.finish(sink)
    }

    fn is_lines(&self) -> bool {
        let kind = self.response.headers().get(CONTENT_TYPE);
        kind.and_then(|kind| kind.to_str().ok()).is_some_and(|kind| kind.to_ascii_lowercase().contains("ndjson"))
    }
}
