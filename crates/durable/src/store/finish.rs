use std::sync::Arc;

use db::Db;
use kernel::ConnectionId;
use rust_decimal::Decimal;
use serde_json::Value;
use uuid::Uuid;

use super::OwnConnection;
use crate::batch::Flush;
use crate::lease::Lease;
use crate::{Claim, Error, Usage};

/// A run's end.
#[derive(Clone)]
pub(crate) struct FinishItem {
    pub(crate) claim: Claim,
    /// Why it failed; `None`: it did not.
    pub(crate) error: Option<String>,
    /// Whether it goes to the dead letters.
    pub(crate) dead: bool,
    /// The answer; `None`: nothing to say.
    pub(crate) text: Option<String>,
    /// JSON.
    pub(crate) body: String,
    pub(crate) usage: Usage,
}

/// What became of a run's end; `None`: the lane was not ours any more, and nothing was written.
pub(crate) type Ended = Option<Finished>;

#[derive(Clone, Debug)]
pub(crate) struct Finished {
    /// Whether the lane has more to do.
    pub(crate) more: bool,
    /// The reply that this node has to take out now.
    pub(crate) reply: Option<EndedReply>,
}

#[derive(Clone, Debug)]
pub(crate) struct EndedReply {
    pub(crate) epoch: i64,
    pub(crate) channel: String,
    pub(crate) connection: ConnectionId,
    pub(crate) target: Value,
    /// What stands on the channel already.
    pub(crate) provider_id: Option<String>,
    /// Whether nothing else can stand there.
    pub(crate) certain: bool,
}

/// Commits ends: run, lane and answer, all or nothing.
pub(crate) struct Finish {
    conn: OwnConnection,
    lease: Arc<Lease>,
    /// The channels on which the commit is the delivery.
    by_commit: Vec<String>,
}

impl Finish {
    pub(crate) fn new(db: Db, lease: Arc<Lease>, by_commit: Vec<String>) -> Self {
        Self { conn: OwnConnection::new(db), lease, by_commit }
    }
}

impl Flush<FinishItem, Ended> for Finish {
    async fn flush(&mut self, items: &[FinishItem]) -> Result<Vec<Ended>, Error> {
        let ids = |of: fn(&FinishItem) -> Uuid| items.iter().map(of).collect::<Vec<_>>();
        let node = self.lease.node().as_uuid();
        let mut conn = self.conn.get().await?;
        let ended = sqlx::query_file!(
            "src/store/finish.sql",
            &(0..items.len() as i32).collect::<Vec<_>>(),
            &ids(|item| item.claim.tenant.as_uuid()),
            &ids(|item| item.claim.lane.as_uuid()),
            &items.iter().map(|item| item.claim.epoch).collect::<Vec<_>>(),
            &items.iter().map(|item| item.claim.seq).collect::<Vec<_>>(),
            &ids(|item| item.claim.run.as_uuid()),
            &items.iter().map(|item| item.claim.day).collect::<Vec<_>>(),
            &items.iter().map(|item| item.error.as_deref()).collect::<Vec<_>>() as &[Option<&str>],
            &items.iter().map(|item| item.dead).collect::<Vec<_>>(),
            &items.iter().map(|item| item.text.as_deref()).collect::<Vec<_>>() as &[Option<&str>],
            &items.iter().map(|item| item.body.as_str()).collect::<Vec<_>>() as &[&str],
            &items.iter().map(|item| item.usage.input_tokens as i64).collect::<Vec<_>>(),
            &items.iter().map(|item| item.usage.output_tokens as i64).collect::<Vec<_>>(),
            &items.iter().map(|item| item.usage.cost_usd).collect::<Vec<_>>() as &[Option<Decimal>],
            node,
            &self.by_commit
        )
        .fetch_all(&mut conn)
        .await;
        let mut results = vec![None; items.len()];
        for row in self.conn.check(conn, ended)? {
            let reply = row.epoch.zip(row.channel).zip(row.connection_id).zip(row.target).map(
                |(((epoch, channel), connection), target)| EndedReply {
                    epoch,
                    channel,
                    connection: connection.into(),
                    target,
                    certain: row.provider_id.is_some() || row.attempts == Some(0),
                    provider_id: row.provider_id,
                },
            );
            results[row.ord as usize] = Some(Finished { more: row.more, reply });
        }
        Ok(results)
    }
}
