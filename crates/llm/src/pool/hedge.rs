//! Asking a second target where the first takes unusually long: for embeddings and rankings, which cost little and of
//! which nothing is seen before they are whole. Never for answers that people or tools act upon.

use std::future::Future;
use std::pin::pin;
use std::time::Duration;

use tokio::time::sleep;

/// How many of the last answers are looked at.
const LOOKED_AT: usize = 64;
/// Below this many nothing can be said of one in twenty.
const ENOUGH: usize = 20;

/// How long the last answers of a model took.
pub(super) struct Durations {
    ring: [Duration; LOOKED_AT],
    noted: usize,
}

impl Durations {
    pub(super) const fn new() -> Self {
        Self { ring: [Duration::ZERO; LOOKED_AT], noted: 0 }
    }

    pub(super) fn note(&mut self, took: Duration) {
        self.ring[self.noted % LOOKED_AT] = took;
        self.noted += 1;
    }

    /// What only one answer in twenty took longer than; `None` where too few are known.
    pub(super) fn p95(&self) -> Option<Duration> {
        let known = self.noted.min(LOOKED_AT);
        if known < ENOUGH {
            return None;
        }
        let mut durations = self.ring;
        let durations = &mut durations[..known];
        let (_, p95, _) = durations.select_nth_unstable((known * 95).div_ceil(100) - 1);
        Some(*p95)
    }
}

/// The first answer of two. The second is asked where the first has not answered after `patience`, and where there is
/// a second; whoever is late is cancelled. Where one fails the other is waited for; where both do, the first tells why.
/// A first that fails before the second is asked is left to whoever knows whether and whom to ask again.
pub(crate) async fn hedge<T, E, S: Future<Output = Result<T, E>>>(
    first: impl Future<Output = Result<T, E>>,
    patience: Duration,
    second: impl AsyncFnOnce() -> Option<S>,
) -> Result<T, E> {
    let mut first = pin!(first);
    tokio::select! {
        biased;
        answer = &mut first => return answer,
        () = sleep(patience) => {}
    }
    let other = async {
        match second().await {
            Some(second) => second.await.map_err(Some),
            None => Err(None),
        }
    };
    let mut other = pin!(other);
    tokio::select! {
        biased;
        answer = &mut first => match answer {
            Ok(answer) => Ok(answer),
            Err(why) => other.await.map_err(|_| why),
        },
        answer = &mut other => match answer {
            Ok(answer) => Ok(answer),
            Err(_) => first.await,
        },
    }
}

#[cfg(test)]
mod tests {
    use std::cell::Cell;

    use tokio::time::Instant;

    use super::*;

    async fn after(ms: u64, result: Result<&'static str, &'static str>) -> Result<&'static str, &'static str> {
        sleep(Duration::from_millis(ms)).await;
        result
    }

    /// What comes of two targets with a patience of 100 ms, when, and whether the second was asked.
    async fn play(
        first: (u64, Result<&'static str, &'static str>),
        second: Option<(u64, Result<&'static str, &'static str>)>,
    ) -> (Result<&'static str, &'static str>, u128, bool) {
        let (began, asked) = (Instant::now(), Cell::new(false));
        let ask = async || {
            asked.set(true);
            second.map(|(ms, result)| after(ms, result))
        };
        let result = hedge(after(first.0, first.1), Duration::from_millis(100), ask).await;
        (result, began.elapsed().as_millis(), asked.get())
    }

    #[tokio::test(start_paused = true)]
    async fn a_second_is_asked_only_where_the_first_is_late_and_the_sooner_answer_counts() {
        assert_eq!(play((90, Ok("one")), Some((1, Ok("two")))).await, (Ok("one"), 90, false));
        assert_eq!(play((500, Ok("one")), Some((50, Ok("two")))).await, (Ok("two"), 150, true));
        assert_eq!(play((120, Ok("one")), Some((50, Ok("two")))).await, (Ok("one"), 120, true));
        assert_eq!(play((500, Ok("one")), None).await, (Ok("one"), 500, true));
    }

    #[tokio::test(start_paused = true)]
    async fn where_one_fails_the_other_is_waited_for() {
        assert_eq!(play((200, Err("no")), Some((300, Ok("two")))).await, (Ok("two"), 400, true));
        assert_eq!(play((300, Ok("one")), Some((50, Err("no")))).await, (Ok("one"), 300, true));
        assert_eq!(play((200, Err("one")), Some((300, Err("two")))).await, (Err("one"), 400, true));
        assert_eq!(play((300, Err("one")), Some((50, Err("two")))).await, (Err("one"), 300, true));
        assert_eq!(play((50, Err("one")), Some((1, Ok("two")))).await, (Err("one"), 50, false));
    }

    #[tokio::test(start_paused = true)]
    async fn whoever_is_late_is_cancelled() {
        struct Gone<'a>(&'a Cell<u32>);
        impl Drop for Gone<'_> {
            fn drop(&mut self) {
                self.0.set(self.0.get() + 1);
            }
        }
        let gone = Cell::new(0);
        let late = async {
            let _gone = Gone(&gone);
            std::future::pending::<Result<&str, &str>>().await
        };
        let answer = hedge(late, Duration::from_millis(100), async || Some(after(1, Ok("two")))).await;
        assert_eq!((answer, gone.get()), (Ok("two"), 1));
    }

    #[test]
    fn one_in_twenty_is_late() {
        let mut durations = Durations::new();
        for ms in 1..20 {
            durations.note(Duration::from_millis(ms));
        }
        assert_eq!(durations.p95(), None, "too few to tell");
        durations.note(Duration::from_millis(1000));
        assert_eq!(durations.p95(), Some(Duration::from_millis(19)));
        (0..LOOKED_AT).for_each(|_| durations.note(Duration::from_millis(5)));
        assert_eq!(durations.p95(), Some(Duration::from_millis(5)), "what was long ago does not count");
    }
}
