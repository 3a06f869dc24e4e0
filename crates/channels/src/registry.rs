use std::sync::Arc;

use async_trait::async_trait;
use db::Db;
use durable::Sender;
use infra::{ConfigEpoch, Egress, Sealer};
use kernel::{Clock, TenantId};
use serde::Serialize;
use serde_json::Value;
use url::Url;

use crate::notes::Notes;
use crate::slack::Slack;
use crate::web::Web;
use crate::{ChannelKind, Connection, Error};

/// What every channel is: one folder, and one line in [`Registry::new`].
#[async_trait]
pub trait Channel: Send + Sync + 'static {
    fn kind(&self) -> ChannelKind;

    /// The secrets a connection of this channel takes.
    fn secrets(&self) -> &'static [SecretField];

    /// The JSON schema of a connection's settings: the portal makes its form from it.
    fn settings_schema(&self) -> Value;

    /// Checks settings before they are stored.
    fn review(&self, settings: &Value) -> Result<Reviewed, Error>;

    /// What takes replies out.
    fn sender(&self) -> Arc<dyn Sender>;

    /// Tries the connection for real, and says in words what is right and what is not.
    async fn check(&self, tenant: TenantId, connection: &Connection) -> Result<Vec<Check>, Error>;
}

/// A secret that a connection takes.
#[derive(Clone, Copy, Debug, Serialize)]
pub struct SecretField {
    pub name: &'static str,
    pub title: &'static str,
    pub help: &'static str,
    /// Deliveries are verified with it.
    pub proves_deliveries: bool,
}

/// What settings say that matters beyond their channel.
#[derive(Clone, Debug, Default)]
pub struct Reviewed {
    pub app_id: Option<String>,
    /// Where calls of the connection go, where that can be chosen.
    pub address: Option<Url>,
}

/// One thing that was tried.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Check {
    pub name: &'static str,
    pub ok: bool,
    pub detail: String,
}

impl Check {
    pub(crate) fn passed(name: &'static str, detail: impl Into<String>) -> Self {
        Self { name, ok: true, detail: detail.into() }
    }

    pub(crate) fn failed(name: &'static str, detail: impl Into<String>) -> Self {
        Self { name, ok: false, detail: detail.into() }
    }
}

/// What a channel is given to work with.
pub(crate) struct Host {
    pub(crate) db: Db,
    pub(crate) egress: Egress,
    pub(crate) sealer: Sealer,
    pub(crate) config_epoch: ConfigEpoch,
    pub(crate) clock: Clock,
    pub(crate) notes: Notes,
}

/// The channels this build has.
pub(crate) struct Registry {
    pub(crate) slack: Arc<Slack>,
    pub(crate) web: Arc<Web>,
    all: Vec<Arc<dyn Channel>>,
}

impl Registry {
    pub(crate) fn new(host: &Host) -> Self {
        let (slack, web) = (Arc::new(Slack::new(host)), Arc::new(Web::new(host)));
        let all: Vec<Arc<dyn Channel>> =
            vec![Arc::clone(&slack) as Arc<dyn Channel>, Arc::clone(&web) as Arc<dyn Channel>];
        Self { slack, web, all }
    }

    pub(crate) fn all(&self) -> &[Arc<dyn Channel>] {
        &self.all
    }

    pub(crate) fn get(&self, kind: ChannelKind) -> Option<&Arc<dyn Channel>> {
        self.all.iter().find(|channel| channel.kind() == kind)
    }
}
