use std::collections::HashMap;

use chrono::{DateTime, Utc};
use db::TenantTx;
use kernel::{ContactId, ConversationId};

use crate::{ChannelKind, Error, Message};

/// As much of a name as is kept. Its bearer chose it, and it is shown to people and to models.
const LONGEST_NAME: usize = 80;

/// Who somebody is to a channel.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Identity {
    pub(crate) channel: ChannelKind,
    /// Within what the id is unique: Slack's workspace; for the web, which has none, the connection or agent.
    pub(crate) scope: String,
    pub(crate) external_id: String,
}

impl Identity {
    fn of_sender(message: &Message) -> Self {
        let scope = match (&message.metadata.workspace, message.connection) {
            (Some(workspace), _) => workspace.clone(),
            (None, Some(connection)) => connection.to_string(),
            (None, None) => message.agent.to_string(),
        };
        Self { channel: message.channel, scope, external_id: message.sender.id.clone() }
    }
}

/// A person as we know them.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Contact {
    pub id: ContactId,
    /// `None`: nobody has said it yet.
    pub name: Option<String>,
}

/// The contact that a message's sender is; made where the channel's identity is seen for the first time. A name that
/// the message tells fills one that was missing.
pub async fn upsert(tx: &mut TenantTx, message: &Message) -> Result<Contact, Error> {
    let contact = find_or_make(tx, &Identity::of_sender(message)).await?;
    match message.sender.display_name.as_deref().and_then(one_line) {
        Some(name) if contact.name.is_none() => {
            set_name(tx, contact.id, &name).await?;
            Ok(Contact { name: Some(name), ..contact })
        }
        _ => Ok(contact),
    }
}

/// The contact that a message's sender is, where there is one.
pub async fn find_sender(tx: &mut TenantTx, message: &Message) -> Result<Option<Contact>, Error> {
    find(tx, &Identity::of_sender(message)).await
}

/// The names of those who write in a conversation, by the ids their channel knows them by; whose is not known is
/// absent.
pub async fn names(
    tx: &mut TenantTx,
    conversation: ConversationId,
    external_ids: &[String],
) -> Result<HashMap<String, String>, Error> {
    let rows = sqlx::query!(
        "select i.external_id, p.display_name from conversation c
         join contact_identity i on i.tenant_id = c.tenant_id and i.channel = c.channel
              and i.scope = c.thread ->> 'workspace'
         join contact p on p.tenant_id = i.tenant_id and p.contact_id = i.contact_id
         where c.tenant_id = $1 and c.conversation_id = $2 and i.external_id = any($3) and p.display_name <> ''",
        tx.tenant().as_uuid(),
        conversation.as_uuid(),
        external_ids,
    )
    .fetch_all(&mut **tx)
    .await?;
    Ok(rows.into_iter().map(|row| (row.external_id, row.display_name)).collect())
}

/// When the channel was last asked what the person is called; `None`: never.
pub(crate) async fn named_at(tx: &mut TenantTx, of: &Identity) -> Result<Option<DateTime<Utc>>, Error> {
    let named_at = sqlx::query_scalar!(
        "select named_at from contact_identity
         where tenant_id = $1 and channel = $2 and scope = $3 and external_id = $4",
        tx.tenant().as_uuid(),
        of.channel.as_str(),
        of.scope,
        of.external_id,
    )
    .fetch_optional(&mut **tx)
    .await?;
    Ok(named_at.flatten())
}

/// Takes down what the channel says the person is called, whether or not they have a contact yet.
pub(crate) async fn name(tx: &mut TenantTx, of: &Identity, name: &str, at: DateTime<Utc>) -> Result<(), Error> {
    let contact = find_or_make(tx, of).await?;
    if let Some(name) = one_line(name).filter(|name| contact.name.as_ref() != Some(name)) {
        set_name(tx, contact.id, &name).await?;
    }
    sqlx::query!(
        "update contact_identity set named_at = $5
         where tenant_id = $1 and channel = $2 and scope = $3 and external_id = $4",
        tx.tenant().as_uuid(),
        of.channel.as_str(),
        of.scope,
        of.external_id,
        at,
    )
    .execute(&mut **tx)
    .await?;
    Ok(())
}

