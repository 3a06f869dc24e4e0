use std::time::Duration;

use db::Db;
use kernel::{LaneId, NodeId, TenantId};
use uuid::Uuid;

use crate::{Claim, Error};

/// Claims up to so many ready lanes of each tenant, oldest first, and begins (or takes up again) their runs.
pub(crate) async fn claim(db: &Db, node: NodeId, dealt: &[(TenantId, usize)]) -> Result<Vec<Claim>, Error> {
    let (tenants, places): (Vec<Uuid>, Vec<i32>) =
        dealt.iter().map(|(tenant, places)| (tenant.as_uuid(), *places as i32)).unzip();
    let mut conn = db.system_statement().await?;
    let rows =
        sqlx::query_file!("src/store/claim.sql", &tenants, &places, node.as_uuid()).fetch_all(&mut *conn).await?;
    let claims = rows.into_iter().map(|row| Claim {
        tenant: row.tenant_id.into(),
        lane: row.lane_id.into(),
        seq: row.seq,
        run: row.run_id.into(),
        epoch: row.epoch,
        day: row.day,
        message: row.run_id.into(),
        program: row.program,
        claims: row.claims,
        failures: row.failures,
        received_at: row.received_at,
        age: Duration::from_secs_f64(row.age.max(0.0)),
    });
    Ok(claims.collect())
}

/// The tenants that have a ready lane: a loose index scan, which costs a step a tenant and not a lane.
pub(crate) async fn ready_tenants(db: &Db) -> Result<Vec<TenantId>, Error> {
    let mut conn = db.system_statement().await?;
    let found = sqlx::query_scalar!(
        r#"with recursive ready as (
             (select tenant_id from lane where ready_at <= now() order by tenant_id limit 1)
             union all
             select (select lane.tenant_id from lane where lane.tenant_id > ready.tenant_id and ready_at <= now()
                     order by lane.tenant_id limit 1)
             from ready where ready.tenant_id is not null
           )
           select tenant_id as "tenant_id!" from ready where tenant_id is not null"#
    )
    .fetch_all(&mut *conn)
    .await?;
    Ok(found.into_iter().map(TenantId::from_uuid).collect())
}

/// Lets a run wait for `after` before it is taken up again. `false`: the lane is not ours any more.
pub(crate) async fn suspend(db: &Db, node: NodeId, claim: &Claim, after: Duration) -> Result<bool, Error> {
    let mut conn = db.system_statement().await?;
    let done = sqlx::query!(
        "with lanes as (
           update lane set owner = null, failures = failures + 1, claims = claims - 1,
                           ready_at = now() + make_interval(secs => $5)
           where tenant_id = $1 and lane_id = $2 and epoch = $3 and owner = $4
           returning tenant_id, run_id
         )
         update run set status = 'waiting' from lanes
         where run.tenant_id = lanes.tenant_id and run.run_id = lanes.run_id and run.day = $6",
        claim.tenant.as_uuid(),
        claim.lane.as_uuid(),
        claim.epoch,
        node.as_uuid(),
        after.as_secs_f64(),
        claim.day
    )
    .execute(&mut *conn)
    .await?;
    Ok(done.rows_affected() > 0)
}

/// Gives a claimed lane back at once, its run to be taken up again by whoever comes.
pub(crate) async fn give_back(db: &Db, node: NodeId, claim: &Claim) -> Result<(), Error> {
    let mut conn = db.system_statement().await?;
    sqlx::query!(
        "update lane set owner = null, claims = claims - 1, ready_at = now()
         where tenant_id = $1 and lane_id = $2 and epoch = $3 and owner = $4",
        claim.tenant.as_uuid(),
        claim.lane.as_uuid(),
        claim.epoch,
        node.as_uuid()
    )
    .execute(&mut *conn)
    .await?;
    Ok(())
}

/// The lanes that the database says this node works on.
pub(crate) async fn owned_lanes(db: &Db, node: NodeId) -> Result<Vec<(TenantId, LaneId, i64)>, Error> {
    let mut conn = db.system_statement().await?;
    let rows = sqlx::query!("select tenant_id, lane_id, epoch from lane where owner = $1", node.as_uuid())
        .fetch_all(&mut *conn)
        .await?;
    Ok(rows.into_iter().map(|row| (row.tenant_id.into(), row.lane_id.into(), row.epoch)).collect())
}

/// Frees a lane that this node owns without working on it (its claim was committed, the answer lost).
pub(crate) async fn release(db: &Db, node: NodeId, lane: (TenantId, LaneId, i64)) -> Result<(), Error> {
    let mut conn = db.system_statement().await?;
    sqlx::query!(
        "update lane set owner = null, ready_at = now()
         where tenant_id = $1 and lane_id = $2 and epoch = $3 and owner = $4",
        lane.0.as_uuid(),
        lane.1.as_uuid(),
        lane.2,
        node.as_uuid()
    )
    .execute(&mut *conn)
    .await?;
    Ok(())
}
