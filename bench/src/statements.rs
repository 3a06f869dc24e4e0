//! Where PostgreSQL's time goes: the statements of a run, by the time they took (`--statements 1`).

use anyhow::Result;
use serde_json::{Value, json};
use sqlx::{Connection as _, PgConnection, Row as _};

use crate::product::Product;
use crate::report::{rounded, say};

/// How many are shown.
const SHOWN: i32 = 24;

/// Starts counting anew.
pub(crate) async fn reset(product: &Product) -> Result<()> {
    let mut admin = PgConnection::connect_with(&product.database("postgres")).await?;
    sqlx::raw_sql("create extension if not exists pg_stat_statements; select pg_stat_statements_reset()")
        .execute(&mut admin)
        .await?;
    Ok(admin.close().await?)
}

/// Prints the dearest statements, a message each, and gives them for the result file.
pub(crate) async fn read(product: &Product, messages: u64) -> Result<Value> {
    let mut admin = PgConnection::connect_with(&product.database("postgres")).await?;
    let rows = sqlx::query(
        "select calls::float8 as calls, total_plan_time + total_exec_time as ms, rows::float8 as rows,
                wal_bytes::float8 as wal, regexp_replace(query, '\\s+', ' ', 'g') as query
         from pg_stat_statements order by ms desc limit $1",
    )
    .bind(SHOWN)
    .fetch_all(&mut admin)
    .await?;
    let each = |value: f64| value / messages.max(1) as f64;
    let mut found = Vec::new();
    say("\n  us a message   calls a message    rows a call  WAL bytes a message  statement");
    for row in &rows {
        let (calls, ms, returned): (f64, f64, f64) = (row.try_get("calls")?, row.try_get("ms")?, row.try_get("rows")?);
        let (wal, query): (f64, String) = (row.try_get("wal")?, row.try_get("query")?);
        let (micros, calls_each) = (each(ms * 1000.0), each(calls));
        let short: String = query.chars().take(110).collect();
        let per_call = returned / calls.max(1.0);
        say(&format!("{micros:14.1} {calls_each:17.3} {per_call:14.1} {:20.0}  {short}", each(wal)));
        found.push(json!({"us": rounded(micros), "calls": rounded(calls_each), "statement": short}));
    }
    admin.close().await?;
    Ok(found.into())
}
