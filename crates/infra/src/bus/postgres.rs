//! The bus between nodes: PostgreSQL's NOTIFY, in batches, and only while there are other nodes to hear it.

use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

use db::Db;
use kernel::NodeId;
use sqlx::postgres::PgListener;
use tokio::sync::mpsc;
use tokio::time::{MissedTickBehavior, interval, sleep};
use tokio_util::sync::CancellationToken;

use super::frame::{Incoming, Outgoing, Reader, Writer};
use super::{BusError, Delivery, Local};

const CHANNEL: &str = "bus";
/// How many messages one transaction notifies.
const BATCH: usize = 128;
/// How often we look whether there are other nodes.
const LOOK_EVERY: Duration = Duration::from_secs(1);

/// Starts the two tasks, which end with `stop`.
pub(super) async fn start(
    db: Db,
    local: Arc<Local>,
    queue: mpsc::Receiver<Outgoing>,
    stop: CancellationToken,
) -> Result<(), BusError> {
    // Names this bus on the channel alone; the engine's node has an id of its own.
    let own = NodeId::new();
    let listener = db.listen(&[CHANNEL]).await?;
    let speaker = Speaker { db, local: Arc::clone(&local), writer: Writer::new(own) };
    let listening = stop.clone();
    tokio::spawn(async move { listening.run_until_cancelled(listen(listener, Reader::new(own), local)).await });
    tokio::spawn(async move { stop.run_until_cancelled(speaker.run(queue)).await });
    Ok(())
}

async fn listen(mut listener: PgListener, mut reader: Reader, local: Arc<Local>) {
    loop {
        match listener.try_recv().await {
            Ok(Some(notification)) => match reader.read(notification.payload()) {
                Some(Incoming::Message { topic, payload }) => {
                    local.deliver(&topic, || Delivery::Payload(payload.into()));
                }
                Some(Incoming::Lost) => local.lose_everything(),
                None => {}
            },
            // The connection broke; the next call makes a new one.
            Ok(None) => {
                reader.reset();
                local.lose_everything();
            }
            Err(error) => {
                tracing::warn!(%error, "the bus does not hear the other nodes");
                sleep(LOOK_EVERY).await;
            }
        }
    }
}

struct Speaker {
    db: Db,
    local: Arc<Local>,
    writer: Writer,
}

impl Speaker {
    async fn run(mut self, mut queue: mpsc::Receiver<Outgoing>) {
        let mut look = interval(LOOK_EVERY);
        look.set_missed_tick_behavior(MissedTickBehavior::Delay);
        let mut batch = Vec::with_capacity(BATCH);
        loop {
            tokio::select! {
                taken = queue.recv_many(&mut batch, BATCH) => match taken {
                    0 => return,
                    _ => self.notify(&batch).await,
                },
                _ = look.tick() => self.look_for_peers().await,
            }
            batch.clear();
        }
    }

    async fn notify(&mut self, batch: &[Outgoing]) {
        let mut frames = Vec::with_capacity(batch.len() + 1);
        if self.local.take_overflow() {
            self.writer.lost(&mut frames);
        }
        batch.iter().for_each(|message| self.writer.message(message, &mut frames));
        if let Err(error) = notify(&self.db, &frames).await {
            tracing::warn!(%error, "the bus does not reach the other nodes");
            self.local.overflowed();
        }
    }

    /// A node that has just come may have missed what was not notified until now.
    async fn look_for_peers(&mut self) {
        let has_peers = match others(&self.db).await {
            Ok(has_peers) => has_peers,
            Err(error) => return tracing::debug!(%error, "cannot see whether there are other nodes"),
        };
        let had_peers = self.local.has_peers.swap(has_peers, Ordering::Relaxed);
        if has_peers && (!had_peers || self.local.take_overflow()) {
            let mut frames = Vec::new();
            self.writer.lost(&mut frames);
            if notify(&self.db, &frames).await.is_err() {
                self.local.overflowed();
            }
        }
    }
}

async fn notify(db: &Db, frames: &[String]) -> Result<(), db::Error> {
    let mut conn = db.system_statement().await?;
    sqlx::query!(
        "select pg_notify($1, frame) from unnest($2::text[]) with ordinality f (frame, n) order by n",
        CHANNEL,
        frames
    )
    .execute(&mut *conn)
    .await?;
    Ok(())
}

async fn others(db: &Db) -> Result<bool, db::Error> {
    let mut conn = db.system_statement().await?;
    let others = sqlx::query_scalar!(r#"select count(*) > 1 as "others!" from node where lease_until > now()"#)
        .fetch_one(&mut *conn)
        .await?;
    Ok(others)
}
