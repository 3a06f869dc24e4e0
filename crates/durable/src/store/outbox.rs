use std::sync::Arc;
use std::time::Duration;

use chrono::NaiveDate;
use db::{Db, TenantTx};
use kernel::{ConnectionId, LaneId, MessageId, NodeId, TenantId};
use serde_json::Value;
use uuid::Uuid;

use super::OwnConnection;
use crate::batch::Flush;
use crate::lease::Lease;
use crate::{Answer, Error};

/// A reply this node may take out, as the system's role sees it: without what it says.
#[derive(Clone, Debug)]
pub(crate) struct ClaimedReply {
    pub(crate) tenant: TenantId,
    pub(crate) message: MessageId,
    pub(crate) day: NaiveDate,
    pub(crate) lane: LaneId,
    pub(crate) seq: i64,
    pub(crate) channel: String,
    pub(crate) connection: ConnectionId,
    pub(crate) target: Value,
    pub(crate) epoch: i64,
    pub(crate) provider_id: Option<String>,
    pub(crate) ended: bool,
    /// It stands already; what else stands is to be looked for.
    pub(crate) confirmed: bool,
    /// How often calls about it failed, on all nodes together.
    pub(crate) failures: u32,
}

/// What is to be recorded of a reply.
#[derive(Clone, Debug)]
pub(crate) struct Mark {
    pub(crate) tenant: TenantId,
    pub(crate) message: MessageId,
    pub(crate) day: NaiveDate,
    pub(crate) epoch: i64,
    pub(crate) what: MarkKind,
}

#[derive(Clone, Debug)]
pub(crate) enum MarkKind {
    /// The placeholder stands; the row is let go unless the answer has come meanwhile.
    Opened {
        provider_id: String,
    },
    /// There is no placeholder (now); the row is let go unless the answer has come meanwhile.
    Unopened,
    Confirmed {
        provider_id: String,
        parts: i32,
    },
    /// Nothing but what was confirmed stands.
    Checked,
    /// Nothing to say, and nothing stands.
    Dropped,
    /// To be taken up again later, by anybody, after so many failures in all.
    Later {
        after: Duration,
        reason: String,
        failures: u32,
    },
    /// Given up: to the dead letters.
    Failed {
        reason: String,
    },
}

impl MarkKind {
    fn state(&self) -> Option<&'static str> {
        match self {
            Self::Opened { .. } => Some("sent"),
            Self::Confirmed { .. } => Some("confirmed"),
            Self::Dropped => Some("dropped"),
            Self::Failed { .. } => Some("failed"),
            Self::Unopened | Self::Checked | Self::Later { .. } => None,
        }
    }

    fn keep_if_ended(&self) -> bool {
        matches!(self, Self::Opened { .. } | Self::Unopened)
    }

    fn standing(&self) -> (Option<&str>, i32) {
        match self {
            Self::Opened { provider_id } => (Some(provider_id), 0),
            Self::Confirmed { provider_id, parts } => (Some(provider_id), *parts),
            Self::Unopened | Self::Checked | Self::Dropped | Self::Later { .. } | Self::Failed { .. } => (None, 0),
        }
    }

    fn reason(&self) -> Option<&str> {
        match self {
            Self::Later { reason, .. } | Self::Failed { reason } => Some(reason),
            Self::Opened { .. } | Self::Unopened | Self::Confirmed { .. } | Self::Checked | Self::Dropped => None,
        }
    }
}

/// What recording said; `None`: the row is not ours any more, and nothing was written.
pub(crate) type Marked = Option<MarkedRow>;

#[derive(Clone, Copy, Debug)]
pub(crate) struct MarkedRow {
    /// The run has ended: the answer is there.
    pub(crate) ended: bool,
}

/// When a reply that more than one node had in hand is looked at once more after all: as long as a call of the other,
/// thawed after its lease had run out, may have been on its way, with something to spare.
const LOOK_AGAIN: Duration = Duration::from_secs(45);

