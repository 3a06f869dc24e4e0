//! Writing what gathered: the calls and their sums in one transaction, once.

use std::collections::BTreeSet;
use std::time::Duration;

use chrono::{DateTime, Days, NaiveDate, Utc};
use db::{Db, SystemTx};
use uuid::Uuid;

use super::call::ModelCall;
use super::log::Batch;
use super::totals::{BUCKETS, Key, Sum, Totals, millis};
use crate::error::Error;

/// The most characters of what went wrong that are kept.
const MAX_ERROR: usize = 500;

pub(super) struct Writer {
    db: Db,
    /// This process's log; with `seq` it names a batch.
    log: Uuid,
    seq: i64,
    /// Days that are known to have a partition.
    days: BTreeSet<NaiveDate>,
}

impl Writer {
    pub(super) fn new(db: Db) -> Self {
        Self { db, log: Uuid::now_v7(), seq: 1, days: BTreeSet::new() }
    }

    /// Commits the batch, unless it was committed before: a failure may leave that open, so it is simply tried again.
    pub(super) async fn write(&mut self, batch: &Batch) -> Result<(), Error> {
        let mut tx = self.db.system("the log of model calls").await?;
        if !self.is_new(&mut tx).await? {
            return Ok(());
        }
        let days: BTreeSet<_> = batch.calls.iter().map(day).collect();
        for day in days.difference(&self.days) {
            sqlx::query!("select make_partition('model_call', $1, $2)", day, *day + Days::new(1))
                .execute(&mut *tx)
                .await?;
        }
        insert_calls(&mut tx, &batch.calls).await?;
        add_totals(&mut tx, &batch.totals).await?;
        tx.commit().await?;
        self.days = days;
        Ok(())
    }

    /// The batch is committed: the next one follows.
    pub(super) fn done(&mut self) {
        self.seq += 1;
    }

    async fn is_new(&self, tx: &mut SystemTx) -> Result<bool, Error> {
        let taken = sqlx::query!(
            "insert into usage_flush as f (log_id, seq) values ($1, $2)
             on conflict (log_id) do update set seq = excluded.seq, at = now() where f.seq < excluded.seq",
            self.log,
            self.seq
        )
        .execute(&mut **tx)
        .await?;
        Ok(taken.rows_affected() > 0)
    }
}

fn day(call: &ModelCall) -> NaiveDate {
    call.at.date_naive()
}

/// One array a column.
#[derive(Default)]
struct CallColumns {
    tenant: Vec<Uuid>,
    day: Vec<NaiveDate>,
    id: Vec<Uuid>,
    at: Vec<DateTime<Utc>>,
    key: Vec<Uuid>,
    project: Vec<Uuid>,
    agent: Vec<Uuid>,
    conversation: Vec<Uuid>,
    protocol: Vec<&'static str>,
    group: Vec<String>,
    provider: Vec<String>,
    model: Vec<String>,
    outcome: Vec<&'static str>,
    error: Vec<Option<String>>,
    input: Vec<Option<i64>>,
    cache_read: Vec<Option<i64>>,
    cache_write: Vec<Option<i64>>,
    output: Vec<Option<i64>>,
    reasoning: Vec<Option<i64>>,
    cost: Vec<Option<i64>>,
    took_ms: Vec<i32>,
    first_token_ms: Vec<Option<i32>>,
    attempts: Vec<i32>,
    streamed: Vec<bool>,
    cached: Vec<bool>,
}

impl CallColumns {
    fn push(&mut self, call: &ModelCall) {
        let account = &call.account;
        let tokens = |count: fn(&crate::TokenUsage) -> u64| call.usage.as_ref().map(|usage| big(count(usage)));
        self.tenant.push(account.tenant.as_uuid());
        self.day.push(day(call));
        self.id.push(call.id.as_uuid());
        self.at.push(call.at);
        self.key.push(account.key.map_or(Uuid::nil(), Into::into));
        self.project.push(account.project.map_or(Uuid::nil(), Into::into));
        self.agent.push(account.agent.map_or(Uuid::nil(), Into::into));
        self.conversation.push(account.conversation.map_or(Uuid::nil(), Into::into));
        self.protocol.push(call.protocol.as_str());
        self.group.push(storable(call.group.as_deref().unwrap_or_default()));
        self.provider.push(storable(&call.provider));
        self.model.push(storable(&call.model));
        self.outcome.push(call.outcome.as_str());
        self.error.push(call.error.as_deref().map(storable));
        self.input.push(tokens(|usage| usage.input));
        self.cache_read.push(tokens(|usage| usage.cache_read));
        self.cache_write.push(tokens(|usage| usage.cache_write));
        self.output.push(tokens(|usage| usage.output));
        self.reasoning.push(tokens(|usage| usage.reasoning));
        self.cost.push(call.cost.map(|cost| cost.nanos()));
        self.took_ms.push(short(call.took));
        self.first_token_ms.push(call.first_token.map(short));
        self.attempts.push(i32::try_from(call.attempts).unwrap_or(i32::MAX));
        self.streamed.push(call.streamed);
        self.cached.push(call.cached);
    }
}

