use std::collections::{HashMap, HashSet};
use std::sync::Arc;
use std::time::Duration;

use chrono::NaiveDate;
use db::Db;
use kernel::{LaneId, TenantId};
use serde_json::Value;
use uuid::Uuid;

use super::{OwnConnection, storable_json, storable_text};
use crate::batch::Flush;
use crate::handover::Handover;
use crate::lease::Lease;
use crate::{Arrival, DedupKey, Error};

/// An arrival in the form it is stored in.
pub(crate) struct AckItem {
    arrival: Arrival,
    text: String,
    body: String,
    target: Option<String>,
    /// The reply leaves through a sender, so its row is this node's from the beginning.
    sends: bool,
}

impl AckItem {
    pub(crate) fn new(mut arrival: Arrival, sends: bool) -> Result<Self, Error> {
        Ok(Self {
            text: storable_text(std::mem::take(&mut arrival.text)),
            body: storable_json(&arrival.body)?,
            target: arrival.reply.as_ref().map(|reply| storable_json(&reply.target)).transpose()?,
            sends,
            arrival,
        })
    }

    /// A copy of what is stored, to be handed on; `None` where it is too long, or may not be stored as it came.
    pub(crate) fn words(&self) -> Option<(String, Value)> {
        let replaced =
            self.text.contains('\u{fffd}') || self.body.contains("\u{fffd}") || self.body.contains("\\ufffd");
        let fits = Handover::fits(self.text.len() + self.body.len());
        (fits && !replaced).then(|| (self.text.clone(), self.arrival.body.clone()))
    }
}

/// What an arrival was given: its number in its lane and the day it is filed under; `None` for a duplicate.
pub(crate) type Acked = Option<(i64, NaiveDate)>;

/// Commits arrivals: deduplication keys, lanes, inbox and outbox rows, all or nothing.
pub(crate) struct Ack {
    conn: OwnConnection,
    lease: Arc<Lease>,
}

impl Ack {
    pub(crate) fn new(db: Db, lease: Arc<Lease>) -> Self {
        Self { conn: OwnConnection::new(db), lease }
    }
}

impl Flush<AckItem, Acked> for Ack {
    async fn flush(&mut self, items: &[AckItem]) -> Result<Vec<Acked>, Error> {
        let mut results = vec![None; items.len()];
        let mut waves = Waves::default();
        for (index, item) in items.iter().enumerate() {
            waves.add(index, &item.arrival);
        }
        for wave in waves.waves {
            self.flush_wave(items, &wave, &mut results).await?;
        }
        Ok(results)
    }
}

impl Ack {
    async fn flush_wave(&mut self, items: &[AckItem], wave: &[usize], results: &mut [Acked]) -> Result<(), Error> {
        let mut rows = Rows::default();
        for &index in wave {
            rows.push(index, &items[index]);
        }
        let node = self.lease.node().as_uuid();
        let mut conn = self.conn.get().await?;
        let stored = sqlx::query_file!(
            "src/store/ack.sql",
            &rows.ord,
            &rows.tenant,
            &rows.lane,
            &rows.message,
            &rows.program as &[&str],
            &rows.text as &[&str],
            &rows.body as &[&str],
            &rows.channel as &[Option<&str>],
            &rows.connection as &[Option<Uuid>],
            &rows.target as &[Option<&str>],
            &rows.project,
            &rows.sends,
            &rows.key_ord,
            &rows.key_tenant,
            &rows.key_day,
            &rows.key_hash as &[&[u8]],
            node
        )
        .fetch_all(&mut conn)
        .await;
        for row in self.conn.check(conn, stored)? {
            results[row.ord as usize] = Some((row.seq, row.day));
        }
        Ok(())
    }
}

/// The statement's arrays.
#[derive(Default)]
struct Rows<'a> {
    ord: Vec<i32>,
    tenant: Vec<Uuid>,
    lane: Vec<Uuid>,
    message: Vec<Uuid>,
    program: Vec<&'a str>,
    text: Vec<&'a str>,
    body: Vec<&'a str>,
    channel: Vec<Option<&'a str>>,
    connection: Vec<Option<Uuid>>,
    target: Vec<Option<&'a str>>,
    project: Vec<Uuid>,
    sends: Vec<bool>,
    key_ord: Vec<i32>,
    key_tenant: Vec<Uuid>,
    key_day: Vec<NaiveDate>,
    key_hash: Vec<&'a [u8]>,
}

