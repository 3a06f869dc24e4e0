use chrono::{DateTime, Utc};
use db::TenantTx;
use kernel::{AgentId, ConnectionId, ContactId, ConversationId, Cursor, Page, PageRequest, ProjectId};
use serde::Serialize;

use super::contact::{self, Contact};
use super::pattern;
use crate::{Error, Message};

/// As much of a first message as names its conversation.
const TITLE_CHARS: usize = 80;

/// A conversation, as lists show it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Conversation {
    pub id: ConversationId,
    pub project: ProjectId,
    pub title: String,
    pub channel: String,
    pub connection: Option<ConnectionId>,
    /// `None`: the agent was deleted.
    pub agent: Option<Named<AgentId>>,
    pub contact: Option<Named<ContactId>>,
    pub last_message_at: DateTime<Utc>,
    pub created_at: DateTime<Utc>,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Named<Id> {
    pub id: Id,
    pub name: String,
}

/// Which conversations a list shows.
#[derive(Clone, Debug, Default)]
pub struct ConversationFilter {
    /// Words that the title or a message holds.
    pub search: Option<String>,
    pub agent: Option<AgentId>,
    pub connection: Option<ConnectionId>,
}

/// Records that `message` belongs to its conversation and its sender to a contact: both are made where they are
/// missing. Does nothing that it would not do again. Returns who the sender is.
pub async fn begin(tx: &mut TenantTx, message: &Message) -> Result<Contact, Error> {
    let contact = contact::upsert(tx, message).await?;
    let thread = serde_json::json!({
        "workspace": message.metadata.workspace,
        "room": message.metadata.room,
        "thread": message.thread,
    });
    sqlx::query!(
        "insert into conversation (tenant_id, conversation_id, project_id, connection_id, agent_id, contact_id, channel,
                                   thread, title, created_at, last_message_at)
         values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $10)
         on conflict (tenant_id, conversation_id) do update
             set last_message_at = greatest(conversation.last_message_at, excluded.last_message_at),
                 agent_id = excluded.agent_id",
        tx.tenant().as_uuid(),
        message.conversation.as_uuid(),
        message.project.as_uuid(),
        message.connection.map(ConnectionId::as_uuid),
        message.agent.as_uuid(),
        contact.id.as_uuid(),
        message.channel.as_str(),
        thread,
        title(&message.content.text),
        message.at,
    )
    .execute(&mut **tx)
    .await?;
    Ok(contact)
}

/// A project's conversations, the one spoken in last first.
pub async fn list(
    tx: &mut TenantTx,
    project: ProjectId,
    filter: &ConversationFilter,
    page: &PageRequest,
) -> Result<Page<Conversation>, Error> {
    let search = filter.search.as_deref().map(str::trim).filter(|words| !words.is_empty()).map(pattern);
    let rows = sqlx::query_as!(
        Row,
        r#"select c.conversation_id, c.project_id, c.title, c.channel, c.connection_id, c.agent_id,
                  a.name as "agent_name?", c.contact_id, p.display_name as "contact_name?", c.last_message_at, c.created_at
           from conversation c
           left join agent a on a.tenant_id = c.tenant_id and a.agent_id = c.agent_id
           left join contact p on p.tenant_id = c.tenant_id and p.contact_id = c.contact_id
           where c.tenant_id = $1 and c.project_id = $2
             and ($3::uuid is null or c.agent_id = $3)
             and ($4::uuid is null or c.connection_id = $4)
             and ($5::timestamptz is null or (c.last_message_at, c.conversation_id) < ($5, $6::uuid))
             and ($7::text is null or c.title ilike $7 or p.display_name ilike $7
                  or exists (select from inbox i where i.tenant_id = c.tenant_id and i.lane_id = c.conversation_id
                             and i.text ilike $7)
                  or exists (select from outbox o where o.tenant_id = c.tenant_id and o.lane_id = c.conversation_id
                             and o.text ilike $7))
           order by c.last_message_at desc, c.conversation_id desc
           limit $8"#,
        tx.tenant().as_uuid(),
        project.as_uuid(),
        filter.agent.map(AgentId::as_uuid),
        filter.connection.map(ConnectionId::as_uuid),
        page.after.map(|after| after.at),
        page.after.map(|after| after.id),
        search,
        page.fetch(),
    )
    .fetch_all(&mut **tx)
    .await?;
    let items = rows.into_iter().map(Row::into_conversation).collect();
    Ok(Page::cut(items, page, |c: &Conversation| Cursor { at: c.last_message_at, id: c.id.as_uuid() }))
}

/// One conversation; `None` where there is none of that id in the organisation.
pub async fn find(tx: &mut TenantTx, id: ConversationId) -> Result<Option<Conversation>, Error> {
    let row = sqlx::query_as!(
        Row,
        r#"select c.conversation_id, c.project_id, c.title, c.channel, c.connection_id, c.agent_id,
                  a.name as "agent_name?", c.contact_id, p.display_name as "contact_name?", c.last_message_at, c.created_at
           from conversation c
           left join agent a on a.tenant_id = c.tenant_id and a.agent_id = c.agent_id
           left join contact p on p.tenant_id = c.tenant_id and p.contact_id = c.contact_id
           where c.tenant_id = $1 and c.conversation_id = $2"#,
        tx.tenant().as_uuid(),
        id.as_uuid(),
    )
    .fetch_optional(&mut **tx)
    .await?;
    Ok(row.map(Row::into_conversation))
}

struct Row {
    conversation_id: uuid::Uuid,
    project_id: uuid::Uuid,
    title: String,
    channel: String,
    connection_id: Option<uuid::Uuid>,
    agent_id: Option<uuid::Uuid>,
    agent_name: Option<String>,
    contact_id: Option<uuid::Uuid>,
    contact_name: Option<String>,
    last_message_at: DateTime<Utc>,
    created_at: DateTime<Utc>,
}

impl Row {
    fn into_conversation(self) -> Conversation {
        Conversation {
            id: self.conversation_id.into(),
            project: self.project_id.into(),
            title: self.title,
            channel: self.channel,
            connection: self.connection_id.map(ConnectionId::from),
            agent: self.agent_id.zip(self.agent_name).map(|(id, name)| Named { id: id.into(), name }),
            contact: self.contact_id.zip(self.contact_name).map(|(id, name)| Named { id: id.into(), name }),
            last_message_at: self.last_message_at,
            created_at: self.created_at,
        }
    }
}

/// The beginning of `text` on one line, ending with a whole word.
fn title(text: &str) -> String {
    let line = text.split_whitespace().collect::<Vec<_>>().join(" ");
    let Some((end, _)) = line.char_indices().nth(TITLE_CHARS) else { return line };
    let cut = line[..end].rfind(' ').filter(|space| *space > end / 2).unwrap_or(end);
    format!("{}…", &line[..cut])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_title_is_the_beginning_in_whole_words() {
        assert_eq!(title(" hello\n world "), "hello world");
        let long = "word ".repeat(40);
        let title_of_long = title(&long);
        assert!(title_of_long.ends_with("word…") && title_of_long.chars().count() <= TITLE_CHARS + 1);
        assert_eq!(title(&"é".repeat(200)).chars().count(), TITLE_CHARS + 1);
    }
}
