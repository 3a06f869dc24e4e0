//! The log on a real PostgreSQL.

use std::time::Duration;

use db::Db;
use kernel::{Clock, ModelCallId, ProjectId, TenantId, VirtualKeyId};
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
