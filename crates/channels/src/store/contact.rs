use db::TenantTx;
use kernel::ContactId;

use crate::{Error, Message};

/// The contact that a message's sender is; made where the channel's identity is seen for the first time. A name that
/// the channel tells later fills one that was missing.
pub async fn upsert(tx: &mut TenantTx, message: &Message) -> Result<ContactId, Error> {
    let scope = scope(message);
    if let Some(contact) = find(tx, message, &scope).await? {
        if let Some(name) = &message.sender.display_name {
            name_unnamed(tx, contact, name).await?;
        }
        return Ok(contact);
    }
    let contact = ContactId::new();
    let name = message.sender.display_name.as_deref().unwrap_or_default();
    sqlx::query!(
        "insert into contact (tenant_id, contact_id, display_name) values ($1, $2, $3)",
        tx.tenant().as_uuid(),
        contact.as_uuid(),
        name,
    )
    .execute(&mut **tx)
    .await?;
    let added = sqlx::query!(
        "insert into contact_identity (tenant_id, channel, scope, external_id, contact_id) values ($1, $2, $3, $4, $5)
         on conflict do nothing",
        tx.tenant().as_uuid(),
        message.channel.as_str(),
        scope,
        message.sender.id,
        contact.as_uuid(),
    )
    .execute(&mut **tx)
    .await?;
    if added.rows_affected() == 1 {
        return Ok(contact);
    }
    // Another conversation of the same person was quicker; its contact counts.
    sqlx::query!(
        "delete from contact where tenant_id = $1 and contact_id = $2",
        tx.tenant().as_uuid(),
        contact.as_uuid()
    )
    .execute(&mut **tx)
    .await?;
    find(tx, message, &scope).await?.ok_or(Error::NotFound)
}

/// Within what the sender's id is unique: Slack's workspace; for the web, which has none, the connection or agent.
fn scope(message: &Message) -> String {
    match (&message.metadata.workspace, message.connection) {
        (Some(workspace), _) => workspace.clone(),
        (None, Some(connection)) => connection.to_string(),
        (None, None) => message.agent.to_string(),
    }
}

async fn find(tx: &mut TenantTx, message: &Message, scope: &str) -> Result<Option<ContactId>, Error> {
    let contact = sqlx::query_scalar!(
        "select contact_id from contact_identity
         where tenant_id = $1 and channel = $2 and scope = $3 and external_id = $4",
        tx.tenant().as_uuid(),
        message.channel.as_str(),
        scope,
        message.sender.id,
    )
    .fetch_optional(&mut **tx)
    .await?;
    Ok(contact.map(ContactId::from))
}

async fn name_unnamed(tx: &mut TenantTx, contact: ContactId, name: &str) -> Result<(), Error> {
    sqlx::query!(
        "update contact set display_name = $3 where tenant_id = $1 and contact_id = $2 and display_name = ''",
        tx.tenant().as_uuid(),
        contact.as_uuid(),
        name,
    )
    .execute(&mut **tx)
    .await?;
    Ok(())
}
