//! What calls may cost in a day or a month: reserved before the call, settled after it.
//!
//! Nodes are granted slices of a budget in the database and reserve from them in memory; see [`ledger`] for why that
//! neither over-spends nor refuses what there was room for.
//!
//! Invariant: a reservation is settled once; dropped unsettled, at its full bound.
//! Invariant: what was settled is written down within a quarter of a second, later while the database is away, and
//! never dropped. What a node that was killed had not written down stays charged as granted.

mod define;
mod entry;
mod ledger;
mod store;
mod tend;
mod terms;

use std::collections::HashMap;
use std::sync::{Arc, OnceLock};
use std::time::Duration;

use chrono::{DateTime, NaiveDate, Utc};
use db::Db;
use infra::{Bus, ConfigEpoch, EpochCache};
use kernel::{AgentId, BudgetId, Clock, NodeId, ProjectId, TenantId, VirtualKeyId};
use parking_lot::Mutex;
use sqlx::types::Uuid;
use tokio::sync::Notify;
use tokio::time::{Instant, timeout};

pub use define::{
    Budget, BudgetSpec, MAX_ALERTS, Spending, delete_budget, find_budget, insert_budget, list_budgets, set_budget,
    update_budget,
};
pub(crate) use define::{is_fallback, rename_group};
pub use terms::{Period, Scope, WhenUnavailable};

use crate::error::Error;
use crate::{Account, Usd};
use entry::Entry;
use ledger::Told;
use store::{Said, WindowKey};
use terms::Terms;

/// How many accounts' budgets a node remembers.
const COVERS: usize = 20_000;
/// How long an exchange with the database may take before it counts as away, and how long nobody asks it then.
const PATIENCE: Duration = Duration::from_secs(2);
const AWAY: Duration = Duration::from_millis(500);

/// There is no budget's room for a call.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum BudgetRefused {
    #[error("{0}")]
    Exceeded(Box<Exceeded>),
    /// The database is away, what the node had been granted is used up, and the budget says that calls are refused then.
    #[error("budgets cannot be asked at the moment")]
    Unavailable,
}

/// The budget that has no room, as it stood.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error(
    "the budget of {limit} USD a {} has no room for a call that might cost {bound} USD: {settled} USD are spent, \
     {reserved} USD reserved; it begins anew at {begins_anew}",
    period.name()
)]
pub struct Exceeded {
    pub budget: BudgetId,
    pub scope: Scope,
    pub period: Period,
    pub limit: Usd,
    pub settled: Usd,
    /// Promised to calls under way.
    pub reserved: Usd,
    /// What the call might have cost.
    pub bound: Usd,
    /// What there is room for.
    pub room: Usd,
    /// The model group that the budget's owner wants asked instead.
    pub fallback: Option<String>,
    pub begins_anew: DateTime<Utc>,
}

/// The budgets of all organisations, as a node knows them. Cheap to clone.
#[derive(Clone)]
pub struct Budgets {
    ledger: Arc<Ledger>,
}

pub(crate) struct Ledger {
    db: Db,
    bus: Bus,
    clock: Clock,
    /// This ledger among all on the bus.
    speaker: Uuid,
    node: OnceLock<Box<dyn Fn() -> NodeId + Send + Sync>>,
    covers: EpochCache<CoverKey, Arc<Cover>>,
    entries: Mutex<HashMap<WindowKey, Arc<Entry>>>,
    /// With settlements that are not written down.
    dirty: Mutex<Vec<Arc<Entry>>>,
    /// Whose slices are nearly used up.
    low: Mutex<Vec<Arc<Entry>>>,
    low_told: Notify,
    away_until: Mutex<Option<Instant>>,
}

/// Whose calls are covered by the same budgets, and on which day.
type CoverKey = (TenantId, Option<ProjectId>, Option<AgentId>, Option<VirtualKeyId>, NaiveDate);

/// The budgets that cover a call, the narrowest first.
type Cover = [(Arc<Entry>, Terms)];

/// The database cannot be asked.
struct Away;

impl Budgets {
    pub fn new(db: Db, bus: Bus, epoch: ConfigEpoch, clock: Clock) -> Self {
        let ledger = Ledger {
            db,
            bus,
            clock,
            speaker: Uuid::now_v7(),
            node: OnceLock::new(),
            covers: EpochCache::new(epoch, COVERS),
            entries: Mutex::default(),
            dirty: Mutex::default(),
            low: Mutex::default(),
            low_told: Notify::new(),
            away_until: Mutex::default(),
        };
        Self { ledger: Arc::new(ledger) }
    }

