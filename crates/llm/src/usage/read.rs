//! Reading sums and calls, within one organisation.

use chrono::{DateTime, Days, NaiveDate, Utc};
use db::TenantTx;
use kernel::{AgentId, ConversationId, Cursor, ModelCallId, Page, PageRequest, ProjectId, VirtualKeyId};
use sqlx::types::Uuid;

use super::call::Outcome;
use super::totals::{BUCKETS, FIRST_BUCKET};
use crate::error::Error;
use crate::usd::Usd;

/// The most names that sums are told apart by; those that cost least are left out of a list, and put together in a
/// series.
const MOST_NAMES: i64 = 200;
const MOST_LINES: i64 = 10;

/// What sums are grouped by.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum By {
    Model,
    Provider,
    Agent,
    Project,
    Key,
}

impl By {
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Model => "model",
            Self::Provider => "provider",
            Self::Agent => "agent",
            Self::Project => "project",
            Self::Key => "key",
        }
    }
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Step {
    Hour,
    Day,
}

impl Step {
    const fn as_str(self) -> &'static str {
        match self {
            Self::Hour => "hour",
            Self::Day => "day",
        }
    }
}

/// The hours that begin from `since` on and before `until`.
#[derive(Clone, Copy, Debug)]
pub struct Span {
    pub since: DateTime<Utc>,
    pub until: DateTime<Utc>,
}

/// What calls came to.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Sums {
    pub requests: u64,
    pub failed: u64,
    pub refused: u64,
    pub aborted: u64,
    /// Answered out of the cache.
    pub cached: u64,
    /// Whose cost is not known, and not in `cost`.
    pub cost_unknown: u64,
    /// All tokens of the prompts.
    pub input_tokens: u64,
    pub cache_read_tokens: u64,
    pub cache_write_tokens: u64,
    pub output_tokens: u64,
    pub reasoning_tokens: u64,
    pub cost: Usd,
}

/// How long calls took, in milliseconds: half of them, and all but one in twenty or in a hundred, at most about so long.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Latency {
    pub p50: u64,
    pub p95: u64,
    pub p99: u64,
}

/// Sums of what has this name: a model with its provider, a provider, or the id of another thing; empty for none.
#[derive(Clone, Debug)]
pub struct Figures {
    pub name: String,
    pub sums: Sums,
    /// Of answered calls.
    pub latency: Option<Latency>,
    pub first_token: Option<Latency>,
}

/// Sums of what has this name (`None`: all others) in one step of a series.
#[derive(Clone, Debug)]
pub struct Point {
    pub at: DateTime<Utc>,
    pub name: Option<String>,
    pub sums: Sums,
}

/// What there was, one group after the other, the dearest first; one group without a name where `by` is `None`.
pub async fn spent(tx: &mut TenantTx, span: Span, by: Option<By>) -> Result<Vec<Figures>, Error> {
    let rows = sqlx::query!(
        r#"select case $3 when 'model' then provider || '/' || model when 'provider' then provider
                          when 'agent' then agent_id::text when 'project' then project_id::text
                          when 'key' then key_id::text else '' end as "name!",
               sum(requests)::bigint as "requests!",
               coalesce(sum(requests) filter (where outcome = 'failed'), 0)::bigint as "failed!",
               coalesce(sum(requests) filter (where outcome = 'refused'), 0)::bigint as "refused!",
               coalesce(sum(requests) filter (where outcome = 'aborted'), 0)::bigint as "aborted!",
               sum(cached)::bigint as "cached!", sum(cost_unknown)::bigint as "cost_unknown!",
               sum(input_tokens + cache_read_tokens + cache_write_tokens)::bigint as "input!",
               sum(cache_read_tokens)::bigint as "cache_read!", sum(cache_write_tokens)::bigint as "cache_write!",
               sum(output_tokens)::bigint as "output!", sum(reasoning_tokens)::bigint as "reasoning!",
               sum(cost_nanos)::bigint as "cost!"
           from usage_hour where tenant_id = $4 and hour >= $1 and hour < $2
           group by 1 order by sum(cost_nanos) desc, sum(requests) desc, 1 limit $5"#,
        span.since,
        span.until,
        by.map(By::as_str),
        tx.tenant().as_uuid(),
        MOST_NAMES
    )
    .fetch_all(&mut **tx)
    .await?;
    let counts = latencies(tx, span, by).await?;
    let figures = rows.into_iter().map(|row| {
        let found = counts.iter().find(|counts| counts.name == row.name);
        Figures {
            latency: found.and_then(|counts| Latency::of(&counts.latency)),
            first_token: found.and_then(|counts| Latency::of(&counts.first_token)),
            sums: Sums {
                requests: count(row.requests),
                failed: count(row.failed),
                refused: count(row.refused),
                aborted: count(row.aborted),
                cached: count(row.cached),
                cost_unknown: count(row.cost_unknown),
                input_tokens: count(row.input),
                cache_read_tokens: count(row.cache_read),
                cache_write_tokens: count(row.cache_write),
                output_tokens: count(row.output),
                reasoning_tokens: count(row.reasoning),
                cost: Usd::from_nanos(row.cost),
            },
            name: unless_nil(row.name),
        }
    });
    Ok(figures.collect())
}

