use chrono::{DateTime, Utc};
use db::TenantTx;
use kernel::{AgentId, ConnectionId, Cursor, Page, PageRequest, ProjectId};
use serde::Serialize;
use serde_json::Value;
use uuid::Uuid;

use crate::{ChannelKind, Error};

/// One installation of a channel, as it is configured and how it fares.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Connection {
    pub id: ConnectionId,
    pub project: ProjectId,
    pub name: String,
    pub channel: ChannelKind,
    pub agent: AgentId,
    /// The channel's own name for what is connected: Slack's workspace.
    pub external_id: String,
    /// Empty where the channel has none.
    pub app_id: String,
    pub settings: Value,
    /// The operator wrote its settings: its base URL may lie in a private network.
    pub private_allowed: bool,
    pub enabled: bool,
    /// The last thing that went wrong with it, in words for the organisation's people.
    pub problem: Option<String>,
    pub problem_at: Option<DateTime<Utc>>,
    /// The last delivery its secret verified, to the minute.
    pub last_event_at: Option<DateTime<Utc>>,
    /// The last delivery for it that its secret did not verify, where none that it did came since.
    pub misfit_at: Option<DateTime<Utc>>,
    pub created_at: DateTime<Utc>,
    /// The names of the secrets it has.
    pub secrets: Vec<String>,
}

/// How a connection fares, in one word.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum ConnectionState {
    Ok,
    /// Nothing has come in yet.
    Waiting,
    Problem,
    Disabled,
}

impl Connection {
    pub fn state(&self) -> ConnectionState {
        match () {
            () if !self.enabled => ConnectionState::Disabled,
            () if self.problem.is_some() => ConnectionState::Problem,
            () if self.last_event_at.is_none() && self.channel != ChannelKind::Web => ConnectionState::Waiting,
            () => ConnectionState::Ok,
        }
    }

    /// What may be wrong, in words for the organisation's people; nothing is known to be.
    pub fn hint(&self) -> Option<String> {
        let at = self.misfit_at?.format("%-d %B %Y, %H:%M UTC");
        Some(format!(
            "Slack delivers to us, but the signature does not fit the signing secret, last on {at}: copy the secret \
             from the app's Basic Information again. If deliveries are answered all the same, somebody else pretends \
             to be Slack, and was refused."
        ))
    }
}

/// What a channel shows of the agent behind a connection: from its published version.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct AgentProfile {
    pub name: String,
    pub role: Option<String>,
    pub icon: Option<String>,
    pub greeting: Option<String>,
    /// The first language it speaks.
    pub language: Option<String>,
}

/// A connection with what working on its behalf needs to know.
#[derive(Clone, Debug)]
pub(crate) struct Standing {
    pub(crate) connection: Connection,
    pub(crate) profile: AgentProfile,
    /// The organisation takes no deliveries.
    pub(crate) suspended: bool,
}

/// Which connections a list shows.
#[derive(Clone, Copy, Debug, Default)]
pub struct ConnectionFilter {
    pub channel: Option<ChannelKind>,
    pub agent: Option<AgentId>,
}

/// A project's connections, newest first.
pub async fn list(
    tx: &mut TenantTx,
    project: ProjectId,
    filter: ConnectionFilter,
    page: &PageRequest,
) -> Result<Page<Connection>, Error> {
    let rows = sqlx::query_as!(
        Row,
        r#"select c.connection_id, c.project_id, c.name, c.channel, c.agent_id, c.external_id, c.app_id,
                  c.settings as "settings: Value", c.private_allowed, c.enabled, c.problem, c.problem_at,
                  c.last_event_at, c.misfit_at, c.created_at,
                  array(select s.name from secret s where s.tenant_id = c.tenant_id and s.owner_id = c.connection_id
                        order by s.name) as "secrets!"
           from connection c
           where c.tenant_id = $1 and c.project_id = $2
             and ($3::text is null or c.channel = $3)
             and ($4::uuid is null or c.agent_id = $4)
             and ($5::timestamptz is null or (c.created_at, c.connection_id) < ($5, $6::uuid))
           order by c.created_at desc, c.connection_id desc
           limit $7"#,
        tx.tenant().as_uuid(),
        project.as_uuid(),
        filter.channel.map(ChannelKind::as_str),
        filter.agent.map(AgentId::as_uuid),
        page.after.map(|after| after.at),
        page.after.map(|after| after.id),
        page.fetch(),
    )
    .fetch_all(&mut **tx)
    .await?;
    // A row of a channel that this build does not have is not shown, and not touched.
    let items = rows.into_iter().filter_map(Row::into_connection).collect();
    Ok(Page::cut(items, page, |c: &Connection| Cursor { at: c.created_at, id: c.id.as_uuid() }))
}