    /// Reserves `bound` in every budget that covers `account`. Where all have room in memory, nothing is asked.
    pub async fn reserve(&self, account: &Account, bound: Usd) -> Result<Reservation, BudgetRefused> {
        let ledger = &self.ledger;
        let cover = ledger.cover(account).await?;
        let bound = bound.nanos().max(0);
        // Dropped half-way, it lets go of what it has.
        let mut held = Held { ledger: Arc::clone(ledger), cover, bound, budgets: 0 };
        for at in 0..held.cover.len() {
            let (entry, terms) = &held.cover[at];
            if !entry.try_reserve(ledger, bound) {
                entry.reserve(ledger, terms, bound).await?;
            }
            held.budgets = at + 1;
        }
        Ok(Reservation { held: Some(held) })
    }

    /// Whether any budget covers `account`: nothing is asked for that.
    pub async fn covers(&self, account: &Account) -> Result<bool, BudgetRefused> {
        Ok(!self.ledger.cover(account).await?.is_empty())
    }
}

impl Ledger {
    /// The budgets that cover an account today.
    async fn cover(self: &Arc<Self>, account: &Account) -> Result<Arc<Cover>, BudgetRefused> {
        let today = self.clock.now().date_naive();
        let key = (account.tenant, account.project, account.agent, account.key, today);
        if let Some(cover) = self.covers.get(&key) {
            return Ok(cover);
        }
        let cover = self.covers.get_or_load(key, || self.load_cover(account, today)).await;
        cover.map_err(|error| {
            tracing::warn!(?error, "budgets could not be read");
            BudgetRefused::Unavailable
        })
    }

    async fn load_cover(self: &Arc<Self>, account: &Account, today: NaiveDate) -> Result<Arc<Cover>, Error> {
        let mut tx = self.db.tenant(account.tenant).await?;
        let terms = terms::load(&mut tx, account).await?;
        tx.commit().await?;
        let mut entries = self.entries.lock();
        let cover = terms.into_iter().map(|terms| {
            let begins = terms.period.begins(today);
            let key = WindowKey { tenant: terms.tenant, budget: terms.id, begins };
            let entry = entries.entry(key).or_insert_with(|| Arc::new(Entry::new(key, terms.amount)));
            if entry.amount_is(terms.amount) {
                self.give_back_soon(entry);
            }
            (Arc::clone(entry), terms)
        });
        Ok(cover.collect())
    }

    /// Which node this is at the moment; before it is one, none that lives.
    fn node(&self) -> NodeId {
        self.node.get().map_or_else(|| NodeId::from_uuid(self.speaker), |node| node())
    }

    /// One exchange with the database about some windows.
    async fn sync(&self, said: &[Said]) -> Result<Vec<Option<Told>>, Away> {
        if self.away_until.lock().is_some_and(|until| Instant::now() < until) {
            return Err(Away);
        }
        let answer = timeout(PATIENCE, store::sync(&self.db, self.node(), said)).await;
        match answer {
            Ok(Ok((told, alerts))) => {
                *self.away_until.lock() = None;
                alerts.iter().for_each(warn);
                return Ok(told);
            }
            Ok(Err(error)) => tracing::warn!(?error, "the ledger of budgets could not be asked"),
            Err(_late) => tracing::warn!("the ledger of budgets did not answer in time"),
        }
        *self.away_until.lock() = Some(Instant::now() + AWAY);
        Err(Away)
    }
}

fn warn(alert: &store::Alert) {
    let WindowKey { tenant, budget, begins } = alert.window;
    tracing::warn!(tenant.id = %tenant, budget.id = %budget, %begins, percent = alert.percent, "a budget is being used up");
    metrics::counter!("konstruct_llm_budget_alerts_total").increment(1);
}

/// What a call has reserved, in the first so many of the budgets that cover it.
struct Held {
    ledger: Arc<Ledger>,
    cover: Arc<Cover>,
    bound: i64,
    budgets: usize,
}

impl Held {
    fn settle(mut self, cost: i64) {
        let budgets = std::mem::take(&mut self.budgets);
        self.cover.iter().take(budgets).for_each(|(entry, _)| entry.settle(&self.ledger, self.bound, cost));
    }
}

impl Drop for Held {
    fn drop(&mut self) {
        self.cover.iter().take(self.budgets).for_each(|(entry, _)| entry.release(self.bound));
    }
}

/// What a call may cost. Dropped unsettled, it settles at its full bound: the safe side.
#[must_use = "dropped, it settles at its full bound"]
pub struct Reservation {
    held: Option<Held>,
}

impl Reservation {
    pub fn bound(&self) -> Usd {
        Usd::from_nanos(self.held.as_ref().map_or(0, |held| held.bound))
    }

    /// Whether any budget covers the call.
    pub fn is_covered(&self) -> bool {
        self.held.as_ref().is_some_and(|held| !held.cover.is_empty())
    }

    /// Counts what the call has cost.
    pub fn settle(mut self, cost: Usd) {
        if let Some(held) = self.held.take() {
            held.settle(cost.nanos().max(0));
        }
    }
}

impl Drop for Reservation {
    fn drop(&mut self) {
        if let Some(held) = self.held.take() {
            let bound = held.bound;
            held.settle(bound);
        }
    }
}
