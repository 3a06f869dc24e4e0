use std::sync::Arc;

use db::{Db, TenantTx};
use kernel::NodeId;
use rust_decimal::Decimal;
use serde_json::Value;
use uuid::Uuid;

use super::OwnConnection;
use crate::batch::Flush;
use crate::journal::{Journal, Record, StepState};
use crate::lease::Lease;
use crate::{Claim, Error, Input, Usage};

/// A step to be recorded.
#[derive(Clone)]
pub(crate) struct JournalItem {
    pub(crate) claim: Claim,
    pub(crate) seq: i32,
    pub(crate) state: StepState,
    pub(crate) key: String,
    pub(crate) kind: &'static str,
    /// JSON.
    pub(crate) output: String,
    pub(crate) duration_ms: i32,
    pub(crate) usage: Usage,
}

/// Appends to journals. `false`: not recorded, because the lane is not ours any more or the step stands already.
pub(crate) struct JournalWriter {
    conn: OwnConnection,
    lease: Arc<Lease>,
}

impl JournalWriter {
    pub(crate) fn new(db: Db, lease: Arc<Lease>) -> Self {
        Self { conn: OwnConnection::new(db), lease }
    }
}

impl Flush<JournalItem, bool> for JournalWriter {
    async fn flush(&mut self, items: &[JournalItem]) -> Result<Vec<bool>, Error> {
        let column = |of: fn(&JournalItem) -> Uuid| items.iter().map(of).collect::<Vec<_>>();
        let texts = |of: fn(&JournalItem) -> &str| items.iter().map(of).collect::<Vec<_>>();
        let node = self.lease.node().as_uuid();
        let mut conn = self.conn.get().await?;
        let written = sqlx::query!(
            r#"with item as (
                 select * from unnest($1::int[], $2::uuid[], $3::uuid[], $4::bigint[], $5::uuid[], $6::date[],
                                      $7::int[], $8::text[], $9::text[], $10::text[], $11::text[], $12::int[],
                                      $13::bigint[], $14::bigint[], $15::numeric[])
                   as t (ord, tenant_id, lane_id, epoch, run_id, day, seq, state, key, kind, output, duration_ms,
                         input_tokens, output_tokens, cost_usd)
               ),
               written as (
                 insert into step (tenant_id, run_id, seq, state, day, key, kind, output, duration_ms, input_tokens,
                                   output_tokens, cost_usd)
                 select item.tenant_id, item.run_id, item.seq, item.state, item.day, item.key, item.kind,
                        item.output::jsonb, item.duration_ms, item.input_tokens, item.output_tokens, item.cost_usd
                 from item join lane on lane.tenant_id = item.tenant_id and lane.lane_id = item.lane_id
                 where lane.epoch = item.epoch and lane.owner = $16
                 on conflict do nothing
                 returning tenant_id, run_id, seq, state
               )
               select item.ord as "ord!" from item join written using (tenant_id, run_id, seq, state)"#,
            &(0..items.len() as i32).collect::<Vec<_>>(),
            &column(|item| item.claim.tenant.as_uuid()),
            &column(|item| item.claim.lane.as_uuid()),
            &items.iter().map(|item| item.claim.epoch).collect::<Vec<_>>(),
            &column(|item| item.claim.run.as_uuid()),
            &items.iter().map(|item| item.claim.day).collect::<Vec<_>>(),
            &items.iter().map(|item| item.seq).collect::<Vec<_>>(),
            &texts(|item| item.state.as_str()) as &[&str],
            &texts(|item| &item.key) as &[&str],
            &texts(|item| item.kind) as &[&str],
            &texts(|item| &item.output) as &[&str],
            &items.iter().map(|item| item.duration_ms).collect::<Vec<_>>(),
            &items.iter().map(|item| item.usage.input_tokens as i64).collect::<Vec<_>>(),
            &items.iter().map(|item| item.usage.output_tokens as i64).collect::<Vec<_>>(),
            &items.iter().map(|item| item.usage.cost_usd).collect::<Vec<_>>() as &[Option<Decimal>],
            node
        )
        .fetch_all(&mut conn)
        .await;
        let mut recorded = vec![false; items.len()];
        for row in self.conn.check(conn, written)? {
            recorded[row.ord as usize] = true;
        }
        Ok(recorded)
    }
}

/// What the run has recorded so far.
pub(crate) async fn load_journal(tx: &mut TenantTx, claim: &Claim) -> Result<Journal, Error> {
    let rows = sqlx::query!(
        "select seq, key, state, output, input_tokens, output_tokens, cost_usd from step
         where tenant_id = $1 and run_id = $2 and day = $3 order by seq",
        claim.tenant.as_uuid(),
        claim.run.as_uuid(),
        claim.day
    )
    .fetch_all(&mut **tx)
    .await?;
    let records = rows.into_iter().filter_map(|row| {
        let usage = Usage {
            input_tokens: u64::try_from(row.input_tokens).unwrap_or(0),
            output_tokens: u64::try_from(row.output_tokens).unwrap_or(0),
            cost_usd: row.cost_usd,
        };
        Some(Record { seq: row.seq, key: row.key, state: StepState::parse(&row.state)?, output: row.output, usage })
    });
    Ok(Journal::new(records.collect()))
}

/// The message the run is about.
pub(crate) async fn load_input(tx: &mut TenantTx, claim: &Claim) -> Result<Input, Error> {
    let row = sqlx::query!(
        r#"select text, body as "body: Value", received_at from inbox
           where tenant_id = $1 and lane_id = $2 and seq = $3 and day = $4"#,
        claim.tenant.as_uuid(),
        claim.lane.as_uuid(),
        claim.seq,
        claim.day
    )
    .fetch_one(&mut **tx)
    .await?;
    Ok(Input { text: row.text, body: row.body, received_at: row.received_at })
}

/// Whether the claim still stands.
pub(crate) async fn owns(db: &Db, node: NodeId, claim: &Claim) -> Result<bool, Error> {
    let mut conn = db.system_statement().await?;
    let found = sqlx::query_scalar!(
        r#"select exists (select from lane where tenant_id = $1 and lane_id = $2 and epoch = $3 and owner = $4)
             as "found!""#,
        claim.tenant.as_uuid(),
        claim.lane.as_uuid(),
        claim.epoch,
        node.as_uuid()
    )
    .fetch_one(&mut *conn)
    .await?;
    Ok(found)
}
