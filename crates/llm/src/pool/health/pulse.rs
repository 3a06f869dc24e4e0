//! How one model behind one key does.

use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;

use parking_lot::Mutex;
use tokio::time::Instant;

use super::super::hedge::Durations;
use super::breaker::{Breaker, BreakerState, Effect, Leave};
use super::window::Window;
use crate::fault::Fault;

/// What is counted for people.
const RECENT: Duration = Duration::from_secs(300);
/// A newer latency weighs the more the longer ago the last one was, and at least so much.
const LEAST_WEIGHT: f64 = 0.1;
const MEMORY: f64 = 10.0;
/// After so many seconds a latency that was not measured again counts half: who was slow is tried again.
const HALF_LIFE: f64 = 30.0;
/// Of a model that has not answered yet, in seconds: who fails at once is not quick.
const PENALTY: f64 = 1.0;

pub(crate) struct Pulse {
    in_flight: AtomicU32,
    state: Mutex<State>,
}

struct State {
    breaker: Breaker,
    latency: Option<Latency>,
    /// Of whole answers.
    durations: Durations,
    /// Calls, and those of them that failed.
    recent: Window<2>,
    last_fault: Option<(Instant, Fault)>,
}

/// Seconds to the first token, averaged.
#[derive(Clone, Copy)]
struct Latency {
    average: f64,
    measured: Instant,
}

/// What is seen of a model from outside.
pub(crate) struct Sight {
    pub(crate) breaker: BreakerState,
    /// Seconds, as last measured.
    pub(crate) latency: Option<f64>,
    pub(crate) in_flight: u32,
    pub(crate) calls: u32,
    pub(crate) failures: u32,
    pub(crate) last_fault: Option<(Duration, Fault)>,
}

impl Pulse {
    pub(super) fn new() -> Self {
        let now = Instant::now();
        let state = State {
            breaker: Breaker::new(now),
            latency: None,
            durations: Durations::new(),
            recent: Window::new(RECENT, now),
            last_fault: None,
        };
        Self { in_flight: AtomicU32::new(0), state: Mutex::new(state) }
    }

    pub(crate) fn in_flight(&self) -> u32 {
        self.in_flight.load(Ordering::Relaxed)
    }

    /// Seconds to the first token as far as they still count; 0 where they are not known.
    pub(crate) fn latency(&self) -> f64 {
        let latency = self.state.lock().latency;
        latency.map_or(0.0, |latency| latency.now(Instant::now()))
    }

    /// For how long it is left alone; 0 where somebody else is trying it.
    pub(crate) fn left_alone(&self) -> Option<Duration> {
        match self.state.lock().breaker.look(Instant::now()) {
            Leave::Wait(pause) => Some(pause),
            Leave::Call | Leave::Probe => None,
        }
    }

    /// What only one whole answer in twenty took longer than lately.
    pub(crate) fn usual(&self) -> Option<Duration> {
        self.state.lock().durations.p95()
    }

    pub(crate) fn last_fault(&self) -> Option<Fault> {
        self.state.lock().last_fault.as_ref().map(|(_, fault)| fault.clone())
    }

    pub(crate) fn sight(&self) -> Sight {
        let (mut state, now) = (self.state.lock(), Instant::now());
        let [healthy, failures] = state.recent.sums(now);
        Sight {
            breaker: state.breaker.state(now),
            latency: state.latency.map(|latency| latency.average),
            in_flight: self.in_flight(),
            calls: healthy + failures,
            failures,
            last_fault: state.last_fault.as_ref().map(|(at, fault)| (now - *at, fault.clone())),
        }
    }

    pub(super) fn is_forgettable(&self) -> bool {
        self.in_flight() == 0 && self.state.lock().breaker.state(Instant::now()) == BreakerState::Closed
    }

    pub(super) fn enter(&self) -> Leave {
        let leave = self.state.lock().breaker.enter(Instant::now());
        if !matches!(leave, Leave::Wait(_)) {
            self.in_flight.fetch_add(1, Ordering::Relaxed);
        }
        leave
    }

    /// The first token came after so long: the model lives, though the rest may take its time.
    pub(super) fn began(&self, leave: Leave, latency: Duration) {
        let (mut state, now) = (self.state.lock(), Instant::now());
        state.measure(latency.as_secs_f64(), now);
        if leave == Leave::Probe {
            state.breaker.settle(leave, Effect::Healthy, now);
        }
    }

