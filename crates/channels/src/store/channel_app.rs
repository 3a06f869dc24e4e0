//! Apps that several organisations share: the operator gives their secrets once, for the whole installation.

use std::collections::BTreeMap;

use db::{Db, SystemTx};
use infra::{Sealed, Sealer};
use kernel::Secret;

use crate::{ChannelKind, Error};

/// Stores the app's secrets, in place of earlier ones. Takes the next configuration epoch.
pub async fn put(
    tx: &mut SystemTx,
    sealer: &Sealer,
    (channel, app_id): (ChannelKind, &str),
    secrets: &BTreeMap<String, Secret>,
) -> Result<(), Error> {
    if app_id.is_empty() {
        return Err(Error::Invalid("a shared app needs its id".into()));
    }
    if secrets.get("signing_secret").is_none_or(Secret::is_empty) {
        return Err(Error::Invalid("a shared app needs its signing_secret".into()));
    }
    let plain: BTreeMap<&str, &str> = secrets.iter().map(|(name, secret)| (name.as_str(), secret.expose())).collect();
    let plain = serde_json::to_string(&plain).map_err(|_| Error::Invalid("the secrets cannot be stored".into()))?;
    let sealed = sealer.seal(&context(channel, app_id), &Secret::new(plain));
    sqlx::query!(
        "insert into channel_app (channel, app_id, key_id, nonce, sealed) values ($1, $2, $3, $4, $5)
         on conflict (channel, app_id) do update
             set key_id = excluded.key_id, nonce = excluded.nonce, sealed = excluded.sealed, updated_at = now()",
        channel.as_str(),
        app_id,
        sealed.key_id,
        sealed.nonce,
        sealed.sealed,
    )
    .execute(&mut **tx)
    .await?;
    db::bump_config_epoch(tx).await?;
    Ok(())
}

/// The app's secrets by name; `None` where the app is not shared.
pub async fn find(
    db: &Db,
    sealer: &Sealer,
    channel: ChannelKind,
    app_id: &str,
) -> Result<Option<BTreeMap<String, Secret>>, Error> {
    let mut conn = db.system_statement().await?;
    let row = sqlx::query!(
        "select key_id, nonce, sealed from channel_app where channel = $1 and app_id = $2",
        channel.as_str(),
        app_id
    )
    .fetch_optional(&mut *conn)
    .await?;
    let Some(row) = row else { return Ok(None) };
    let sealed = Sealed { key_id: row.key_id, nonce: row.nonce, sealed: row.sealed };
    open(sealer, channel, app_id, &sealed).map(Some)
}

/// Whether the app is one that organisations share.
pub(crate) async fn exists(db: &Db, channel: ChannelKind, app_id: &str) -> Result<bool, Error> {
    let mut conn = db.system_statement().await?;
    let found = sqlx::query_scalar!(
        r#"select exists (select from channel_app where channel = $1 and app_id = $2) as "found!""#,
        channel.as_str(),
        app_id
    )
    .fetch_one(&mut *conn)
    .await?;
    Ok(found)
}

/// The ids of the channel's shared apps, at most `limit`.
pub(crate) async fn list(db: &Db, channel: ChannelKind, limit: i64) -> Result<Vec<String>, Error> {
    let mut conn = db.system_statement().await?;
    let apps = sqlx::query_scalar!(
        "select app_id from channel_app where channel = $1 order by app_id limit $2",
        channel.as_str(),
        limit
    )
    .fetch_all(&mut *conn)
    .await?;
    Ok(apps)
}

/// Takes the app away; whether there was one. Its connections stand and hear nothing any more.
pub async fn delete(tx: &mut SystemTx, channel: ChannelKind, app_id: &str) -> Result<bool, Error> {
    let deleted = sqlx::query!("delete from channel_app where channel = $1 and app_id = $2", channel.as_str(), app_id)
        .execute(&mut **tx)
        .await?;
    db::bump_config_epoch(tx).await?;
    Ok(deleted.rows_affected() == 1)
}

fn open(
    sealer: &Sealer,
    channel: ChannelKind,
    app_id: &str,
    sealed: &Sealed,
) -> Result<BTreeMap<String, Secret>, Error> {
    let plain = sealer.open(&context(channel, app_id), sealed)?;
    serde_json::from_str(plain.expose()).map_err(|_| infra::SealerError::Broken.into())
}

fn context(channel: ChannelKind, app_id: &str) -> Vec<u8> {
    format!("channel_app:{channel}:{app_id}").into_bytes()
}
