//! The log on a real PostgreSQL.

use std::time::Duration;

use db::Db;
use kernel::{Clock, Cursor, ModelCallId, PageRequest, ProjectId, TenantId, VirtualKeyId};
use sqlx::Connection as _;
use tenancy::Actor;
use testkit::TestDb;

use super::*;
use crate::account::Account;
use crate::model::TokenUsage;
use crate::usd::Usd;

struct House {
    database: TestDb,
    db: Db,
    acme: TenantId,
}

impl House {
    async fn new() -> Self {
        let database = TestDb::new().await;
        let db = database.connect().await;
        let acme = organisation(&db, "acme").await;
        Self { database, db, acme }
    }

    /// As the database's superuser.
    async fn count(&self, sql: &'static str) -> i64 {
        let mut conn = sqlx::PgConnection::connect_with(&self.database.admin()).await.unwrap();
        sqlx::query_scalar(sql).fetch_one(&mut conn).await.unwrap()
    }

    async fn execute(&self, sql: &'static str) {
        let mut conn = sqlx::PgConnection::connect_with(&self.database.admin()).await.unwrap();
        sqlx::raw_sql(sql).execute(&mut conn).await.unwrap();
    }

    fn call(&self) -> ModelCall {
        ModelCall {
            id: ModelCallId::new(),
            at: Clock::system().now(),
            account: Account::of(self.acme),
            protocol: Protocol::OpenaiChat,
            group: Some("quality".into()),
            provider: "openai".into(),
            model: "gpt-5.4".into(),
            outcome: Outcome::Answered,
            usage: Some(TokenUsage { input: 10, cache_read: 5, output: 7, reasoning: 2, ..TokenUsage::default() }),
            cost: Some(Usd::from_nanos(1_500)),
            took: Duration::from_millis(300),
            first_token: Some(Duration::from_millis(90)),
            attempts: 1,
            streamed: true,
            cached: false,
            error: None,
        }
    }
}

async fn organisation(db: &Db, name: &str) -> TenantId {
    let mut tx = db.system("test").await.unwrap();
    let made = tenancy::organisations::create(&mut tx, &Actor::System, name, name).await.unwrap();
    tx.commit().await.unwrap();
    made.id
}

const LOGGED: &str = "select count(*) from model_call";
const SUMMED: &str = "select coalesce(sum(requests), 0)::bigint from usage_hour";

#[tokio::test]
async fn calls_and_their_sums_agree() {
    let house = House::new().await;
    let log = UsageLog::start(house.db.clone());
    let key = Account { key: Some(VirtualKeyId::new()), project: Some(ProjectId::new()), ..Account::of(house.acme) };
    for n in 0..100_u64 {
        let account = if n % 2 == 0 { key } else { Account::of(house.acme) };
        let cost = if n % 10 == 0 { None } else { house.call().cost };
        log.record(ModelCall { account, cost, ..house.call() });
    }
    log.flush_now().await.unwrap();
    for (call, sum) in [
        (LOGGED, SUMMED),
        ("select sum(input_tokens)::bigint from model_call", "select sum(input_tokens)::bigint from usage_hour"),
        ("select sum(cost_nanos)::bigint from model_call", "select sum(cost_nanos)::bigint from usage_hour"),
        (
            "select count(*) from model_call where cost_nanos is null",
            "select sum(cost_unknown)::bigint from usage_hour",
        ),
        (LOGGED, "select sum(n)::bigint from usage_hour, unnest(latency) n"),
        (LOGGED, "select sum(first_token[3])::bigint from usage_hour"),
    ] {
        assert_eq!(house.count(call).await, house.count(sum).await, "{sum}");
    }
    assert_eq!((house.count(LOGGED).await, log.dropped()), (100, 0));
}

#[tokio::test]
async fn what_is_written_again_after_a_doubt_counts_once() {
    let house = House::new().await;
    let mut writer = write::Writer::new(house.db.clone());
    let batch = log::Batch::of(vec![house.call(), house.call()]);
    // The answer to the first commit is lost: it is written again.
    writer.write(&batch).await.unwrap();
    writer.write(&batch).await.unwrap();
    assert_eq!((house.count(LOGGED).await, house.count(SUMMED).await), (2, 2));
    writer.done();
    writer.write(&log::Batch::of(vec![house.call()])).await.unwrap();
    assert_eq!((house.count(LOGGED).await, house.count(SUMMED).await), (3, 3));
}

#[tokio::test]
async fn while_the_database_takes_nothing_details_are_left_out_and_counted_but_sums_are_kept() {
    let house = House::new().await;
    house.execute("revoke insert on usage_flush from konstruct_system").await;
    let log = UsageLog::start(house.db.clone());
    log.record(house.call());
    assert!(log.flush_now().await.is_err(), "whoever waits is told");
    for _ in 0..20_000 {
        log.record(house.call());
    }
    assert!(log.dropped() > 0);
    house.execute("grant insert on usage_flush to konstruct_system").await;
    while log.flush_now().await.is_err() {}
    assert_eq!(house.count(SUMMED).await, 20_001);
    let dropped = i64::try_from(log.dropped()).unwrap();
    assert_eq!(house.count(LOGGED).await + dropped, 20_001);
}