impl<'a> Rows<'a> {
    fn push(&mut self, index: usize, item: &'a AckItem) {
        let arrival = &item.arrival;
        let ord = index as i32;
        self.ord.push(ord);
        self.tenant.push(arrival.tenant.as_uuid());
        self.lane.push(arrival.lane.as_uuid());
        self.message.push(arrival.message.as_uuid());
        self.program.push(arrival.program);
        self.text.push(&item.text);
        self.body.push(&item.body);
        self.channel.push(arrival.reply.as_ref().map(|reply| reply.channel));
        self.connection.push(arrival.reply.as_ref().map(|reply| reply.connection.as_uuid()));
        self.target.push(item.target.as_deref());
        self.project.push(arrival.project.as_uuid());
        self.sends.push(item.sends);
        for key in &arrival.dedup {
            self.key_ord.push(ord);
            self.key_tenant.push(arrival.tenant.as_uuid());
            self.key_day.push(key.day);
            self.key_hash.push(&key.hash);
        }
    }
}

/// Splits a batch so that no statement holds one deduplication key twice: an item with the very keys of an earlier
/// one is its duplicate, whatever becomes of that one; an item that shares some of them waits for the next statement.
#[derive(Default)]
struct Waves {
    waves: Vec<Vec<usize>>,
    keys: Vec<HashSet<(TenantId, DedupKey)>>,
    whole: HashMap<(TenantId, Vec<DedupKey>), ()>,
}

impl Waves {
    fn add(&mut self, index: usize, arrival: &Arrival) {
        let tenant = arrival.tenant;
        let mut keys = arrival.dedup.clone();
        keys.sort_unstable();
        if !keys.is_empty() && self.whole.insert((tenant, keys.clone()), ()).is_some() {
            return;
        }
        let clashes = |seen: &HashSet<_>| keys.iter().any(|key| seen.contains(&(tenant, *key)));
        // After the last wave that holds one of its keys, so that the order within the batch stays.
        let wave = self.keys.iter().rposition(clashes).map_or(0, |last| last + 1);
        if wave == self.waves.len() {
            self.waves.push(Vec::new());
            self.keys.push(HashSet::new());
        }
        self.waves[wave].push(index);
        self.keys[wave].extend(keys.iter().map(|key| (tenant, *key)));
    }
}

/// Which of these lanes of a tenant had a message, or an answer, within `idle`.
pub(crate) async fn engaged(db: &Db, tenant: TenantId, lanes: &[LaneId], idle: Duration) -> Result<Vec<LaneId>, Error> {
    let lanes: Vec<Uuid> = lanes.iter().map(|lane| lane.as_uuid()).collect();
    let mut conn = db.system_statement().await?;
    let found = sqlx::query_scalar!(
        "select lane_id from lane
         where tenant_id = $1 and lane_id = any($2) and touched_at > now() - make_interval(secs => $3)",
        tenant.as_uuid(),
        &lanes,
        idle.as_secs_f64()
    )
    .fetch_all(&mut *conn)
    .await?;
    Ok(found.into_iter().map(LaneId::from_uuid).collect())
}

#[cfg(test)]
mod tests {
    use kernel::{MessageId, ProjectId};
    use serde_json::Value;

    use super::*;

    fn waves(items: &[&[u8]]) -> Vec<Vec<usize>> {
        let tenant = TenantId::new();
        let day = NaiveDate::from_ymd_opt(2026, 1, 1).unwrap();
        let mut waves = Waves::default();
        for (index, keys) in items.iter().enumerate() {
            let arrival = Arrival {
                tenant,
                project: ProjectId::from_uuid(Uuid::nil()),
                lane: LaneId::new(),
                message: MessageId::new(),
                program: "turn",
                dedup: keys.iter().map(|key| DedupKey { day, hash: [*key; 16] }).collect(),
                text: String::new(),
                body: Value::Null,
                reply: None,
            };
            waves.add(index, &arrival);
        }
        waves.waves
    }

    #[test]
    fn copies_of_one_delivery_in_a_batch_need_no_statement_of_their_own() {
        assert_eq!(waves(&[&[1, 2], &[1, 2], &[2, 1], &[3]]), [vec![0, 3]]);
    }

    #[test]
    fn deliveries_that_share_a_key_are_decided_one_after_the_other() {
        assert_eq!(waves(&[&[1, 9], &[2, 9], &[3, 9], &[4]]), [vec![0, 3], vec![1], vec![2]]);
    }

    #[test]
    fn items_without_keys_are_never_duplicates() {
        assert_eq!(waves(&[&[], &[], &[]]), [vec![0, 1, 2]]);
    }
}
