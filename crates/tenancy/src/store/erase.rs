//! Removing an organisation or a project with all that belongs to it, over the tables of every domain: the one place
//! that must know them all.
//!
//! Most tables go by their foreign keys. The engine's partitioned ones carry none and are emptied here, before what they
//! belong to goes: an organisation's a day at a time, a project's some lanes at a time, so that no statement holds locks
//! for long, and a removal that is cut off finds the rest when it is called again.

use std::time::Duration;

use chrono::{DateTime, Utc};
use db::{Db, SystemTx, TenantTx};
use kernel::{ProjectId, TenantId};
use tokio::time::sleep;
use uuid::Uuid;

use crate::Error;

/// How many lanes go in one transaction.
const LANES_AT_ONCE: i64 = 300;

/// How long until it is asked again whether writers are done; most are in a millisecond or two.
const LOOK_AGAIN: Duration = Duration::from_millis(5);

/// The days that the engine has filed anything of this tenant under.
pub(crate) async fn list_engine_days(tx: &mut SystemTx, tenant: TenantId) -> Result<Vec<chrono::NaiveDate>, Error> {
    let days = sqlx::query_scalar!(
        r#"select day as "day!" from (
               select day from inbox where tenant_id = $1 union select day from outbox where tenant_id = $1
               union select day from run where tenant_id = $1 union select day from step where tenant_id = $1
               union select day from inbox_dedup where tenant_id = $1
               union select day from model_call where tenant_id = $1) days
           order by 1"#,
        tenant.as_uuid()
    )
    .fetch_all(&mut **tx)
    .await?;
    Ok(days)
}

pub(crate) async fn delete_engine_day(
    tx: &mut SystemTx,
    tenant: TenantId,
    day: chrono::NaiveDate,
) -> Result<(), Error> {
    let tenant = tenant.as_uuid();
    sqlx::query!("delete from step where tenant_id = $1 and day = $2", tenant, day).execute(&mut **tx).await?;
    sqlx::query!("delete from run where tenant_id = $1 and day = $2", tenant, day).execute(&mut **tx).await?;
    sqlx::query!("delete from outbox where tenant_id = $1 and day = $2", tenant, day).execute(&mut **tx).await?;
    sqlx::query!("delete from inbox where tenant_id = $1 and day = $2", tenant, day).execute(&mut **tx).await?;
    sqlx::query!("delete from inbox_dedup where tenant_id = $1 and day = $2", tenant, day).execute(&mut **tx).await?;
    sqlx::query!("delete from model_call where tenant_id = $1 and day = $2", tenant, day).execute(&mut **tx).await?;
    Ok(())
}

/// Deletes the organisation's row, and by its foreign keys everything that is left.
pub(crate) async fn delete_organisation(tx: &mut SystemTx, tenant: TenantId) -> Result<bool, Error> {
    // A role that members still have, an agent that connections still name: all of them go, in whatever order.
    sqlx::query!("set constraints all deferred").execute(&mut **tx).await?;
    let done =
        sqlx::query!("delete from organisation where tenant_id = $1", tenant.as_uuid()).execute(&mut **tx).await?;
    Ok(done.rows_affected() > 0)
}

/// Holds a project until the transaction ends: no lane joins it meanwhile. `false`: there is no such project.
pub(crate) async fn lock_project(tx: &mut TenantTx, project: ProjectId) -> Result<bool, Error> {
    let found = sqlx::query_scalar!(
        "select project_id from project where tenant_id = $1 and project_id = $2 for update",
        tx.tenant().as_uuid(),
        project.as_uuid()
    )
    .fetch_optional(&mut **tx)
    .await?;
    Ok(found.is_some())
}

/// Removes what lets messages into a project and what answers them: its connections, with their routes and secrets, and
/// its agents.
pub(crate) async fn delete_entrances(tx: &mut TenantTx, project: ProjectId) -> Result<(), Error> {
    let (tenant, project) = (tx.tenant().as_uuid(), project.as_uuid());
    sqlx::query!("set constraints all deferred").execute(&mut **tx).await?;
    sqlx::query!(
        "delete from secret where tenant_id = $1
         and owner_id in (select connection_id from connection where tenant_id = $1 and project_id = $2)",
        tenant,
        project
    )
    .execute(&mut **tx)
    .await?;
    sqlx::query!("delete from connection where tenant_id = $1 and project_id = $2", tenant, project)
        .execute(&mut **tx)
        .await?;
    sqlx::query!("delete from agent where tenant_id = $1 and project_id = $2", tenant, project)
        .execute(&mut **tx)
        .await?;
    // A claim is the organisation's; without a connection it would keep the workspace from everybody else.
    sqlx::query!(
        "delete from route_claim c where c.tenant_id = $1
         and not exists (select from route r where r.tenant_id = c.tenant_id and r.channel = c.channel
                         and r.app_id = c.app_id and r.external_id = c.external_id
                         and r.secret_fingerprint = c.secret_fingerprint)",
        tenant
    )
    .execute(&mut **tx)
    .await?;
    Ok(())
}

pub(crate) async fn has_lanes(tx: &mut TenantTx, project: ProjectId) -> Result<bool, Error> {
    let found = sqlx::query_scalar!(
        r#"select exists (select from lane where tenant_id = $1 and project_id = $2) as "found!""#,
        tx.tenant().as_uuid(),
        project.as_uuid()
    )
    .fetch_one(&mut **tx)
    .await?;
    Ok(found)
}

