use std::collections::BTreeMap;

use channels::{Author, ChannelKind, Connection, ConnectionChange, NewConnection, channel_app, connection, deed};
use db::TenantTx;
use kernel::{AgentId, ProjectId, Secret};
use serde_json::{Value, json};
use tenancy::{Access, Permission, audit, secrets};

use crate::document::{ChannelAppDocument, ConnectionDocument};
use crate::error::invalid;
use crate::report::Change;
use crate::{Error, Workshop, author, find_project};

/// What a connection's names lead to.
struct Meant {
    channel: ChannelKind,
    project: ProjectId,
    agent: AgentId,
}

impl Workshop {
    /// The secrets that the document does not name stay.
    pub(crate) async fn connection(
        &self,
        tx: &mut TenantTx,
        access: &Access,
        wanted: &ConnectionDocument,
    ) -> Result<Change, Error> {
        let project = find_project(tx, access, Permission::ConnectionsWrite, &wanted.project).await?;
        let meant = meant(tx, wanted, project).await?;
        match connection::find_by_name(tx, &wanted.name).await? {
            None => self.connect(tx, access, wanted, &meant).await,
            Some(standing) => self.reconnect(tx, access, wanted, (&meant, &standing)).await,
        }
    }

    async fn connect(
        &self,
        tx: &mut TenantTx,
        access: &Access,
        wanted: &ConnectionDocument,
        meant: &Meant,
    ) -> Result<Change, Error> {
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
        let made = self.channels.create_connection(tx, new, author(access)).await?;
        if !wanted.enabled {
            let change = ConnectionChange { enabled: Some(false), ..ConnectionChange::default() };
            self.channels.update_connection(tx, made.id, change, author(access)).await?;
        }
        record(tx, access, deed::CREATE, &made).await?;
        Ok(Change::Created)
    }

    async fn reconnect(
        &self,
        tx: &mut TenantTx,
        access: &Access,
        wanted: &ConnectionDocument,
        (meant, standing): (&Meant, &Connection),
    ) -> Result<Change, Error> {
        if (standing.channel, standing.project) != (meant.channel, meant.project) {
            return invalid("a connection of that name stands on another channel or in another project");
        }
        let settings = Value::Object(wanted.settings.clone());
        let to_be_freed = author(access) == Author::Operator && !standing.private_allowed;
        let rewritten = settings != standing.settings || to_be_freed;
        let mut fields = Vec::new();
        let mut differs = |field: &str, differs: bool| {
            if differs {
                fields.push(field.to_owned());
            }
            differs
        };
        let mut change = ConnectionChange {
            name: None,
            agent: differs("agent", standing.agent != meant.agent).then_some(meant.agent),
            external_id: wanted.external_id.clone().filter(|id| differs("external_id", *id != standing.external_id)),
            app_id: wanted.app_id.clone().filter(|id| differs("app_id", *id != standing.app_id)),
            settings: differs("settings", rewritten).then_some(settings),
            enabled: differs("enabled", wanted.enabled != standing.enabled).then_some(wanted.enabled),
            secrets: self.new_secrets(tx, standing, &wanted.secrets).await?,
        };
        fields.extend(change.secrets.keys().map(|name| format!("secrets.{name}")));
        // Where the address changes, the secrets that the document gives are given for the new one.
        if rewritten {
            let given = wanted.secrets.iter().map(|(name, secret)| (name.clone(), Some(secret.clone())));
            change.secrets = given.collect();
        }
        if !fields.is_empty() {
            self.channels.update_connection(tx, standing.id, change, author(access)).await?;
            record(tx, access, deed::CHANGE, standing).await?;
        }
        Ok(Change::of_fields(fields))
    }

    async fn new_secrets(
        &self,
        tx: &mut TenantTx,
        standing: &Connection,
        wanted: &BTreeMap<String, Secret>,
    ) -> Result<BTreeMap<String, Option<Secret>>, Error> {
        let mut new = BTreeMap::new();
        for (name, secret) in wanted {
            let stored = secrets::get(tx, &self.sealer, standing.id.as_uuid(), name).await?;
            if stored.as_ref() != Some(secret) {
                new.insert(name.clone(), Some(secret.clone()));
            }
        }
        Ok(new)
    }

    /// An app that several organisations share; its secrets are the installation's.
    pub(crate) async fn channel_app(&self, wanted: &ChannelAppDocument) -> Result<Change, Error> {
        let (db, sealer) = (&self.db, &self.sealer);
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

async fn meant(tx: &mut TenantTx, wanted: &ConnectionDocument, project: ProjectId) -> Result<Meant, Error> {
    let channel = channel(&wanted.channel)?;
    match agents::store::find_agent_by_name(tx, project, &wanted.agent).await? {
        Some(agent) => Ok(Meant { channel, project, agent: agent.id }),
        None => invalid(format!("project {} has no agent \"{}\"", wanted.project, wanted.agent)),
    }
}

fn channel(name: &str) -> Result<ChannelKind, Error> {
    let known = || ChannelKind::ALL.map(ChannelKind::as_str).join(", ");
    ChannelKind::from_name(name)
        .ok_or_else(|| Error::Invalid(format!("there is no channel \"{name}\"; there are {}", known())))
}

async fn record(tx: &mut TenantTx, access: &Access, action: &str, connection: &Connection) -> Result<(), Error> {
    let object = format!("connection:{}", connection.id);
    Ok(audit::record(tx, &access.actor, action, &object, json!({ "name": connection.name })).await?)
}