/// Calls of organisations that are gone meanwhile are left out.
async fn insert_calls(tx: &mut SystemTx, calls: &[ModelCall]) -> Result<(), Error> {
    if calls.is_empty() {
        return Ok(());
    }
    let mut columns = CallColumns::default();
    calls.iter().for_each(|call| columns.push(call));
    sqlx::query!(
        "insert into model_call (tenant_id, day, call_id, at, key_id, project_id, agent_id, conversation_id, protocol,
             model_group, provider, model, outcome, error, input_tokens, cache_read_tokens, cache_write_tokens,
             output_tokens, reasoning_tokens, cost_nanos, took_ms, first_token_ms, attempts, streamed, cached)
         select c.* from unnest($1::uuid[], $2::date[], $3::uuid[], $4::timestamptz[], $5::uuid[], $6::uuid[],
             $7::uuid[], $8::uuid[], $9::text[], $10::text[], $11::text[], $12::text[], $13::text[], $14::text[],
             $15::bigint[], $16::bigint[], $17::bigint[], $18::bigint[], $19::bigint[], $20::bigint[], $21::integer[],
             $22::integer[], $23::integer[], $24::boolean[], $25::boolean[]) as c (tenant_id)
         where exists (select from organisation o where o.tenant_id = c.tenant_id)",
        &columns.tenant,
        &columns.day,
        &columns.id,
        &columns.at,
        &columns.key,
        &columns.project,
        &columns.agent,
        &columns.conversation,
        &columns.protocol as _,
        &columns.group,
        &columns.provider,
        &columns.model,
        &columns.outcome as _,
        &columns.error as _,
        &columns.input as _,
        &columns.cache_read as _,
        &columns.cache_write as _,
        &columns.output as _,
        &columns.reasoning as _,
        &columns.cost as _,
        &columns.took_ms,
        &columns.first_token_ms as _,
        &columns.attempts,
        &columns.streamed,
        &columns.cached
    )
    .execute(&mut **tx)
    .await?;
    Ok(())
}

/// One array a column; the counts of all buckets one after the other.
#[derive(Default)]
struct SumColumns {
    tenant: Vec<Uuid>,
    begins: Vec<DateTime<Utc>>,
    key: Vec<Uuid>,
    project: Vec<Uuid>,
    agent: Vec<Uuid>,
    provider: Vec<String>,
    model: Vec<String>,
    outcome: Vec<&'static str>,
    requests: Vec<i64>,
    cost_unknown: Vec<i64>,
    cached: Vec<i64>,
    input: Vec<i64>,
    cache_read: Vec<i64>,
    cache_write: Vec<i64>,
    output: Vec<i64>,
    reasoning: Vec<i64>,
    cost: Vec<i64>,
    took_ms: Vec<i64>,
    latency: Vec<i64>,
    first_token: Vec<i64>,
}

impl SumColumns {
    fn of(totals: &Totals) -> Self {
        let mut columns = Self::default();
        totals.sorted().into_iter().for_each(|sum| columns.push(sum));
        columns
    }

    fn push(&mut self, (key, sum): (&Key, &Sum)) {
        self.tenant.push(key.tenant);
        self.begins.push(key.begins);
        self.key.push(key.key);
        self.project.push(key.project);
        self.agent.push(key.agent);
        self.provider.push(storable(&key.provider));
        self.model.push(storable(&key.model));
        self.outcome.push(key.outcome.as_str());
        self.requests.push(big(sum.requests));
        self.cost_unknown.push(big(sum.cost_unknown));
        self.cached.push(big(sum.cached));
        self.input.push(big(sum.input));
        self.cache_read.push(big(sum.cache_read));
        self.cache_write.push(big(sum.cache_write));
        self.output.push(big(sum.output));
        self.reasoning.push(big(sum.reasoning));
        self.cost.push(sum.cost.nanos());
        self.took_ms.push(big(sum.took_ms));
        self.latency.extend(sum.latency.map(big));
        self.first_token.extend(sum.first_token.map(big));
    }
}

