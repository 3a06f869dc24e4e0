use db::SystemTx;

use crate::Error;

/// How failures of one kind of subject are answered.
#[derive(Clone, Copy)]
pub(crate) struct Limit {
    /// Failures that are free; each further one doubles the wait, which begins with a second.
    pub(crate) free: i32,
    pub(crate) longest_wait_s: f64,
}

/// How many seconds the longest block among these subjects still lasts.
pub(crate) async fn find_blocked(tx: &mut SystemTx, subjects: &[Vec<u8>]) -> Result<Option<f64>, Error> {
    let seconds = sqlx::query_scalar!(
        "select extract(epoch from max(blocked_until) - now())::float8 from login_failure
         where subject_hash = any($1) and blocked_until > now()",
        subjects
    )
    .fetch_one(&mut **tx)
    .await?;
    Ok(seconds)
}

/// Counts a failure; what lies more than 15 minutes back is forgotten.
pub(crate) async fn insert_failure(tx: &mut SystemTx, subject: &[u8], limit: Limit) -> Result<(), Error> {
    sqlx::query!(
        "insert into login_failure as f (subject_hash, failures) values ($1, 1)
         on conflict (subject_hash) do update set
             failures = case when f.last_at < now() - interval '15 minutes' then 1 else f.failures + 1 end,
             blocked_until = case when f.last_at >= now() - interval '15 minutes' and f.failures + 1 > $2
                 then now() + interval '1 second' * least($3, 2 ^ least(f.failures - $2, 30)) end,
             last_at = now()",
        subject,
        limit.free,
        limit.longest_wait_s
    )
    .execute(&mut **tx)
    .await?;
    Ok(())
}

pub(crate) async fn delete_failures(tx: &mut SystemTx, subject: &[u8]) -> Result<(), Error> {
    sqlx::query!("delete from login_failure where subject_hash = $1", subject).execute(&mut **tx).await?;
    Ok(())
}

pub(crate) async fn delete_old_failures(tx: &mut SystemTx) -> Result<(), Error> {
    sqlx::query!("delete from login_failure where last_at < now() - interval '1 day'").execute(&mut **tx).await?;
    Ok(())
}
