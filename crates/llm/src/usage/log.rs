//! The way into the log: calls gather in memory, and one writer takes all that gathered while it wrote the last ones.

use std::convert::Infallible;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use db::Db;
use kernel::ErrorKind;
use parking_lot::Mutex;
use tokio::sync::{Notify, mpsc, watch};
use tokio::time::timeout;

use super::call::ModelCall;
use super::totals::Totals;
use super::write::Writer;
use crate::error::Error;

/// The most calls that wait with all their detail.
const DETAILS: usize = 8192;
/// How long a writer that had nothing to do lets calls gather.
const BREATH: Duration = Duration::from_millis(100);
/// How long one writing may take.
const PATIENCE: Duration = Duration::from_secs(10);
/// Until it is tried again where it failed.
const AGAIN: Duration = Duration::from_millis(500);

/// The log of model calls. Cheap to clone.
#[derive(Clone)]
pub struct UsageLog {
    shared: Arc<Shared>,
    /// The writer ends with the last of these.
    _alive: mpsc::Sender<Infallible>,
}

struct Shared {
    pending: Mutex<Pending>,
    dropped: AtomicU64,
    /// Something was recorded.
    wake: Notify,
    /// Somebody waits.
    hurry: Notify,
    progress: watch::Sender<Progress>,
}

/// What has not been written yet.
#[derive(Default)]
struct Pending {
    calls: Vec<ModelCall>,
    /// Of calls that are not among `calls` any more.
    totals: Totals,
    recorded: u64,
}

#[derive(Clone, Copy, Default)]
struct Progress {
    /// How many of the recorded calls are written.
    written: u64,
    failures: u64,
}

/// What is written at once.
pub(super) struct Batch {
    pub(super) calls: Vec<ModelCall>,
    pub(super) totals: Totals,
    /// How many calls had been recorded with its last one.
    recorded: u64,
}

#[cfg(test)]
impl Batch {
    pub(super) fn of(calls: Vec<ModelCall>) -> Self {
        let mut totals = Totals::default();
        calls.iter().for_each(|call| totals.add(call));
        Self { calls, totals, recorded: 0 }
    }
}

impl UsageLog {
    /// Starts the writer, which ends with the last of the log's clones.
    pub fn start(db: Db) -> Self {
        let shared = Arc::new(Shared {
            pending: Mutex::default(),
            dropped: AtomicU64::new(0),
            wake: Notify::new(),
            hurry: Notify::new(),
            progress: watch::Sender::default(),
        });
        let (alive, ended) = mpsc::channel(1);
        tokio::spawn(write(Arc::clone(&shared), Writer::new(db), ended));
        Self { shared, _alive: alive }
    }

    /// Takes note of a call. Never waits.
    pub fn record(&self, call: ModelCall) {
        let mut pending = self.shared.pending.lock();
        pending.recorded += 1;
        if pending.calls.len() < DETAILS {
            pending.calls.push(call);
        } else {
            pending.totals.add(&call);
            self.shared.dropped(1);
        }
        drop(pending);
        self.shared.wake.notify_one();
    }

    /// How many calls this process has left out of the log, because the database did not keep up. Their sums are kept.
    pub fn dropped(&self) -> u64 {
        self.shared.dropped.load(Ordering::Relaxed)
    }

    /// Returns once everything that was recorded before is committed.
    pub async fn flush_now(&self) -> Result<(), Error> {
        let target = self.shared.pending.lock().recorded;
        let mut progress = self.shared.progress.subscribe();
        let before = progress.borrow_and_update().failures;
        self.shared.hurry.notify_one();
        let arrived = progress.wait_for(|now| now.written >= target || now.failures > before).await;
        match arrived {
            Ok(now) if now.written >= target => Ok(()),
            _ => Err(Error::NotWritten),
        }
    }
}

impl Shared {
    fn dropped(&self, count: usize) {
        self.dropped.fetch_add(count as u64, Ordering::Relaxed);
        metrics::counter!("konstruct_model_calls_unlogged_total").increment(count as u64);
    }

    /// Everything that has gathered.
    fn take(&self) -> Option<Batch> {
        let mut pending = self.pending.lock();
        if pending.calls.is_empty() && pending.totals.is_empty() {
            return None;
        }
        let room = Vec::with_capacity(pending.calls.len());
        let calls = std::mem::replace(&mut pending.calls, room);
        let (mut totals, recorded) = (std::mem::take(&mut pending.totals), pending.recorded);
        drop(pending);
        calls.iter().for_each(|call| totals.add(call));
        Some(Batch { calls, totals, recorded })
    }
}

/// Writes until the last of the log's clones is gone and everything is written.
async fn write(shared: Arc<Shared>, mut writer: Writer, mut alive: mpsc::Receiver<Infallible>) {
    loop {
        let Some(batch) = shared.take() else {
            tokio::select! {
                () = shared.wake.notified() => (),
                _ = alive.recv() => return,
            }
            // Under a steady load nobody gets here: the next batch is what gathered during the last writing.
            let _ = timeout(BREATH, shared.hurry.notified()).await;
            continue;
        };
        let recorded = batch.recorded;
        persist(&shared, &mut writer, batch).await;
        shared.progress.send_modify(|progress| progress.written = recorded);
    }
}

/// Writes a batch, however often it takes.
async fn persist(shared: &Shared, writer: &mut Writer, mut batch: Batch) {
    while let Err(error) = attempt(writer, &batch).await {
        tracing::warn!(error = ?error, calls = batch.calls.len(), "model calls could not be logged yet");
        if error.kind() == ErrorKind::Invalid {
            // What the database will never take must not keep the sums from it.
            shared.dropped(std::mem::take(&mut batch.calls).len());
        }
        shared.progress.send_modify(|progress| progress.failures += 1);
        // Whoever waits is told of each failure, and may ask again at once.
        let _ = timeout(AGAIN, shared.hurry.notified()).await;
    }
    writer.done();
}

async fn attempt(writer: &mut Writer, batch: &Batch) -> Result<(), Error> {
    timeout(PATIENCE, writer.write(batch)).await.unwrap_or(Err(Error::NotWritten))
}