/// What is promised to calls under way. A call may be promised out of several budgets, a key's and its organisation's
/// say: it is counted once, among the budgets of the kind that promise most.
pub async fn reserved(tx: &mut TenantTx) -> Result<Usd, Error> {
    let nanos = sqlx::query_scalar!(
        r#"select coalesce(max(reserved), 0)::bigint as "reserved!" from (
               select sum(l.reserved) as reserved
               from budget b join budget_lease l on l.tenant_id = b.tenant_id and l.budget_id = b.budget_id
               where b.tenant_id = $1
               group by b.period, b.project_id is null, b.agent_id is null, b.key_id is null
           ) kinds"#,
        tx.tenant().as_uuid()
    )
    .fetch_one(&mut **tx)
    .await?;
    Ok(Usd::from_nanos(nanos))
}

struct Counts {
    name: String,
    latency: Vec<i64>,
    first_token: Vec<i64>,
}

/// Of answered calls.
async fn latencies(tx: &mut TenantTx, span: Span, by: Option<By>) -> Result<Vec<Counts>, Error> {
    let rows = sqlx::query_as!(
        Counts,
        r#"select case $3 when 'model' then provider || '/' || model when 'provider' then provider
                          when 'agent' then agent_id::text when 'project' then project_id::text
                          when 'key' then key_id::text else '' end as "name!",
               array[sum(latency[1]), sum(latency[2]), sum(latency[3]), sum(latency[4]), sum(latency[5]),
                     sum(latency[6]), sum(latency[7]), sum(latency[8]), sum(latency[9]), sum(latency[10]),
                     sum(latency[11]), sum(latency[12]), sum(latency[13]), sum(latency[14]), sum(latency[15]),
                     sum(latency[16])]::bigint[] as "latency!",
               array[sum(first_token[1]), sum(first_token[2]), sum(first_token[3]), sum(first_token[4]),
                     sum(first_token[5]), sum(first_token[6]), sum(first_token[7]), sum(first_token[8]),
                     sum(first_token[9]), sum(first_token[10]), sum(first_token[11]), sum(first_token[12]),
                     sum(first_token[13]), sum(first_token[14]), sum(first_token[15]),
                     sum(first_token[16])]::bigint[] as "first_token!"
           from usage_hour where tenant_id = $4 and hour >= $1 and hour < $2 and outcome = 'answered' and provider <> ''
           group by 1 order by sum(cost_nanos) desc, sum(requests) desc, 1 limit $5"#,
        span.since,
        span.until,
        by.map(By::as_str),
        tx.tenant().as_uuid(),
        MOST_NAMES
    )
    .fetch_all(&mut **tx)
    .await?;
    Ok(rows)
}