/// One connection; `None` where the organisation has none of that id.
pub async fn find(tx: &mut TenantTx, id: ConnectionId) -> Result<Option<Connection>, Error> {
    Ok(find_standing(tx, id).await?.map(|standing| standing.connection))
}

/// One connection by its name, which is unique within the organisation.
pub async fn find_by_name(tx: &mut TenantTx, name: &str) -> Result<Option<Connection>, Error> {
    let id = sqlx::query_scalar!(
        "select connection_id from connection where tenant_id = $1 and name = $2",
        tx.tenant().as_uuid(),
        name
    )
    .fetch_optional(&mut **tx)
    .await?;
    match id {
        Some(id) => find(tx, id.into()).await,
        None => Ok(None),
    }
}

pub(crate) async fn find_standing(tx: &mut TenantTx, id: ConnectionId) -> Result<Option<Standing>, Error> {
    let row = sqlx::query!(
        r#"select c.project_id, c.name, c.channel, c.agent_id, c.external_id, c.app_id,
                  c.settings as "settings: Value", c.private_allowed, c.enabled, c.problem, c.problem_at,
                  c.last_event_at, c.misfit_at, c.created_at,
                  array(select s.name from secret s where s.tenant_id = c.tenant_id and s.owner_id = c.connection_id
                        order by s.name) as "secrets!",
                  a.name as agent_name, o.status, v.config ->> 'role' as role, v.config ->> 'icon' as icon,
                  v.config ->> 'greeting' as greeting, v.config -> 'languages' ->> 0 as language
           from connection c
           join organisation o on o.tenant_id = c.tenant_id
           join agent a on a.tenant_id = c.tenant_id and a.agent_id = c.agent_id
           left join agent_version v on v.tenant_id = c.tenant_id and v.agent_id = c.agent_id
                and v.version = a.published_version
           where c.tenant_id = $1 and c.connection_id = $2"#,
        tx.tenant().as_uuid(),
        id.as_uuid(),
    )
    .fetch_optional(&mut **tx)
    .await?;
    let Some(row) = row else { return Ok(None) };
    let filled = |text: Option<String>| text.filter(|text| !text.is_empty());
    let profile = AgentProfile {
        name: row.agent_name,
        role: filled(row.role),
        icon: filled(row.icon),
        greeting: filled(row.greeting),
        language: filled(row.language),
    };
    let connection = Row {
        connection_id: id.as_uuid(),
        project_id: row.project_id,
        name: row.name,
        channel: row.channel,
        agent_id: row.agent_id,
        external_id: row.external_id,
        app_id: row.app_id,
        settings: row.settings,
        private_allowed: row.private_allowed,
        enabled: row.enabled,
        problem: row.problem,
        problem_at: row.problem_at,
        last_event_at: row.last_event_at,
        misfit_at: row.misfit_at,
        created_at: row.created_at,
        secrets: row.secrets,
    };
    let suspended = row.status != "active";
    Ok(connection.into_connection().map(|connection| Standing { connection, profile, suspended }))
}

/// Whether the project has that agent: a connection may not lead into another project.
pub(crate) async fn agent_exists(tx: &mut TenantTx, project: ProjectId, agent: AgentId) -> Result<bool, Error> {
    let found = sqlx::query_scalar!(
        r#"select exists (select from agent where tenant_id = $1 and project_id = $2 and agent_id = $3) as "found!""#,
        tx.tenant().as_uuid(),
        project.as_uuid(),
        agent.as_uuid(),
    )
    .fetch_one(&mut **tx)
    .await?;
    Ok(found)
}

pub(crate) async fn insert(tx: &mut TenantTx, connection: &Connection) -> Result<(), Error> {
    sqlx::query!(
        "insert into connection (tenant_id, project_id, connection_id, name, channel, agent_id, external_id, app_id,
                                 settings, private_allowed, enabled, created_at)
         values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12)",
        tx.tenant().as_uuid(),
        connection.project.as_uuid(),
        connection.id.as_uuid(),
        connection.name,
        connection.channel.as_str(),
        connection.agent.as_uuid(),
        connection.external_id,
        connection.app_id,
        connection.settings,
        connection.private_allowed,
        connection.enabled,
        connection.created_at,
    )
    .execute(&mut **tx)
    .await?;
    Ok(())
}

