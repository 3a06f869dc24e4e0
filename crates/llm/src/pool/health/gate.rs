//! The way to an upstream with one key: how many calls at once, who waits, how often it is asked again.

use std::collections::{HashMap, VecDeque};
use std::sync::Arc;

use parking_lot::Mutex;
use tokio::sync::oneshot;
use tokio::time::{Instant, timeout_at};

use super::breaker::Effect;
use super::limit::Limit;
use super::pulse::Pulse;
use super::retries::Retries;

/// The most callers that wait for one upstream.
const QUEUE: usize = 2_048;
/// The most models of one upstream whose health is remembered.
const MODELS: usize = 256;

pub(crate) struct Gate {
    state: Mutex<State>,
    pulses: Mutex<HashMap<String, Arc<Pulse>>>,
}

struct State {
    limit: Limit,
    in_flight: u32,
    /// First come, first served. Some may have gone away since.
    queue: VecDeque<oneshot::Sender<Permit>>,
    retries: Retries,
}

/// One of the calls that an upstream is given at once.
pub(crate) struct Permit {
    gate: Arc<Gate>,
}

impl Gate {
    pub(crate) fn new(ceiling: u32) -> Self {
        let retries = Retries::new(Instant::now());
        let state = State { limit: Limit::new(ceiling), in_flight: 0, queue: VecDeque::new(), retries };
        Self { state: Mutex::new(state), pulses: Mutex::default() }
    }

    /// The health of a model there. Clients may name any model: what there is no room to remember begins afresh.
    pub(crate) fn pulse(&self, model: &str) -> Arc<Pulse> {
        let mut pulses = self.pulses.lock();
        if let Some(pulse) = pulses.get(model) {
            return Arc::clone(pulse);
        }
        if pulses.len() >= MODELS {
            pulses.retain(|_, pulse| Arc::strong_count(pulse) > 1 || !pulse.is_forgettable());
        }
        let pulse = Arc::new(Pulse::new());
        if pulses.len() < MODELS {
            pulses.insert(model.to_owned(), Arc::clone(&pulse));
        }
        pulse
    }

    /// Waits for a place until then. `None`: there was none, or too many wait already.
    pub(crate) async fn enter(self: &Arc<Self>, until: Instant) -> Option<Permit> {
        let place = {
            let mut state = self.state.lock();
            if state.queue.is_empty() && state.limit.allows(state.in_flight) {
                state.in_flight += 1;
                return Some(Permit { gate: Arc::clone(self) });
            }
            if state.queue.len() >= QUEUE {
                state.queue.retain(|waiting| !waiting.is_closed());
            }
            if state.queue.len() >= QUEUE {
                return None;
            }
            let (sender, place) = oneshot::channel();
            state.queue.push_back(sender);
            place
        };
        timeout_at(until, place).await.ok()?.ok()
    }

    /// Whether one more call may be made, as far as retries are concerned.
    pub(crate) fn allows(&self, is_retry: bool) -> bool {
        self.state.lock().retries.allow(is_retry, Instant::now())
    }

    /// Calls under way, and how many there may be.
    pub(crate) fn load(&self) -> (u32, u32) {
        let state = self.state.lock();
        (state.in_flight, state.limit.current())
    }

    /// Takes note of how a call went that `began` then.
    pub(super) fn settle(self: &Arc<Self>, effect: Effect, timed_out: bool, began: Instant) {
        let mut state = self.state.lock();
        let in_flight = state.in_flight;
        match effect {
            Effect::Healthy => state.limit.grow(in_flight, Instant::now()),
            Effect::Busy => state.limit.cut(in_flight, began, Instant::now()),
            Effect::Failed if timed_out => state.limit.cut(in_flight, began, Instant::now()),
            Effect::Failed | Effect::OutOfCredit | Effect::Unknown => return,
        }
        drop(state);
        self.let_in();
    }

    fn let_in(self: &Arc<Self>) {
        loop {
            // A statement of its own: who is let in is told without the lock.
            let next = self.state.lock().next();
            let Some(next) = next else { return };
            // Who went away in between gives the place back, which takes the lock, and the next one is let in.
            drop(next.send(Permit { gate: Arc::clone(self) }));
        }
    }
}

impl Default for Gate {
    fn default() -> Self {
        Self::new(super::CEILING)
    }
}

impl State {
    /// The next caller who waits, with a place counted for them.
    fn next(&mut self) -> Option<oneshot::Sender<Permit>> {
        while self.limit.allows(self.in_flight) {
            let next = self.queue.pop_front()?;
            if !next.is_closed() {
                self.in_flight += 1;
                return Some(next);
            }
        }
        None
    }
}

