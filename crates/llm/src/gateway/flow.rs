//! A streamed answer on its way to the client.
//!
//! Invariant: a stream never ends silently: where the provider's answer breaks off, the client is told in its protocol.

use bytes::Bytes;

use super::keep::Keeper;
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
    /// `None` once it is settled, and for an answer that was given before.
    pub(super) turn: Option<Turn>,
    pub(super) keeper: Option<Keeper>,
    pub(super) over: bool,
    /// Read before the client was told 200.
    pub(super) first: Option<Bytes>,
}

impl Flow {
    /// The next bytes for the client; `None` at the end.
    pub(super) async fn next(&mut self) -> Option<Bytes> {
        if let Some(first) = self.first.take() {
            self.follow(&first);
            let (sent, usage) = self.source.so_far();
            self.meter.comes(sent, usage);
            self.settle_if_ended();
            return Some(first);
        }
        if self.over {
            return None;
        }
        let next = self.source.next().await;
        let (sent, usage) = self.source.so_far();
        self.meter.comes(sent, usage);
        match next {
            Ok(Some(bytes)) => {
                self.follow(&bytes);
                self.settle_if_ended();
                Some(bytes)
            }
            Ok(None) => {
                self.end(usage);
                None
            }
            Err(fault) => self.break_off(&fault),
        }
    }

    fn follow(&mut self, bytes: &[u8]) {
        if let (Some(keeper), Source::Relay(_)) = (&mut self.keeper, &self.source) {
            keeper.follow(bytes);
        }
    }

    /// Many clients go away as soon as they have the protocol's end: they have had their answer.
    fn settle_if_ended(&mut self) {
        if let Source::Relay(relay) = &self.source
            && relay.watch.ended()
            && relay.watch.is_sound()
        {
            let usage = relay.watch.usage;
            self.settle(usage);
        }
    }

    fn end(&mut self, usage: Option<TokenUsage>) {
        self.over = true;
        self.settle(usage);
    }

    fn settle(&mut self, usage: Option<TokenUsage>) {
        if let Some(turn) = self.turn.take() {
            turn.answered();
        }
        self.meter.answered(usage);
        match (self.keeper.take(), &self.source) {
            (Some(keeper), Source::Relay(_)) => keeper.finish(usage),
            (Some(Keeper { place, model, .. }), Source::Translation(translation)) => {
                if let Some(answer) = &translation.answer {
                    place.keep(answer, model);
                }
            }
            (None, _) => {}
        }
    }

    fn break_off(&mut self, fault: &Fault) -> Option<Bytes> {
        self.over = true;
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
