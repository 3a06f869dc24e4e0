//! Agents and their versions. All SQL of this crate.

use chrono::{DateTime, Utc};
use db::TenantTx;
use kernel::{AgentId, Cursor, Page, PageRequest, ProjectId};
use serde_json::Value;
use uuid::Uuid;

use crate::model::validate_name;
use crate::{Agent, AgentConfig, AgentVersion, Error, NewAgent};

/// Makes an agent that is not published yet.
pub async fn insert_agent(tx: &mut TenantTx, new: &NewAgent) -> Result<Agent, Error> {
    validate_name(&new.name)?;
    let id = AgentId::new();
    sqlx::query!(
        "insert into agent (tenant_id, project_id, agent_id, name, draft) values ($1, $2, $3, $4, $5)",
        tx.tenant().as_uuid(),
        new.project.as_uuid(),
        id.as_uuid(),
        new.name,
        to_json(&new.draft)?
    )
    .execute(&mut **tx)
    .await
    .map_err(|error| name_taken(error, &new.name))?;
    find_agent(tx, id).await?.ok_or(Error::NoAgent)
}

pub async fn find_agent(tx: &mut TenantTx, id: AgentId) -> Result<Option<Agent>, Error> {
    let row = sqlx::query_as!(
        AgentRow,
        r#"select a.agent_id, a.project_id, a.name, a.draft, a.draft_updated_at, a.created_at,
                  v.version as "version?", v.config as "config?", v.published_by as "published_by?",
                  v.published_at as "published_at?"
           from agent a
           left join agent_version v
               on v.tenant_id = a.tenant_id and v.agent_id = a.agent_id and v.version = a.published_version
           where a.tenant_id = $1 and a.agent_id = $2"#,
        tx.tenant().as_uuid(),
        id.as_uuid()
    )
    .fetch_optional(&mut **tx)
    .await?;
    row.map(Agent::try_from).transpose()
}

/// The agent of that name in a project; names are compared to the letter.
pub async fn find_agent_by_name(tx: &mut TenantTx, project: ProjectId, name: &str) -> Result<Option<Agent>, Error> {
    let id = sqlx::query_scalar!(
        "select agent_id from agent where tenant_id = $1 and project_id = $2 and name = $3",
        tx.tenant().as_uuid(),
        project.as_uuid(),
        name
    )
    .fetch_optional(&mut **tx)
    .await?;
    match id {
        Some(id) => find_agent(tx, AgentId::from_uuid(id)).await,
        None => Ok(None),
    }
}

/// A project's agents, newest first.
pub async fn list_agents(tx: &mut TenantTx, project: ProjectId, page: PageRequest) -> Result<Page<Agent>, Error> {
    let (after_at, after_id) = page.after.map(|cursor| (cursor.at, cursor.id)).unzip();
    let rows = sqlx::query_as!(
        AgentRow,
        r#"select a.agent_id, a.project_id, a.name, a.draft, a.draft_updated_at, a.created_at,
                  v.version as "version?", v.config as "config?", v.published_by as "published_by?",
                  v.published_at as "published_at?"
           from agent a
           left join agent_version v
               on v.tenant_id = a.tenant_id and v.agent_id = a.agent_id and v.version = a.published_version
           where a.tenant_id = $1 and a.project_id = $2
             and ($3::timestamptz is null or (a.created_at, a.agent_id) < ($3, $4::uuid))
           order by a.created_at desc, a.agent_id desc
           limit $5"#,
        tx.tenant().as_uuid(),
        project.as_uuid(),
        after_at,
        after_id,
        page.fetch()
    )
    .fetch_all(&mut **tx)
    .await?;
    let agents = rows.into_iter().map(Agent::try_from).collect::<Result<Vec<_>, _>>()?;
    Ok(Page::cut(agents, &page, |agent| Cursor { at: agent.created_at, id: agent.id.as_uuid() }))
}

/// Gives the agent another name; it is in force with the next message.
pub async fn rename_agent(tx: &mut TenantTx, id: AgentId, name: &str) -> Result<(), Error> {
    validate_name(name)?;
    let done = sqlx::query!(
        "update agent set name = $3 where tenant_id = $1 and agent_id = $2",
        tx.tenant().as_uuid(),
        id.as_uuid(),
        name
    )
    .execute(&mut **tx)
    .await
    .map_err(|error| name_taken(error, name))?;
    existed(done.rows_affected())?;
    db::bump_config_epoch(tx).await?;
    Ok(())
}

