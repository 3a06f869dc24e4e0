//! `usage`: how long the portal's spend page waits over millions of logged calls, and what dropping a day takes.

use std::path::Path;
use std::time::{Duration, Instant};

use anyhow::{Context as _, Result, ensure};
use serde_json::{Value, json};
use sqlx::{AssertSqlSafe, Connection as _, PgConnection, Row as _};

use crate::load::{Wire, post};
use crate::options::Options;
use crate::product::{OWNER, PASSWORD, Product};
use crate::raw::postgres_version;
use crate::report::{Report, median, rounded, say};

const KNOWN: [(&str, u64); 4] = [("rows", 10_000_000), ("days", 90), ("organisations", 50), ("rounds", 7)];
const NOWHERE: &str = "http://127.0.0.1:9/";
/// What the spend page may take, and a day's retention.
const PAGE_MS: f64 = 200.0;
const DAY_MS: f64 = 1000.0;

pub(crate) async fn run(words: Vec<String>, binary: &Path) -> Result<()> {
    let options = Options::parse(words, &KNOWN)?;
    let mut report = Report::new("usage", &options);
    let product = Product::start(binary, None).await?;
    product.furnish(NOWHERE, NOWHERE)?;
    let others = (1..options.get("organisations")).map(|n| format!("kind: Organisation\nname: other-{n}\n"));
    product.apply(&others.collect::<Vec<_>>().join("---\n"))?;
    let mut admin = PgConnection::connect_with(&product.database("postgres")).await?;
    let (calls, sums) = fill(&mut admin, &options).await?;
    report.look();

    let mut page = Page::open(&product).await?;
    let mut figures = Vec::new();
    for (what, path) in page.questions().await? {
        let mut took = Vec::new();
        for _ in 0..options.get("rounds") {
            took.push(page.ask(&path).await?.0.as_secs_f64() * 1000.0);
        }
        let (middle, longest) = (median(&took), took.iter().copied().fold(0.0, f64::max));
        say(&format!("{what}: {middle:.1} ms, longest {longest:.1} ms"));
        report.row(&what, format!("{middle:.1} ms"), &format!("longest {longest:.1}; aim: < {PAGE_MS} ms"));
        figures.push(json!({"question": what, "median_ms": rounded(middle), "longest_ms": rounded(longest)}));
    }
    let dropped = drop_oldest_day(&product, &mut admin).await?.as_secs_f64() * 1000.0;
    report.row("a day's calls dropped", format!("{dropped:.0} ms"), &format!("aim: < {DAY_MS} ms"));
    report.row("rows of the log, and of sums", format!("{calls}, {sums}"), "a fifth of them the asking organisation's");
    report.set("postgresql", postgres_version(&product).await?.into());
    report.set("settings", options.all());
    report.set("aims", json!({"page_ms": PAGE_MS, "day_ms": DAY_MS}));
    report.set("figures", json!({"calls": calls, "sums": sums, "page": figures, "day_dropped_ms": rounded(dropped)}));
    admin.close().await?;
    report.finish()
}

/// Makes up the log, a day at a time, and sums it: a fifth of all calls are acme's. Answers how many rows there are.
async fn fill(admin: &mut PgConnection, options: &Options) -> Result<(i64, i64)> {
    let (days, rows) = (options.get("days"), options.get("rows"));
    sqlx::raw_sql(
        "create temp table tenants as
             select tenant_id, row_number() over (order by name) - 1 as place from organisation where name <> 'acme';
         create temp table acme as select tenant_id from organisation where name = 'acme'",
    )
    .execute(&mut *admin)
    .await?;
    let begun = Instant::now();
    for ago in 0..days {
        sqlx::raw_sql(AssertSqlSafe(DAY.replace("AGO", &ago.to_string()).replace("ROWS", &(rows / days).to_string())))
            .execute(&mut *admin)
            .await
            .with_context(|| format!("the day {ago} days ago"))?;
        if ago % 10 == 9 {
            say(&format!("{} days filled in {:.0} s", ago + 1, begun.elapsed().as_secs_f64()));
        }
    }
    // What PostgreSQL does by itself in an installation, where rows do not come all at once.
    for table in ["model_call", "usage_hour", "usage_day"] {
        sqlx::raw_sql(AssertSqlSafe(format!("vacuum analyze {table}"))).execute(&mut *admin).await?;
    }
    let count = "select (select count(*) from model_call), (select count(*) from usage_hour)";
    let row = sqlx::query(count).fetch_one(&mut *admin).await?;
    Ok((row.try_get(0)?, row.try_get(1)?))
}

