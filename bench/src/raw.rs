//! What acknowledging could cost at best: the engine's own statement on one connection, without HTTP, signatures,
//! routing or queues, in batches as large as the server's were.

use std::time::{Duration, Instant};

use anyhow::{Context as _, Result};
use chrono::{NaiveDate, Utc};
use sqlx::postgres::PgConnectOptions;
use sqlx::{Connection as _, PgConnection, Row as _};
use uuid::Uuid;

use crate::product::Product;
use crate::seed::Seed;

const ACK: &str = include_str!("../../crates/durable/src/store/ack.sql");

/// The statement on its connection, with a row like those that the server wrote.
pub(crate) struct Raw {
    conn: PgConnection,
    like: Like,
    seed: Seed,
}

/// A stored message, as a pattern for more.
struct Like {
    tenant: Uuid,
    project: Uuid,
    connection: Uuid,
    program: String,
    text: String,
    body: String,
    channel: String,
    target: String,
}

/// Rows a second, and how many commits that took.
pub(crate) struct RawOutcome {
    pub(crate) rate: f64,
    pub(crate) rows: u64,
    pub(crate) batch_ms: f64,
}

impl Raw {
    pub(crate) async fn connect(product: &Product, seed: Seed) -> Result<Self> {
        let mut admin = PgConnection::connect_with(&product.database("postgres")).await?;
        let like = Like::find(&mut admin).await?;
        admin.close().await?;
        // As the server logs in, so that row-level security is in force.
        let system: PgConnectOptions = product.database("konstruct_system");
        Ok(Self { conn: PgConnection::connect_with(&system).await?, like, seed })
    }

    /// Commits batches of `size` one after the other.
    pub(crate) async fn run(&mut self, size: usize, time: Duration) -> Result<RawOutcome> {
        let begun = Instant::now();
        let mut batches = 0_u64;
        while begun.elapsed() < time {
            self.commit(size).await?;
            batches += 1;
        }
        let took = begun.elapsed().as_secs_f64();
        let rows = batches * size as u64;
        Ok(RawOutcome { rate: rows as f64 / took, rows, batch_ms: took * 1000.0 / batches as f64 })
    }

    #[expect(clippy::disallowed_methods, reason = "messages and days as of now, made outside the product")]
    async fn commit(&mut self, size: usize) -> Result<()> {
        let like = &self.like;
        let ids = || (0..size).map(|_| Uuid::now_v7()).collect::<Vec<_>>();
        let ord: Vec<i32> = (0..size as i32).collect();
        let key_ord: Vec<i32> = ord.iter().flat_map(|ord| [*ord, *ord]).collect();
        let key_day: Vec<NaiveDate> = vec![Utc::now().date_naive(); 2 * size];
        // Hashes: in no order.
        let keys: Vec<Vec<u8>> = (0..2 * size).map(|_| self.seed.bytes()).collect();
        let stored = sqlx::query(ACK)
            .bind(&ord)
            .bind(vec![like.tenant; size])
            .bind(ids())
            .bind(ids())
            .bind(vec![like.program.as_str(); size])
            .bind(vec![like.text.as_str(); size])
            .bind(vec![like.body.as_str(); size])
            .bind(vec![Some(like.channel.as_str()); size])
            .bind(vec![Some(like.connection); size])
            .bind(vec![Some(like.target.as_str()); size])
            .bind(vec![like.project; size])
            .bind(vec![false; size])
            .bind(&key_ord)
            .bind(vec![like.tenant; 2 * size])
            .bind(&key_day)
            .bind(&keys)
            .bind(Uuid::nil())
            .fetch_all(&mut self.conn)
            .await?;
        anyhow::ensure!(stored.len() == size, "{} of {size} rows were stored", stored.len());
        Ok(())
    }
}

impl Like {
    async fn find(admin: &mut PgConnection) -> Result<Self> {
        let row = sqlx::query(
            "select i.tenant_id, i.program, i.text, i.body::text as body, l.project_id,
                    o.connection_id, o.channel, o.target::text as target
             from inbox i join outbox o using (tenant_id, message_id) join lane l on (l.tenant_id, l.lane_id) = (i.tenant_id, i.lane_id)
             limit 1",
        )
        .fetch_optional(admin)
        .await?
        .context("the server has stored no message")?;
        Ok(Self {
            tenant: row.try_get("tenant_id")?,
            project: row.try_get("project_id")?,
            connection: row.try_get("connection_id")?,
            program: row.try_get("program")?,
            text: row.try_get("text")?,
            body: row.try_get("body")?,
            channel: row.try_get("channel")?,
            target: row.try_get("target")?,
        })
    }
}

/// Counters of the database: commits, and messages stored. Their difference over a while tells the size of batches.
pub(crate) struct Counters {
    pub(crate) commits: i64,
    pub(crate) messages: i64,
}

impl Counters {
    pub(crate) async fn read(product: &Product) -> Result<Self> {
        let mut admin = PgConnection::connect_with(&product.database("postgres")).await?;
        let row = sqlx::query(
            "select (select xact_commit from pg_stat_database where datname = current_database()) as commits,
                    (select sum(n_tup_ins)::bigint from pg_stat_user_tables where relname ~ '^inbox_[0-9]+$') as messages",
        )
        .fetch_one(&mut admin)
        .await?;
        admin.close().await?;
        Ok(Self { commits: row.try_get("commits")?, messages: row.try_get("messages")? })
    }
}

/// The server's version, as it says it.
pub(crate) async fn postgres_version(product: &Product) -> Result<String> {
    let mut admin = PgConnection::connect_with(&product.database("postgres")).await?;
    let row = sqlx::query("select current_setting('server_version') as version, current_setting('fsync') as fsync")
        .fetch_one(&mut admin)
        .await?;
    let (version, fsync): (String, String) = (row.try_get("version")?, row.try_get("fsync")?);
    admin.close().await?;
    Ok(format!("{version}, fsync {fsync}"))
}
