//! Making, changing and removing connections.
//!
//! Invariant: a route stands exactly as long as its connection, and only for secrets that its organisation gave, or
//! for a shared app where the operator says so.

use std::collections::BTreeMap;

use db::TenantTx;
use infra::Reach;
use kernel::{AgentId, ConnectionId, ErrorKind, ProjectId, Secret};
use serde_json::Value;

use crate::registry::{Channel, Check};
use crate::store::route::{self, CONNECTIONS_EACH, Filed, Proof, Route, SECRETS_EACH};
use crate::store::{channel_app, connection};
use crate::{ChannelKind, Channels, Connection, Error};

/// Who writes a connection.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Author {
    /// Whoever runs the installation: may point into private networks and use shared apps.
    Operator,
    /// Somebody of the organisation.
    Member,
}

/// A connection to be made.
#[derive(Clone, Debug)]
pub struct NewConnection {
    pub project: ProjectId,
    pub name: String,
    pub channel: ChannelKind,
    pub agent: AgentId,
    pub external_id: String,
    /// Empty: as the settings say, or none.
    pub app_id: String,
    pub settings: Value,
    pub secrets: BTreeMap<String, Secret>,
}

/// What is to become different; absent fields stay.
#[derive(Clone, Debug, Default)]
pub struct ConnectionChange {
    pub name: Option<String>,
    pub agent: Option<AgentId>,
    pub external_id: Option<String>,
    pub app_id: Option<String>,
    pub settings: Option<Value>,
    pub enabled: Option<bool>,
    /// By name; `None` takes the secret away.
    pub secrets: BTreeMap<String, Option<Secret>>,
}

impl Channels {
    /// Makes a connection. Takes the next configuration epoch.
    pub async fn create_connection(
        &self,
        tx: &mut TenantTx,
        new: NewConnection,
        by: Author,
    ) -> Result<Connection, Error> {
        let mut made = Connection {
            id: ConnectionId::new(),
            project: new.project,
            name: new.name,
            channel: new.channel,
            agent: new.agent,
            external_id: new.external_id,
            app_id: new.app_id,
            settings: if new.settings.is_null() { Value::Object(serde_json::Map::new()) } else { new.settings },
            private_allowed: by == Author::Operator,
            enabled: true,
            problem: None,
            problem_at: None,
            last_event_at: None,
            misfit_at: None,
            created_at: self.host.clock.now(),
            secrets: Vec::new(),
        };
        self.review(tx, &mut made).await?;
        self.check_address(&made)?;
        connection::insert(tx, &made).await.map_err(named_twice)?;
        let secrets = new.secrets.into_iter().map(|(name, secret)| (name, Some(secret))).collect();
        self.settle(tx, &made, secrets, by).await?;
        connection::find(tx, made.id).await?.ok_or(Error::NotFound)
    }

    /// Changes a connection. Takes the next configuration epoch.
    pub async fn update_connection(
        &self,
        tx: &mut TenantTx,
        id: ConnectionId,
        change: ConnectionChange,
        by: Author,
    ) -> Result<Connection, Error> {
        let before = connection::find(tx, id).await?.ok_or(Error::NotFound)?;
        let mut after = before.clone();
        after.name = change.name.unwrap_or(after.name);
        after.agent = change.agent.unwrap_or(after.agent);
        after.external_id = change.external_id.unwrap_or(after.external_id);
        after.app_id = change.app_id.unwrap_or(after.app_id);
        after.enabled = change.enabled.unwrap_or(after.enabled);
        if let Some(settings) = change.settings {
            // The operator's leave is for the address the operator wrote.
            let address = |settings: &Value| self.channel(before.channel)?.review(settings).map(|seen| seen.address);
            let moved = address(&settings)? != address(&before.settings)?;
            after.private_allowed = by == Author::Operator || (before.private_allowed && !moved);
            // A stored token must not go to a host that its owner never named it for.
            let again = |name: &str| matches!(change.secrets.get(name), Some(Some(_)));
            for field in self.channel(before.channel)?.secrets() {
                if moved && by != Author::Operator && !field.proves_deliveries && !again(field.name) {
                    return Err(Error::Invalid(format!("with a new address, give {} again", field.name)));
                }
            }
            after.settings = settings;
            self.check_address(&after)?;
        }
        if !change.secrets.is_empty() {
            // What was wrong may have been a secret; the next call tells.
            (after.problem, after.problem_at, after.misfit_at) = (None, None, None);
        }
        self.review(tx, &mut after).await?;
        connection::update(tx, &after).await.map_err(named_twice)?;
        self.settle(tx, &after, change.secrets, by).await?;
        connection::find(tx, id).await?.ok_or(Error::NotFound)
    }

    /// Removes a connection, its route and its secrets; its conversations stay. Takes the next configuration epoch.
    pub async fn delete_connection(&self, tx: &mut TenantTx, id: ConnectionId) -> Result<(), Error> {
        route::delete(tx, id).await?;
        if !connection::delete(tx, id).await? {
            return Err(Error::NotFound);
        }
        tenancy::secrets::delete_all_of(tx, id.as_uuid()).await?;
        db::bump_config_epoch(tx).await?;
        Ok(())
    }

