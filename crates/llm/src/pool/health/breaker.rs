//! A breaker for one model behind one key: when it keeps failing it is left alone for a while, then probed by one call.
//! Pure: it is told the time.

use std::time::Duration;

use tokio::time::Instant;

use super::window::Window;

/// Failures in a row that open it. High enough that the attempts of one caller never do.
const ROW: u32 = 10;
/// What failed of the last [`SPAN`] opens it too, from so many calls on.
const VOLUME: u32 = 20;
const SPAN: Duration = Duration::from_secs(30);
/// The pauses are short, because a turn must end within a minute whatever happens.
const FIRST_PAUSE: Duration = Duration::from_secs(1);
const LONGEST_PAUSE: Duration = Duration::from_secs(15);
/// Money does not come back by itself within seconds.
const UNPAID_PAUSE: Duration = Duration::from_secs(60);
const LONGEST_UNPAID_PAUSE: Duration = Duration::from_secs(600);
/// How long a probe may take before the next caller tries too.
const PROBE_PATIENCE: Duration = Duration::from_secs(30);
/// How soon those who find a probe under way look again.
const LOOK_AGAIN: Duration = Duration::from_millis(200);

pub(super) struct Breaker {
    state: State,
    row: u32,
    recent: Window<2>,
    /// Of the last opening; forgotten by a success.
    pause: Duration,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum State {
    Closed,
    Open { until: Instant },
    Probing { since: Instant },
}

/// Whether a model is called.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum BreakerState {
    Closed,
    /// It is left alone.
    Open,
    /// One call tries whether it has recovered.
    HalfOpen,
}

/// The leave to make one call.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Leave {
    Call,
    Probe,
    /// Not before this has passed.
    Wait(Duration),
}

/// How a call went, as far as the model's health is concerned.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Effect {
    Healthy,
    Failed,
    /// It has too much to do: that is no fault, unless it never has less.
    Busy,
    OutOfCredit,
    /// It says nothing about the model.
    Unknown,
}

impl Breaker {
    pub(super) fn new(now: Instant) -> Self {
        Self { state: State::Closed, row: 0, recent: Window::new(SPAN, now), pause: Duration::ZERO }
    }

    /// As [`Breaker::enter`], without becoming the probe.
    pub(super) fn look(&self, now: Instant) -> Leave {
        match self.state {
            State::Closed => Leave::Call,
            State::Open { until } if now < until => Leave::Wait(until - now),
            State::Probing { since } if now < since + PROBE_PATIENCE => Leave::Wait(LOOK_AGAIN),
            State::Open { .. } | State::Probing { .. } => Leave::Probe,
        }
    }

    pub(super) fn enter(&mut self, now: Instant) -> Leave {
        let leave = self.look(now);
        if leave == Leave::Probe {
            self.state = State::Probing { since: now };
        }
        leave
    }

    /// Answers whether this opened it.
    pub(super) fn settle(&mut self, leave: Leave, effect: Effect, now: Instant) -> bool {
        // What was under way when it opened is no news, good or bad; that nothing is paid any more is.
        if leave != Leave::Probe && self.state != State::Closed && effect != Effect::OutOfCredit {
            return false;
        }
        match effect {
            Effect::Unknown => {
                if leave == Leave::Probe {
                    self.state = State::Open { until: now };
                }
                return false;
            }
            Effect::Healthy => {
                if leave == Leave::Probe {
                    *self = Self::new(now);
                }
                (self.row, self.pause) = (0, Duration::ZERO);
                self.recent.add(0, now);
                return false;
            }
            Effect::Busy => self.row += 1,
            Effect::Failed => {
                self.row += 1;
                self.recent.add(1, now);
            }
            Effect::OutOfCredit => {
                self.open(UNPAID_PAUSE, LONGEST_UNPAID_PAUSE, now);
                return true;
            }
        }
        let [healthy, failed] = self.recent.sums(now);
        let opens = leave == Leave::Probe || self.row >= ROW || (healthy + failed >= VOLUME && failed >= healthy);
        if opens {
            self.open(FIRST_PAUSE, LONGEST_PAUSE, now);
        }
        opens
    }

    pub(super) fn state(&self, now: Instant) -> BreakerState {
        match (self.state, self.look(now)) {
            (State::Closed, _) => BreakerState::Closed,
            (State::Open { .. }, Leave::Wait(_)) => BreakerState::Open,
            _ => BreakerState::HalfOpen,
        }
    }

