//! A streamed answer on its way to the client.
//!
//! Invariant: a stream never ends silently: where the provider's answer breaks off, the client is told in its protocol.

use bytes::Bytes;

use super::meter::Meter;
use super::protocol::Protocol;
use super::refusal::Refusal;
use super::relay::Relay;
use super::translate::Translation;
use crate::fault::Fault;
use crate::model::TokenUsage;
use crate::pool::Turn;

/// Where a streamed answer comes from.
pub(super) enum Source {
    Relay(Box<Relay>),
    Translation(Box<Translation>),
}

/// An answer whose first bytes are for the client. Dropped in the middle, because the client went away, it drops the
/// provider's connection with it.
pub(super) struct Flow {
    pub(super) protocol: &'static dyn Protocol,
    pub(super) source: Source,
    pub(super) meter: Meter,
    /// `None` once it is settled.
    pub(super) turn: Option<Turn>,
    /// Read before the client was told 200.
    pub(super) first: Option<Bytes>,
}

impl Flow {
    /// The next bytes for the client; `None` at the end.
    pub(super) async fn next(&mut self) -> Option<Bytes> {
        if let Some(first) = self.first.take() {
            return Some(first);
        }
        self.turn.as_ref()?;
        let next = self.source.next().await;
        let (sent, usage) = self.source.so_far();
        self.meter.comes(sent, usage);
        match next {
            Ok(Some(bytes)) => Some(bytes),
            Ok(None) => {
                self.turn.take()?.answered();
                self.meter.answered(usage);
                None
            }
            Err(fault) => self.break_off(&fault),
        }
    }

    fn break_off(&mut self, fault: &Fault) -> Option<Bytes> {
        let turn = self.turn.take()?;
        let refusal = Refusal::from_fault(fault, turn.target());
        turn.broke_off(fault);
        self.meter.failed(&refusal);
        match &mut self.source {
            // The provider has told the client itself.
            Source::Relay(relay) if relay.watch.told_error() => None,
            Source::Relay(_) => Some(self.protocol.refusal_event(&refusal).into()),
            Source::Translation(translation) => Some(translation.fail(&refusal)),
        }
    }
}

impl Source {
    pub(super) async fn next(&mut self) -> Result<Option<Bytes>, Fault> {
        match self {
            Self::Relay(relay) => relay.next().await,
            Self::Translation(translation) => translation.next().await,
        }
    }

    fn so_far(&self) -> (u64, Option<TokenUsage>) {
        match self {
            Self::Relay(relay) => (relay.watch.content(), relay.watch.usage),
            Self::Translation(translation) => (translation.bytes, translation.usage),
        }
    }
}