impl Permit {
    pub(super) fn gate(&self) -> &Arc<Gate> {
        &self.gate
    }
}

impl Drop for Permit {
    fn drop(&mut self) {
        let mut state = self.gate.state.lock();
        state.in_flight = state.in_flight.saturating_sub(1);
        drop(state);
        self.gate.let_in();
    }
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicBool, Ordering};
    use std::task::{Context, Wake};
    use std::time::Duration;

    use futures::FutureExt as _;
    use futures::future::join_all;

    use super::*;

    fn soon() -> Instant {
        Instant::now() + Duration::from_secs(1)
    }

    #[tokio::test(start_paused = true)]
    async fn who_finds_it_full_waits_in_line_and_not_beyond_their_time() {
        let gate = Arc::new(Gate::new(1));
        let first = gate.enter(soon()).await.unwrap();
        let (mut second, mut third) = (Box::pin(gate.enter(soon())), Box::pin(gate.enter(soon())));
        assert!((&mut second).now_or_never().is_none() && (&mut third).now_or_never().is_none());
        drop(first);
        assert!((&mut third).now_or_never().is_none(), "first come, first served");
        let second = second.await.unwrap();
        assert!(third.await.is_none(), "its time is up");
        drop(second);
        assert_eq!(gate.load(), (0, 1));
    }

    #[tokio::test(start_paused = true)]
    async fn a_place_given_to_somebody_who_went_away_is_not_lost() {
        let gate = Arc::new(Gate::new(1));
        let first = gate.enter(soon()).await.unwrap();
        let mut gone = Box::pin(gate.enter(soon()));
        let mut waiting = Box::pin(gate.enter(soon()));
        assert!((&mut gone).now_or_never().is_none() && (&mut waiting).now_or_never().is_none());
        drop(first);
        drop(gone);
        assert!(waiting.await.is_some());
        assert_eq!(gate.load(), (0, 1));
    }

    #[tokio::test(start_paused = true)]
    async fn whoever_is_let_in_may_leave_at_once() {
        /// Looks, when it is woken, whether a place could be given back then and there.
        struct Looks(Arc<Gate>, AtomicBool);
        impl Wake for Looks {
            fn wake(self: Arc<Self>) {
                self.1.store(self.0.state.try_lock().is_some(), Ordering::Relaxed);
            }
        }
        let gate = Arc::new(Gate::new(1));
        let first = gate.enter(soon()).await.unwrap();
        let looks = Arc::new(Looks(Arc::clone(&gate), AtomicBool::new(false)));
        let mut waiting = Box::pin(gate.enter(soon()));
        assert!(waiting.poll_unpin(&mut Context::from_waker(&Arc::clone(&looks).into())).is_pending());
        drop(first);
        assert!(looks.1.load(Ordering::Relaxed), "the gate was locked");
    }

    #[tokio::test(start_paused = true)]
    async fn no_more_wait_than_there_is_room_for() {
        let gate = Arc::new(Gate::new(1));
        let place = gate.enter(soon()).await;
        let waited = join_all((0..QUEUE + 5).map(|_| async {
            let began = Instant::now();
            assert!(gate.enter(soon()).await.is_none());
            began.elapsed()
        }))
        .await;
        assert_eq!(waited.iter().filter(|waited| waited.is_zero()).count(), 5);
        drop(place);
        assert!(gate.enter(soon()).await.is_some(), "those who gave up stand in nobody's way");
    }

    #[tokio::test(start_paused = true)]
    async fn a_cut_makes_callers_wait_until_there_are_few_enough() {
        let gate = Arc::new(Gate::new(100));
        let mut places = join_all((0..100).map(|_| gate.enter(soon()))).await;
        gate.settle(Effect::Busy, false, Instant::now());
        assert_eq!(gate.load(), (100, 70));
        places.truncate(70);
        assert!(gate.enter(soon()).await.is_none());
        places.truncate(69);
        assert!(gate.enter(soon()).await.is_some());
    }

    #[test]
    fn models_that_nobody_names_any_more_make_room() {
        let gate = Gate::new(1);
        let pulse = gate.pulse("used");
        for n in 0..MODELS * 3 {
            gate.pulse(&n.to_string());
        }
        assert!(gate.pulses.lock().len() <= MODELS);
        assert!(Arc::ptr_eq(&pulse, &gate.pulse("used")));
    }
}