/// Replaces the draft. Conversations keep the published version.
pub async fn update_draft(tx: &mut TenantTx, id: AgentId, draft: &AgentConfig) -> Result<(), Error> {
    let done = sqlx::query!(
        "update agent set draft = $3, draft_updated_at = now() where tenant_id = $1 and agent_id = $2",
        tx.tenant().as_uuid(),
        id.as_uuid(),
        to_json(draft)?
    )
    .execute(&mut **tx)
    .await?;
    existed(done.rows_affected())
}

/// Refuses a configuration whose model group does not stand: nobody would answer. A draft may name one before it is
/// made.
pub async fn check_model_group(tx: &mut TenantTx, config: &AgentConfig) -> Result<(), Error> {
    if !llm::store::groups_named(tx, std::slice::from_ref(&config.model_group)).await?.is_empty() {
        return Ok(());
    }
    let known: Vec<_> = llm::store::list_groups(tx).await?.into_iter().map(|group| group.name).collect();
    let problem = format!("there is no model group \"{}\"; there are {}", config.model_group, known.join(", "));
    Err(Error::Invalid { field: "model_group", problem })
}

/// Makes the draft the version that conversations get. A draft that is published already stays that version.
pub async fn publish(tx: &mut TenantTx, id: AgentId, by: &str) -> Result<AgentVersion, Error> {
    lock_agent(tx, id).await?;
    let agent = find_agent(tx, id).await?.ok_or(Error::NoAgent)?;
    check_model_group(tx, &agent.draft).await?;
    match agent.published {
        Some(version) if version.config == agent.draft => Ok(version),
        _ => insert_version(tx, id, &agent.draft, by).await,
    }
}

/// Publishes an old version's configuration again, as a new version. The draft stays as it is.
pub async fn roll_back(tx: &mut TenantTx, id: AgentId, to: i32, by: &str) -> Result<AgentVersion, Error> {
    lock_agent(tx, id).await?;
    let config = sqlx::query_scalar!(
        "select config from agent_version where tenant_id = $1 and agent_id = $2 and version = $3",
        tx.tenant().as_uuid(),
        id.as_uuid(),
        to
    )
    .fetch_optional(&mut **tx)
    .await?
    .ok_or(Error::NoVersion(to))?;
    let config = from_json(config)?;
    check_model_group(tx, &config).await?;
    insert_version(tx, id, &config, by).await
}

/// All versions, newest first.
pub async fn list_versions(tx: &mut TenantTx, id: AgentId) -> Result<Vec<AgentVersion>, Error> {
    let rows = sqlx::query!(
        "select version, config, published_by, published_at from agent_version
         where tenant_id = $1 and agent_id = $2 order by version desc",
        tx.tenant().as_uuid(),
        id.as_uuid()
    )
    .fetch_all(&mut **tx)
    .await?;
    rows.into_iter()
        .map(|row| {
            Ok(AgentVersion {
                version: row.version,
                config: from_json(row.config)?,
                published_by: row.published_by,
                published_at: row.published_at,
            })
        })
        .collect()
}

/// Removes the agent and its versions; refused while a connection names it. Its conversations stay.
pub async fn delete_agent(tx: &mut TenantTx, id: AgentId) -> Result<(), Error> {
    lock_agent(tx, id).await?;
    let connection = sqlx::query_scalar!(
        "select name from connection where tenant_id = $1 and agent_id = $2 order by name limit 1",
        tx.tenant().as_uuid(),
        id.as_uuid()
    )
    .fetch_optional(&mut **tx)
    .await?;
    if let Some(connection) = connection {
        return Err(Error::InUse(connection));
    }
    sqlx::query!("delete from agent where tenant_id = $1 and agent_id = $2", tx.tenant().as_uuid(), id.as_uuid())
        .execute(&mut **tx)
        .await?;
    db::bump_config_epoch(tx).await?;
    Ok(())
}

/// An agent as one turn needs it.
#[derive(Clone, Debug)]
pub(crate) struct Employed {
    pub name: String,
    pub organisation: String,
    pub published_version: Option<i32>,
    /// Of the version asked for, or else of the draft.
    pub config: AgentConfig,
}

/// Which state of an agent a turn works with.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Which {
    Published,
    Version(i32),
    Draft,
}

