//! One call to a provider that speaks another protocol than the client: its answer is read piece by piece, and each
//! piece written in the client's protocol at once.

use bytes::Bytes;

use super::protocol::Writer;
use super::refusal::Refusal;
use crate::draft::Answer;
use crate::fault::Fault;
use crate::model::TokenUsage;
use crate::piece::Piece;
use crate::pool::Reading;

/// A provider's answer on its way into the client's protocol.
pub(super) struct Translation {
    reading: Option<Reading>,
    writer: Box<dyn Writer>,
    /// What an answer that was there at once is made of.
    ready: Option<Answer>,
    /// Bytes for the client, not handed out yet.
    out: Vec<u8>,
    pub(super) usage: Option<TokenUsage>,
    /// The answer, once it is whole.
    pub(super) answer: Option<Answer>,
    /// Bytes of text and arguments so far: what is left to guess by where an answer breaks off.
    pub(super) bytes: u64,
    over: bool,
}

impl Translation {
    pub(super) fn new(reading: Reading, writer: Box<dyn Writer>) -> Self {
        Self {
            reading: Some(reading),
            writer,
            ready: None,
            out: Vec::new(),
            usage: None,
            answer: None,
            bytes: 0,
            over: false,
        }
    }

    /// Of an answer that was there at once.
    pub(super) fn of(answer: Answer, writer: Box<dyn Writer>) -> Self {
        Self {
            reading: None,
            writer,
            ready: Some(answer),
            out: Vec::new(),
            usage: None,
            answer: None,
            bytes: 0,
            over: false,
        }
    }

    /// The next events for the client; `None` once the answer has ended. Before the first piece nothing is written.
    pub(super) async fn next(&mut self) -> Result<Option<Bytes>, Fault> {
        while !self.over {
            let answer = self.advance().await?;
            if let Some(answer) = answer {
                self.begin();
                self.writer.end(&answer, &mut self.out);
                self.usage = answer.usage;
                self.answer = Some(answer);
                self.over = true;
            }
            if !self.out.is_empty() {
                return Ok(Some(std::mem::take(&mut self.out).into()));
            }
        }
        Ok(None)
    }

    /// The answer, once it is whole, for a client who wants it in one piece.
    pub(super) async fn whole(&mut self) -> Result<Answer, Fault> {
        loop {
            if let Some(answer) = self.advance().await? {
                return Ok(answer);
            }
        }
    }

    /// The events that tell the client that there is no end.
    pub(super) fn fail(&mut self, refusal: &Refusal) -> Bytes {
        self.writer.fail(refusal, &mut self.out);
        std::mem::take(&mut self.out).into()
    }

    async fn advance(&mut self) -> Result<Option<Answer>, Fault> {
        let Self { reading, writer, ready, out, bytes, .. } = self;
        let mut begun = *bytes > 0;
        let mut sink = |piece: Piece<'_>| {
            if !std::mem::replace(&mut begun, true) {
                writer.begin(out);
            }
            *bytes += piece.len().max(1);
            writer.piece(piece, out);
        };
        match (reading, ready.take()) {
            (Some(reading), _) => reading.next(&mut sink).await,
            (None, Some(answer)) => {
                answer.text.split_inclusive(' ').for_each(|word| sink(Piece::Text(word)));
                Ok(Some(answer))
            }
            (None, None) => Err(Fault::BrokenOff),
        }
    }

    fn begin(&mut self) {
        if self.bytes == 0 {
            self.bytes = 1;
            self.writer.begin(&mut self.out);
        }
    }
}