/// Deletes a project's row, and by its foreign keys everything that is left.
pub(crate) async fn delete_project(tx: &mut TenantTx, project: ProjectId) -> Result<(), Error> {
    sqlx::query!(
        "delete from project where tenant_id = $1 and project_id = $2",
        tx.tenant().as_uuid(),
        project.as_uuid()
    )
    .execute(&mut **tx)
    .await?;
    Ok(())
}

/// Lanes that were taken from whoever worked on them, in their order, each with the epoch it has since.
#[derive(Debug, Default)]
pub(crate) struct Fenced {
    pub lanes: Vec<Uuid>,
    epochs: Vec<i64>,
}

/// Takes some lanes of a project, those after `after`, from whoever works on them: what begins to be written for a run
/// of theirs from now on is refused.
pub(crate) async fn fence_lanes(
    tx: &mut SystemTx,
    tenant: TenantId,
    project: ProjectId,
    after: Uuid,
) -> Result<Fenced, Error> {
    let mut rows = sqlx::query!(
        "with picked as (
             select lane_id from lane where tenant_id = $1 and project_id = $2 and lane_id > $3
             order by lane_id limit $4 for no key update
         )
         update lane l set owner = null, ready_at = null, epoch = l.epoch + 1
         from picked where l.tenant_id = $1 and l.lane_id = picked.lane_id
         returning l.lane_id, l.epoch",
        tenant.as_uuid(),
        project.as_uuid(),
        after,
        LANES_AT_ONCE
    )
    .fetch_all(&mut **tx)
    .await?;
    rows.sort_unstable_by_key(|row| row.lane_id);
    let (lanes, epochs) = rows.into_iter().map(|row| (row.lane_id, row.epoch)).unzip();
    Ok(Fenced { lanes, epochs })
}

/// Waits until whatever the engine had begun to write is written. A journal looks at its lane without holding it, so what
/// had looked before the lane was fenced, or gone, may be written after. PostgreSQL itself bounds how long that takes.
pub(crate) async fn wait_for_writers(db: &Db) -> Result<(), Error> {
    let mut conn = db.system_statement().await?;
    let now = sqlx::query_scalar!(r#"select clock_timestamp() as "now!""#).fetch_one(&mut *conn).await?;
    drop(conn);
    while under_way_since(db, now).await? {
        sleep(LOOK_AGAIN).await;
    }
    Ok(())
}

/// Whether anything of the engine's that began before `moment` is still under way.
async fn under_way_since(db: &Db, moment: DateTime<Utc>) -> Result<bool, Error> {
    let mut conn = db.system_statement().await?;
    let found = sqlx::query_scalar!(
        r#"select exists (
               select from pg_stat_activity
               where datname = current_database() and usename = current_user and pid <> pg_backend_pid()
                 and xact_start <= $1
           ) as "found!""#,
        moment
    )
    .fetch_one(&mut *conn)
    .await?;
    Ok(found)
}

/// Deletes fenced lanes with everything that the engine filed for them. One that somebody works on again is left.
///
/// Rows are locked in the engine's order: lanes, then replies.
pub(crate) async fn delete_lanes(tx: &mut SystemTx, tenant: TenantId, fenced: &Fenced) -> Result<(), Error> {
    let tenant = tenant.as_uuid();
    let lanes = sqlx::query_scalar!(
        "select l.lane_id from lane l join unnest($2::uuid[], $3::bigint[]) as f (lane_id, epoch) using (lane_id)
         where l.tenant_id = $1 and l.epoch = f.epoch order by l.lane_id for update of l",
        tenant,
        &fenced.lanes,
        &fenced.epochs
    )
    .fetch_all(&mut **tx)
    .await?;
    // Steps, runs and replies carry the ids of the lanes' messages.
    sqlx::query!(
        "delete from step where tenant_id = $1
         and run_id in (select message_id from inbox where tenant_id = $1 and lane_id = any($2))",
        tenant,
        &lanes
    )
    .execute(&mut **tx)
    .await?;
    sqlx::query!(
        "delete from run where tenant_id = $1
         and run_id in (select message_id from inbox where tenant_id = $1 and lane_id = any($2))",
        tenant,
        &lanes
    )
    .execute(&mut **tx)
    .await?;
    sqlx::query!(
        "with locked as (
             select tenant_id, message_id, day from outbox where tenant_id = $1
             and message_id in (select message_id from inbox where tenant_id = $1 and lane_id = any($2))
             order by tenant_id, message_id for update
         )
         delete from outbox o using locked
         where o.tenant_id = $1 and o.message_id = locked.message_id and o.day = locked.day",
        tenant,
        &lanes
    )
    .execute(&mut **tx)
    .await?;
    sqlx::query!("delete from inbox where tenant_id = $1 and lane_id = any($2)", tenant, &lanes)
        .execute(&mut **tx)
        .await?;
    // After the replies: whoever gives one up writes its letter under its lock.
    sqlx::query!("delete from dead_letter where tenant_id = $1 and lane_id = any($2)", tenant, &lanes)
        .execute(&mut **tx)
        .await?;
    sqlx::query!("delete from lane where tenant_id = $1 and lane_id = any($2)", tenant, &lanes)
        .execute(&mut **tx)
        .await?;
    Ok(())
}
