use db::{Db, TenantTx};
use kernel::{ConnectionId, TenantId};

use crate::{ChannelKind, Error};

/// How deliveries find a connection. A secret of the organisation's own is known by its fingerprint and tells the app
/// already; for an app that organisations share, the app's id stands instead.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Route {
    pub(crate) channel: ChannelKind,
    pub(crate) external_id: String,
    pub(crate) proof: Proof,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Proof {
    /// The fingerprint of the connection's own signing secret.
    OwnSecret(Vec<u8>),
    /// An app whose secret the operator has given.
    SharedApp(String),
    /// Deliveries come with a token of ours.
    Token,
}

impl Proof {
    fn app_id(&self) -> &str {
        if let Self::SharedApp(app) = self { app } else { "" }
    }

    fn fingerprint(&self) -> &[u8] {
        if let Self::OwnSecret(fingerprint) = self { fingerprint } else { &[] }
    }
}

/// Whom a delivery may be meant for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Candidate {
    pub(crate) tenant: TenantId,
    pub(crate) connection: ConnectionId,
    /// Its deliveries are signed with a shared app's secret.
    pub(crate) shared: bool,
}

/// Files the connection's route, in place of an earlier one. Returns whether that is possible: where another
/// organisation has claimed the same installation with the same proof, it is not.
pub(crate) async fn put(tx: &mut TenantTx, connection: ConnectionId, route: &Route) -> Result<bool, Error> {
    delete(tx, connection).await?;
    let (channel, app) = (route.channel.as_str(), route.proof.app_id());
    let fingerprint = route.proof.fingerprint();
    sqlx::query!(
        "insert into route_claim (channel, app_id, external_id, secret_fingerprint, tenant_id)
         values ($1, $2, $3, $4, $5) on conflict do nothing",
        channel,
        app,
        route.external_id,
        fingerprint,
        tx.tenant().as_uuid(),
    )
    .execute(&mut **tx)
    .await?;
    let ours = sqlx::query_scalar!(
        r#"select exists (select from route_claim where channel = $1 and app_id = $2 and external_id = $3
                          and secret_fingerprint = $4 and tenant_id = $5) as "ours!""#,
        channel,
        app,
        route.external_id,
        fingerprint,
        tx.tenant().as_uuid(),
    )
    .fetch_one(&mut **tx)
    .await?;
    if ours {
        sqlx::query!(
            "insert into route (tenant_id, connection_id, channel, app_id, external_id, secret_fingerprint)
             values ($1, $2, $3, $4, $5, $6)",
            tx.tenant().as_uuid(),
            connection.as_uuid(),
            channel,
            app,
            route.external_id,
            fingerprint,
        )
        .execute(&mut **tx)
        .await?;
    }
    Ok(ours)
}

/// Takes the connection's route away, and the claim that no other connection of the organisation stands on.
pub(crate) async fn delete(tx: &mut TenantTx, connection: ConnectionId) -> Result<(), Error> {
    let tenant = tx.tenant().as_uuid();
    let old = sqlx::query!(
        "delete from route where tenant_id = $1 and connection_id = $2
         returning channel, app_id, external_id, secret_fingerprint",
        tenant,
        connection.as_uuid()
    )
    .fetch_optional(&mut **tx)
    .await?;
    let Some(old) = old else { return Ok(()) };
    sqlx::query!(
        "delete from route_claim c
         where c.tenant_id = $1 and c.channel = $2 and c.app_id = $3 and c.external_id = $4 and c.secret_fingerprint = $5
           and not exists (select from route r where r.tenant_id = c.tenant_id and r.channel = c.channel
                           and r.app_id = c.app_id and r.external_id = c.external_id
                           and r.secret_fingerprint = c.secret_fingerprint)",
        tenant,
        old.channel,
        old.app_id,
        old.external_id,
        old.secret_fingerprint,
    )
    .execute(&mut **tx)
    .await?;
    Ok(())
}

/// Whether the organisation holds the claim of a shared app's installation.
pub(crate) async fn claimed(
    tx: &mut TenantTx,
    channel: ChannelKind,
    app_id: &str,
    external_id: &str,
) -> Result<bool, Error> {
    let claimed = sqlx::query_scalar!(
        r#"select exists (select from route_claim where channel = $1 and app_id = $2 and external_id = $3
                          and secret_fingerprint = '' and tenant_id = $4) as "claimed!""#,
        channel.as_str(),
        app_id,
        external_id,
        tx.tenant().as_uuid(),
    )
    .fetch_one(&mut **tx)
    .await?;
    Ok(claimed)
}

/// The connections that an installation's deliveries may be meant for: before anything is verified.
pub(crate) async fn candidates(
    db: &Db,
    channel: ChannelKind,
    external_id: &str,
    app_id: &str,
) -> Result<Vec<Candidate>, Error> {
    let mut conn = db.system_statement().await?;
    let rows = sqlx::query!(
        r#"select tenant_id, connection_id, app_id <> '' as "shared!" from route
           where channel = $1 and external_id = $2 and (app_id = '' or app_id = $3)
           order by app_id desc, tenant_id, connection_id
           limit 256"#,
        channel.as_str(),
        external_id,
        app_id,
    )
    .fetch_all(&mut *conn)
    .await?;
    Ok(rows
        .into_iter()
        .map(|row| Candidate { tenant: row.tenant_id.into(), connection: row.connection_id.into(), shared: row.shared })
        .collect())
}

/// One connection for each secret that organisations of this channel sign with, at most `limit`.
pub(crate) async fn own_secrets(db: &Db, channel: ChannelKind, limit: i64) -> Result<Vec<Candidate>, Error> {
    let mut conn = db.system_statement().await?;
    let rows = sqlx::query!(
        "select distinct on (secret_fingerprint) tenant_id, connection_id from route
         where channel = $1 and secret_fingerprint <> ''
         order by secret_fingerprint, connection_id desc
         limit $2",
        channel.as_str(),
        limit,
    )
    .fetch_all(&mut *conn)
    .await?;
    Ok(rows
        .into_iter()
        .map(|row| Candidate { tenant: row.tenant_id.into(), connection: row.connection_id.into(), shared: false })
        .collect())
}
