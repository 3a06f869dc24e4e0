//! The generic cell rate algorithm: all that is remembered is when everything let through would have come evenly.

use std::time::Duration;

const MINUTE: Duration = Duration::from_secs(60);

/// How fast one node lets units of something through.
#[derive(Clone, Copy, Debug)]
pub(super) struct Pace {
    a_minute: u64,
    nodes: u32,
}

/// When what was let through would have come evenly, since the limiter began.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Spent(Duration);

impl Pace {
    pub(super) fn new(a_minute: u64, nodes: u32) -> Self {
        Self { a_minute: a_minute.max(1), nodes: nodes.max(1) }
    }

    /// How long so many units take at this pace.
    fn time_for(self, units: u64) -> Duration {
        let nanos = u128::from(units) * MINUTE.as_nanos() * u128::from(self.nodes);
        Duration::from_nanos(nanos.div_ceil(u128::from(self.a_minute)).try_into().unwrap_or(u64::MAX))
    }

    /// How much may be saved up: a minute's units, and always one.
    fn patience(self) -> Duration {
        MINUTE.max(self.time_for(1))
    }
}

impl Spent {
    pub(super) fn ends(self) -> Duration {
        self.0
    }

    /// With so many units more; else how long to wait for them. What is more than a minute's units is let through
    /// where a whole minute is saved up: it would wait for ever.
    pub(super) fn and(self, pace: Pace, now: Duration, units: u64) -> Result<Self, Duration> {
        let from = self.0.max(now);
        let until = from.saturating_add(pace.time_for(units));
        let fits = now.saturating_add(pace.patience());
        match until <= fits || from == now {
            true => Ok(Self(until)),
            false => Err((until - fits).min(from - now)),
        }
    }

    /// With `tokens` in the place of an `estimate`.
    pub(super) fn correct(&mut self, pace: Pace, estimate: u64, tokens: u64) {
        let (estimate, tokens) = (pace.time_for(estimate), pace.time_for(tokens));
        self.0 = self.0.saturating_add(tokens).saturating_sub(estimate);
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        /// Calls at any times: never more in a minute than saved up and grown, and whoever waits as told is let through.
        #[test]
        fn it_permits_what_it_should_and_tells_the_truth(
            a_minute in 1_u64..2000,
            nodes in 1_u32..5,
            calls in prop::collection::vec((0_u64..20_000, 1_u64..50), 1..200),
        ) {
            let pace = Pace::new(a_minute, nodes);
            let (mut now, mut spent, mut passed) = (Duration::ZERO, Spent::default(), Vec::new());
            for (pause, units) in calls {
                now += Duration::from_millis(pause);
                match spent.and(pace, now, units) {
                    Ok(more) => {
                        spent = more;
                        passed.push((now, units));
                    }
                    Err(wait) => {
                        prop_assert!(wait > Duration::ZERO);
                        prop_assert!(spent.and(pace, now + wait, units).is_ok());
                        prop_assert!(spent.and(pace, now + wait - Duration::from_nanos(1), units).is_err());
                    }
                }
            }
            let share = (a_minute as f64 / f64::from(nodes)).max(1.0);
            for (at, (from, _)) in passed.iter().enumerate() {
                let within = passed[at..].iter().take_while(|(then, _)| *then < *from + MINUTE);
                let units: u64 = within.clone().map(|(_, units)| *units).sum();
                // One call may be larger than a minute's share.
                let largest = within.map(|(_, units)| *units).max().unwrap_or_default();
                prop_assert!(units as f64 <= 2.0 * share.max(largest as f64) + largest as f64 + 1.0, "{units} of {share}");
            }
        }

        #[test]
        fn a_correction_leaves_what_the_truth_would_have(
            a_minute in 1_u64..1_000_000,
            estimate in 0_u64..10_000,
            tokens in 0_u64..10_000,
        ) {
            let (pace, now) = (Pace::new(a_minute, 1), Duration::from_secs(10));
            let mut corrected = Spent::default().and(pace, now, estimate).unwrap();
            corrected.correct(pace, estimate, tokens);
            prop_assert_eq!(corrected, Spent::default().and(pace, now, tokens).unwrap());
        }
    }
}
