//! How upstreams do: what is remembered of them beyond a call, on this node.
//!
//! [`Watch`] has a [`Gate`] for every provider and key, and behind it a [`Pulse`] for every model. A [`Call`] goes
//! through both, and tells them how it went.
//!
//! Invariant: with another key everything begins afresh, and the old key's trouble is nobody's any more.

mod breaker;
mod gate;
mod limit;
mod pulse;
mod retries;
mod window;

use std::collections::HashMap;
use std::hash::{BuildHasher as _, RandomState};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use kernel::{ProviderId, Secret};
use parking_lot::Mutex;
use tokio::time::Instant;

pub use self::breaker::BreakerState;
pub(crate) use self::breaker::Effect;
use self::breaker::Leave;
pub(crate) use self::gate::{Gate, Permit};
pub(crate) use self::pulse::Pulse;
use crate::fault::Fault;
use crate::model::Wire;

/// The most calls that one upstream is given at once, unless configured otherwise.
pub(super) const CEILING: u32 = 1_024;
/// The most upstreams that are remembered.
const UPSTREAMS: usize = 16_384;

pub(crate) struct Watch {
    ceiling: u32,
    /// Keys are told apart without being kept.
    hasher: RandomState,
    gates: Mutex<HashMap<(ProviderId, u64), Arc<Gate>>>,
}

impl Watch {
    pub(crate) fn new(ceiling: u32) -> Self {
        Self { ceiling, hasher: RandomState::new(), gates: Mutex::default() }
    }

    pub(crate) fn gate(&self, provider: ProviderId, key: Option<&Secret>) -> Arc<Gate> {
        let place = (provider, self.hasher.hash_one(key.map(|key| key.expose())));
        let mut gates = self.gates.lock();
        if gates.len() >= UPSTREAMS && !gates.contains_key(&place) {
            // Those that no catalogue names any more.
            gates.retain(|_, gate| Arc::strong_count(gate) > 1);
        }
        Arc::clone(gates.entry(place).or_insert_with(|| Arc::new(Gate::new(self.ceiling))))
    }
}

/// One call under way, as far as health is concerned. Dropped unsettled, it says nothing about its model.
pub(crate) struct Call {
    permit: Permit,
    pulse: Arc<Pulse>,
    leave: Leave,
    proven: AtomicBool,
    wire: Wire,
    asked: Instant,
    settled: bool,
}

impl Call {
    /// Begins a call, or tells how long the model is left alone.
    pub(crate) fn begin(permit: Permit, pulse: Arc<Pulse>, wire: Wire) -> Result<Self, Duration> {
        match pulse.enter() {
            Leave::Wait(pause) => Err(pause),
            leave => {
                let (proven, asked) = (AtomicBool::new(false), Instant::now());
                Ok(Self { permit, pulse, leave, proven, wire, asked, settled: false })
            }
        }
    }

    /// How long ago its model was asked.
    pub(crate) fn elapsed(&self) -> Duration {
        self.asked.elapsed()
    }

    /// The first token has come, after so long.
    pub(crate) fn began(&self, latency: Duration) {
        if !self.proven.swap(true, Ordering::Relaxed) {
            self.pulse.began(self.leave, latency);
        }
    }

    pub(crate) fn answered(mut self) {
        self.began(self.elapsed());
        self.settle(Effect::Healthy, None);
    }

    pub(crate) fn failed(mut self, fault: &Fault) {
        self.settle(fault.effect(), Some(fault));
    }

    fn settle(&mut self, effect: Effect, fault: Option<&Fault>) {
        self.settled = true;
        // A probe that has brought its first token has been judged by that.
        let leave = if *self.proven.get_mut() { Leave::Call } else { self.leave };
        let opened = self.pulse.settle(leave, effect, self.elapsed(), fault);
        let timed_out = fault.is_some_and(Fault::is_silence);
        self.permit.gate().settle(effect, timed_out, self.asked);

        let wire = self.wire.as_str();
        metrics::counter!("konstruct_model_calls_total", "wire" => wire, "outcome" => outcome(effect, fault))
            .increment(1);
        if opened {
            metrics::counter!("konstruct_model_breakers_opened_total", "wire" => wire).increment(1);
        }
    }
}

impl Drop for Call {
    fn drop(&mut self) {
        if !self.settled {
            self.settle(Effect::Unknown, None);
        }
    }
}

fn outcome(effect: Effect, fault: Option<&Fault>) -> &'static str {
    match (effect, fault) {
        (Effect::Healthy, None) => "answered",
        (Effect::Healthy, Some(_)) => "refused",
        (Effect::Failed, Some(fault)) if fault.is_silence() => "timed_out",
        (Effect::Failed, _) => "failed",
        (Effect::Busy, _) => "busy",
        (Effect::OutOfCredit, _) => "out_of_credit",
        (Effect::Unknown, _) => "abandoned",
    }
}
