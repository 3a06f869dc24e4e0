//! Which target to ask next, and when: pure, so that it can be tried with every sequence of failures.
//!
//! Invariant: a target that refused is not asked again; no target is asked more often than its attempts allow.
//! Invariant: without a refusal every target gets all its attempts, as far as the deadline allows.

use std::time::Duration;

use crate::fault::Verdict;

/// A pause up to this long is waited out; for a longer one another target is asked first, where there is one.
const PATIENCE: Duration = Duration::from_secs(1);

#[derive(Clone, Copy, Debug)]
pub(super) struct Rules {
    /// The most calls to one target.
    pub(super) attempts: u32,
    /// The first pause lasts up to this long, each further one up to twice the one before.
    pub(super) first_pause: Duration,
    pub(super) longest_pause: Duration,
    /// How long a target is waited for in all that is left alone, though nobody else is left.
    pub(super) longest_wait: Duration,
}

/// Times are since the beginning of the whole call.
pub(super) struct Plan {
    deadline: Duration,
    targets: Vec<State>,
    /// The target whose turn it is.
    at: usize,
}

#[derive(Clone, Copy)]
struct State {
    rules: Rules,
    attempts: u32,
    refused: bool,
    not_before: Duration,
    /// How long it was waited for because it was left alone.
    waited: Duration,
    first_failed: Duration,
}

/// A target to ask, once it is `at`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Try {
    pub(super) target: usize,
    pub(super) at: Duration,
    /// It has been asked before.
    pub(super) again: bool,
    /// Somebody else could be asked instead.
    pub(super) others: bool,
}

impl Plan {
    pub(super) fn new(targets: impl IntoIterator<Item = Rules>, deadline: Duration) -> Self {
        let fresh = |rules| State {
            rules,
            attempts: 0,
            refused: false,
            not_before: Duration::ZERO,
            waited: Duration::ZERO,
            first_failed: Duration::ZERO,
        };
        Self { deadline, targets: targets.into_iter().map(fresh).collect(), at: 0 }
    }

    /// `None`: there is nobody left to ask in time.
    pub(super) fn next(&self, now: Duration) -> Option<Try> {
        let count = self.targets.len();
        let live = || {
            let order = (0..count).map(|n| (self.at + n) % count);
            order.map(|target| (target, self.targets[target])).filter(|(_, state)| state.is_live())
        };
        let (target, state) = live()
            .find(|(_, state)| state.not_before <= now + PATIENCE)
            .or_else(|| live().min_by_key(|(_, state)| state.not_before))?;
        let at = state.not_before.max(now);
        let others = live().nth(1).is_some();
        (at < self.deadline).then_some(Try { target, at, again: state.attempts > 0, others })
    }

    /// Whom to ask at once beside `target`, whose answer is late, of those who are `alike`.
    pub(super) fn beside(&self, target: usize, now: Duration, alike: impl Fn(usize) -> bool) -> Option<usize> {
        let ready = |other: &usize| {
            let state = &self.targets[*other];
            *other != target && state.is_live() && state.not_before <= now && alike(*other)
        };
        (0..self.targets.len()).find(ready)
    }

    /// Takes note that the call to `target` failed. `jitter` is a number between 0 and 1.
    pub(super) fn failed(&mut self, target: usize, verdict: Verdict, now: Duration, jitter: f64) {
        let state = &mut self.targets[target];
        if state.attempts == 0 {
            state.first_failed = now;
        }
        state.attempts += 1;
        let pause = state.pause(now, jitter.clamp(0.0, 1.0));
        let stays = match verdict {
            Verdict::Refused | Verdict::TooLong | Verdict::Declined | Verdict::OutOfCredit => {
                state.refused = true;
                false
            }
            Verdict::Invalid => {
                // Nobody else would take it either.
                self.targets.iter_mut().for_each(|state| state.refused = true);
                return;
            }
            Verdict::RetryLater => {
                state.not_before = now + pause;
                false
            }
            Verdict::Retry { after } => {
                // What does not fit is not honoured: nobody would be served by giving up instead.
                let after = after.filter(|after| now + *after < self.deadline);
                state.not_before = now + after.map_or(pause, |after| after.max(pause));
                true
            }
        };
        if !stays || !state.is_live() {
            self.at = (target + 1) % self.targets.len();
        }
    }