    /// The call that had this leave is over. Answers whether the model is left alone from now on because of it.
    pub(super) fn settle(&self, leave: Leave, effect: Effect, took: Duration, fault: Option<&Fault>) -> bool {
        self.in_flight.fetch_sub(1, Ordering::Relaxed);
        let (mut state, now) = (self.state.lock(), Instant::now());
        match effect {
            Effect::Unknown => {}
            Effect::Healthy => {
                state.recent.add(0, now);
                state.durations.note(took);
            }
            Effect::Failed | Effect::Busy | Effect::OutOfCredit => {
                state.recent.add(1, now);
                let known = state.latency.map_or(PENALTY, |latency| latency.average);
                state.measure(took.as_secs_f64().max(known * 2.0), now);
            }
        }
        if let Some(fault) = fault {
            state.last_fault = Some((now, fault.clone()));
        }
        state.breaker.settle(leave, effect, now)
    }
}

impl State {
    fn measure(&mut self, seconds: f64, now: Instant) {
        let average = match self.latency {
            None => seconds,
            Some(Latency { average, measured }) => {
                let age = now.saturating_duration_since(measured).as_secs_f64();
                let weight = (1.0 - (-age / MEMORY).exp()).max(LEAST_WEIGHT);
                average + weight * (seconds - average)
            }
        };
        self.latency = Some(Latency { average: average.min(600.0), measured: now });
    }
}

impl Latency {
    fn now(self, now: Instant) -> f64 {
        let age = now.saturating_duration_since(self.measured).as_secs_f64();
        self.average * (-age / HALF_LIFE).exp2()
    }
}

#[cfg(test)]
mod tests {
    use tokio::time::advance;

    use super::*;

    fn answer(pulse: &Pulse, seconds: f64) {
        let leave = pulse.enter();
        pulse.began(leave, Duration::from_secs_f64(seconds));
        pulse.settle(leave, Effect::Healthy, Duration::from_secs_f64(seconds), None);
    }

    #[tokio::test(start_paused = true)]
    async fn latency_follows_what_is_measured_and_fades_where_nothing_is() {
        let pulse = Pulse::new();
        assert_eq!(pulse.latency(), 0.0);
        answer(&pulse, 2.0);
        assert_eq!(pulse.latency(), 2.0);
        for _ in 0..100 {
            answer(&pulse, 0.5);
        }
        assert!((0.5..0.51).contains(&pulse.latency()), "many in one moment count too: {}", pulse.latency());
        advance(Duration::from_secs(30)).await;
        answer(&pulse, 4.0);
        assert!((3.5..4.0).contains(&pulse.latency()), "after a while the new one counts: {}", pulse.latency());
        let before = pulse.latency();
        advance(Duration::from_secs(60)).await;
        assert!((pulse.latency() - before / 4.0).abs() < 0.01);
    }

    #[tokio::test(start_paused = true)]
    async fn who_fails_at_once_is_not_quick() {
        let pulse = Pulse::new();
        let leave = pulse.enter();
        assert_eq!(pulse.in_flight(), 1);
        pulse.settle(leave, Effect::Failed, Duration::from_millis(3), Some(&Fault::Empty));
        assert_eq!((pulse.latency(), pulse.in_flight(), pulse.last_fault()), (2.0, 0, Some(Fault::Empty)));
        let sight = pulse.sight();
        assert_eq!((sight.calls, sight.failures, sight.breaker), (1, 1, BreakerState::Closed));
    }

    #[tokio::test(start_paused = true)]
    async fn the_first_token_of_a_probe_ends_the_doubt() {
        let pulse = Pulse::new();
        for _ in 0..10 {
            let leave = pulse.enter();
            pulse.settle(leave, Effect::Failed, Duration::ZERO, None);
        }
        advance(pulse.left_alone().unwrap()).await;
        let probe = pulse.enter();
        assert!(pulse.left_alone().is_some());
        pulse.began(probe, Duration::from_millis(1));
        assert!(pulse.left_alone().is_none(), "the others need not wait for the end of its answer");
    }
}
