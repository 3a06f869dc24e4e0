//! The audit: who changed what. Written in the transaction of the change, never altered.

use db::{SystemTx, TenantTx};
use kernel::{Cursor, Page, PageRequest};
use serde_json::Value;

use crate::store::audit::{Deed, insert_entry, insert_operator_entry, list_entries};
use crate::{Actor, AuditEntry, Error};

/// Records a change of something of the organisation. `action` is `thing.verb`, `object` is `thing:id`; `detail` says
/// what changed and never holds a secret.
pub async fn record(tx: &mut TenantTx, actor: &Actor, action: &str, object: &str, detail: Value) -> Result<(), Error> {
    insert_entry(tx, actor, &Deed { action, object, detail: &detail }).await
}

/// Records what the operator did to the installation.
pub async fn record_operator(
    tx: &mut SystemTx,
    actor: &Actor,
    action: &str,
    object: &str,
    detail: Value,
) -> Result<(), Error> {
    insert_operator_entry(tx, actor, &Deed { action, object, detail: &detail }).await
}

/// The entries, newest first.
pub async fn list(tx: &mut TenantTx, page: &PageRequest) -> Result<Page<AuditEntry>, Error> {
    let entries = list_entries(tx, page).await?;
    Ok(Page::cut(entries, page, |entry| Cursor { at: entry.at, id: entry.id }))
}