/// Half of the calls are made with one of four keys, half by one of eight agents in one of three projects; each calls one
/// of three models, and one of fifty fails.
const DAY: &str = "
    select make_partition('model_call', current_date - AGO, current_date - AGO + 1);
    insert into model_call
    select coalesce(t.tenant_id, (select tenant_id from acme)), (at at time zone 'UTC')::date,
           (lpad(to_hex((extract(epoch from at) * 1000)::bigint), 12, '0') || '7' || substr(h, 1, 3) || '8'
            || substr(h, 4, 15))::uuid,
           at, lpad(k.key::text, 32, '0')::uuid, lpad(k.project::text, 32, '0')::uuid, lpad(k.agent::text, 32, '0')::uuid,
           h::uuid, case when k.agent = 0 then 'openai-chat' else 'internal' end, 'quality',
           'provider-' || (n / 7 % 3), 'model-' || (n / 7 % 3), case n % 50 when 0 then 'failed' else 'answered' end,
           case n % 50 when 0 then 'no model answered' end, n % 4000, n % 1000, 0, n % 700, 0, n % 90000, n % 9000,
           n % 900, 1, true, false
    from (select n, md5(n::text || AGO) as h,
                 (current_date - AGO)::timestamp at time zone 'UTC' + n * interval '1 day' / ROWS as at
          from generate_series(0, ROWS - 1) as n) as g
    cross join lateral (select case when n % 2 = 0 then 1 + n / 2 % 4 else 0 end as key,
                               case when n % 2 = 1 then 1 + n / 2 % 8 else 0 end as agent,
                               case when n % 2 = 1 then 1 + n / 2 % 8 % 3 else 0 end as project) as k
    left join tenants t on n % 5 <> 0 and t.place = n % (select greatest(count(*), 1) from tenants);
    insert into usage_hour
    select tenant_id, date_trunc('hour', at), key_id, project_id, agent_id, provider, model, outcome, count(*), 0, 0,
           sum(input_tokens), sum(cache_read_tokens), 0, sum(output_tokens), 0, sum(cost_nanos), sum(took_ms),
           array[0, 0, 0, 0, 0, count(*) / 2, count(*) - count(*) / 2, 0, 0, 0, 0, 0, 0, 0, 0, 0]::bigint[],
           array[0, 0, count(*), 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0]::bigint[]
    from model_call where day = current_date - AGO group by 1, 2, 3, 4, 5, 6, 7, 8;
    insert into usage_day
    select tenant_id, (current_date - AGO)::timestamp at time zone 'UTC', key_id, project_id, agent_id, provider, model,
           outcome, sum(requests), 0, 0, sum(input_tokens), sum(cache_read_tokens), 0, sum(output_tokens), 0,
           sum(cost_nanos), sum(took_ms),
           array[0, 0, 0, 0, 0, sum(latency[6]), sum(latency[7]), 0, 0, 0, 0, 0, 0, 0, 0, 0]::bigint[],
           array[0, 0, sum(first_token[3]), 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0]::bigint[]
    from usage_hour where begins >= (current_date - AGO)::timestamp at time zone 'UTC'
        and begins < (current_date - AGO + 1)::timestamp at time zone 'UTC' group by 1, 3, 4, 5, 6, 7, 8";

