//! Reading sums and calls, within one organisation.

use chrono::{DateTime, Days, NaiveDate, NaiveTime, Utc};
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
#[derive(Clone, Debug, Default)]
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

/// What calls came to: all together, and by what they are grouped by, the dearest first.
#[derive(Clone, Debug, Default)]
pub struct Spent {
    pub total: Figures,
    pub groups: Vec<Figures>,
}

/// A span, cut where days begin and end.
struct Cut {
    since: DateTime<Utc>,
    /// From here on whole days are read,
    first: DateTime<Utc>,
    /// until here. What is before and after is read from hours.
    last: DateTime<Utc>,
    until: DateTime<Utc>,
}

impl Span {
    /// Into whole days and the hours at both ends.
    fn cut(self) -> Cut {
        let last = midnight(self.until);
        let first = Some(midnight(self.since)).filter(|at| *at == self.since);
        let first = first.or_else(|| midnight(self.since).checked_add_days(Days::new(1)));
        match first {
            Some(first) if first < last => Cut { first, last, ..self.uncut() },
            _ => self.uncut(),
        }
    }

    /// Into hours alone.
    fn uncut(self) -> Cut {
        Cut { since: self.since, first: self.until, last: self.until, until: self.until }
    }
}

/// Of the day that `at` lies in.
fn midnight(at: DateTime<Utc>) -> DateTime<Utc> {
    at.date_naive().and_time(NaiveTime::MIN).and_utc()
}

/// A row of figures; the one without a name is all others' sum.
struct Told {
    name: Option<String>,
    requests: i64,
    failed: i64,
    refused: i64,
    aborted: i64,
    cached: i64,
    cost_unknown: i64,
    input: i64,
    cache_read: i64,
    cache_write: i64,
    output: i64,
    reasoning: i64,
    cost: i64,
    latency: Vec<Option<i64>>,
    first_token: Vec<Option<i64>>,
}

impl From<Told> for Figures {
    fn from(told: Told) -> Self {
        Self {
            name: told.name.map(unless_nil).unwrap_or_default(),
            latency: Latency::of(&told.latency),
            first_token: Latency::of(&told.first_token),
            sums: Sums {
                requests: count(told.requests),
                failed: count(told.failed),
                refused: count(told.refused),
                aborted: count(told.aborted),
                cached: count(told.cached),
                cost_unknown: count(told.cost_unknown),
                input_tokens: count(told.input),
                cache_read_tokens: count(told.cache_read),
                cache_write_tokens: count(told.cache_write),
                output_tokens: count(told.output),
                reasoning_tokens: count(told.reasoning),
                cost: Usd::from_nanos(told.cost),
            },
        }
    }
}

/// Without `by`, no groups are told.
pub async fn spent(tx: &mut TenantTx, span: Span, by: Option<By>) -> Result<Spent, Error> {
    let cut = span.cut();
    let rows = sqlx::query_as!(
        Told,
        r#"with sums as (
               select * from usage_day where tenant_id = $1 and begins >= $3 and begins < $4
               union all
               select * from usage_hour where tenant_id = $1 and begins >= $2 and begins < $3
               union all
               select * from usage_hour where tenant_id = $1 and begins >= $4 and begins < $5
           ), named as (
               select case $6 when 'model' then provider || '/' || model when 'provider' then provider
                              when 'agent' then agent_id::text when 'project' then project_id::text
                              when 'key' then key_id::text else '' end as name,
                   outcome = 'answered' and provider <> '' as timed, *
               from sums
           )
           select name as "name?", sum(requests)::bigint as "requests!",
               coalesce(sum(requests) filter (where outcome = 'failed'), 0)::bigint as "failed!",
               coalesce(sum(requests) filter (where outcome = 'refused'), 0)::bigint as "refused!",
               coalesce(sum(requests) filter (where outcome = 'aborted'), 0)::bigint as "aborted!",
               sum(cached)::bigint as "cached!", sum(cost_unknown)::bigint as "cost_unknown!",
               sum(input_tokens + cache_read_tokens + cache_write_tokens)::bigint as "input!",
               sum(cache_read_tokens)::bigint as "cache_read!", sum(cache_write_tokens)::bigint as "cache_write!",
               sum(output_tokens)::bigint as "output!", sum(reasoning_tokens)::bigint as "reasoning!",
               sum(cost_nanos)::bigint as "cost!",
               array[sum(latency[1]) filter (where timed), sum(latency[2]) filter (where timed),
                     sum(latency[3]) filter (where timed), sum(latency[4]) filter (where timed),
                     sum(latency[5]) filter (where timed), sum(latency[6]) filter (where timed),
                     sum(latency[7]) filter (where timed), sum(latency[8]) filter (where timed),
                     sum(latency[9]) filter (where timed), sum(latency[10]) filter (where timed),
                     sum(latency[11]) filter (where timed), sum(latency[12]) filter (where timed),
                     sum(latency[13]) filter (where timed), sum(latency[14]) filter (where timed),
                     sum(latency[15]) filter (where timed), sum(latency[16]) filter (where timed)]::bigint[]
                   as "latency!: Vec<Option<i64>>",
               array[sum(first_token[1]) filter (where timed), sum(first_token[2]) filter (where timed),
                     sum(first_token[3]) filter (where timed), sum(first_token[4]) filter (where timed),
                     sum(first_token[5]) filter (where timed), sum(first_token[6]) filter (where timed),
                     sum(first_token[7]) filter (where timed), sum(first_token[8]) filter (where timed),
                     sum(first_token[9]) filter (where timed), sum(first_token[10]) filter (where timed),
                     sum(first_token[11]) filter (where timed), sum(first_token[12]) filter (where timed),
                     sum(first_token[13]) filter (where timed), sum(first_token[14]) filter (where timed),
                     sum(first_token[15]) filter (where timed), sum(first_token[16]) filter (where timed)]::bigint[]
                   as "first_token!: Vec<Option<i64>>"
           from named group by grouping sets ((name), ()) having count(*) > 0
           order by name is not null, sum(cost_nanos) desc, sum(requests) desc, name limit $7"#,
        tx.tenant().as_uuid(),
        cut.since,
        cut.first,
        cut.last,
        cut.until,
        by.map(By::as_str),
        MOST_NAMES + 1
    )
    .fetch_all(&mut **tx)
    .await?;
    let mut spent = Spent::default();
    for told in rows {
        match told.name {
            None => spent.total = told.into(),
            Some(_) if by.is_some() => spent.groups.push(told.into()),
            Some(_) => (),
        }
    }
    Ok(spent)
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