/// What there was step by step, oldest first, for the dearest groups and for all others together.
pub async fn series(tx: &mut TenantTx, span: Span, by: Option<By>, step: Step) -> Result<Vec<Point>, Error> {
    let rows = sqlx::query!(
        r#"with rows as materialized (
               select date_trunc($3, hour, 'UTC') as at,
                      case $4 when 'model' then provider || '/' || model when 'provider' then provider
                              when 'agent' then agent_id::text when 'project' then project_id::text
                              when 'key' then key_id::text else '' end as name,
                      sum(requests) as requests,
                      sum(requests) filter (where outcome = 'failed') as failed,
                      sum(requests) filter (where outcome = 'refused') as refused,
                      sum(requests) filter (where outcome = 'aborted') as aborted,
                      sum(cached) as cached, sum(cost_unknown) as cost_unknown,
                      sum(input_tokens + cache_read_tokens + cache_write_tokens) as input,
                      sum(cache_read_tokens) as cache_read, sum(cache_write_tokens) as cache_write,
                      sum(output_tokens) as output, sum(reasoning_tokens) as reasoning, sum(cost_nanos) as cost
               from usage_hour where tenant_id = $5 and hour >= $1 and hour < $2
               group by 1, 2
           ), dearest as (
               select name from rows group by name order by sum(cost) desc, sum(requests) desc, name limit $6
           )
           select r.at as "at!", d.name as "name?", sum(requests)::bigint as "requests!",
               coalesce(sum(failed), 0)::bigint as "failed!", coalesce(sum(refused), 0)::bigint as "refused!",
               coalesce(sum(aborted), 0)::bigint as "aborted!", sum(cached)::bigint as "cached!",
               sum(cost_unknown)::bigint as "cost_unknown!", sum(input)::bigint as "input!",
               sum(cache_read)::bigint as "cache_read!", sum(cache_write)::bigint as "cache_write!",
               sum(output)::bigint as "output!", sum(reasoning)::bigint as "reasoning!", sum(cost)::bigint as "cost!"
           from rows r left join dearest d using (name) group by 1, 2 order by 1, 2"#,
        span.since,
        span.until,
        step.as_str(),
        by.map(By::as_str),
        tx.tenant().as_uuid(),
        MOST_LINES
    )
    .fetch_all(&mut **tx)
    .await?;
    let points = rows.into_iter().map(|row| Point {
        at: row.at,
        sums: Sums {
            requests: count(row.requests),
            failed: count(row.failed),
            refused: count(row.refused),
            aborted: count(row.aborted),
            cached: count(row.cached),
            cost_unknown: count(row.cost_unknown),
            input_tokens: count(row.input),
            cache_read_tokens: count(row.cache_read),
            cache_write_tokens: count(row.cache_write),
            output_tokens: count(row.output),
            reasoning_tokens: count(row.reasoning),
            cost: Usd::from_nanos(row.cost),
        },
        name: row.name.map(unless_nil),
    });
    Ok(points.collect())
}

/// Which calls are meant; `None` leaves out a condition.
#[derive(Clone, Debug, Default)]
pub struct CallFilter {
    pub since: Option<DateTime<Utc>>,
    pub until: Option<DateTime<Utc>>,
    pub provider: Option<String>,
    pub model: Option<String>,
    pub outcome: Option<Outcome>,
    pub agent: Option<AgentId>,
    pub project: Option<ProjectId>,
    pub key: Option<VirtualKeyId>,
    pub conversation: Option<ConversationId>,
}

/// A call as it stands in the log. The nil id stands for none.
#[derive(Clone, Debug)]
pub struct CallView {
    pub id: Uuid,
    pub at: DateTime<Utc>,
    pub key: Uuid,
    pub project: Uuid,
    pub agent: Uuid,
    pub conversation: Uuid,
    pub protocol: String,
    pub group: String,
    pub provider: String,
    pub model: String,
    pub outcome: String,
    pub error: Option<String>,
    /// Read afresh.
    pub input: Option<i64>,
    pub cache_read: Option<i64>,
    pub cache_write: Option<i64>,
    pub output: Option<i64>,
    pub reasoning: Option<i64>,
    pub cost: Option<i64>,
    pub took_ms: i32,
    pub first_token_ms: Option<i32>,
    pub attempts: i32,
    pub streamed: bool,
    pub cached: bool,
}

/// The log's calls, newest first; what is older than `oldest` is not shown any more.
pub async fn list_calls(
    tx: &mut TenantTx,
    filter: &CallFilter,
    oldest: NaiveDate,
    page: PageRequest,
) -> Result<Page<CallView>, Error> {
    let since = filter.since.map_or(oldest, |since| since.date_naive().max(oldest));
    let until = filter.until.map(|until| until.date_naive()).unwrap_or(NaiveDate::MAX - Days::new(400_000));
    let rows = sqlx::query_as!(
        CallView,
        r#"select call_id as id, at, key_id as key, project_id as project, agent_id as agent,
               conversation_id as conversation, protocol, model_group as "group", provider, model, outcome, error,
               input_tokens as input, cache_read_tokens as cache_read, cache_write_tokens as cache_write,
               output_tokens as output, reasoning_tokens as reasoning, cost_nanos as cost, took_ms, first_token_ms,
               attempts, streamed, cached
           from model_call
           where tenant_id = $1 and day >= $2 and day <= $3
             and ($4::timestamptz is null or at >= $4) and ($5::timestamptz is null or at < $5)
             and ($6::text is null or provider = $6) and ($7::text is null or model = $7)
             and ($8::text is null or outcome = $8) and ($9::uuid is null or agent_id = $9)
             and ($10::uuid is null or project_id = $10) and ($11::uuid is null or key_id = $11)
             and ($12::uuid is null or conversation_id = $12)
             and ($13::date is null or (day, call_id) < ($13, $14))
           order by day desc, call_id desc limit $15"#,
        tx.tenant().as_uuid(),
        since,
        until,
        filter.since,
        filter.until,
        filter.provider,
        filter.model,
        filter.outcome.map(Outcome::as_str),
        filter.agent.map(Uuid::from),
        filter.project.map(Uuid::from),
        filter.key.map(Uuid::from),
        filter.conversation.map(Uuid::from),
        page.after.map(|after| after.at.date_naive()),
        page.after.map(|after| after.id),
        page.fetch()
    )
    .fetch_all(&mut **tx)
    .await?;
    Ok(Page::cut(rows, &page, |call| Cursor { at: call.at, id: call.id }))
}