/// Records what became of sends.
pub(crate) struct Marks {
    conn: OwnConnection,
    lease: Arc<Lease>,
}

impl Marks {
    pub(crate) fn new(db: Db, lease: Arc<Lease>) -> Self {
        Self { conn: OwnConnection::new(db), lease }
    }
}

impl Flush<Mark, Marked> for Marks {
    async fn flush(&mut self, items: &[Mark]) -> Result<Vec<Marked>, Error> {
        let after = |mark: &Mark| match &mark.what {
            MarkKind::Later { after, .. } => Some(after.as_secs_f64()),
            _ => None,
        };
        let failures = |mark: &Mark| match &mark.what {
            MarkKind::Later { failures, .. } => i32::try_from(*failures).unwrap_or(i32::MAX),
            _ => 0,
        };
        let dead = |mark: &Mark| matches!(mark.what, MarkKind::Failed { .. });
        let node = self.lease.node().as_uuid();
        let mut conn = self.conn.get().await?;
        let marked = sqlx::query_file!(
            "src/store/marks.sql",
            &(0..items.len() as i32).collect::<Vec<_>>(),
            &items.iter().map(|mark| mark.tenant.as_uuid()).collect::<Vec<Uuid>>(),
            &items.iter().map(|mark| mark.message.as_uuid()).collect::<Vec<Uuid>>(),
            &items.iter().map(|mark| mark.day).collect::<Vec<_>>(),
            &items.iter().map(|mark| mark.epoch).collect::<Vec<_>>(),
            &items.iter().map(|mark| mark.what.state()).collect::<Vec<_>>() as &[Option<&str>],
            &items.iter().map(|mark| mark.what.standing().0).collect::<Vec<_>>() as &[Option<&str>],
            &items.iter().map(|mark| mark.what.standing().1).collect::<Vec<_>>(),
            &items.iter().map(|mark| mark.what.keep_if_ended()).collect::<Vec<_>>(),
            &items.iter().map(after).collect::<Vec<_>>() as &[Option<f64>],
            &items.iter().map(|mark| mark.what.reason()).collect::<Vec<_>>() as &[Option<&str>],
            &items.iter().map(dead).collect::<Vec<_>>(),
            node,
            LOOK_AGAIN.as_secs_f64(),
            &items.iter().map(failures).collect::<Vec<_>>()
        )
        .fetch_all(&mut conn)
        .await;
        let mut results = vec![None; items.len()];
        for row in self.conn.check(conn, marked)? {
            results[row.ord as usize] = Some(MarkedRow { ended: row.ended });
        }
        Ok(results)
    }
}

/// Whether an earlier reply of the lane is still to be put up by somebody.
pub(crate) async fn earlier_unposted(db: &Db, tenant: TenantId, lane: LaneId, seq: i64) -> Result<bool, Error> {
    let mut conn = db.system_statement().await?;
    let found = sqlx::query_scalar!(
        r#"select exists (
             select from outbox
             where tenant_id = $1 and lane_id = $2 and seq < $3 and state = 'intent'
               and (owner is not null or next_at is not null)
           ) as "found!""#,
        tenant.as_uuid(),
        lane.as_uuid(),
        seq
    )
    .fetch_one(&mut *conn)
    .await?;
    Ok(found)
}

