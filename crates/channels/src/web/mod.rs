//! Web chat: a hosted page and whatever else speaks its REST; also the portal's try-it chats.
//!
//! Nothing leaves the house: whoever waits reads the transcript, so the commit is the delivery.

mod inbound;
mod sender;
mod visitor;

use std::sync::Arc;

use async_trait::async_trait;
use db::Db;
use durable::Sender;
use infra::{EpochCache, Sealer};
use kernel::{Clock, ConnectionId, TenantId};
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use crate::registry::{Channel, Check, Host, Reviewed, SecretField};
use crate::store::connection::{self, AgentProfile};
use crate::store::route;
use crate::{ChannelKind, Connection, Error};
pub use inbound::{Placed, TryMessage};
use sender::WebSender;
pub use visitor::Visitor;
use visitor::VisitorTokens;

const CACHED: usize = 16_384;

/// The settings of a web chat.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct WebSettings {
    /// What the page is headed with; the agent's name where absent.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub title: Option<String>,
    /// Which sites may embed it; kept for the widget.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub origins: Vec<String>,
}

/// A web chat, as its page shows it.
#[derive(Clone, Debug)]
pub struct WebChat {
    pub tenant: TenantId,
    pub connection: Connection,
    pub settings: WebSettings,
    pub agent: AgentProfile,
    suspended: bool,
}

pub(crate) struct Web {
    db: Db,
    clock: Clock,
    tokens: VisitorTokens,
    /// What no connection answers to is remembered too, so that guessing costs nothing.
    chats: EpochCache<ConnectionId, Option<Arc<WebChat>>>,
}

impl Web {
    pub(crate) fn new(host: &Host) -> Self {
        Self {
            db: host.db.clone(),
            clock: host.clock.clone(),
            tokens: VisitorTokens::new(&visitor_key(&host.sealer)),
            chats: EpochCache::new(host.config_epoch.clone(), CACHED),
        }
    }

    /// The chat under that id, where it takes visitors.
    pub(crate) async fn chat(&self, id: ConnectionId) -> Result<Arc<WebChat>, Error> {
        let chat = self.chats.get_or_load(id, || self.load(id)).await?.ok_or(Error::NotFound)?;
        if chat.suspended {
            return Err(Error::Refused("the organisation is suspended"));
        }
        Ok(chat)
    }

    async fn load(&self, id: ConnectionId) -> Result<Option<Arc<WebChat>>, Error> {
        let candidates = route::candidates(&self.db, ChannelKind::Web, &id.to_string(), 1).await?;
        let Some(candidate) = candidates.first() else { return Ok(None) };
        let mut tx = self.db.tenant(candidate.tenant).await?;
        let standing = connection::find_standing(&mut tx, id).await?;
        tx.commit().await?;
        let Some(standing) = standing.filter(|standing| standing.connection.enabled) else { return Ok(None) };
        Ok(Some(Arc::new(WebChat {
            tenant: candidate.tenant,
            settings: settings(&standing.connection.settings)?,
            connection: standing.connection,
            agent: standing.profile,
            suspended: standing.suspended,
        })))
    }
}

#[async_trait]
impl Channel for Web {
    fn kind(&self) -> ChannelKind {
        ChannelKind::Web
    }

    fn secrets(&self) -> &'static [SecretField] {
        &[]
    }

    fn settings_schema(&self) -> Value {
        json!({"type": "object", "additionalProperties": false, "properties": {
            "title": {"type": "string", "title": "Heading of the page"},
            "origins": {"type": "array", "items": {"type": "string"}, "title": "Sites that may embed it"}}})
    }

    fn review(&self, written: &Value) -> Result<Reviewed, Error> {
        settings(written)?;
        Ok(Reviewed::default())
    }

    fn sender(&self) -> Arc<dyn Sender> {
        Arc::new(WebSender)
    }

    async fn check(&self, _tenant: TenantId, connection: &Connection) -> Result<Vec<Check>, Error> {
        Ok(vec![match self.chat(connection.id).await {
            Ok(_) => Check::passed("page", "visitors can write"),
            Err(Error::NotFound) => Check::failed("page", "the connection is disabled"),
            Err(error) => Check::failed("page", error.to_string()),
        }])
    }
}

fn settings(written: &Value) -> Result<WebSettings, Error> {
    if written.is_null() {
        return Ok(WebSettings::default());
    }
    WebSettings::deserialize(written).map_err(|error| Error::Invalid(format!("settings: {error}")))
}

fn visitor_key(sealer: &Sealer) -> [u8; 32] {
    sealer.derive("web-visitor")
}