pub(crate) async fn update(tx: &mut TenantTx, connection: &Connection) -> Result<(), Error> {
    sqlx::query!(
        "update connection set name = $3, agent_id = $4, external_id = $5, app_id = $6, settings = $7,
                               private_allowed = $8, enabled = $9, problem = $10, problem_at = $11, misfit_at = $12
         where tenant_id = $1 and connection_id = $2",
        tx.tenant().as_uuid(),
        connection.id.as_uuid(),
        connection.name,
        connection.agent.as_uuid(),
        connection.external_id,
        connection.app_id,
        connection.settings,
        connection.private_allowed,
        connection.enabled,
        connection.problem,
        connection.problem_at,
        connection.misfit_at,
    )
    .execute(&mut **tx)
    .await?;
    Ok(())
}

pub(crate) async fn delete(tx: &mut TenantTx, id: ConnectionId) -> Result<bool, Error> {
    let deleted = sqlx::query!(
        "delete from connection where tenant_id = $1 and connection_id = $2",
        tx.tenant().as_uuid(),
        id.as_uuid()
    )
    .execute(&mut **tx)
    .await?;
    Ok(deleted.rows_affected() == 1)
}

/// Says what is wrong with a connection, or that nothing is any more. No configuration: nobody's cache is concerned.
pub(crate) async fn set_problem(
    tx: &mut TenantTx,
    id: ConnectionId,
    problem: Option<&str>,
    at: DateTime<Utc>,
) -> Result<(), Error> {
    sqlx::query!(
        "update connection set problem = $3, problem_at = case when $3::text is null then null else $4::timestamptz end
         where tenant_id = $1 and connection_id = $2 and problem is distinct from $3",
        tx.tenant().as_uuid(),
        id.as_uuid(),
        problem,
        at,
    )
    .execute(&mut **tx)
    .await?;
    Ok(())
}

/// Takes down a delivery by `app` that did not verify. Returns whether it is the first since the last one that did;
/// `false` too where the connection is of another app.
pub(crate) async fn set_misfit(
    tx: &mut TenantTx,
    id: ConnectionId,
    app: &str,
    at: DateTime<Utc>,
) -> Result<bool, Error> {
    let first = sqlx::query_scalar!(
        r#"update connection c set misfit_at = greatest(c.misfit_at, $4)
           from (select connection_id, misfit_at is null as first from connection
                 where tenant_id = $1 and connection_id = $2) before
           where c.tenant_id = $1 and c.connection_id = $2 and c.app_id in ('', $3)
           returning before.first as "first!""#,
        tx.tenant().as_uuid(),
        id.as_uuid(),
        app,
        at,
    )
    .fetch_optional(&mut **tx)
    .await?;
    Ok(first.unwrap_or(false))
}

/// Takes down a verified delivery: what did not fit before is history.
pub(crate) async fn set_last_event(tx: &mut TenantTx, id: ConnectionId, at: DateTime<Utc>) -> Result<(), Error> {
    sqlx::query!(
        "update connection set last_event_at = greatest(last_event_at, $3), misfit_at = null
         where tenant_id = $1 and connection_id = $2",
        tx.tenant().as_uuid(),
        id.as_uuid(),
        at,
    )
    .execute(&mut **tx)
    .await?;
    Ok(())
}

struct Row {
    connection_id: Uuid,
    project_id: Uuid,
    name: String,
    channel: String,
    agent_id: Uuid,
    external_id: String,
    app_id: String,
    settings: Value,
    private_allowed: bool,
    enabled: bool,
    problem: Option<String>,
    problem_at: Option<DateTime<Utc>>,
    last_event_at: Option<DateTime<Utc>>,
    misfit_at: Option<DateTime<Utc>>,
    created_at: DateTime<Utc>,
    secrets: Vec<String>,
}

impl Row {
    fn into_connection(self) -> Option<Connection> {
        Some(Connection {
            id: self.connection_id.into(),
            project: self.project_id.into(),
            name: self.name,
            channel: ChannelKind::from_name(&self.channel)?,
            agent: self.agent_id.into(),
            external_id: self.external_id,
            app_id: self.app_id,
            settings: self.settings,
            private_allowed: self.private_allowed,
            enabled: self.enabled,
            problem: self.problem,
            problem_at: self.problem_at,
            last_event_at: self.last_event_at,
            misfit_at: self.misfit_at,
            created_at: self.created_at,
            secrets: self.secrets,
        })
    }
}