#[tokio::test]
async fn calls_of_an_organisation_that_is_gone_keep_nobody_elses_from_the_log() {
    let house = House::new().await;
    let log = UsageLog::start(house.db.clone());
    log.record(ModelCall { account: Account::of(TenantId::new()), ..house.call() });
    log.record(ModelCall { error: Some("a NUL \0".into()), outcome: Outcome::Failed, ..house.call() });
    log.flush_now().await.unwrap();
    assert_eq!((house.count(LOGGED).await, house.count(SUMMED).await), (1, 1));
}

#[tokio::test]
async fn a_call_of_any_day_finds_its_partition() {
    let house = House::new().await;
    let log = UsageLog::start(house.db.clone());
    let days = [0, 9, 400].map(|ago| Clock::system().now() - chrono::TimeDelta::days(ago));
    days.iter().for_each(|at| log.record(ModelCall { at: *at, ..house.call() }));
    log.flush_now().await.unwrap();
    assert_eq!(house.count("select count(distinct tableoid) from model_call").await, 3);
}

#[tokio::test]
async fn sums_are_read_by_what_they_are_grouped_by_and_step_by_step() {
    let house = House::new().await;
    let log = UsageLog::start(house.db.clone());
    let at: chrono::DateTime<chrono::Utc> = "2026-11-18T10:30:00Z".parse().unwrap();
    for hour in 0..30 {
        let at = at + chrono::TimeDelta::hours(hour);
        log.record(ModelCall { at, ..house.call() });
        log.record(ModelCall { at, provider: "ollama".into(), cost: Some(Usd::ZERO), ..house.call() });
    }
    log.record(ModelCall { at, outcome: Outcome::Refused, usage: None, cost: None, ..house.call() });
    log.flush_now().await.unwrap();

    let span = Span { since: "2026-11-18T11:00:00Z".parse().unwrap(), until: "2026-11-20T00:00:00Z".parse().unwrap() };
    let mut tx = house.db.tenant(house.acme).await.unwrap();
    let by_model = spent(&mut tx, span, Some(By::Model)).await.unwrap().groups;
    let names: Vec<_> = by_model.iter().map(|one| (one.name.as_str(), one.sums.requests)).collect();
    assert_eq!(names, [("openai/gpt-5.4", 29), ("ollama/gpt-5.4", 29)]);
    assert_eq!((by_model[0].sums.input_tokens, by_model[0].sums.cost), (29 * 15, Usd::from_nanos(29 * 1500)));
    let latency = by_model[0].latency.unwrap();
    assert!((200..=400).contains(&latency.p50) && latency.p99 <= 400, "{latency:?}");

    let whole = Span { since: "2026-11-01T00:00:00Z".parse().unwrap(), ..span };
    let all = spent(&mut tx, whole, None).await.unwrap();
    assert_eq!((all.total.sums.requests, all.total.sums.refused, all.total.sums.cost_unknown), (61, 1, 1));
    assert!(all.groups.is_empty());
    let days = series(&mut tx, whole, Some(By::Provider), Step::Day).await.unwrap();
    let days: Vec<_> = days
        .iter()
        .map(|point| (point.at.date_naive().to_string(), point.name.as_deref(), point.sums.requests))
        .collect();
    let day = |day: &str, provider, requests| (format!("2026-11-{day}"), Some(provider), requests);
    assert_eq!(
        days,
        [day("18", "ollama", 14), day("18", "openai", 15), day("19", "ollama", 16), day("19", "openai", 16)]
    );
    assert_eq!(series(&mut tx, whole, None, Step::Hour).await.unwrap().len(), 30);
}

