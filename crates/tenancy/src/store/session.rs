use chrono::TimeDelta;
use db::SystemTx;
use kernel::{SessionId, UserId};
use sqlx::PgConnection;
use sqlx::postgres::types::PgInterval;

use crate::Error;

/// A session that may be used.
pub(crate) struct Alive {
    pub(crate) user: UserId,
    pub(crate) operator: bool,
}

pub(crate) async fn insert_session(
    tx: &mut SystemTx,
    user: UserId,
    user_agent: &str,
    lifetime: TimeDelta,
) -> Result<SessionId, Error> {
    let id = SessionId::new();
    sqlx::query!(
        "insert into session (session_id, user_id, user_agent, expires_at) values ($1, $2, $3, now() + $4::interval)",
        id.as_uuid(),
        user.as_uuid(),
        user_agent,
        interval(lifetime)
    )
    .execute(&mut **tx)
    .await?;
    Ok(id)
}

/// The session as it stands now: revoked, expired and disabled users' ones are not found.
pub(crate) async fn find_alive_session(conn: &mut PgConnection, id: SessionId) -> Result<Option<Alive>, Error> {
    let found = sqlx::query!(
        r#"select s.user_id, exists (select from operator o where o.user_id = s.user_id) as "operator!"
           from session s join users u on u.user_id = s.user_id
           where s.session_id = $1 and s.revoked_at is null and s.expires_at > now() and u.disabled_at is null"#,
        id.as_uuid()
    )
    .fetch_optional(conn)
    .await?;
    Ok(found.map(|row| Alive { user: row.user_id.into(), operator: row.operator }))
}

pub(crate) async fn update_session_used(tx: &mut SystemTx, id: SessionId, lifetime: TimeDelta) -> Result<(), Error> {
    sqlx::query!(
        "update session set last_used_at = now(), expires_at = now() + $2::interval where session_id = $1",
        id.as_uuid(),
        interval(lifetime)
    )
    .execute(&mut **tx)
    .await?;
    Ok(())
}

pub(crate) async fn revoke_session(tx: &mut SystemTx, id: SessionId, reason: &str) -> Result<(), Error> {
    sqlx::query!(
        "update session set revoked_at = now(), revoked_reason = $2 where session_id = $1 and revoked_at is null",
        id.as_uuid(),
        reason
    )
    .execute(&mut **tx)
    .await?;
    Ok(())
}

/// Revokes what a user has open, but for one session.
pub(crate) async fn revoke_sessions_of(
    tx: &mut SystemTx,
    user: UserId,
    but: Option<SessionId>,
    reason: &str,
) -> Result<(), Error> {
    sqlx::query!(
        "update session set revoked_at = now(), revoked_reason = $3
         where user_id = $1 and session_id is distinct from $2 and revoked_at is null",
        user.as_uuid(),
        but.map(SessionId::as_uuid),
        reason
    )
    .execute(&mut **tx)
    .await?;
    Ok(())
}

pub(crate) async fn insert_refresh_token(tx: &mut SystemTx, hash: &[u8], session: SessionId) -> Result<(), Error> {
    sqlx::query!("insert into refresh_token (token_hash, session_id) values ($1, $2)", hash, session.as_uuid())
        .execute(&mut **tx)
        .await?;
    Ok(())
}

/// Uses a refresh token up. Of many at once one gets its session, the others wait and get `None`.
pub(crate) async fn use_refresh_token(tx: &mut SystemTx, hash: &[u8]) -> Result<Option<SessionId>, Error> {
    let session = sqlx::query_scalar!(
        "update refresh_token set used_at = now() where token_hash = $1 and used_at is null returning session_id",
        hash
    )
    .fetch_optional(&mut **tx)
    .await?;
    Ok(session.map(SessionId::from))
}

/// The session of a refresh token, used up or not.
pub(crate) async fn find_session_of_token(tx: &mut SystemTx, hash: &[u8]) -> Result<Option<SessionId>, Error> {
    let session = sqlx::query_scalar!("select session_id from refresh_token where token_hash = $1", hash)
        .fetch_optional(&mut **tx)
        .await?;
    Ok(session.map(SessionId::from))
}

/// Forgets sessions that ended a while ago, with their tokens.
pub(crate) async fn delete_ended_sessions(tx: &mut SystemTx) -> Result<(), Error> {
    sqlx::query!(
        "delete from session where least(expires_at, coalesce(revoked_at, expires_at)) < now() - interval '7 days'"
    )
    .execute(&mut **tx)
    .await?;
    Ok(())
}

fn interval(delta: TimeDelta) -> PgInterval {
    PgInterval { months: 0, days: 0, microseconds: delta.num_microseconds().unwrap_or(0) }
}