/// What there was step by step, oldest first, for the dearest groups and for all others together.
pub async fn series(tx: &mut TenantTx, span: Span, by: Option<By>, step: Step) -> Result<Vec<Point>, Error> {
    let cut = match step {
        Step::Hour => span.uncut(),
        Step::Day => span.cut(),
    };
    let rows = sqlx::query!(
        r#"with sums as (
               select * from usage_day where tenant_id = $1 and begins >= $3 and begins < $4
               union all
               select * from usage_hour where tenant_id = $1 and begins >= $2 and begins < $3
               union all
               select * from usage_hour where tenant_id = $1 and begins >= $4 and begins < $5
           ), rows as materialized (
               select date_trunc($6, begins, 'UTC') as at,
                      case $7 when 'model' then provider || '/' || model when 'provider' then provider
                              when 'agent' then agent_id::text when 'project' then project_id::text
                              when 'key' then key_id::text else '' end as name,
                      sum(requests)::bigint as requests,
                      (sum(requests) filter (where outcome = 'failed'))::bigint as failed,
                      (sum(requests) filter (where outcome = 'refused'))::bigint as refused,
                      (sum(requests) filter (where outcome = 'aborted'))::bigint as aborted,
                      sum(cached)::bigint as cached, sum(cost_unknown)::bigint as cost_unknown,
                      sum(input_tokens + cache_read_tokens + cache_write_tokens)::bigint as input,
                      sum(cache_read_tokens)::bigint as cache_read, sum(cache_write_tokens)::bigint as cache_write,
                      sum(output_tokens)::bigint as output, sum(reasoning_tokens)::bigint as reasoning,
                      sum(cost_nanos)::bigint as cost
               from sums group by 1, 2
           ), dearest as (
               select name from rows group by name order by sum(cost) desc, sum(requests) desc, name limit $8
           )
           select r.at as "at!", d.name as "name?", sum(requests)::bigint as "requests!",
               coalesce(sum(failed), 0)::bigint as "failed!", coalesce(sum(refused), 0)::bigint as "refused!",
               coalesce(sum(aborted), 0)::bigint as "aborted!", sum(cached)::bigint as "cached!",
               sum(cost_unknown)::bigint as "cost_unknown!", sum(input)::bigint as "input!",
               sum(cache_read)::bigint as "cache_read!", sum(cache_write)::bigint as "cache_write!",
               sum(output)::bigint as "output!", sum(reasoning)::bigint as "reasoning!", sum(cost)::bigint as "cost!"
           from rows r left join dearest d using (name) group by 1, 2 order by 1, 2"#,
        tx.tenant().as_uuid(),
        cut.since,
        cut.first,
        cut.last,
        cut.until,
        step.as_str(),
        by.map(By::as_str),
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
    fn of(counts: &[Option<i64>]) -> Option<Self> {
        let counts: Vec<_> = counts.iter().map(|n| count(n.unwrap_or_default())).collect();
        let all = counts.iter().sum();
        (all > 0).then(|| Self {
            p50: quantile(&counts, all, 50),
            p95: quantile(&counts, all, 95),
            p99: quantile(&counts, all, 99),
        })
    }
}

/// Where the `percent`th of a hundred lies, taking those of a bucket to be spread evenly over it.
fn quantile(counts: &[u64], all: u64, percent: u64) -> u64 {
    let rank = (all * percent).div_ceil(100).max(1);
    let mut before = 0;
    for (at, here) in counts.iter().copied().enumerate().take(BUCKETS) {
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
        let mut counts = [None; BUCKETS];
        assert_eq!(Latency::of(&counts), None);
        counts[0] = Some(100);
        assert_eq!(Latency::of(&counts), Some(Latency { p50: 12, p95: 23, p99: 24 }));
        counts[4] = Some(100);
        assert_eq!(Latency::of(&counts), Some(Latency { p50: 25, p95: 380, p99: 396 }));
        counts = [None; BUCKETS];
        counts[BUCKETS - 1] = Some(1);
        assert_eq!(Latency::of(&counts).unwrap().p50, 25 << 15);
    }

    #[test]
    fn an_id_tells_when_it_was_made() {
        let made = made_at(ModelCallId::new()).unwrap();
        assert!((kernel::Clock::system().now() - made).num_seconds().abs() < 60);
        assert_eq!(made_at(Uuid::nil().into()), None);
    }
}
