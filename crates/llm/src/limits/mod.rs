//! How often a key may call, and how many tokens it may use, in a minute.
//!
//! Counted in memory: each node permits its share of a limit. A share is the limit divided by the live nodes that answer
//! model calls.
//!
//! Invariant: within any minute a node lets through no more than its share twice: once saved up, once grown meanwhile.
//! Invariant: what is kept is bounded; a key that was idle for a minute needs nothing kept.

mod gcra;

use std::collections::HashMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::{Duration, Instant};

use db::Db;
use kernel::VirtualKeyId;
use parking_lot::Mutex;
use serde::{Deserialize, Serialize};
use tokio_util::sync::CancellationToken;

use crate::keys::Grant;
use gcra::{Pace, Spent};

/// How many keys are counted at once. Beyond it those are forgotten that would be free to call soonest.
const COUNTED: usize = 50_000;
/// How often it is looked how many nodes answer model calls.
const LOOK: Duration = Duration::from_secs(2);

/// The bounds of a key; `None`: none.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Limits {
    pub requests_per_minute: Option<u64>,
    pub tokens_per_minute: Option<u64>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Limit {
    Requests,
    Tokens,
}

impl Limit {
    pub const fn name(self) -> &'static str {
        match self {
            Self::Requests => "requests",
            Self::Tokens => "tokens",
        }
    }
}

/// It is too early: which limit says so, and when it is time.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the key's limit of {limit} {} a minute is reached; try again in {} ms", which.name(), retry_after.as_millis())]
pub struct RateRefused {
    pub which: Limit,
    pub limit: u64,
    pub retry_after: Duration,
}

/// A call that was let through with an estimate of its tokens.
#[derive(Debug)]
#[must_use = "the estimate stands until it is corrected"]
pub struct Admission {
    limiter: Limiter,
    key: Option<VirtualKeyId>,
    pace: Option<Pace>,
    estimate: u64,
}

impl Admission {
    /// Counts the tokens that were really used in the estimate's place.
    pub fn correct(self, tokens: u64) {
        let (Some(key), Some(pace)) = (self.key, self.pace) else { return };
        if let Some(counted) = self.limiter.inner.counted.lock().get_mut(&key) {
            counted.tokens.correct(pace, self.estimate, tokens);
        }
    }
}

/// What the keys have used on this node. Cheap to clone.
#[derive(Clone, Debug)]
pub struct Limiter {
    inner: Arc<Inner>,
}

#[derive(Debug)]
struct Inner {
    began: Instant,
    nodes: AtomicU32,
    counted: Mutex<HashMap<VirtualKeyId, Counted>>,
}

#[derive(Clone, Copy, Debug, Default)]
struct Counted {
    requests: Spent,
    tokens: Spent,
}

impl Default for Limiter {
    fn default() -> Self {
        Self::new()
    }
}

impl Limiter {
    /// A limiter of the only node there is.
    pub fn new() -> Self {
        let counted = Mutex::default();
        Self { inner: Arc::new(Inner { began: Instant::now(), nodes: AtomicU32::new(1), counted }) }
    }

    /// Lets a call with an estimate of `tokens` through, or says when it is time.
    pub fn admit(&self, grant: &Grant, tokens: u64) -> Result<Admission, RateRefused> {
        self.admit_at(self.inner.began.elapsed(), grant, tokens)
    }

    fn admit_at(&self, now: Duration, grant: &Grant, tokens: u64) -> Result<Admission, RateRefused> {
        let nodes = self.inner.nodes.load(Ordering::Relaxed);
        let pace = |limit: Option<u64>| limit.map(|limit| Pace::new(limit, nodes));
        let (requests, per_token) = (pace(grant.limits.requests_per_minute), pace(grant.limits.tokens_per_minute));
        let key = grant.account.key.filter(|_| requests.is_some() || per_token.is_some());
        let admission = Admission { limiter: self.clone(), key, pace: per_token, estimate: tokens };
        let Some(key) = key else { return Ok(admission) };
        let refused = |which: Limit, limit: Option<u64>, retry_after: Duration| {
            metrics::counter!("konstruct_llm_rate_refused_total", "limit" => which.name()).increment(1);
            RateRefused { which, limit: limit.unwrap_or_default(), retry_after }
        };
        let mut all = self.inner.counted.lock();
        if all.len() >= COUNTED && !all.contains_key(&key) {
            forget(&mut all, now);
        }
        let counted = all.entry(key).or_default();
        let after_requests = requests.map_or(Ok(counted.requests), |pace| counted.requests.and(pace, now, 1));
        let requests =
            after_requests.map_err(|wait| refused(Limit::Requests, grant.limits.requests_per_minute, wait))?;
        let after_tokens = per_token.map_or(Ok(counted.tokens), |pace| counted.tokens.and(pace, now, tokens));
        let tokens = after_tokens.map_err(|wait| refused(Limit::Tokens, grant.limits.tokens_per_minute, wait))?;
        *counted = Counted { requests, tokens };
        Ok(admission)
    }

