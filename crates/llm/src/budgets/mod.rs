//! What calls may cost in a day or a month: reserved before the call, settled after it.

use std::sync::Arc;

use chrono::{DateTime, Utc};
use db::Db;
use infra::{Bus, ConfigEpoch};
use kernel::{BudgetId, Clock};

use crate::{Account, Usd};

/// A budget has no room for a call.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum BudgetRefused {
    #[error("{0}")]
    Exceeded(Box<Exceeded>),
    /// The database is away, what the node had been granted is used up, and the budget says that calls wait for it.
    #[error("budgets cannot be asked at the moment")]
    Unavailable,
}

/// The budget that has no room, as it stood.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error(
    "the budget of {limit} USD is used up: {settled} spent, {reserved} reserved, {bound} needed; it begins anew at {begins_anew}"
)]
pub struct Exceeded {
    pub budget: BudgetId,
    pub limit: Usd,
    pub settled: Usd,
    pub reserved: Usd,
    /// What the call might have cost.
    pub bound: Usd,
    /// What a call might cost and have room.
    pub room: Usd,
    /// The model group that the budget's owner wants asked instead.
    pub fallback: Option<String>,
    pub begins_anew: DateTime<Utc>,
}

/// The budgets of all organisations, as a node knows them. Cheap to clone.
#[derive(Clone)]
pub struct Budgets {
    inner: Arc<Inner>,
}

struct Inner {
    _db: Db,
}

impl Budgets {
    pub fn new(db: Db, _bus: Bus, _epoch: ConfigEpoch, _clock: Clock) -> Self {
        Self { inner: Arc::new(Inner { _db: db }) }
    }

    /// Reserves `bound` in every budget that covers `account`.
    #[expect(clippy::unused_async, reason = "the ledger asks the database")]
    pub async fn reserve(&self, _account: &Account, bound: Usd) -> Result<Reservation, BudgetRefused> {
        Ok(Reservation { _ledger: Arc::clone(&self.inner), bound })
    }

    /// What the tightest budget has room for; `None`: no budget covers `account`.
    #[expect(clippy::unused_async, reason = "the ledger asks the database")]
    pub async fn room(&self, _account: &Account) -> Result<Option<Usd>, BudgetRefused> {
        Ok(None)
    }
}

/// What a call may cost. Dropped unsettled, it settles at its full bound: the safe side.
#[must_use = "dropped, it settles at its full bound"]
pub struct Reservation {
    _ledger: Arc<Inner>,
    bound: Usd,
}

impl Reservation {
    pub fn bound(&self) -> Usd {
        self.bound
    }

    /// Counts what the call has cost.
    pub fn settle(self, _cost: Usd) {}
}
