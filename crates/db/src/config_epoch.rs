//! What makes a change of configuration be in force everywhere when the call that made it returns.
//!
//! The change's own transaction takes the next epoch and notifies; each node drops what it has cached and confirms the
//! epoch in its `node` row; the caller waits until every node with a valid lease has.

use std::time::Duration;

use sqlx::PgConnection;
use tokio::time::{Instant, sleep};

use crate::{Db, Error};

/// How long a change waits for the nodes; a node that does not answer for this long has lost its lease.
const PATIENCE: Duration = Duration::from_secs(15);

/// Takes the next epoch in the transaction that changes configuration, and notifies the nodes when it commits.
pub async fn bump_config_epoch(tx: &mut PgConnection) -> Result<i64, Error> {
    let epoch =
        sqlx::query_scalar!("update config_epoch set epoch = epoch + 1 returning epoch").fetch_one(&mut *tx).await?;
    sqlx::query!("select pg_notify('config', $1)", epoch.to_string()).execute(tx).await?;
    Ok(epoch)
}

/// The newest epoch.
pub async fn config_epoch(db: &Db) -> Result<i64, Error> {
    let mut conn = db.system_statement().await?;
    Ok(sqlx::query_scalar!("select epoch from config_epoch").fetch_one(&mut *conn).await?)
}

/// Says that `node` acts upon `epoch` from now on.
pub async fn confirm_config_epoch(db: &Db, node: kernel::NodeId, epoch: i64) -> Result<(), Error> {
    let mut conn = db.system_statement().await?;
    sqlx::query!("update node set config_seen = greatest(config_seen, $2) where node_id = $1", node.as_uuid(), epoch)
        .execute(&mut *conn)
        .await?;
    Ok(())
}

/// Waits until every live node acts upon `epoch`.
pub async fn wait_until_in_force(db: &Db, epoch: i64) -> Result<(), Error> {
    let deadline = Instant::now() + PATIENCE;
    loop {
        let mut conn = db.system_statement().await?;
        let behind = sqlx::query_scalar!(
            r#"select count(*) as "behind!" from node where lease_until > now() and config_seen < $1"#,
            epoch
        )
        .fetch_one(&mut *conn)
        .await?;
        drop(conn);
        if behind == 0 {
            return Ok(());
        }
        if Instant::now() >= deadline {
            return Err(Error::NotInForce { epoch, nodes: behind, waited_s: PATIENCE.as_secs() });
        }
        sleep(Duration::from_millis(5)).await;
    }
}