/// Reads what a turn needs, in one statement. `None`: no such agent, or no such version of it.
pub(crate) async fn find_employed(tx: &mut TenantTx, id: AgentId, which: Which) -> Result<Option<Employed>, Error> {
    let (version, draft) = match which {
        Which::Published => (None, false),
        Which::Version(version) => (Some(version), false),
        Which::Draft => (None, true),
    };
    let row = sqlx::query!(
        r#"select a.name, o.display_name as organisation, a.published_version,
                  case when $4 then a.draft else v.config end as "config"
           from agent a
           join organisation o on o.tenant_id = a.tenant_id
           left join agent_version v on v.tenant_id = a.tenant_id and v.agent_id = a.agent_id
               and v.version = coalesce($3, a.published_version)
           where a.tenant_id = $1 and a.agent_id = $2"#,
        tx.tenant().as_uuid(),
        id.as_uuid(),
        version,
        draft
    )
    .fetch_optional(&mut **tx)
    .await?;
    let Some(row) = row else { return Ok(None) };
    let Some(config) = row.config else { return Ok(None) };
    Ok(Some(Employed {
        name: row.name,
        organisation: row.organisation,
        published_version: row.published_version,
        config: from_json(config)?,
    }))
}

async fn insert_version(tx: &mut TenantTx, id: AgentId, config: &AgentConfig, by: &str) -> Result<AgentVersion, Error> {
    let row = sqlx::query!(
        "insert into agent_version (tenant_id, agent_id, version, config, published_by)
         select $1, $2, coalesce(max(version), 0) + 1, $3, $4
         from agent_version where tenant_id = $1 and agent_id = $2
         returning version, published_at",
        tx.tenant().as_uuid(),
        id.as_uuid(),
        to_json(config)?,
        by
    )
    .fetch_one(&mut **tx)
    .await?;
    sqlx::query!(
        "update agent set published_version = $3 where tenant_id = $1 and agent_id = $2",
        tx.tenant().as_uuid(),
        id.as_uuid(),
        row.version
    )
    .execute(&mut **tx)
    .await?;
    db::bump_config_epoch(tx).await?;
    Ok(AgentVersion {
        version: row.version,
        config: config.clone(),
        published_by: by.to_owned(),
        published_at: row.published_at,
    })
}

async fn lock_agent(tx: &mut TenantTx, id: AgentId) -> Result<(), Error> {
    sqlx::query_scalar!(
        "select agent_id from agent where tenant_id = $1 and agent_id = $2 for update",
        tx.tenant().as_uuid(),
        id.as_uuid()
    )
    .fetch_optional(&mut **tx)
    .await?
    .map(|_| ())
    .ok_or(Error::NoAgent)
}

struct AgentRow {
    agent_id: Uuid,
    project_id: Uuid,
    name: String,
    draft: Value,
    draft_updated_at: DateTime<Utc>,
    created_at: DateTime<Utc>,
    version: Option<i32>,
    config: Option<Value>,
    published_by: Option<String>,
    published_at: Option<DateTime<Utc>>,
}

impl TryFrom<AgentRow> for Agent {
    type Error = Error;

    fn try_from(row: AgentRow) -> Result<Self, Error> {
        let published = match (row.version, row.config, row.published_by, row.published_at) {
            (Some(version), Some(config), Some(published_by), Some(published_at)) => {
                Some(AgentVersion { version, config: from_json(config)?, published_by, published_at })
            }
            _ => None,
        };
        Ok(Self {
            id: row.agent_id.into(),
            project: row.project_id.into(),
            name: row.name,
            draft: from_json(row.draft)?,
            draft_updated_at: row.draft_updated_at,
            published,
            created_at: row.created_at,
        })
    }
}

fn to_json(config: &AgentConfig) -> Result<Value, Error> {
    serde_json::to_value(config).map_err(Error::Unreadable)
}

fn from_json(config: Value) -> Result<AgentConfig, Error> {
    serde_json::from_value(config).map_err(Error::Unreadable)
}

fn existed(rows: u64) -> Result<(), Error> {
    if rows == 0 { Err(Error::NoAgent) } else { Ok(()) }
}

fn name_taken(error: sqlx::Error, name: &str) -> Error {
    match error.as_database_error() {
        Some(database) if database.is_unique_violation() => Error::NameTaken(name.to_owned()),
        _ => error.into(),
    }
}