    /// Tries the connection for real. No transaction is open meanwhile.
    pub async fn check_connection(&self, tenant: kernel::TenantCtx, id: ConnectionId) -> Result<Vec<Check>, Error> {
        let mut tx = self.host.db.tenant(tenant).await?;
        let found = connection::find(&mut tx, id).await?.ok_or(Error::NotFound)?;
        drop(tx);
        self.channel(found.channel)?.check(tenant.tenant, &found).await
    }

    async fn review(&self, tx: &mut TenantTx, connection: &mut Connection) -> Result<(), Error> {
        for (field, text, most) in [("name", &connection.name, 100), ("external_id", &connection.external_id, 200)] {
            if text.trim().is_empty() || text.chars().count() > most {
                return Err(Error::Invalid(format!("{field} must have 1 to {most} characters")));
            }
        }
        let reviewed = self.channel(connection.channel)?.review(&connection.settings)?;
        if connection.app_id.is_empty() {
            connection.app_id = reviewed.app_id.unwrap_or_default();
        }
        if !connection::agent_exists(tx, connection.project, connection.agent).await? {
            return Err(Error::Invalid("the project has no such agent".into()));
        }
        Ok(())
    }

    /// Refuses an address that no call of the connection would be let through to.
    fn check_address(&self, connection: &Connection) -> Result<(), Error> {
        let reach = if connection.private_allowed { Reach::Private } else { Reach::Public };
        let address = self.channel(connection.channel)?.review(&connection.settings)?.address;
        match address.and_then(|address| self.host.egress.objection(&address, reach)) {
            Some(why) => Err(Error::OutOfReach(why)),
            None => Ok(()),
        }
    }

    /// Stores secrets and files the route that follows from them.
    async fn settle(
        &self,
        tx: &mut TenantTx,
        connection: &Connection,
        secrets: BTreeMap<String, Option<Secret>>,
        by: Author,
    ) -> Result<(), Error> {
        let channel = self.channel(connection.channel)?;
        let owner = connection.id.as_uuid();
        for (name, secret) in &secrets {
            if !channel.secrets().iter().any(|field| field.name == name) {
                return Err(Error::Invalid(format!("a {} connection takes no secret {name}", connection.channel)));
            }
            match secret {
                Some(secret) if secret.is_empty() => return Err(Error::Invalid(format!("secret {name} is empty"))),
                Some(secret) => tenancy::secrets::put(tx, &self.host.sealer, owner, name, secret).await?,
                None => _ = tenancy::secrets::delete(tx, owner, name).await?,
            }
        }
        let route = self.route(tx, channel.as_ref(), connection, by).await?;
        let (channel, external_id) = (connection.channel, &connection.external_id);
        match route::put(tx, connection.id, &route).await? {
            Filed::Done => {}
            Filed::Taken => {
                let taken = format!("another organisation has connected {channel} {external_id} already");
                return Err(Error::Conflict(taken));
            }
            Filed::Full => {
                return Err(Error::Conflict(format!(
                    "an organisation may have {CONNECTIONS_EACH} connections of {channel} {external_id}, with \
                     {SECRETS_EACH} different secrets"
                )));
            }
        }
        db::bump_config_epoch(tx).await?;
        Ok(())
    }

    /// How deliveries find this connection: by its own secret where it has one, else through a shared app.
    async fn route(
        &self,
        tx: &mut TenantTx,
        channel: &dyn Channel,
        connection: &Connection,
        by: Author,
    ) -> Result<Route, Error> {
        let Some(proof) = channel.secrets().iter().find(|field| field.proves_deliveries) else {
            // Deliveries name the connection itself and carry a token of ours.
            return Ok(Route { channel: channel.kind(), external_id: connection.id.to_string(), proof: Proof::Token });
        };
        let external_id = connection.external_id.clone();
        let secret = tenancy::secrets::get(tx, &self.host.sealer, connection.id.as_uuid(), proof.name).await?;
        if let Some(secret) = secret {
            let proof = Proof::OwnSecret(self.host.sealer.fingerprint(&secret));
            return Ok(Route { channel: channel.kind(), external_id, proof });
        }
        let app = &connection.app_id;
        if app.is_empty() || !channel_app::exists(&self.host.db, channel.kind(), app).await? {
            return Err(Error::Invalid(format!("secret {} is needed", proof.name)));
        }
        if by != Author::Operator && !self.stands_on(tx, connection).await? {
            return Err(Error::Forbidden("only the operator may connect an app that organisations share"));
        }
        Ok(Route { channel: channel.kind(), external_id, proof: Proof::SharedApp(app.clone()) })
    }

    /// Whether the operator has connected this very installation of the shared app before.
    async fn stands_on(&self, tx: &mut TenantTx, connection: &Connection) -> Result<bool, Error> {
        route::claimed(tx, connection.channel, &connection.app_id, &connection.external_id).await
    }

    pub(crate) fn channel(&self, kind: ChannelKind) -> Result<&std::sync::Arc<dyn Channel>, Error> {
        self.registry.get(kind).ok_or(Error::NotFound)
    }
}

fn named_twice(error: Error) -> Error {
    if error.kind() == ErrorKind::Conflict {
        Error::Conflict("the organisation has a connection of that name already".into())
    } else {
        error
    }
}
