use std::collections::BTreeMap;

use anyhow::{Context as _, bail};
use channels::{Author, ChannelKind, Connection, ConnectionChange, NewConnection, channel_app, connection};
use db::TenantTx;
use kernel::{AgentId, ProjectId, Secret};
use serde_json::{Value, json};
use tenancy::{Access, audit, secrets};

use super::diff::Change;
use super::document::{ChannelAppDocument, ConnectionDocument};
use super::{Work, find_project};

/// What a connection's names lead to.
struct Meant {
    channel: ChannelKind,
    project: ProjectId,
    agent: AgentId,
}

impl Work<'_> {
    /// The secrets that the document does not name stay.
    pub(super) async fn connection(&self, wanted: &ConnectionDocument) -> anyhow::Result<Change> {
        let access = self.access(&wanted.organisation).await?;
        let mut tx = self.house.db.tenant(access.tenant).await?;
        let meant = meant(&mut tx, wanted).await?;
        let change = match connection::find_by_name(&mut tx, &wanted.name).await? {
            None => self.connect(&mut tx, &access, wanted, &meant).await?,
            Some(standing) => self.reconnect(&mut tx, &access, wanted, (&meant, &standing)).await?,
        };
        tx.commit().await?;
        Ok(change)
    }

    async fn connect(
        &self,
        tx: &mut TenantTx,
        access: &Access,
        wanted: &ConnectionDocument,
        meant: &Meant,
    ) -> anyhow::Result<Change> {
        let new = NewConnection {
            project: meant.project,
            name: wanted.name.clone(),
            channel: meant.channel,
            agent: meant.agent,
            // A web chat is known by its own id; the name is for people.
            external_id: wanted.external_id.clone().unwrap_or_else(|| wanted.name.clone()),
            app_id: wanted.app_id.clone().unwrap_or_default(),
            settings: Value::Object(wanted.settings.clone()),
            secrets: wanted.secrets.clone(),
        };
        let made = self.channels.create_connection(tx, new, Author::Operator).await?;
        if !wanted.enabled {
            let change = ConnectionChange { enabled: Some(false), ..ConnectionChange::default() };
            self.channels.update_connection(tx, made.id, change, Author::Operator).await?;
        }
        record(tx, access, "connection.create", &made).await?;
        Ok(Change::Created)
    }

    async fn reconnect(
        &self,
        tx: &mut TenantTx,
        access: &Access,
        wanted: &ConnectionDocument,
        (meant, standing): (&Meant, &Connection),
    ) -> anyhow::Result<Change> {
        if (standing.channel, standing.project) != (meant.channel, meant.project) {
            bail!("a connection of that name stands on another channel or in another project");
        }
        let settings = Value::Object(wanted.settings.clone());
        let mut fields = Vec::new();
        let mut differs = |field: &str, differs: bool| {
            if differs {
                fields.push(field.to_owned());
            }
            differs
        };
        let change = ConnectionChange {
            name: None,
            agent: differs("agent", standing.agent != meant.agent).then_some(meant.agent),
            external_id: wanted.external_id.clone().filter(|id| differs("external_id", *id != standing.external_id)),
            app_id: wanted.app_id.clone().filter(|id| differs("app_id", *id != standing.app_id)),
            settings: differs("settings", settings != standing.settings || !standing.private_allowed)
                .then_some(settings),
            enabled: differs("enabled", wanted.enabled != standing.enabled).then_some(wanted.enabled),
            secrets: self.new_secrets(tx, standing, &wanted.secrets).await?,
        };
        fields.extend(change.secrets.keys().map(|name| format!("secrets.{name}")));
        if !fields.is_empty() {
            self.channels.update_connection(tx, standing.id, change, Author::Operator).await?;
            record(tx, access, "connection.update", standing).await?;
        }
        Ok(Change::of_fields(fields))
    }

    async fn new_secrets(
        &self,
        tx: &mut TenantTx,
        standing: &Connection,
        wanted: &BTreeMap<String, Secret>,
    ) -> anyhow::Result<BTreeMap<String, Option<Secret>>> {
        let mut new = BTreeMap::new();
        for (name, secret) in wanted {
            let stored = secrets::get(tx, &self.house.sealer, standing.id.as_uuid(), name).await?;
            if stored.as_ref() != Some(secret) {
                new.insert(name.clone(), Some(secret.clone()));
            }
        }
        Ok(new)
    }

    /// An app that several organisations share; its secrets are the installation's.
    pub(super) async fn channel_app(&self, wanted: &ChannelAppDocument) -> anyhow::Result<Change> {
        let (db, sealer) = (&self.house.db, &self.house.sealer);
        let channel = channel(&wanted.channel)?;
        let standing = channel_app::find(db, sealer, channel, &wanted.app_id).await?;
        if standing.as_ref() == Some(&wanted.secrets) {
            return Ok(Change::Unchanged);
        }
        let mut tx = db.system("applying a shared app").await?;
        channel_app::put(&mut tx, sealer, (channel, &wanted.app_id), &wanted.secrets).await?;
        tx.commit().await?;
        Ok(if standing.is_none() { Change::Created } else { Change::Changed(vec!["secrets".to_owned()]) })
    }
}

async fn meant(tx: &mut TenantTx, wanted: &ConnectionDocument) -> anyhow::Result<Meant> {
    let channel = channel(&wanted.channel)?;
    let project = find_project(tx, &wanted.project).await?;
    let agent = agents::store::find_agent_by_name(tx, project, &wanted.agent).await?;
    let agent = agent.with_context(|| format!("project {} has no agent \"{}\"", wanted.project, wanted.agent))?.id;
    Ok(Meant { channel, project, agent })
}

fn channel(name: &str) -> anyhow::Result<ChannelKind> {
    let known = || ChannelKind::ALL.map(ChannelKind::as_str).join(", ");
    ChannelKind::from_name(name).with_context(|| format!("there is no channel \"{name}\"; there are {}", known()))
}

async fn record(tx: &mut TenantTx, access: &Access, action: &str, connection: &Connection) -> anyhow::Result<()> {
    let object = format!("connection:{}", connection.id);
    Ok(audit::record(tx, &access.actor, action, &object, json!({ "name": connection.name })).await?)
}
