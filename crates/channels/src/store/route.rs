use chrono::{DateTime, Utc};
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

/// How many secrets of one organisation are tried for one installation, and so how many it may give.
pub(crate) const SECRETS_EACH: i64 = 16;
/// How many connections one organisation may make of one installation.
pub(crate) const CONNECTIONS_EACH: i64 = 64;

/// A secret that may have signed a delivery, and whom the delivery is meant for then: one organisation's connections,
/// oldest first.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Candidate {
    pub(crate) tenant: TenantId,
    pub(crate) connections: Vec<ConnectionId>,
    /// The shared app whose secret it is; `None`: the organisation's own.
    pub(crate) shared_app: Option<String>,
}

/// What came of filing a route.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Filed {
    Done,
    /// Another organisation has claimed the same installation with the same proof.
    Taken,
    /// The organisation has given as many secrets for this installation, or made as many connections of it, as it may.
    Full,
}

/// Files the connection's route, in place of an earlier one. What comes of it other than [`Filed::Done`] must not be
/// committed.
pub(crate) async fn put(tx: &mut TenantTx, connection: ConnectionId, route: &Route) -> Result<Filed, Error> {
    if stands(tx, connection, route).await? {
        // Its claim keeps its age.
        return Ok(Filed::Done);
    }
    delete(tx, connection).await?;
    if !claim(tx, route).await? {
        return Ok(Filed::Taken);
    }
    sqlx::query!(
        "insert into route (tenant_id, connection_id, channel, app_id, external_id, secret_fingerprint)
         values ($1, $2, $3, $4, $5, $6)",
        tx.tenant().as_uuid(),
        connection.as_uuid(),
        route.channel.as_str(),
        route.proof.app_id(),
        route.external_id,
        route.proof.fingerprint(),
    )
    .execute(&mut **tx)
    .await?;
    Ok(if fits(tx, route).await? { Filed::Done } else { Filed::Full })
}

async fn stands(tx: &mut TenantTx, connection: ConnectionId, route: &Route) -> Result<bool, Error> {
    let stands = sqlx::query_scalar!(
        r#"select exists (select from route where tenant_id = $1 and connection_id = $2 and channel = $3
                          and app_id = $4 and external_id = $5 and secret_fingerprint = $6) as "stands!""#,
        tx.tenant().as_uuid(),
        connection.as_uuid(),
        route.channel.as_str(),
        route.proof.app_id(),
        route.external_id,
        route.proof.fingerprint(),
    )
    .fetch_one(&mut **tx)
    .await?;
    Ok(stands)
}

/// Claims the installation with the route's proof. Returns whether the claim is the organisation's.
async fn claim(tx: &mut TenantTx, route: &Route) -> Result<bool, Error> {
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
    Ok(ours)
}

/// Whether the organisation stays within what it may file of one installation.
async fn fits(tx: &mut TenantTx, route: &Route) -> Result<bool, Error> {
    let filed = sqlx::query!(
        r#"select count(*) as "connections!", count(distinct (app_id, secret_fingerprint)) as "secrets!"
           from route where tenant_id = $1 and channel = $2 and external_id = $3"#,
        tx.tenant().as_uuid(),
        route.channel.as_str(),
        route.external_id,
    )
    .fetch_one(&mut **tx)
    .await?;
    Ok(filed.connections <= CONNECTIONS_EACH && filed.secrets <= SECRETS_EACH)
}

/// Remembers that the connection's secret has verified a delivery, where it is the first.
pub(crate) async fn set_verified(tx: &mut TenantTx, connection: ConnectionId, at: DateTime<Utc>) -> Result<(), Error> {
    sqlx::query!(
        "update route_claim c set verified_at = $3
         from route r
         where r.tenant_id = $1 and r.connection_id = $2 and c.tenant_id = r.tenant_id and c.channel = r.channel
           and c.app_id = r.app_id and c.external_id = r.external_id and c.secret_fingerprint = r.secret_fingerprint
           and c.verified_at is null",
        tx.tenant().as_uuid(),
        connection.as_uuid(),
        at,
    )
    .execute(&mut **tx)
    .await?;
    Ok(())
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

/// The secrets that an installation's deliveries may be signed with, at most `limit`: before anything is verified.
///
/// Anybody may name any installation as theirs, so no organisation has more than its few places, every organisation's
/// first comes before anybody's second, and whoever was verified first comes before all of them.
pub(crate) async fn candidates(
    db: &Db,
    channel: ChannelKind,
    external_id: &str,
    limit: i64,
) -> Result<Vec<Candidate>, Error> {
    let mut conn = db.system_statement().await?;
    let rows = sqlx::query!(
        r#"with tried as materialized (
               select *, row_number() over (order by app_id desc, verified_at is null, nth, verified_at, tenant_id) as rank
               from (select *, row_number() over (partition by tenant_id
                                                  order by app_id desc, verified_at, secret_fingerprint) as nth
                     from route_claim where channel = $1 and external_id = $2) of_each
               where nth <= $3
               order by rank
               limit $4)
           select t.tenant_id as "tenant_id!", t.app_id as "app_id!", r.connections as "connections!"
           from tried t
           cross join lateral (
               select array_agg(connection_id order by connection_id) as connections
               from (select connection_id from route
                     where tenant_id = t.tenant_id and channel = t.channel and external_id = t.external_id
                       and app_id = t.app_id and secret_fingerprint = t.secret_fingerprint
                     order by connection_id limit $5) oldest) r
           where r.connections is not null
           order by t.rank"#,
        channel.as_str(),
        external_id,
        SECRETS_EACH,
        limit,
        CONNECTIONS_EACH,
    )
    .fetch_all(&mut *conn)
    .await?;
    Ok(rows
        .into_iter()
        .map(|row| Candidate {
            tenant: row.tenant_id.into(),
            connections: row.connections.into_iter().map(ConnectionId::from).collect(),
            shared_app: Some(row.app_id).filter(|app| !app.is_empty()),
        })
        .collect())
}

/// One connection for each secret that organisations of this channel sign with, at most `limit`: the newest of every
/// organisation first, since a handshake is made when something is being connected.
pub(crate) async fn own_secrets(
    db: &Db,
    channel: ChannelKind,
    limit: i64,
) -> Result<Vec<(TenantId, ConnectionId)>, Error> {
    let mut conn = db.system_statement().await?;
    let rows = sqlx::query!(
        r#"select tenant_id as "tenant_id!", connection_id as "connection_id!"
           from (select *, row_number() over (partition by tenant_id order by connection_id desc) as nth
                 from (select distinct on (tenant_id, secret_fingerprint) tenant_id, connection_id from route
                       where channel = $1 and secret_fingerprint <> ''
                       order by tenant_id, secret_fingerprint, connection_id desc) secrets) of_each
           where nth <= $2
           order by nth, connection_id desc
           limit $3"#,
        channel.as_str(),
        SECRETS_EACH,
        limit,
    )
    .fetch_all(&mut *conn)
    .await?;
    Ok(rows.into_iter().map(|row| (row.tenant_id.into(), row.connection_id.into())).collect())
}