    /// Takes note that `target` is not to be called for another `pause`. Answers whether it will be asked then.
    pub(super) fn left_alone(&mut self, target: usize, now: Duration, pause: Duration) -> bool {
        let state = &mut self.targets[target];
        state.not_before = now + pause;
        state.waited += pause;
        state.refused = state.waited > state.rules.longest_wait;
        !state.refused
    }

    /// Takes note that `target` is not to be asked any more.
    pub(super) fn give_up(&mut self, target: usize) {
        self.targets[target].refused = true;
    }
}

impl State {
    fn is_live(&self) -> bool {
        !self.refused && self.attempts < self.rules.attempts
    }

    /// The pause before the next attempt: any up to the longest (full jitter), so that those who failed together do not
    /// come back together. Chance alone could use up all attempts within one hiccup of a provider, though: the last one
    /// does not come before half of all pauses could have passed since the first failure.
    fn pause(&self, now: Duration, jitter: f64) -> Duration {
        let longest = self.rules.pause(self.attempts);
        let is_last = self.attempts + 1 == self.rules.attempts;
        let shortest = match is_last {
            true => {
                let all: Duration = (1..=self.attempts).map(|attempt| self.rules.pause(attempt)).sum();
                (self.first_failed + all / 2).saturating_sub(now)
            }
            false => Duration::ZERO,
        };
        shortest + longest.saturating_sub(shortest).max(longest / 4).mul_f64(jitter)
    }
}

