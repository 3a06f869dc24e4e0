//! Removing an organisation or a project with all that belongs to it, over the tables of every domain: the one place
//! that must know them all.
//!
//! Most tables go by their foreign keys. The engine's partitioned ones carry none and are emptied here, a day at a
//! time so that no statement holds locks for long.

use db::{SystemTx, TenantTx};
use kernel::{ProjectId, TenantId};
use uuid::Uuid;

use crate::Error;

/// The days that the engine has filed anything of this tenant under.
pub(crate) async fn list_engine_days(tx: &mut SystemTx, tenant: TenantId) -> Result<Vec<chrono::NaiveDate>, Error> {
    let days = sqlx::query_scalar!(
        r#"select day as "day!" from (
               select day from inbox where tenant_id = $1 union select day from outbox where tenant_id = $1
               union select day from run where tenant_id = $1 union select day from step where tenant_id = $1
               union select day from inbox_dedup where tenant_id = $1) days
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

/// Deletes a project with its agents, connections and conversations; its lanes are returned for the engine's tables.
pub(crate) async fn delete_project(tx: &mut TenantTx, project: ProjectId) -> Result<Option<Vec<Uuid>>, Error> {
    let tenant = tx.tenant().as_uuid();
    sqlx::query!("set constraints all deferred").execute(&mut **tx).await?;
    let lanes = sqlx::query_scalar!(
        "select lane_id from lane where tenant_id = $1 and project_id = $2",
        tenant,
        project.as_uuid()
    )
    .fetch_all(&mut **tx)
    .await?;
    sqlx::query!("delete from dead_letter where tenant_id = $1 and lane_id = any($2)", tenant, &lanes)
        .execute(&mut **tx)
        .await?;
    sqlx::query!(
        "delete from secret where tenant_id = $1
         and owner_id in (select connection_id from connection where tenant_id = $1 and project_id = $2)",
        tenant,
        project.as_uuid()
    )
    .execute(&mut **tx)
    .await?;
    let done = sqlx::query!("delete from project where tenant_id = $1 and project_id = $2", tenant, project.as_uuid())
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
    Ok((done.rows_affected() > 0).then_some(lanes))
}

/// Empties the engine's tables of these lanes. Runs and replies carry the ids of the lanes' messages.
pub(crate) async fn delete_lanes(tx: &mut SystemTx, tenant: TenantId, lanes: &[Uuid]) -> Result<(), Error> {
    let tenant = tenant.as_uuid();
    sqlx::query!(
        "delete from step where tenant_id = $1
         and run_id in (select message_id from inbox where tenant_id = $1 and lane_id = any($2))",
        tenant,
        lanes
    )
    .execute(&mut **tx)
    .await?;
    sqlx::query!(
        "delete from run where tenant_id = $1
         and run_id in (select message_id from inbox where tenant_id = $1 and lane_id = any($2))",
        tenant,
        lanes
    )
    .execute(&mut **tx)
    .await?;
    sqlx::query!(
        "delete from outbox where tenant_id = $1
         and message_id in (select message_id from inbox where tenant_id = $1 and lane_id = any($2))",
        tenant,
        lanes
    )
    .execute(&mut **tx)
    .await?;
    sqlx::query!("delete from inbox where tenant_id = $1 and lane_id = any($2)", tenant, lanes)
        .execute(&mut **tx)
        .await?;
    sqlx::query!("delete from lane where tenant_id = $1 and lane_id = any($2)", tenant, lanes)
        .execute(&mut **tx)
        .await?;
    Ok(())
}