/// As the server does it.
async fn drop_oldest_day(product: &Product, admin: &mut PgConnection) -> Result<Duration> {
    let oldest: chrono::NaiveDate = sqlx::query_scalar("select min(day) from model_call").fetch_one(admin).await?;
    let mut system = PgConnection::connect_with(&product.database("konstruct_system")).await?;
    let begun = Instant::now();
    let dropped: i32 = sqlx::query_scalar("select drop_partitions('model_call', $1::date + 1)")
        .bind(oldest)
        .fetch_one(&mut system)
        .await?;
    let took = begun.elapsed();
    ensure!(dropped == 1, "{dropped} days were dropped");
    system.close().await?;
    Ok(took)
}

/// The portal, as the API sees it.
struct Page {
    wire: Wire,
    token: String,
    organisation: String,
}

impl Page {
    async fn open(product: &Product) -> Result<Self> {
        let mut wire = Wire::connect(product.port).await?;
        let body = json!({"email": OWNER, "password": PASSWORD}).to_string();
        let answer = wire.ask(&post("/api/auth/login", &[], &body)).await?;
        let answer: Value = serde_json::from_slice(answer.body)?;
        let token = answer["access_token"].as_str().context("no access token")?.to_owned();
        let mut page = Self { wire, token, organisation: String::new() };
        let me = page.get("/api/me").await?.1;
        page.organisation = me["organisations"][0]["id"].as_str().context("no organisation")?.to_owned();
        Ok(page)
    }

    /// What the page asks, and its address.
    async fn questions(&mut self) -> Result<Vec<(String, String)>> {
        let calls = self.ask("model-calls?limit=200").await?.1;
        let one = calls["items"][7]["id"].as_str().context("no call is logged")?.to_owned();
        let next = calls["next"].as_str().context("one page of calls")?.to_owned();
        let now = chrono::DateTime::parse_from_rfc3339(calls["items"][0]["at"].as_str().unwrap_or_default())?;
        let ago = |days: i64| (now - chrono::TimeDelta::days(days)).format("%Y-%m-%dT%H:00:00Z");
        let asked = [
            ("30 days by model, a day a step", "usage?by=model&step=day".to_owned()),
            ("30 days by agent, a day a step", "usage?by=agent&step=day".to_owned()),
            ("30 days by key, an hour a step", "usage?by=key&step=hour".to_owned()),
            ("90 days by project, a day a step", format!("usage?by=project&step=day&since={}", ago(90))),
            ("2 days by model, an hour a step", format!("usage?by=model&step=hour&since={}", ago(2))),
            ("the log's first page", "model-calls".to_owned()),
            ("the log's second page of 200", format!("model-calls?limit=200&after={next}")),
            ("the log's failures", "model-calls?outcome=failed".to_owned()),
            ("an agent's calls", "model-calls?agent_id=00000000-0000-0000-0000-000000000003".to_owned()),
            ("the log of a day 60 days ago", format!("model-calls?until={}", ago(60))),
            ("one call", format!("model-calls/{one}")),
        ];
        Ok(asked.map(|(what, path)| (what.to_owned(), path)).into())
    }

    async fn ask(&mut self, path: &str) -> Result<(Duration, Value)> {
        let path = format!("/api/organisations/{}/{path}", self.organisation);
        self.get(&path).await
    }

    async fn get(&mut self, path: &str) -> Result<(Duration, Value)> {
        let token = &self.token;
        let request = format!("GET {path} HTTP/1.1\r\nhost: 127.0.0.1\r\nauthorization: Bearer {token}\r\n\r\n");
        let begun = Instant::now();
        let answer = self.wire.ask(request.as_bytes()).await?;
        let took = begun.elapsed();
        ensure!(answer.status() == 200, "{path}: {}", String::from_utf8_lossy(answer.body));
        Ok((took, serde_json::from_slice(answer.body)?))
    }
}