/// The same for hours and for days.
macro_rules! add_sums {
    ($table:literal, $columns:ident) => {
        sqlx::query!(
            "insert into " + $table + " as u (tenant_id, begins, key_id, project_id, agent_id, provider, model, outcome,
                 requests, cost_unknown, cached, input_tokens, cache_read_tokens, cache_write_tokens, output_tokens,
                 reasoning_tokens, cost_nanos, took_ms, latency, first_token)
             select c.tenant_id, c.begins, c.key_id, c.project_id, c.agent_id, c.provider, c.model, c.outcome,
                 c.requests, c.cost_unknown, c.cached, c.input_tokens, c.cache_read_tokens, c.cache_write_tokens,
                 c.output_tokens, c.reasoning_tokens, c.cost_nanos, c.took_ms,
                 ($19::bigint[])[(c.n - 1) * $21 + 1 : c.n * $21], ($20::bigint[])[(c.n - 1) * $21 + 1 : c.n * $21]
             from unnest($1::uuid[], $2::timestamptz[], $3::uuid[], $4::uuid[], $5::uuid[], $6::text[], $7::text[],
                 $8::text[], $9::bigint[], $10::bigint[], $11::bigint[], $12::bigint[], $13::bigint[], $14::bigint[],
                 $15::bigint[], $16::bigint[], $17::bigint[], $18::bigint[]) with ordinality as c (tenant_id, begins,
                 key_id, project_id, agent_id, provider, model, outcome, requests, cost_unknown, cached, input_tokens,
                 cache_read_tokens, cache_write_tokens, output_tokens, reasoning_tokens, cost_nanos, took_ms, n)
             where exists (select from organisation o where o.tenant_id = c.tenant_id)
             order by c.n
             on conflict (tenant_id, begins, key_id, project_id, agent_id, provider, model, outcome) do update set
                 requests = u.requests + excluded.requests,
                 cost_unknown = u.cost_unknown + excluded.cost_unknown,
                 cached = u.cached + excluded.cached,
                 input_tokens = u.input_tokens + excluded.input_tokens,
                 cache_read_tokens = u.cache_read_tokens + excluded.cache_read_tokens,
                 cache_write_tokens = u.cache_write_tokens + excluded.cache_write_tokens,
                 output_tokens = u.output_tokens + excluded.output_tokens,
                 reasoning_tokens = u.reasoning_tokens + excluded.reasoning_tokens,
                 cost_nanos = u.cost_nanos + excluded.cost_nanos,
                 took_ms = u.took_ms + excluded.took_ms,
                 latency = add_counts(u.latency, excluded.latency),
                 first_token = add_counts(u.first_token, excluded.first_token)",
            &$columns.tenant,
            &$columns.begins,
            &$columns.key,
            &$columns.project,
            &$columns.agent,
            &$columns.provider,
            &$columns.model,
            &$columns.outcome as _,
            &$columns.requests,
            &$columns.cost_unknown,
            &$columns.cached,
            &$columns.input,
            &$columns.cache_read,
            &$columns.cache_write,
            &$columns.output,
            &$columns.reasoning,
            &$columns.cost,
            &$columns.took_ms,
            &$columns.latency,
            &$columns.first_token,
            BUCKETS as i32
        )
    };
}

async fn add_totals(tx: &mut SystemTx, totals: &Totals) -> Result<(), Error> {
    let hours = SumColumns::of(totals);
    add_sums!("usage_hour", hours).execute(&mut **tx).await?;
    let days = SumColumns::of(&totals.by_day());
    add_sums!("usage_day", days).execute(&mut **tx).await?;
    Ok(())
}

fn big(count: u64) -> i64 {
    i64::try_from(count).unwrap_or(i64::MAX)
}

fn short(duration: Duration) -> i32 {
    i32::try_from(millis(duration)).unwrap_or(i32::MAX)
}

/// PostgreSQL keeps no NUL.
fn storable(text: &str) -> String {
    text.chars().filter(|c| *c != '\0').take(MAX_ERROR).collect()
}