    /// Divides the limits by the nodes that answer model calls, until `shutdown`.
    pub async fn follow_nodes(self, db: Db, shutdown: CancellationToken) {
        loop {
            if let Err(error) = self.count_nodes(&db).await {
                tracing::warn!(?error, "it is not known how many nodes share the limits");
            }
            if shutdown.run_until_cancelled(tokio::time::sleep(LOOK)).await.is_none() {
                return;
            }
        }
    }

    /// Divides the limits by the nodes that answer model calls now.
    pub async fn count_nodes(&self, db: &Db) -> Result<(), db::Error> {
        self.share_with(live_nodes(db).await?);
        Ok(())
    }

    /// Takes the share of one of so many nodes.
    pub fn share_with(&self, nodes: u32) {
        self.inner.nodes.store(nodes.max(1), Ordering::Relaxed);
    }
}

/// Makes room: keys that are idle need nothing kept, and of the others half go, those with the least on them.
fn forget(all: &mut HashMap<VirtualKeyId, Counted>, now: Duration) {
    all.retain(|_, counted| counted.ends() > now);
    if all.len() >= COUNTED {
        let mut ends: Vec<_> = all.values().map(Counted::ends).collect();
        let (_, middle, _) = ends.select_nth_unstable(COUNTED / 2);
        let middle = *middle;
        all.retain(|_, counted| counted.ends() > middle);
    }
}

impl Counted {
    fn ends(&self) -> Duration {
        self.requests.ends().max(self.tokens.ends())
    }
}

async fn live_nodes(db: &Db) -> Result<u32, db::Error> {
    let mut conn = db.system_statement().await?;
    let live = sqlx::query_scalar!(r#"select count(*) as "live!" from node where models and lease_until > now()"#)
        .fetch_one(&mut *conn)
        .await?;
    Ok(u32::try_from(live).unwrap_or(1))
}

#[cfg(test)]
mod tests {
    use kernel::TenantId;

    use super::*;
    use crate::Account;

    fn key(requests: Option<u64>, tokens: Option<u64>) -> Grant {
        let account = Account { key: Some(VirtualKeyId::new()), ..Account::of(TenantId::new()) };
        Grant::for_test(account, Limits { requests_per_minute: requests, tokens_per_minute: tokens })
    }

    const fn second(n: u64) -> Duration {
        Duration::from_secs(n)
    }

    #[test]
    fn a_key_without_limits_is_let_through_and_not_counted() {
        let limiter = Limiter::new();
        (0..1000).for_each(|_| limiter.admit(&key(None, None), u64::MAX).unwrap().correct(7));
        assert!(limiter.inner.counted.lock().is_empty());
    }

    #[test]
    fn the_limit_that_is_reached_is_named_with_the_time_to_wait() {
        let (limiter, grant) = (Limiter::new(), key(Some(60), Some(6000)));
        for _ in 0..60 {
            limiter.admit_at(second(0), &grant, 1).unwrap().correct(1);
        }
        let refused = limiter.admit_at(second(0), &grant, 1).unwrap_err();
        assert_eq!((refused.which, refused.limit, refused.retry_after), (Limit::Requests, 60, second(1)));
        limiter.admit_at(second(30), &grant, 5000).unwrap().correct(5000);
        let refused = limiter.admit_at(second(30), &grant, 3000).unwrap_err();
        assert_eq!((refused.which, refused.retry_after), (Limit::Tokens, second(20)));
        limiter.admit_at(second(50), &grant, 3000).unwrap().correct(3000);
    }

    #[test]
    fn an_estimate_is_corrected_either_way() {
        let (limiter, grant) = (Limiter::new(), key(None, Some(600)));
        limiter.admit_at(second(0), &grant, 600).unwrap().correct(100);
        let more = limiter.admit_at(second(0), &grant, 500).unwrap();
        more.correct(1100);
        assert_eq!(limiter.admit_at(second(0), &grant, 1).unwrap_err().retry_after, Duration::from_millis(60_100));
    }

    #[test]
    fn a_call_larger_than_a_minutes_tokens_waits_for_a_whole_minute_and_is_then_let_through() {
        let (limiter, grant) = (Limiter::new(), key(None, Some(600)));
        limiter.admit_at(second(0), &grant, 10).unwrap().correct(10);
        let refused = limiter.admit_at(second(0), &grant, 5000).unwrap_err();
        limiter.admit_at(refused.retry_after, &grant, 5000).unwrap().correct(5000);
    }

    #[test]
    fn nodes_share_a_limit() {
        let (limiter, grant) = (Limiter::new(), key(Some(10), None));
        limiter.share_with(5);
        let admitted = (0..10).filter(|_| limiter.admit_at(second(0), &grant, 0).is_ok()).count();
        assert_eq!(admitted, 2);
    }

    #[test]
    fn what_is_kept_is_bounded() {
        let limiter = Limiter::new();
        for n in 0..2 * COUNTED as u64 {
            limiter.admit_at(Duration::from_nanos(n), &key(Some(1), None), 0).unwrap().correct(0);
        }
        assert!(limiter.inner.counted.lock().len() <= COUNTED);
        limiter.admit_at(second(200), &key(Some(1), None), 0).unwrap().correct(0);
    }
}
