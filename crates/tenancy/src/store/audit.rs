use db::{SystemTx, TenantTx};
use kernel::PageRequest;
use serde_json::Value;
use uuid::Uuid;

use crate::{Actor, AuditEntry, Error};

/// What happened, apart from who did it.
pub(crate) struct Deed<'a> {
    pub(crate) action: &'a str,
    pub(crate) object: &'a str,
    pub(crate) detail: &'a Value,
}

pub(crate) async fn insert_entry(tx: &mut TenantTx, actor: &Actor, deed: &Deed<'_>) -> Result<(), Error> {
    sqlx::query!(
        "insert into audit_entry (tenant_id, entry_id, actor, action, object, detail) values ($1, $2, $3, $4, $5, $6)",
        tx.tenant().as_uuid(),
        Uuid::now_v7(),
        actor.to_string(),
        deed.action,
        deed.object,
        deed.detail
    )
    .execute(&mut **tx)
    .await?;
    Ok(())
}

pub(crate) async fn insert_operator_entry(tx: &mut SystemTx, actor: &Actor, deed: &Deed<'_>) -> Result<(), Error> {
    sqlx::query!(
        "insert into operator_audit_entry (entry_id, actor, action, object, detail) values ($1, $2, $3, $4, $5)",
        Uuid::now_v7(),
        actor.to_string(),
        deed.action,
        deed.object,
        deed.detail
    )
    .execute(&mut **tx)
    .await?;
    Ok(())
}

pub(crate) async fn list_entries(tx: &mut TenantTx, page: &PageRequest) -> Result<Vec<AuditEntry>, Error> {
    let entries = sqlx::query_as!(
        AuditEntry,
        "select entry_id as id, at, actor, action, object, detail from audit_entry
         where tenant_id = $1 and ($2::timestamptz is null or (at, entry_id) < ($2, $3))
         order by at desc, entry_id desc limit $4",
        tx.tenant().as_uuid(),
        page.after.map(|after| after.at),
        page.after.map(|after| after.id),
        page.fetch()
    )
    .fetch_all(&mut **tx)
    .await?;
    Ok(entries)
}