/// Claims replies that are due and nobody's, in the order of their lanes.
pub(crate) async fn claim_due(db: &Db, node: NodeId, at_most: i64) -> Result<Vec<ClaimedReply>, Error> {
    let mut conn = db.system_statement().await?;
    let rows = sqlx::query!(
        r#"with due as (
             select tenant_id, message_id, day from outbox where next_at <= now() and owner is null
             order by next_at limit $2 for no key update skip locked
           )
           update outbox o set owner = $1, epoch = o.epoch + 1, next_at = null from due
           where o.tenant_id = due.tenant_id and o.message_id = due.message_id and o.day = due.day
           returning o.tenant_id, o.message_id, o.day, o.lane_id, o.seq, o.channel, o.connection_id,
                     o.target as "target: Value", o.epoch, o.provider_id, o.ended,
                     o.state = 'confirmed' as "confirmed!", o.attempts"#,
        node.as_uuid(),
        at_most
    )
    .fetch_all(&mut *conn)
    .await?;
    let mut claimed: Vec<ClaimedReply> = rows
        .into_iter()
        .map(|row| ClaimedReply {
            tenant: row.tenant_id.into(),
            message: row.message_id.into(),
            day: row.day,
            lane: row.lane_id.into(),
            seq: row.seq,
            channel: row.channel,
            connection: row.connection_id.into(),
            target: row.target,
            epoch: row.epoch,
            provider_id: row.provider_id,
            ended: row.ended,
            confirmed: row.confirmed,
            failures: row.attempts.unsigned_abs(),
        })
        .collect();
    claimed.sort_by_key(|reply| (reply.lane, reply.seq));
    Ok(claimed)
}

/// What a reply says, once its run has ended; `None`: nothing.
pub(crate) async fn load_answer(
    tx: &mut TenantTx,
    message: MessageId,
    day: NaiveDate,
) -> Result<Option<Answer>, Error> {
    let row = sqlx::query!(
        "select text, body from outbox where tenant_id = $1 and message_id = $2 and day = $3",
        tx.tenant().as_uuid(),
        message.as_uuid(),
        day
    )
    .fetch_one(&mut **tx)
    .await?;
    Ok(row.text.map(|text| Answer { text, body: row.body.unwrap_or(Value::Null) }))
}

/// What the row says of a reply: the id of what stands, and whether anybody will still change it.
pub(crate) async fn standing(
    db: &Db,
    reply: (TenantId, MessageId),
    day: NaiveDate,
) -> Result<(Option<String>, bool), Error> {
    let mut conn = db.system_statement().await?;
    let row = sqlx::query!(
        r#"select provider_id, state in ('confirmed', 'failed', 'dropped') as "over!" from outbox
           where tenant_id = $1 and message_id = $2 and day = $3"#,
        reply.0.as_uuid(),
        reply.1.as_uuid(),
        day
    )
    .fetch_optional(&mut *conn)
    .await?;
    Ok(row.map_or((None, true), |row| (row.provider_id, row.over)))
}

/// Makes a reply that was given up due again.
pub(crate) async fn resend(db: &Db, tenant: TenantId, message: MessageId) -> Result<(), Error> {
    let mut conn = db.system_statement().await?;
    sqlx::query!(
        "update outbox set state = case when provider_id is null then 'intent' else 'sent' end, next_at = now()
         where tenant_id = $1 and message_id = $2 and state = 'failed' and owner is null",
        tenant.as_uuid(),
        message.as_uuid()
    )
    .execute(&mut *conn)
    .await?;
    Ok(())
}

/// The replies that the database says this node takes out.
pub(crate) async fn owned_replies(db: &Db, node: NodeId) -> Result<Vec<(TenantId, MessageId)>, Error> {
    let mut conn = db.system_statement().await?;
    let rows = sqlx::query!("select tenant_id, message_id from outbox where owner = $1", node.as_uuid())
        .fetch_all(&mut *conn)
        .await?;
    Ok(rows.into_iter().map(|row| (row.tenant_id.into(), row.message_id.into())).collect())
}

/// Frees a reply that this node owns without knowing of it (its claim was committed, the answer lost).
pub(crate) async fn reclaim_own(db: &Db, node: NodeId, reply: (TenantId, MessageId)) -> Result<(), Error> {
    let mut conn = db.system_statement().await?;
    sqlx::query!(
        "update outbox set owner = null, epoch = epoch + 1, attempts = attempts + 1, changed_hands = true, next_at = now()
         where tenant_id = $1 and message_id = $2 and owner = $3",
        reply.0.as_uuid(),
        reply.1.as_uuid(),
        node.as_uuid()
    )
    .execute(&mut *conn)
    .await?;
    Ok(())
}
