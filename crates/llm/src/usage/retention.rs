//! How long the log of calls is kept. Sums are kept for as long as the organisation stands.

use std::time::Duration;

use chrono::{DateTime, Days, NaiveDate, Utc};
use db::{Db, TenantTx};
use tokio::time::Instant;
use uuid::Uuid;

use crate::error::Error;

/// The longest that a log is kept.
pub const MOST_DAYS: u32 = 3650;
/// How many rows go in one transaction where a whole day does not.
const ROWS_AT_ONCE: i64 = 5_000;
/// How long one tidying may take; what is left is left for the next.
const PATIENCE: Duration = Duration::from_secs(30);
/// How long it is known how far a process's log was written: longer than any process tries to write again.
const FLUSHES_KEPT: Days = Days::new(7);

/// The first day that the organisation's people still see, where the installation keeps `most` days.
pub async fn oldest_day(tx: &mut TenantTx, most: u32, now: DateTime<Utc>) -> Result<NaiveDate, Error> {
    let own = keep_days(tx).await?;
    Ok(first_day(own.map_or(most, |own| own.min(most)), now))
}

/// For how many days the organisation wants its log kept; `None`: for as long as the installation does.
pub async fn keep_days(tx: &mut TenantTx) -> Result<Option<u32>, Error> {
    let days = sqlx::query_scalar!("select keep_days from usage_retention where tenant_id = $1", tx.tenant().as_uuid())
        .fetch_optional(&mut **tx)
        .await?;
    Ok(days.and_then(|days| u32::try_from(days).ok()))
}

pub async fn set_keep_days(tx: &mut TenantTx, days: Option<u32>) -> Result<(), Error> {
    let tenant = tx.tenant().as_uuid();
    let Some(days) = days else {
        sqlx::query!("delete from usage_retention where tenant_id = $1", tenant).execute(&mut **tx).await?;
        return Ok(());
    };
    let kept = i32::try_from(days).ok().filter(|_| (1..=MOST_DAYS).contains(&days));
    let kept = kept.ok_or_else(|| Error::Invalid(format!("a log is kept for 1 to {MOST_DAYS} days")))?;
    sqlx::query!(
        "insert into usage_retention (tenant_id, keep_days) values ($1, $2)
         on conflict (tenant_id) do update set keep_days = excluded.keep_days",
        tenant,
        kept
    )
    .execute(&mut **tx)
    .await?;
    Ok(())
}

/// Drops the days that nobody keeps any more, then what organisations keep for a shorter time, some rows at a time.
pub async fn retain(db: &Db, most: u32, now: DateTime<Utc>) -> Result<(), Error> {
    let mut tx = db.system("days of the log that nobody keeps").await?;
    sqlx::query_scalar!("select drop_partitions('model_call', $1)", first_day(most, now)).fetch_one(&mut *tx).await?;
    sqlx::query!("delete from usage_flush where at < $1", now - FLUSHES_KEPT).execute(&mut *tx).await?;
    let shorter = sqlx::query!(
        "select tenant_id, keep_days from usage_retention where keep_days < $1",
        i32::try_from(most).unwrap_or(i32::MAX)
    )
    .fetch_all(&mut *tx)
    .await?;
    tx.commit().await?;
    let until = Instant::now() + PATIENCE;
    for tenant in shorter {
        let kept = u32::try_from(tenant.keep_days).unwrap_or(most);
        while delete_some(db, tenant.tenant_id, first_day(kept, now)).await? {
            if Instant::now() > until {
                return Ok(());
            }
        }
    }
    Ok(())
}

/// Deletes some of an organisation's calls of the oldest day there is before `first`. Answers whether there were any.
async fn delete_some(db: &Db, tenant: Uuid, first: NaiveDate) -> Result<bool, Error> {
    let mut tx = db.system("days of the log that an organisation does not keep").await?;
    let gone = sqlx::query!(
        "with oldest as (
             select day from model_call where tenant_id = $1 and day < $2 order by day limit 1
         ), picked as (
             select c.day, c.call_id from model_call c join oldest using (day) where c.tenant_id = $1 limit $3
         )
         delete from model_call c using picked where c.tenant_id = $1 and c.day = picked.day and c.call_id = picked.call_id",
        tenant,
        first,
        ROWS_AT_ONCE
    )
    .execute(&mut *tx)
    .await?;
    tx.commit().await?;
    Ok(gone.rows_affected() > 0)
}

fn first_day(kept: u32, now: DateTime<Utc>) -> NaiveDate {
    now.date_naive() - Days::new(u64::from(kept.clamp(1, MOST_DAYS)))
}
