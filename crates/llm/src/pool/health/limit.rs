//! How many calls an upstream is given at once: more while it answers, fewer when it says that they are too many.
//! Pure: it is told the time.

use std::time::Duration;

use tokio::time::Instant;

/// What is left of the calls under way, where they were too many.
const CUT: f64 = 0.7;
/// A refusal says little of how many calls at once are too many while there are fewer than this.
const FEW: f64 = 16.0;
/// So long after the last cut the limit grows faster.
const CALM: Duration = Duration::from_secs(30);

/// Additive increase, multiplicative decrease; between 1 and a ceiling.
pub(super) struct Limit {
    limit: f64,
    ceiling: f64,
    last_cut: Option<Instant>,
}

impl Limit {
    /// Begins at the ceiling: most providers limit the rate of calls, not how many run at once.
    pub(super) fn new(ceiling: u32) -> Self {
        let ceiling = f64::from(ceiling.max(1));
        Self { limit: ceiling, ceiling, last_cut: None }
    }

    pub(super) fn allows(&self, in_flight: u32) -> bool {
        f64::from(in_flight) < self.limit.floor()
    }

    #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "between 1 and a ceiling that is u32")]
    pub(super) fn current(&self) -> u32 {
        self.limit as u32
    }

    /// A call was answered. As many answers as the limit is make it one more; after a while without a cut each does. It
    /// does not grow where it is not used.
    pub(super) fn grow(&mut self, in_flight: u32, now: Instant) {
        if f64::from(in_flight) * 2.0 >= self.limit {
            let calm = self.last_cut.is_none_or(|cut| now >= cut + CALM);
            self.limit = (self.limit + if calm { 1.0 } else { 1.0 / self.limit }).min(self.ceiling);
        }
    }

    /// A call that `began` then was one too many. Those that were under way at the last cut do not cut once more.
    pub(super) fn cut(&mut self, in_flight: u32, began: Instant, now: Instant) {
        if self.last_cut.is_none_or(|cut| began > cut) {
            self.limit = (self.limit.min(f64::from(in_flight).max(FEW)) * CUT).max(1.0);
            self.last_cut = Some(now);
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn it_is_cut_once_for_all_that_were_under_way_and_grows_again() {
        let start = Instant::now();
        let at = |ms| start + Duration::from_millis(ms);
        let mut limit = Limit::new(1000);
        (0..100).for_each(|_| limit.cut(100, at(0), at(10)));
        assert_eq!(limit.current(), 70);
        limit.cut(70, at(11), at(20));
        assert_eq!(limit.current(), 49);
        (0..49).for_each(|_| limit.grow(10, at(30)));
        assert_eq!(limit.current(), 49, "it does not grow where it is not used");
        (0..50).for_each(|_| limit.grow(49, at(30)));
        assert_eq!(limit.current(), 50);
        (0..50).for_each(|_| limit.grow(49, at(31_000)));
        assert_eq!(limit.current(), 98, "it grows faster in calm times, as far as it is used");
    }

    #[test]
    fn one_refusal_of_a_lonely_call_does_not_make_all_wait_in_line() {
        let (now, mut limit) = (Instant::now(), Limit::new(1000));
        limit.cut(1, now, now);
        assert_eq!(limit.current(), 11);
    }

    proptest! {
        #[test]
        fn it_stays_between_one_and_its_ceiling(
            ceiling in 0..2000_u32,
            steps in prop::collection::vec((any::<bool>(), 0..2000_u32, 0..5000_u64), 0..500),
        ) {
            let (mut now, mut limit) = (Instant::now(), Limit::new(ceiling));
            for (grows, in_flight, ms) in steps {
                now += Duration::from_millis(ms);
                if grows { limit.grow(in_flight, now) } else { limit.cut(in_flight, now, now) }
                prop_assert!((1..=ceiling.max(1)).contains(&limit.current()));
                prop_assert!(limit.allows(0));
            }
        }
    }
}
