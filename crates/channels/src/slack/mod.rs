//! Slack over the HTTP Events API: deliveries verified, decided and normalised; replies posted into their thread.

mod check;
mod decide;
mod envelope;
mod inbound;
mod installation;
mod misfit;
mod names;
mod render;
mod sender;
mod settings;
mod split;
mod text;
mod verify;
mod wire;

use std::sync::Arc;

use async_trait::async_trait;
use db::Db;
use durable::Sender;
use kernel::{Clock, TenantId};
use serde_json::{Value, json};

use crate::registry::{Channel, Check, Host, Reviewed, SecretField};
use crate::{ChannelKind, Connection, Error};
use installation::Installations;
use names::Names;
use sender::SlackSender;
pub use settings::SlackSettings;
pub use verify::SlackHeaders;

/// What a delivery is answered with; both are status 200.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum SlackAnswer {
    /// An empty body: what was for an agent is stored.
    Ok,
    /// The body of the answer to a handshake, as plain text.
    Challenge(String),
}

pub(crate) struct Slack {
    db: Db,
    clock: Clock,
    installations: Arc<Installations>,
    sender: Arc<SlackSender>,
    names: Names,
}

impl Slack {
    pub(crate) fn new(host: &Host) -> Self {
        let installations =
            Installations::new(host.db.clone(), host.sealer.clone(), &host.config_epoch, host.notes.clone());
        let installations = Arc::new(installations);
        let sender = SlackSender {
            installations: Arc::clone(&installations),
            egress: host.egress.clone(),
            clock: host.clock.clone(),
        };
        let names = Names::new(host.db.clone(), host.egress.clone(), host.clock.clone());
        Self { db: host.db.clone(), clock: host.clock.clone(), installations, sender: Arc::new(sender), names }
    }
}

#[async_trait]
impl Channel for Slack {
    fn kind(&self) -> ChannelKind {
        ChannelKind::Slack
    }

    fn secrets(&self) -> &'static [SecretField] {
        &[
            SecretField {
                name: installation::SIGNING_SECRET,
                title: "Signing secret",
                help: "Basic Information, App Credentials. Not needed for an app that the operator shares.",
                proves_deliveries: true,
            },
            SecretField {
                name: installation::BOT_TOKEN,
                title: "Bot token",
                help: "OAuth & Permissions, Bot User OAuth Token: begins with xoxb-.",
                proves_deliveries: false,
            },
        ]
    }

    fn settings_schema(&self) -> Value {
        json!({"type": "object", "additionalProperties": false, "properties": {
            "base_url": {"type": "string", "format": "uri", "title": "Web API", "default": "https://slack.com/api/"},
            "app_id": {"type": "string", "title": "App id"},
            "bot_user_id": {"type": "string", "title": "Bot user id"},
            "bot_id": {"type": "string", "title": "Bot id"},
            "allowed_bots": {"type": "array", "items": {"type": "string"}, "title": "Bots it listens to"},
            "customise": {"type": "boolean", "title": "Post under the agent's name", "default": true},
            "username": {"type": "string", "title": "Another name"},
            "icon_url": {"type": "string", "format": "uri", "title": "Icon"},
            "icon_emoji": {"type": "string", "title": "Icon emoji"},
            "engaged_minutes": {"type": "integer", "minimum": 1, "maximum": 1440, "default": 30,
                                "title": "Minutes a thread is followed"}}})
    }

    fn review(&self, settings: &Value) -> Result<Reviewed, Error> {
        let settings = SlackSettings::read(settings)?;
        Ok(Reviewed { app_id: settings.app_id, address: Some(settings.base_url) })
    }

    fn sender(&self) -> Arc<dyn Sender> {
        Arc::clone(&self.sender) as Arc<dyn Sender>
    }

    async fn check(&self, tenant: TenantId, connection: &Connection) -> Result<Vec<Check>, Error> {
        let installation = self.installations.find(tenant, connection.id).await?;
        let checks = check::check(&self.sender.egress, &installation, connection).await;
        let works = checks.iter().all(|check| check.ok || matches!(check.name, "events" | "names"));
        if works {
            self.installations.well(&installation, self.clock.now());
        }
        Ok(checks)
    }
}