impl Rules {
    fn pause(&self, attempts: u32) -> Duration {
        let doubled = 1_u32.checked_shl(attempts.saturating_sub(1)).unwrap_or(u32::MAX);
        self.first_pause.saturating_mul(doubled).min(self.longest_pause)
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const RULES: Rules = Rules {
        attempts: 3,
        first_pause: Duration::from_millis(250),
        longest_pause: Duration::from_secs(4),
        longest_wait: Duration::from_secs(20),
    };
    const DEADLINE: Duration = Duration::from_secs(50);
    const RETRY: Verdict = Verdict::Retry { after: None };

    fn after(seconds: u64) -> Verdict {
        Verdict::Retry { after: Some(Duration::from_secs(seconds)) }
    }

    /// Which targets are asked when every call takes `call` and fails as `verdicts` say, by target.
    fn play(verdicts: &[Verdict], call: Duration) -> Vec<(usize, u64)> {
        let (mut plan, mut now, mut asked) =
            (Plan::new(verdicts.iter().map(|_| RULES), DEADLINE), Duration::ZERO, vec![]);
        while let Some(next) = plan.next(now) {
            now = next.at;
            asked.push((next.target, now.as_secs()));
            now += call;
            plan.failed(next.target, verdicts[next.target], now, 0.0);
        }
        asked
    }

    fn order(verdicts: &[Verdict], call: Duration) -> Vec<usize> {
        play(verdicts, call).into_iter().map(|(target, _)| target).collect()
    }

    #[test]
    fn a_single_target_is_asked_three_times_whatever_fails_and_hangs() {
        assert_eq!(order(&[RETRY], Duration::ZERO), [0, 0, 0]);
        assert_eq!(order(&[Verdict::RetryLater], Duration::from_secs(15)), [0, 0, 0]);
        assert_eq!(play(&[after(7)], Duration::ZERO), [(0, 0), (0, 7), (0, 14)], "Retry-After is honoured");
        assert_eq!(play(&[after(3600)], Duration::ZERO), [(0, 0), (0, 0), (0, 0)], "unless it does not fit");
    }

    #[test]
    fn who_refuses_is_not_asked_again() {
        assert_eq!(order(&[Verdict::Refused], Duration::ZERO), [0]);
        assert_eq!(order(&[Verdict::Refused, RETRY], Duration::ZERO), [0, 1, 1, 1]);
    }

    #[test]
    fn a_quick_failure_is_tried_again_before_the_next_target() {
        assert_eq!(order(&[RETRY, RETRY], Duration::ZERO), [0, 0, 0, 1, 1, 1]);
    }

    #[test]
    fn a_hanging_target_gives_way_at_once_and_is_asked_again_at_the_end() {
        assert_eq!(order(&[Verdict::RetryLater, RETRY], Duration::from_secs(1)), [0, 1, 1, 1, 0, 0]);
    }

    #[test]
    fn a_long_pause_is_used_to_ask_somebody_else() {
        assert_eq!(play(&[after(5), Verdict::Refused], Duration::ZERO), [(0, 0), (1, 0), (0, 5), (0, 10)]);
    }

    #[test]
    fn a_question_that_is_at_fault_itself_is_put_to_nobody_else() {
        assert_eq!(order(&[Verdict::Invalid, RETRY], Duration::ZERO), [0]);
        assert_eq!(order(&[Verdict::TooLong, Verdict::Declined, RETRY], Duration::ZERO), [0, 1, 2, 2, 2]);
    }

    #[test]
    fn waiting_for_who_is_left_alone_again_and_again_has_an_end() {
        let (pause, rules) = (Duration::from_millis(600), Rules { longest_wait: Duration::from_secs(1), ..RULES });
        let mut plan = Plan::new([rules], DEADLINE);
        assert!(plan.left_alone(0, Duration::ZERO, pause));
        assert!(!plan.left_alone(0, pause, pause));
        assert_eq!(plan.next(pause * 2), None);
    }

    #[test]
    fn who_is_left_alone_is_asked_after_the_others_and_waited_for_a_while() {
        let mut plan = Plan::new([RULES, RULES], DEADLINE);
        let turn = |plan: &Plan, now| plan.next(Duration::from_secs(now)).map(|next| (next.target, next.at.as_secs()));
        assert!(plan.left_alone(0, Duration::ZERO, Duration::from_secs(8)));
        assert_eq!(turn(&plan, 0), Some((1, 0)));
        plan.give_up(1);
        assert_eq!(turn(&plan, 1), Some((0, 8)), "it still has all its attempts");
        assert!(!plan.left_alone(0, Duration::from_secs(8), Duration::from_secs(60)));
        assert_eq!(turn(&plan, 8), None);
    }

    #[test]
    fn each_target_has_attempts_of_its_own() {
        let mut plan = Plan::new([Rules { attempts: 1, ..RULES }, Rules { attempts: 2, ..RULES }], DEADLINE);
        let mut asked = Vec::new();
        while let Some(next) = plan.next(Duration::ZERO) {
            asked.push((next.target, next.again, next.others));
            plan.failed(next.target, RETRY, Duration::ZERO, 0.0);
        }
        assert_eq!(asked, [(0, false, true), (1, false, false), (1, true, false)]);
    }

    #[test]
    fn pauses_double_up_to_the_longest() {
        let pauses: Vec<u128> = [1, 2, 3, 5, 40, 200].map(|attempts| RULES.pause(attempts).as_millis()).to_vec();
        assert_eq!(pauses, [250, 500, 1000, 4000, 4000, 4000]);
    }

    proptest! {
        #[test]
        fn chance_does_not_use_up_all_attempts_within_a_hiccup(jitters in prop::collection::vec(0.0..=1.0_f64, 2)) {
            let (mut plan, mut now) = (Plan::new([RULES], DEADLINE), Duration::ZERO);
            for jitter in jitters {
                plan.failed(0, RETRY, now, jitter);
                now = plan.next(now).unwrap().at;
            }
            prop_assert!(now >= RULES.first_pause * 3 / 2, "{now:?}");
            prop_assert!(now <= RULES.first_pause * 3, "{now:?}");
        }

        #[test]
        fn every_target_gets_its_attempts_and_no_more(
            verdicts in prop::collection::vec(prop::sample::select(vec![
                RETRY, after(0), after(2), after(9), after(900), Verdict::RetryLater, Verdict::Refused,
            ]), 1..6),
            call_ms in 0..2000_u64,
        ) {
            let asked = order(&verdicts, Duration::from_millis(call_ms));
            for (target, verdict) in verdicts.iter().enumerate() {
                let count = asked.iter().filter(|other| **other == target).count();
                let want = if *verdict == Verdict::Refused { 1 } else { 3 };
                prop_assert!(count <= want);
                let slow = call_ms * 15 + 9_000 * 3 > 50_000;
                prop_assert!(slow || count == want, "{target} was asked {count} times: {asked:?}");
            }
        }
    }
}