async fn find_or_make(tx: &mut TenantTx, who: &Identity) -> Result<Contact, Error> {
    if let Some(contact) = find(tx, who).await? {
        return Ok(contact);
    }
    let contact = ContactId::new();
    sqlx::query!(
        "insert into contact (tenant_id, contact_id) values ($1, $2)",
        tx.tenant().as_uuid(),
        contact.as_uuid(),
    )
    .execute(&mut **tx)
    .await?;
    let added = sqlx::query!(
        "insert into contact_identity (tenant_id, channel, scope, external_id, contact_id) values ($1, $2, $3, $4, $5)
         on conflict do nothing",
        tx.tenant().as_uuid(),
        who.channel.as_str(),
        who.scope,
        who.external_id,
        contact.as_uuid(),
    )
    .execute(&mut **tx)
    .await?;
    if added.rows_affected() == 1 {
        return Ok(Contact { id: contact, name: None });
    }
    // Another conversation of the same person was quicker; its contact counts.
    sqlx::query!(
        "delete from contact where tenant_id = $1 and contact_id = $2",
        tx.tenant().as_uuid(),
        contact.as_uuid()
    )
    .execute(&mut **tx)
    .await?;
    find(tx, who).await?.ok_or(Error::NotFound)
}

async fn find(tx: &mut TenantTx, who: &Identity) -> Result<Option<Contact>, Error> {
    let row = sqlx::query!(
        "select p.contact_id, p.display_name from contact_identity i
         join contact p on p.tenant_id = i.tenant_id and p.contact_id = i.contact_id
         where i.tenant_id = $1 and i.channel = $2 and i.scope = $3 and i.external_id = $4",
        tx.tenant().as_uuid(),
        who.channel.as_str(),
        who.scope,
        who.external_id,
    )
    .fetch_optional(&mut **tx)
    .await?;
    let named = |name: String| Some(name).filter(|name| !name.is_empty());
    Ok(row.map(|row| Contact { id: row.contact_id.into(), name: named(row.display_name) }))
}

async fn set_name(tx: &mut TenantTx, contact: ContactId, name: &str) -> Result<(), Error> {
    sqlx::query!(
        "update contact set display_name = $3 where tenant_id = $1 and contact_id = $2",
        tx.tenant().as_uuid(),
        contact.as_uuid(),
        name,
    )
    .execute(&mut **tx)
    .await?;
    Ok(())
}

/// A name as it may be shown: one line, of bounded length, without what is invisible or turns the line around. `None`
/// where nothing is left.
fn one_line(name: &str) -> Option<String> {
    let shown = |c: &char| !matches!(c, '\u{200b}' | '\u{200e}'..='\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2060}'..='\u{206f}' | '\u{feff}' | '\u{e0000}'..='\u{e007f}');
    let spaced = name.chars().filter(shown).map(|c| if c.is_control() { ' ' } else { c });
    let spaced: String = spaced.take(LONGEST_NAME * 4).collect();
    let line = spaced.split_whitespace().collect::<Vec<_>>().join(" ");
    let line: String = line.chars().take(LONGEST_NAME).collect();
    Some(line.trim_end().to_owned()).filter(|line| !line.is_empty())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_is_one_short_visible_line() {
        assert_eq!(one_line(" Anna\n\nSchmidt\t").as_deref(), Some("Anna Schmidt"));
        assert_eq!(one_line("مريم 🌷").as_deref(), Some("مريم 🌷"));
        assert_eq!(one_line("a\u{202e}b\u{200b}c\u{2028}d\u{0}e").as_deref(), Some("abc d e"));
        assert_eq!(one_line(&"é".repeat(5_000)).unwrap().chars().count(), LONGEST_NAME);
        assert_eq!(one_line(" \n\u{200b}"), None);
    }
}