/// One call of the log. Its id tells about when it was made, so that few days are looked through.
pub async fn find_call(tx: &mut TenantTx, id: ModelCallId, oldest: NaiveDate) -> Result<CallView, Error> {
    let missing = Error::NotFound("model call");
    let Some(made) = made_at(id) else { return Err(missing) };
    let (from, to) = (made.date_naive() - Days::new(1), made.date_naive() + Days::new(1));
    let found = sqlx::query_as!(
        CallView,
        r#"select call_id as id, at, key_id as key, project_id as project, agent_id as agent,
               conversation_id as conversation, protocol, model_group as "group", provider, model, outcome, error,
               input_tokens as input, cache_read_tokens as cache_read, cache_write_tokens as cache_write,
               output_tokens as output, reasoning_tokens as reasoning, cost_nanos as cost, took_ms, first_token_ms,
               attempts, streamed, cached
           from model_call where tenant_id = $1 and day >= $2 and day <= $3 and call_id = $4"#,
        tx.tenant().as_uuid(),
        from.max(oldest),
        to,
        id.as_uuid()
    )
    .fetch_optional(&mut **tx)
    .await?;
    found.ok_or(missing)
}

/// UUIDv7 begins with the time.
fn made_at(id: ModelCallId) -> Option<DateTime<Utc>> {
    let (seconds, nanos) = id.as_uuid().get_timestamp()?.to_unix();
    // Further away lies no day that could be counted from.
    DateTime::from_timestamp(i64::try_from(seconds).ok()?, nanos).filter(|at| at.timestamp() < 1 << 36)
}

impl Latency {
    /// `None` where nothing was counted.
    fn of(counts: &[i64]) -> Option<Self> {
        let all: u64 = counts.iter().map(|n| count(*n)).sum();
        (all > 0).then(|| Self {
            p50: quantile(counts, all, 50),
            p95: quantile(counts, all, 95),
            p99: quantile(counts, all, 99),
        })
    }
}

/// Where the `percent`th of a hundred lies, taking those of a bucket to be spread evenly over it.
fn quantile(counts: &[i64], all: u64, percent: u64) -> u64 {
    let rank = (all * percent).div_ceil(100).max(1);
    let mut before = 0;
    for (at, here) in counts.iter().map(|n| count(*n)).enumerate().take(BUCKETS) {
        if before + here >= rank {
            let (from, to) = (if at == 0 { 0 } else { FIRST_BUCKET << (at - 1) }, FIRST_BUCKET << at);
            return from + (to - from) * (rank - before) / here;
        }
        before += here;
    }
    FIRST_BUCKET << (BUCKETS - 1)
}

fn unless_nil(name: String) -> String {
    if name == Uuid::nil().to_string() { String::new() } else { name }
}

fn count(stored: i64) -> u64 {
    u64::try_from(stored).unwrap_or(0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn quantiles_lie_within_their_bucket() {
        let mut counts = [0; BUCKETS];
        assert_eq!(Latency::of(&counts), None);
        counts[0] = 100;
        assert_eq!(Latency::of(&counts), Some(Latency { p50: 12, p95: 23, p99: 24 }));
        counts[4] = 100;
        assert_eq!(Latency::of(&counts), Some(Latency { p50: 25, p95: 380, p99: 396 }));
        counts = [0; BUCKETS];
        counts[BUCKETS - 1] = 1;
        assert_eq!(Latency::of(&counts).unwrap().p50, 25 << 15);
    }

    #[test]
    fn an_id_tells_when_it_was_made() {
        let made = made_at(ModelCallId::new()).unwrap();
        assert!((kernel::Clock::system().now() - made).num_seconds().abs() < 60);
        assert_eq!(made_at(Uuid::nil().into()), None);
    }
}
