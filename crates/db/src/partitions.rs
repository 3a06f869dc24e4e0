use chrono::{Days, Months, NaiveDate};

use crate::{Db, Error};

/// The transcript's and the journal's tables: a partition a month.
const MONTHLY: [&str; 4] = ["inbox", "outbox", "run", "step"];
/// How far ahead partitions are made, so that a server may be down for long without running out of them.
const MONTHS_AHEAD: u32 = 2;
const DAYS_AHEAD: u64 = 3;
/// Deduplication keys are kept longer than any sender retries (Meta's: 7 days).
const DEDUP_DAYS: u64 = 9;

/// Makes the partitions that are needed from `today` on and drops the deduplication keys that are past their time.
pub async fn keep_partitions(db: &Db, today: NaiveDate) -> Result<(), Error> {
    let mut wanted: Vec<(&str, NaiveDate, NaiveDate)> = Vec::new();
    let month = today - Days::new(u64::from(chrono::Datelike::day0(&today)));
    for ahead in 0..=MONTHS_AHEAD {
        let from = month + Months::new(ahead);
        wanted.extend(MONTHLY.map(|entity| (entity, from, from + Months::new(1))));
    }
    let first = today - Days::new(DEDUP_DAYS);
    wanted.extend(
        first
            .iter_days()
            .take((DEDUP_DAYS + DAYS_AHEAD + 1) as usize)
            .map(|day| ("inbox_dedup", day, day + Days::new(1))),
    );
    wanted.extend(today.iter_days().take((DAYS_AHEAD + 1) as usize).map(|day| ("model_call", day, day + Days::new(1))));
    let mut tx = db.system("partitions").await?;
    // Keys of a day that had no partition yet stand in the default one, and would keep the day from getting its own.
    let stray = sqlx::query!(
        "delete from inbox_dedup where day between $1 and $2 and tableoid = 'inbox_dedup_default'::regclass
         returning tenant_id, day, key_hash",
        first,
        today + Days::new(DAYS_AHEAD)
    )
    .fetch_all(&mut *tx)
    .await?;
    for (entity, from, to) in wanted {
        sqlx::query!("select make_partition($1, $2, $3)", entity, from, to).execute(&mut *tx).await?;
    }
    for key in stray {
        sqlx::query!(
            "insert into inbox_dedup (tenant_id, day, key_hash) values ($1, $2, $3) on conflict do nothing",
            key.tenant_id,
            key.day,
            key.key_hash
        )
        .execute(&mut *tx)
        .await?;
    }
    sqlx::query_scalar!("select drop_partitions('inbox_dedup', $1)", first).fetch_one(&mut *tx).await?;
    sqlx::query!("delete from inbox_dedup where day < $1 or day > $2", first, today + Days::new(DEDUP_DAYS))
        .execute(&mut *tx)
        .await?;
    tx.commit().await
}
