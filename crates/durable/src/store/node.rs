use std::time::Duration;

use db::Db;
use kernel::{NodeId, TenantId};

use super::OwnConnection;
use crate::Error;

/// Enters a node; its lease runs for `lease`. `sole`: no other node can be alive (this one holds the data directory),
/// so whatever earlier ones left is free at once. `models`: it answers model calls.
pub(crate) async fn register(db: &Db, node: NodeId, lease: Duration, sole: bool, models: bool) -> Result<i64, Error> {
    let mut tx = db.system("a node enters").await?;
    if sole {
        sqlx::query!("update node set lease_until = '-infinity'").execute(&mut *tx).await?;
    }
    let epoch = sqlx::query_scalar!(
        "insert into node (node_id, version, lease_until, models, config_seen)
         select $1, $2, now() + make_interval(secs => $3), $4, epoch from config_epoch
         returning config_seen",
        node.as_uuid(),
        env!("CARGO_PKG_VERSION"),
        lease.as_secs_f64(),
        models
    )
    .fetch_one(&mut *tx)
    .await?;
    tx.commit().await?;
    Ok(epoch)
}

/// Renews the lease and says which configuration the node acts upon; returns the newest. `None`: it was buried.
pub(crate) async fn heartbeat(
    own: &mut OwnConnection,
    node: NodeId,
    lease: Duration,
    config: i64,
) -> Result<Option<i64>, Error> {
    let mut conn = own.get().await?;
    let newest = sqlx::query_scalar!(
        "update node set lease_until = now() + make_interval(secs => $2), config_seen = greatest(config_seen, $3)
         from config_epoch where node_id = $1 returning config_epoch.epoch",
        node.as_uuid(),
        lease.as_secs_f64(),
        config
    )
    .fetch_optional(&mut conn)
    .await;
    own.check(conn, newest)
}

/// Removes the nodes whose lease has run out, and frees what is held by nobody alive: lanes at once, replies to be
/// looked for on their channel before anything is sent. Returns how many lanes and replies became free.
pub(crate) async fn bury_the_dead(db: &Db) -> Result<(i64, i64), Error> {
    let mut conn = db.system_statement().await?;
    let freed = sqlx::query!(
        r#"with dead as (
             delete from node where lease_until < now()
           ),
           alive as (
             select node_id from node where lease_until >= now()
           ),
           held as (
             select tenant_id, lane_id from lane
             where owner is not null and owner not in (select node_id from alive)
             order by tenant_id, lane_id for no key update
           ),
           lanes as (
             update lane set owner = null, ready_at = now() from held
             where lane.tenant_id = held.tenant_id and lane.lane_id = held.lane_id
             returning 1
           ),
           unsent as (
             select tenant_id, message_id, day from outbox
             where owner is not null and owner not in (select node_id from alive)
             order by tenant_id, message_id for no key update
           ),
           replies as (
             update outbox set owner = null, epoch = epoch + 1, attempts = attempts + 1, changed_hands = true,
                               next_at = now()
             from unsent
             where outbox.tenant_id = unsent.tenant_id and outbox.message_id = unsent.message_id
               and outbox.day = unsent.day
             returning 1
           )
           select (select count(*) from lanes) as "lanes!", (select count(*) from replies) as "replies!""#
    )
    .fetch_one(&mut *conn)
    .await?;
    Ok((freed.lanes, freed.replies))
}

/// Takes a node out: its lease ends now.
pub(crate) async fn leave(db: &Db, node: NodeId) -> Result<(), Error> {
    let mut conn = db.system_statement().await?;
    sqlx::query!("update node set lease_until = '-infinity' where node_id = $1", node.as_uuid())
        .execute(&mut *conn)
        .await?;
    drop(conn);
    bury_the_dead(db).await?;
    Ok(())
}

/// What an organisation is entitled to.
pub(crate) struct ShareRow {
    pub(crate) tenant: TenantId,
    pub(crate) weight: i32,
    pub(crate) max_running: Option<i32>,
    pub(crate) suspended: bool,
}

/// The organisations whose share is not the ordinary one, and how many nodes divide it.
pub(crate) async fn shares(db: &Db) -> Result<(Vec<ShareRow>, i64), Error> {
    let mut conn = db.system_statement().await?;
    let rows = sqlx::query!(
        r#"select tenant_id, weight, max_running, status <> 'active' as "suspended!" from organisation
           where weight <> 1 or max_running is not null or status <> 'active'"#
    )
    .fetch_all(&mut *conn)
    .await?;
    let nodes = sqlx::query_scalar!(r#"select count(*) as "nodes!" from node where lease_until > now()"#)
        .fetch_one(&mut *conn)
        .await?;
    let shares = rows.into_iter().map(|row| ShareRow {
        tenant: row.tenant_id.into(),
        weight: row.weight,
        max_running: row.max_running,
        suspended: row.suspended,
    });
    Ok((shares.collect(), nodes))
}
