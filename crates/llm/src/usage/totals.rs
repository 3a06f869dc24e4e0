//! Sums of calls: by the hour or the day, and by whom and what they were made for.

use std::collections::HashMap;
use std::time::Duration;

use chrono::{DateTime, DurationRound as _, TimeDelta, Utc};
use uuid::Uuid;

use super::call::{ModelCall, Outcome};
use crate::usd::Usd;

/// How many durations fell in which bucket: up to 25 ms, up to twice that, and so on; the last one has no end.
pub const BUCKETS: usize = 16;
/// The end of the first bucket, in milliseconds.
pub(super) const FIRST_BUCKET: u64 = 25;
/// The most different sums that are kept at once; whatever is beyond is told apart by its organisation alone.
const MOST_KEYS: usize = 100_000;

/// What sums are told apart by. The nil id stands for none.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(super) struct Key {
    pub(super) tenant: Uuid,
    /// The hour's beginning, or the day's.
    pub(super) begins: DateTime<Utc>,
    pub(super) key: Uuid,
    pub(super) project: Uuid,
    pub(super) agent: Uuid,
    pub(super) provider: String,
    pub(super) model: String,
    pub(super) outcome: Outcome,
}

#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Sum {
    pub(super) requests: u64,
    pub(super) cost_unknown: u64,
    pub(super) cached: u64,
    pub(super) input: u64,
    pub(super) cache_read: u64,
    pub(super) cache_write: u64,
    pub(super) output: u64,
    pub(super) reasoning: u64,
    pub(super) cost: Usd,
    pub(super) took_ms: u64,
    pub(super) latency: [u64; BUCKETS],
    pub(super) first_token: [u64; BUCKETS],
}

#[derive(Debug, Default)]
pub(super) struct Totals(HashMap<Key, Sum>);

impl Totals {
    pub(super) fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    pub(super) fn add(&mut self, call: &ModelCall) {
        let key = Key::of(call);
        let sum = match self.0.len() >= MOST_KEYS && !self.0.contains_key(&key) {
            true => self.0.entry(key.coarse()).or_default(),
            false => self.0.entry(key).or_default(),
        };
        sum.add(call);
    }

    /// The sums of hours put together by the day, in UTC.
    pub(super) fn by_day(&self) -> Self {
        let mut days: HashMap<Key, Sum> = HashMap::new();
        for (key, sum) in &self.0 {
            let day = Key { begins: begin(key.begins, TimeDelta::days(1)), ..key.clone() };
            days.entry(day).or_default().merge(sum);
        }
        Self(days)
    }

    /// In the order of their keys, in which every process locks their rows.
    pub(super) fn sorted(&self) -> Vec<(&Key, &Sum)> {
        let mut sums: Vec<_> = self.0.iter().collect();
        sums.sort_unstable_by_key(|(key, _)| *key);
        sums
    }
}

impl Key {
    fn of(call: &ModelCall) -> Self {
        let account = &call.account;
        Self {
            tenant: account.tenant.as_uuid(),
            begins: begin(call.at, TimeDelta::hours(1)),
            key: account.key.map_or(Uuid::nil(), Into::into),
            project: account.project.map_or(Uuid::nil(), Into::into),
            agent: account.agent.map_or(Uuid::nil(), Into::into),
            provider: call.provider.clone(),
            model: call.model.clone(),
            outcome: call.outcome,
        }
    }

    fn coarse(self) -> Self {
        let (key, project, agent) = (Uuid::nil(), Uuid::nil(), Uuid::nil());
        Self { key, project, agent, provider: String::new(), model: String::new(), ..self }
    }
}

impl Sum {
    fn add(&mut self, call: &ModelCall) {
        let usage = call.usage.unwrap_or_default();
        self.requests += 1;
        self.cached += u64::from(call.cached);
        self.input = self.input.saturating_add(usage.input);
        self.cache_read = self.cache_read.saturating_add(usage.cache_read);
        self.cache_write = self.cache_write.saturating_add(usage.cache_write);
        self.output = self.output.saturating_add(usage.output);
        self.reasoning = self.reasoning.saturating_add(usage.reasoning);
        match call.cost {
            Some(cost) => self.cost += cost,
            None => self.cost_unknown += 1,
        }
        self.took_ms = self.took_ms.saturating_add(millis(call.took));
        self.latency[bucket(call.took)] += 1;
        if let Some(first) = call.first_token {
            self.first_token[bucket(first)] += 1;
        }
    }

    fn merge(&mut self, other: &Self) {
        self.requests += other.requests;
        self.cost_unknown += other.cost_unknown;
        self.cached += other.cached;
        self.input = self.input.saturating_add(other.input);
        self.cache_read = self.cache_read.saturating_add(other.cache_read);
        self.cache_write = self.cache_write.saturating_add(other.cache_write);
        self.output = self.output.saturating_add(other.output);
        self.reasoning = self.reasoning.saturating_add(other.reasoning);
        self.cost += other.cost;
        self.took_ms = self.took_ms.saturating_add(other.took_ms);
        for at in 0..BUCKETS {
            self.latency[at] += other.latency[at];
            self.first_token[at] += other.first_token[at];
        }
    }
}

/// Of the hour or the day that `at` lies in.
fn begin(at: DateTime<Utc>, step: TimeDelta) -> DateTime<Utc> {
    at.duration_trunc(step).unwrap_or(at)
}

pub(super) fn millis(duration: Duration) -> u64 {
    u64::try_from(duration.as_millis()).unwrap_or(u64::MAX)
}

fn bucket(duration: Duration) -> usize {
    (0..BUCKETS - 1).find(|at| millis(duration) <= FIRST_BUCKET << at).unwrap_or(BUCKETS - 1)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_duration_falls_in_the_first_bucket_that_is_long_enough() {
        let at = |ms| bucket(Duration::from_millis(ms));
        assert_eq!((at(0), at(25), at(26), at(50), at(51)), (0, 0, 1, 1, 2));
        assert_eq!((at(25 << 14), at((25 << 14) + 1), at(u64::MAX)), (14, 15, 15));
    }
}