    /// Each pause is twice as long as the one before, until there is a success.
    fn open(&mut self, first: Duration, longest: Duration, now: Instant) {
        self.pause = (self.pause * 2).clamp(first, longest);
        self.state = State::Open { until: now + self.pause };
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    struct Bench {
        breaker: Breaker,
        now: Instant,
    }

    impl Bench {
        fn new() -> Self {
            let now = Instant::now();
            Self { breaker: Breaker::new(now), now }
        }

        fn pass(&mut self, time: Duration) {
            self.now += time;
        }

        fn call(&mut self, effect: Effect) -> Leave {
            let leave = self.breaker.enter(self.now);
            if !matches!(leave, Leave::Wait(_)) {
                self.breaker.settle(leave, effect, self.now);
            }
            leave
        }

        fn calls(&mut self, effect: Effect, count: u32) {
            (0..count).for_each(|n| assert_eq!(self.call(effect), Leave::Call, "{n}"));
        }
    }

    #[test]
    fn failures_in_a_row_open_it_and_one_probe_at_a_time_closes_it() {
        let mut bench = Bench::new();
        bench.calls(Effect::Failed, ROW);
        assert_eq!(bench.call(Effect::Failed), Leave::Wait(FIRST_PAUSE));
        bench.pass(FIRST_PAUSE);
        assert_eq!(bench.breaker.state(bench.now), BreakerState::HalfOpen);
        assert_eq!(bench.breaker.enter(bench.now), Leave::Probe);
        assert_eq!(bench.call(Effect::Healthy), Leave::Wait(LOOK_AGAIN), "one probe at a time");
        bench.breaker.settle(Leave::Probe, Effect::Failed, bench.now);
        assert_eq!(bench.call(Effect::Healthy), Leave::Wait(FIRST_PAUSE * 2), "a failed probe doubles the pause");
        bench.pass(FIRST_PAUSE * 2);
        assert_eq!(bench.call(Effect::Healthy), Leave::Probe);
        bench.calls(Effect::Failed, ROW - 1);
        bench.calls(Effect::Healthy, 1);
        bench.calls(Effect::Failed, ROW - 1);
    }

    #[test]
    fn a_probe_that_says_nothing_or_never_ends_lets_the_next_one_try() {
        let mut bench = Bench::new();
        bench.calls(Effect::Failed, ROW);
        bench.pass(FIRST_PAUSE);
        assert_eq!(bench.call(Effect::Unknown), Leave::Probe);
        assert_eq!(bench.breaker.enter(bench.now), Leave::Probe);
        bench.pass(PROBE_PATIENCE);
        assert_eq!(bench.breaker.enter(bench.now), Leave::Probe);
    }

    #[test]
    fn every_other_call_failing_opens_it_from_some_volume_on() {
        let mut bench = Bench::new();
        for _ in 0..VOLUME / 2 - 1 {
            bench.calls(Effect::Healthy, 1);
            bench.calls(Effect::Failed, 1);
        }
        bench.calls(Effect::Healthy, 1);
        assert_eq!(bench.breaker.state(bench.now), BreakerState::Closed);
        bench.calls(Effect::Failed, 1);
        assert_eq!(bench.breaker.state(bench.now), BreakerState::Open);
    }

    #[test]
    fn being_busy_now_and_then_does_not_open_it() {
        let mut bench = Bench::new();
        for _ in 0..100 {
            bench.calls(Effect::Busy, ROW - 1);
            bench.calls(Effect::Healthy, 1);
        }
        bench.calls(Effect::Busy, ROW);
        assert_eq!(bench.breaker.state(bench.now), BreakerState::Open);
    }

    #[test]
    fn used_up_credit_opens_it_at_once_and_for_longer() {
        let mut bench = Bench::new();
        bench.calls(Effect::OutOfCredit, 1);
        assert_eq!(bench.call(Effect::Healthy), Leave::Wait(UNPAID_PAUSE));
        bench.pass(UNPAID_PAUSE);
        assert_eq!(bench.call(Effect::OutOfCredit), Leave::Probe);
        assert_eq!(bench.call(Effect::Healthy), Leave::Wait(UNPAID_PAUSE * 2));
    }

    #[test]
    fn what_was_under_way_when_it_opened_changes_nothing() {
        let mut bench = Bench::new();
        bench.calls(Effect::Failed, ROW);
        for effect in [Effect::Failed, Effect::Healthy, Effect::Unknown] {
            bench.breaker.settle(Leave::Call, effect, bench.now);
            assert_eq!(bench.call(Effect::Healthy), Leave::Wait(FIRST_PAUSE));
        }
    }
}
