//! A breaker for every destination: after failures in a row it is left alone for a while, then probed by one call.
//!
//! Only destinations in trouble are remembered, so that a healthy call costs one look into a map that is mostly empty.

use std::collections::HashMap;
use std::time::Duration;

use parking_lot::Mutex;
use tokio::time::Instant;

use super::EgressError;

/// Failures in a row that open it. High enough that the retries of one caller never do.
const THRESHOLD: u32 = 10;
const FIRST_PAUSE: Duration = Duration::from_millis(500);
/// Short, because a turn must end within a minute whatever happens.
const LONGEST_PAUSE: Duration = Duration::from_secs(8);
/// How long a probe may take before the next caller tries too.
const PROBE_PATIENCE: Duration = Duration::from_secs(60);
/// The most destinations in trouble that are remembered.
const CAPACITY: usize = 10_000;

#[derive(Default)]
pub(super) struct Breakers {
    troubled: Mutex<HashMap<String, Trouble>>,
}

struct Trouble {
    failures: u32,
    pause: Duration,
    /// Until when nobody calls; a probe under way moves it into the future.
    closed_until: Option<Instant>,
    last_failure: Instant,
}

/// How a call went, as far as the destination's health is concerned.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Verdict {
    Healthy,
    Failed,
    /// It says nothing about the destination.
    Unknown,
}

/// The leave to make one call. Dropped without a verdict (the caller lost patience), it says nothing.
pub(super) struct Permit<'a> {
    breakers: &'a Breakers,
    destination: &'a str,
    verdict: Verdict,
}

impl Breakers {
    pub(super) fn enter<'a>(&'a self, destination: &'a str) -> Result<Permit<'a>, EgressError> {
        let mut troubled = self.troubled.lock();
        if !troubled.is_empty()
            && let Some(trouble) = troubled.get_mut(destination)
            && let Some(until) = trouble.closed_until
        {
            let now = Instant::now();
            if now < until {
                return Err(EgressError::BreakerOpen { retry_after: (until - now).min(trouble.pause) });
            }
            // Half-open: this call is the probe, the others go on waiting.
            trouble.closed_until = Some(now + PROBE_PATIENCE);
        }
        Ok(Permit { breakers: self, destination, verdict: Verdict::Unknown })
    }
}

impl Permit<'_> {
    pub(super) fn settle(mut self, verdict: Verdict) {
        self.verdict = verdict;
    }
}

impl Drop for Permit<'_> {
    fn drop(&mut self) {
        let mut troubled = self.breakers.troubled.lock();
        match self.verdict {
            Verdict::Failed => fail(&mut troubled, self.destination),
            _ if troubled.is_empty() => {}
            Verdict::Healthy => {
                troubled.remove(self.destination);
            }
            Verdict::Unknown => {
                if let Some(trouble) = troubled.get_mut(self.destination) {
                    trouble.closed_until = trouble.closed_until.map(|_| Instant::now());
                }
            }
        }
    }
}

fn fail(troubled: &mut HashMap<String, Trouble>, destination: &str) {
    let now = Instant::now();
    if troubled.len() >= CAPACITY {
        troubled.retain(|_, trouble| now - trouble.last_failure < LONGEST_PAUSE);
    }
    if let Some(trouble) = troubled.get_mut(destination) {
        trouble.failures += 1;
        trouble.last_failure = now;
        if trouble.failures >= THRESHOLD {
            if trouble.closed_until.is_some() {
                trouble.pause = (trouble.pause * 2).min(LONGEST_PAUSE);
            }
            trouble.closed_until = Some(now + trouble.pause);
        }
    } else if troubled.len() < CAPACITY {
        let trouble = Trouble { failures: 1, pause: FIRST_PAUSE, closed_until: None, last_failure: now };
        troubled.insert(destination.to_owned(), trouble);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn call(breakers: &Breakers, verdict: Verdict) -> bool {
        breakers.enter("a:80").map(|permit| permit.settle(verdict)).is_ok()
    }

    #[tokio::test(start_paused = true)]
    async fn opens_after_failures_in_a_row_and_lets_one_probe_through_at_a_time() {
        let breakers = Breakers::default();
        assert!((0..THRESHOLD).all(|_| call(&breakers, Verdict::Failed)));
        assert!(!call(&breakers, Verdict::Failed), "it is open");
        assert!(breakers.enter("b:80").is_ok(), "another destination is not concerned");

        tokio::time::advance(FIRST_PAUSE).await;
        let probe = breakers.enter("a:80").unwrap();
        assert!(breakers.enter("a:80").is_err(), "one probe at a time");
        probe.settle(Verdict::Failed);
        tokio::time::advance(FIRST_PAUSE).await;
        assert!(breakers.enter("a:80").is_err(), "a failed probe doubles the pause");

        tokio::time::advance(FIRST_PAUSE).await;
        assert!(call(&breakers, Verdict::Healthy));
        assert!((1..THRESHOLD).all(|_| call(&breakers, Verdict::Failed)), "a healthy answer forgives everything");
        assert!(call(&breakers, Verdict::Healthy));
    }

    #[tokio::test(start_paused = true)]
    async fn a_probe_that_says_nothing_lets_the_next_one_try() {
        let breakers = Breakers::default();
        (0..THRESHOLD).for_each(|_| assert!(call(&breakers, Verdict::Failed)));
        tokio::time::advance(FIRST_PAUSE).await;
        assert!(call(&breakers, Verdict::Unknown));
        assert!(call(&breakers, Verdict::Healthy));
    }
}
