//! What a node does beside its work: it keeps its lease, takes up new configuration, buries the dead and tidies up.

use std::collections::HashSet;
use std::sync::Arc;
use std::time::Duration;

use kernel::NodeId;
use tokio::time::{Instant, sleep, timeout};

use crate::engine::Inner;
use crate::lease::LEASE;
use crate::store::OwnConnection;
use crate::{Error, dispatch, store};

const HEARTBEAT: Duration = Duration::from_secs(1);
const BEAT_PATIENCE: Duration = Duration::from_secs(3);
const SWEEP: Duration = Duration::from_secs(2);
const MAINTENANCE: Duration = Duration::from_secs(3600);

pub(crate) fn spawn_all(inner: &Arc<Inner>) {
    inner.tasks.spawn(until_stopped(Arc::clone(inner), keep_lease(Arc::clone(inner))));
    inner.tasks.spawn(until_stopped(Arc::clone(inner), follow_configuration(Arc::clone(inner))));
    inner.tasks.spawn(until_stopped(Arc::clone(inner), maintain(Arc::clone(inner))));
    if inner.works {
        inner.tasks.spawn(until_stopped(Arc::clone(inner), sweep(Arc::clone(inner))));
    }
}

async fn until_stopped(inner: Arc<Inner>, task: impl Future<Output = ()>) {
    tokio::select! {
        () = task => {}
        () = inner.stopped.cancelled() => {}
    }
}

async fn keep_lease(inner: Arc<Inner>) {
    let mut own = OwnConnection::new(inner.db.clone());
    let mut last = Instant::now();
    // After a silence of our own the others' leases may have run out for the same reason: they are given time.
    let mut bury_from = Instant::now();
    loop {
        if last.elapsed() > LEASE {
            bury_from = Instant::now() + LEASE;
        }
        match timeout(BEAT_PATIENCE, beat(&inner, &mut own, bury_from)).await {
            Ok(Ok(())) => last = Instant::now(),
            Ok(Err(error)) => tracing::warn!(?error, "the lease could not be renewed"),
            Err(_) => tracing::warn!("the lease could not be renewed in time"),
        }
        sleep(HEARTBEAT).await;
    }
}

async fn beat(inner: &Arc<Inner>, own: &mut OwnConnection, bury_from: Instant) -> Result<(), Error> {
    let asked = Instant::now();
    let seen = inner.config_epoch.current();
    match store::heartbeat(own, inner.lease.node(), LEASE, seen).await? {
        Some(newest) => {
            inner.lease.renew(asked);
            take_up(inner, newest).await?;
        }
        None => {
            let (node, asked) = (NodeId::new(), Instant::now());
            tracing::warn!(node.id = %node, "the lease had run out; going on as a new node");
            let epoch = store::register(&inner.db, node, LEASE, false, inner.models).await?;
            dispatch::refresh_shares(inner).await?;
            inner.config_epoch.raise(epoch);
            inner.lease.reborn(node, asked);
        }
    }
    if Instant::now() < bury_from {
        return Ok(());
    }
    let (lanes, replies) = store::bury_the_dead(&inner.db).await?;
    if lanes + replies > 0 {
        tracing::warn!(lanes, replies, "took over from nodes that are gone");
        inner.wake_sender.notify_one();
    }
    Ok(())
}

async fn follow_configuration(inner: Arc<Inner>) {
    loop {
        if let Err(error) = listen(&inner).await {
            tracing::warn!(?error, "configuration is not followed for a moment");
        }
        sleep(Duration::from_millis(500)).await;
    }
}

async fn listen(inner: &Arc<Inner>) -> Result<(), Error> {
    let mut listener = inner.db.listen(&["config"]).await?;
    take_up(inner, db::config_epoch(&inner.db).await?).await?;
    while let Some(told) = listener.try_recv().await? {
        if let Ok(epoch) = told.payload().parse() {
            take_up(inner, epoch).await?;
        }
    }
    Ok(())
}

/// Acts upon configuration `epoch` from now on, and says so.
async fn take_up(inner: &Arc<Inner>, epoch: i64) -> Result<(), Error> {
    if epoch > inner.config_epoch.current() {
        dispatch::refresh_shares(inner).await?;
        inner.config_epoch.raise(epoch);
        db::confirm_config_epoch(&inner.db, inner.lease.node(), epoch).await?;
    }
    Ok(())
}

async fn maintain(inner: Arc<Inner>) {
    loop {
        if let Err(error) = db::keep_partitions(&inner.db, inner.clock.now().date_naive()).await {
            tracing::error!(?error, "partitions could not be kept");
        }
        sleep(MAINTENANCE).await;
    }
}

/// Gives back what the database says is ours and nobody here knows of: a commit took effect, its answer was lost.
async fn sweep(inner: Arc<Inner>) {
    let (mut lanes_before, mut replies_before) = (HashSet::new(), HashSet::new());
    loop {
        sleep(SWEEP).await;
        // How many nodes divide the shares changes without a change of configuration.
        if let Err(error) = dispatch::refresh_shares(&inner).await {
            tracing::warn!(?error, "shares could not be read");
        }
        let node = inner.lease.node();
        if let Ok(owned) = store::owned_lanes(&inner.db, node).await {
            let running = inner.running.lock().clone();
            let stray: HashSet<_> = owned
                .into_iter()
                .filter(|(tenant, lane, epoch)| running.get(&(*tenant, *lane)) != Some(epoch))
                .collect();
            for lane in stray.intersection(&lanes_before) {
                tracing::warn!(lane.id = %lane.1, "a lane without a worker is given back");
                store::release(&inner.db, node, *lane).await.ok();
            }
            lanes_before = stray;
        }
        if let Ok(owned) = store::owned_replies(&inner.db, node).await {
            let stray: HashSet<_> = owned.into_iter().filter(|(_, message)| !inner.outbox.knows(*message)).collect();
            for reply in stray.intersection(&replies_before) {
                tracing::warn!(message.id = %reply.1, "a reply without a sender is given back");
                store::reclaim_own(&inner.db, node, *reply).await.ok();
                inner.wake_sender.notify_one();
            }
            replies_before = stray;
        }
    }
}
