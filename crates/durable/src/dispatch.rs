//! Brings ready lanes to workers: whose turn it is decides [`Turns`], which lanes those are decides the database.

use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;

use kernel::TenantId;
use parking_lot::Mutex;
use tokio::sync::Notify;
use tokio::time::{Instant, sleep_until};

use crate::engine::Inner;
use crate::fairness::{Share, Turns};
use crate::{Error, failpoint, store, work};

/// How often lanes are looked for that nobody announced here: other nodes' arrivals, and runs whose waiting is over.
const LOOK_AROUND: Duration = Duration::from_millis(200);
/// The most lanes one claim takes.
const LARGEST_CLAIM: usize = 128;

pub(crate) struct Dispatch {
    turns: Mutex<Turns<TenantId>>,
    shares: Mutex<HashMap<TenantId, Share>>,
    refreshing: tokio::sync::Mutex<()>,
    wake: Notify,
    max_running: usize,
}

impl Dispatch {
    pub(crate) fn new(max_running: usize) -> Self {
        Self {
            turns: Mutex::new(Turns::new()),
            shares: Mutex::new(HashMap::new()),
            refreshing: tokio::sync::Mutex::default(),
            wake: Notify::new(),
            max_running,
        }
    }

    /// `tenant` may have something to run.
    pub(crate) fn wake(&self, tenant: TenantId) {
        self.turns.lock().wake(tenant);
        self.wake.notify_one();
    }

    /// One of `tenant`'s runs ended here, with or without more to do in its lane.
    pub(crate) fn ended(&self, tenant: TenantId, more: bool) {
        let mut turns = self.turns.lock();
        turns.ended(tenant);
        if more {
            turns.wake(tenant);
        }
        drop(turns);
        self.wake.notify_one();
    }

    fn share(&self, tenant: &TenantId) -> Share {
        let ordinary = Share { weight: 1, at_most: self.max_running };
        self.shares.lock().get(tenant).copied().unwrap_or(ordinary)
    }
}

pub(crate) async fn run(inner: Arc<Inner>) {
    let dispatch = &inner.dispatch;
    let mut look = Instant::now();
    while !inner.draining.is_cancelled() {
        tokio::select! {
            () = dispatch.wake.notified() => {}
            () = sleep_until(look) => {}
            () = inner.draining.cancelled() => break,
        }
        if !inner.lease.valid() {
            look = Instant::now() + LOOK_AROUND;
            continue;
        }
        if Instant::now() >= look {
            look_around(&inner).await;
            // Not in step with the other nodes.
            look = Instant::now() + LOOK_AROUND.mul_f64(0.75 + 0.5 * rand::random::<f64>());
        }
        while claim(&inner).await && !inner.draining.is_cancelled() {}
    }
}

async fn look_around(inner: &Arc<Inner>) {
    match store::ready_tenants(&inner.db).await {
        Ok(tenants) => {
            let mut turns = inner.dispatch.turns.lock();
            tenants.into_iter().for_each(|tenant| turns.wake(tenant));
        }
        Err(error) => tracing::warn!(?error, "ready lanes could not be looked for"),
    }
}

/// Claims what there is room for; `false` when there is no room or nothing to claim.
async fn claim(inner: &Arc<Inner>) -> bool {
    let dispatch = &inner.dispatch;
    let free = dispatch.max_running.saturating_sub(inner.running.lock().len());
    let dealt = dispatch.turns.lock().deal(LARGEST_CLAIM, free, |tenant| dispatch.share(tenant));
    let dealt: Vec<_> = dealt.into_iter().collect();
    if dealt.is_empty() {
        return false;
    }
    let claims = match store::claim(&inner.db, inner.lease.node(), &dealt).await {
        Ok(claims) => claims,
        Err(error) => {
            // What was dealt stays in the line for the next look around.
            tracing::warn!(?error, "lanes could not be claimed");
            return false;
        }
    };
    {
        let mut turns = dispatch.turns.lock();
        for (tenant, places) in dealt {
            turns.claimed(tenant, places, claims.iter().filter(|claim| claim.tenant == tenant).count());
        }
    }
    let any = !claims.is_empty();
    for claim in claims {
        failpoint::pass("claim.after");
        inner.running.lock().insert((claim.tenant, claim.lane), claim.epoch);
        inner.tasks.spawn(work::work(Arc::clone(inner), claim));
    }
    any
}

/// Reads anew what each organisation is entitled to.
pub(crate) async fn refresh_shares(inner: &Inner) -> Result<(), Error> {
    // What was read first must not take the place of what was read later.
    let _one_at_a_time = inner.dispatch.refreshing.lock().await;
    let (rows, nodes) = store::shares(&inner.db).await?;
    let nodes = usize::try_from(nodes).unwrap_or(1).max(1);
    let at_most = |row: &store::ShareRow| match row.max_running {
        _ if row.suspended => 0,
        // A bound over all nodes is divided among them.
        Some(all) => usize::try_from(all).unwrap_or(1).div_ceil(nodes),
        None => inner.dispatch.max_running,
    };
    let share = |row: &store::ShareRow| Share { weight: u32::try_from(row.weight).unwrap_or(1), at_most: at_most(row) };
    *inner.dispatch.shares.lock() = rows.iter().map(|row| (row.tenant, share(row))).collect();
    Ok(())
}
