//! How often an upstream may be asked again: retries must not multiply what an upstream in trouble has to bear.

use std::time::Duration;

use tokio::time::Instant;

use super::window::Window;

const SPAN: Duration = Duration::from_secs(10);
/// Of all calls.
const SHARE: f64 = 0.2;
/// So many retries a second there may always be: where there is little traffic, every call gets all its attempts.
const FLOOR: u32 = 50;

pub(super) struct Retries {
    recent: Window<2>,
}

impl Retries {
    pub(super) fn new(now: Instant) -> Self {
        Self { recent: Window::new(SPAN, now) }
    }

    /// Whether a call may be made now, and takes note of it if so. What is not a retry always may.
    pub(super) fn allow(&mut self, is_retry: bool, now: Instant) -> bool {
        let [firsts, retries] = self.recent.sums(now);
        let most = f64::from(firsts + retries) * SHARE + f64::from(FLOOR) * SPAN.as_secs_f64();
        let allowed = !is_retry || f64::from(retries) < most;
        if allowed {
            self.recent.add(usize::from(is_retry), now);
        }
        allowed
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn retries_stay_a_share_of_the_calls_but_for_the_floor(
            steps in prop::collection::vec((any::<bool>(), 0..40_u64), 1..2000),
        ) {
            let mut now = Instant::now();
            let mut retries = Retries::new(now);
            for (is_retry, ms) in steps {
                now += Duration::from_millis(ms);
                let [_, before] = retries.recent.sums(now);
                let allowed = retries.allow(is_retry, now);
                prop_assert!(allowed || is_retry);
                prop_assert!(allowed || before >= FLOOR * 10, "the floor is always there");
                let [firsts, after] = retries.recent.sums(now);
                prop_assert!(f64::from(after) <= f64::from(firsts + after) * SHARE + f64::from(FLOOR * 10) + 1.0);
            }
        }
    }

    #[test]
    fn a_storm_of_retries_is_cut_to_a_fifth_of_the_calls() {
        let now = Instant::now();
        let mut retries = Retries::new(now);
        (0..10_000).for_each(|_| assert!(retries.allow(false, now)));
        let allowed = (0..10_000).filter(|_| retries.allow(true, now)).count();
        assert!((3_100..3_150).contains(&allowed), "{allowed}");
        assert!(retries.allow(true, now + SPAN * 2), "after a while there is room again");
    }
}