#[tokio::test]
async fn a_day_comes_to_what_its_hours_come_to() {
    let house = House::new().await;
    let log = UsageLog::start(house.db.clone());
    let at: chrono::DateTime<chrono::Utc> = "2026-11-18T20:15:00Z".parse().unwrap();
    for n in 0..60_u32 {
        let provider = if n % 3 == 0 { "ollama" } else { "openai" }.to_owned();
        let outcome = if n % 4 == 0 { Outcome::Failed } else { Outcome::Answered };
        let at = at + chrono::TimeDelta::minutes(i64::from(n * 50));
        let (cost, took) = ((n % 7 != 0).then(|| Usd::from_nanos(n.into())), Duration::from_millis((n * n).into()));
        log.record(ModelCall { at, provider, outcome, cost, took, cached: n % 5 == 0, ..house.call() });
        if n % 20 == 0 {
            log.flush_now().await.unwrap();
        }
    }
    log.flush_now().await.unwrap();
    assert_eq!(house.count("select count(distinct begins) from usage_day").await, 3);
    let differing = "
        with hours as (
            select date_trunc('day', begins, 'UTC') as begins, provider, outcome, sum(requests) as requests,
                sum(cost_unknown) as cost_unknown, sum(cached) as cached, sum(input_tokens) as input,
                sum(cache_read_tokens) as cache_read, sum(output_tokens) as output, sum(reasoning_tokens) as reasoning,
                sum(cost_nanos) as cost, sum(took_ms) as took, sum((select sum(n * i) from unnest(latency)
                with ordinality t (n, i))) as latency, sum(first_token[3]) as first_token
            from usage_hour group by 1, 2, 3
        ), days as (
            select begins, provider, outcome, requests, cost_unknown, cached, input_tokens, cache_read_tokens,
                output_tokens, reasoning_tokens, cost_nanos, took_ms,
                (select sum(n * i) from unnest(latency) with ordinality t (n, i)), first_token[3]
            from usage_day
        )
        select count(*) from ((table hours except table days) union all (table days except table hours)) t";
    assert_eq!(house.count(differing).await, 0);

    // Whole days are read from days, the hours before and after them from hours: none twice, none left out.
    let mut tx = house.db.tenant(house.acme).await.unwrap();
    for (since, until) in [
        ("2026-11-18T00:00:00Z", "2026-11-21T00:00:00Z"),
        ("2026-11-18T21:00:00Z", "2026-11-20T07:00:00Z"),
        ("2026-11-18T20:30:00Z", "2026-11-20T06:30:00Z"),
        ("2026-11-19T01:00:00Z", "2026-11-19T05:00:00Z"),
        ("1970-01-01T00:00:00Z", "3000-01-01T00:00:00Z"),
    ] {
        let span = Span { since: since.parse().unwrap(), until: until.parse().unwrap() };
        let all = spent(&mut tx, span, None).await.unwrap().total.sums;
        for step in [Step::Day, Step::Hour] {
            let points = series(&mut tx, span, None, step).await.unwrap();
            let told = |figure: fn(&Sums) -> u64| points.iter().map(|point| figure(&point.sums)).sum::<u64>();
            assert_eq!(told(|sums| sums.requests), all.requests, "{since} to {until} by {step:?}");
            assert_eq!(told(|sums| sums.failed), all.failed, "{since} to {until} by {step:?}");
        }
    }
}

#[tokio::test]
async fn the_log_is_read_page_by_page_newest_first_and_a_call_by_its_id() {
    let house = House::new().await;
    let log = UsageLog::start(house.db.clone());
    let failed = ModelCall { outcome: Outcome::Failed, error: Some("no".into()), ..house.call() };
    log.record(failed.clone());
    (0..5).for_each(|_| log.record(house.call()));
    log.flush_now().await.unwrap();

    let mut tx = house.db.tenant(house.acme).await.unwrap();
    let oldest = oldest_day(&mut tx, 90, Clock::system().now()).await.unwrap();
    let mut seen = Vec::new();
    let mut after = None;
    loop {
        let page = PageRequest::new(after, Some(4));
        let page = list_calls(&mut tx, &CallFilter::default(), oldest, page).await.unwrap();
        seen.extend(page.items.iter().map(|call| call.id));
        let Some(next) = page.next else { break };
        after = Cursor::decode(&next);
    }
    assert_eq!(seen.len(), 6);
    assert!(seen.is_sorted_by(|a, b| a > b));
    let wanted = CallFilter { outcome: Some(Outcome::Failed), ..CallFilter::default() };
    let page = list_calls(&mut tx, &wanted, oldest, PageRequest::new(None, None)).await.unwrap();
    assert_eq!(page.items.len(), 1);
    let found = find_call(&mut tx, failed.id, oldest).await.unwrap();
    assert_eq!((found.error.as_deref(), found.cost), (Some("no"), Some(1_500)));
    assert!(find_call(&mut tx, ModelCallId::new(), oldest).await.is_err());

    let other = organisation(&house.db, "other").await;
    let mut tx = house.db.tenant(other).await.unwrap();
    assert!(find_call(&mut tx, failed.id, oldest).await.is_err(), "it is another organisation's");
}

#[tokio::test]
async fn old_days_go_and_an_organisation_may_keep_its_log_for_a_shorter_time() {
    let house = House::new().await;
    let other = organisation(&house.db, "other").await;
    let log = UsageLog::start(house.db.clone());
    let now = Clock::system().now();
    for ago in [0, 5, 40, 100] {
        let at = now - chrono::TimeDelta::days(ago);
        log.record(ModelCall { at, ..house.call() });
        log.record(ModelCall { at, account: Account::of(other), ..house.call() });
    }
    log.flush_now().await.unwrap();
    let mut tx = house.db.tenant(house.acme).await.unwrap();
    assert!(set_keep_days(&mut tx, Some(0)).await.is_err());
    set_keep_days(&mut tx, Some(30)).await.unwrap();
    assert_eq!(oldest_day(&mut tx, 90, now).await.unwrap(), (now - chrono::TimeDelta::days(30)).date_naive());
    tx.commit().await.unwrap();

    retain(&house.db, 90, now).await.unwrap();
    let days = "select count(*) from model_call group by tenant_id order by 1";
    assert_eq!(house.count(days).await, 2, "acme's");
    assert_eq!(house.count(LOGGED).await, 5);
    assert_eq!(house.count(SUMMED).await, 8, "sums stay");
}
