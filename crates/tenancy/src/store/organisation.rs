use db::{SystemTx, TenantTx};
use kernel::{PageRequest, TenantId};

use crate::{Counts, Error, Organisation, OrganisationStatus};

/// The columns as they come; a status this binary does not know counts as suspended.
struct Row {
    tenant_id: uuid::Uuid,
    name: String,
    display_name: String,
    status: String,
    weight: i32,
    max_running: Option<i32>,
    created_at: chrono::DateTime<chrono::Utc>,
}

impl From<Row> for Organisation {
    fn from(row: Row) -> Self {
        Self {
            id: row.tenant_id.into(),
            name: row.name,
            display_name: row.display_name,
            status: row.status.parse().unwrap_or(OrganisationStatus::Suspended),
            weight: row.weight,
            max_running: row.max_running,
            created_at: row.created_at,
        }
    }
}

pub(crate) async fn insert_organisation(
    tx: &mut SystemTx,
    name: &str,
    display_name: &str,
) -> Result<Organisation, Error> {
    let row = sqlx::query_as!(
        Row,
        "insert into organisation (tenant_id, name, display_name) values ($1, $2, $3)
         returning tenant_id, name, display_name, status, weight, max_running, created_at",
        TenantId::new().as_uuid(),
        name,
        display_name
    )
    .fetch_one(&mut **tx)
    .await?;
    Ok(row.into())
}

pub(crate) async fn list_organisations(tx: &mut SystemTx, page: &PageRequest) -> Result<Vec<Organisation>, Error> {
    let rows = sqlx::query_as!(
        Row,
        "select tenant_id, name, display_name, status, weight, max_running, created_at from organisation
         where $1::timestamptz is null or (created_at, tenant_id) < ($1, $2)
         order by created_at desc, tenant_id desc limit $3",
        page.after.map(|after| after.at),
        page.after.map(|after| after.id),
        page.fetch()
    )
    .fetch_all(&mut **tx)
    .await?;
    Ok(rows.into_iter().map(Organisation::from).collect())
}

pub(crate) async fn find_organisation(tx: &mut SystemTx, id: TenantId) -> Result<Option<Organisation>, Error> {
    let row = sqlx::query_as!(
        Row,
        "select tenant_id, name, display_name, status, weight, max_running, created_at from organisation
         where tenant_id = $1",
        id.as_uuid()
    )
    .fetch_optional(&mut **tx)
    .await?;
    Ok(row.map(Organisation::from))
}

pub(crate) async fn lock_organisation(tx: &mut SystemTx, id: TenantId) -> Result<Option<Organisation>, Error> {
    let row = sqlx::query_as!(
        Row,
        "select tenant_id, name, display_name, status, weight, max_running, created_at from organisation
         where tenant_id = $1 for no key update",
        id.as_uuid()
    )
    .fetch_optional(&mut **tx)
    .await?;
    Ok(row.map(Organisation::from))
}

pub(crate) async fn find_organisation_by_name(tx: &mut SystemTx, name: &str) -> Result<Option<Organisation>, Error> {
    let row = sqlx::query_as!(
        Row,
        "select tenant_id, name, display_name, status, weight, max_running, created_at from organisation
         where name = $1",
        name
    )
    .fetch_optional(&mut **tx)
    .await?;
    Ok(row.map(Organisation::from))
}

pub(crate) async fn find_own_organisation(tx: &mut TenantTx) -> Result<Option<Organisation>, Error> {
    let row = sqlx::query_as!(
        Row,
        "select tenant_id, name, display_name, status, weight, max_running, created_at from organisation
         where tenant_id = $1",
        tx.tenant().as_uuid()
    )
    .fetch_optional(&mut **tx)
    .await?;
    Ok(row.map(Organisation::from))
}

pub(crate) async fn update_organisation(tx: &mut SystemTx, organisation: &Organisation) -> Result<(), Error> {
    sqlx::query!(
        "update organisation set display_name = $2, status = $3, weight = $4, max_running = $5 where tenant_id = $1",
        organisation.id.as_uuid(),
        organisation.display_name,
        organisation.status.name(),
        organisation.weight,
        organisation.max_running
    )
    .execute(&mut **tx)
    .await?;
    Ok(())
}

pub(crate) async fn update_own_display_name(tx: &mut TenantTx, display_name: &str) -> Result<(), Error> {
    sqlx::query!("update organisation set display_name = $2 where tenant_id = $1", tx.tenant().as_uuid(), display_name)
        .execute(&mut **tx)
        .await?;
    Ok(())
}

/// Counts over the tables of all domains: the operator's view needs one look, not one a domain.
pub(crate) async fn count_own(tx: &mut TenantTx) -> Result<Counts, Error> {
    let counts = sqlx::query_as!(
        Counts,
        r#"select (select count(*) from project where tenant_id = $1) as "projects!",
                  (select count(*) from agent where tenant_id = $1) as "agents!",
                  (select count(*) from connection where tenant_id = $1) as "connections!",
                  (select count(*) from conversation where tenant_id = $1) as "conversations!",
                  (select count(*) from inbox where tenant_id = $1 and day >= current_date - 30) as "messages_30d!""#,
        tx.tenant().as_uuid()
    )
    .fetch_one(&mut **tx)
    .await?;
    Ok(counts)
}
