//! The committers' common shape: items wait in a bounded queue, and a flush takes all that gathered while the previous
//! one was under way. Under light load an item is flushed at once; under heavy load batches grow by themselves.

use std::time::Duration;

use tokio::sync::{mpsc, oneshot};
use tokio::time::timeout;

use crate::Error;

/// How long an item may take from the queue to its commit, before whoever waits is told that the store is failing.
const PATIENCE: Duration = Duration::from_secs(10);

/// Commits batches of `I`, one flush after the other on one connection.
pub(crate) trait Flush<I, O>: Send + 'static {
    /// Commits the items in one transaction; one outcome an item, in the items' order.
    fn flush(&mut self, items: &[I]) -> impl Future<Output = Result<Vec<O>, Error>> + Send;
}

/// The way into a committer's queue.
pub(crate) struct Batcher<I, O> {
    queue: mpsc::Sender<Waiting<I, O>>,
}

struct Waiting<I, O> {
    item: I,
    outcome: oneshot::Sender<Result<O, Error>>,
}

impl<I: Send + Sync + 'static, O: Send + 'static> Batcher<I, O> {
    /// A committer with room for `capacity` waiting items that flushes at most `largest` at once. Its metrics are
    /// labelled with its name.
    pub(crate) fn new(name: &'static str, capacity: usize, largest: usize, flush: impl Flush<I, O>) -> Self {
        let (queue, waiting) = mpsc::channel(capacity);
        tokio::spawn(commit(name, waiting, largest, flush));
        Self { queue }
    }

    /// Waits until the item is committed. [`Error::Overloaded`] at once where the queue is full.
    pub(crate) async fn submit(&self, item: I) -> Result<O, Error> {
        let (outcome, told) = oneshot::channel();
        self.queue.try_send(Waiting { item, outcome }).map_err(|full| match full {
            mpsc::error::TrySendError::Full(_) => Error::Overloaded,
            mpsc::error::TrySendError::Closed(_) => Error::ShuttingDown,
        })?;
        told.await.unwrap_or(Err(Error::ShuttingDown))
    }
}

async fn commit<I: Send + Sync + 'static, O: Send + 'static>(
    name: &'static str,
    mut waiting: mpsc::Receiver<Waiting<I, O>>,
    largest: usize,
    mut flush: impl Flush<I, O>,
) {
    let flushes = metrics::counter!("konstruct_flushes_total", "committer" => name);
    let flushed = metrics::counter!("konstruct_flushed_items_total", "committer" => name);
    let mut batch = Vec::with_capacity(largest);
    while waiting.recv_many(&mut batch, largest).await > 0 {
        let (items, outcomes): (Vec<I>, Vec<_>) = batch.drain(..).map(|w| (w.item, w.outcome)).unzip();
        flushes.increment(1);
        flushed.increment(items.len() as u64);
        match attempt(&mut flush, &items).await {
            Ok(results) => {
                for (outcome, result) in outcomes.into_iter().zip(results) {
                    outcome.send(Ok(result)).ok();
                }
            }
            // One item that the database refuses must not take the others with it.
            Err(Error::Refused { .. }) if items.len() > 1 => {
                for (item, outcome) in items.into_iter().zip(outcomes) {
                    let result = attempt(&mut flush, &[item]).await;
                    outcome.send(result.and_then(|mut one| one.pop().ok_or(Error::Lost))).ok();
                }
            }
            Err(error) => {
                tracing::warn!(committer = name, error = ?error, items = items.len(), "a batch could not be committed");
                for outcome in outcomes {
                    outcome.send(Err(error.duplicate())).ok();
                }
            }
        }
    }
}

async fn attempt<I: Sync, O>(flush: &mut impl Flush<I, O>, items: &[I]) -> Result<Vec<O>, Error> {
    let results = timeout(PATIENCE, flush.flush(items)).await.map_err(|_| Error::Slow)??;
    if results.len() == items.len() { Ok(results) } else { Err(Error::Lost) }
}
