//! Where agents meet people: what arrives on a channel becomes a [`Message`] in an inbox, what leaves an outbox
//! becomes a post on the channel.
//!
//! Invariant: a delivery reaches only connections whose own secret has verified it.
//! Invariant: whether a message is for an agent is decided before anything of it is stored; the rest is forgotten.
//! Invariant: no channel calls an agent. Inbound ends at the engine's inbox, a reply begins at its outbox.

mod connect;
pub mod deed;
mod error;
pub mod ingress;
mod message;
mod notes;
mod registry;
mod slack;
mod store;
mod web;

use std::sync::{Arc, OnceLock};

use db::Db;
use durable::{Engine, Sender};
use infra::{ConfigEpoch, Egress, Sealer};
use kernel::Clock;

pub use connect::{Author, ConnectionChange, NewConnection};
pub use error::Error;
pub use message::{Attachment, ChannelKind, ChannelMetadata, Content, Message, MessageContext, MessageSender};
use notes::Notes;
pub use registry::{Channel, Check, Reviewed, SecretField};
use registry::{Host, Registry};
pub use slack::SlackSettings;
pub use store::connection::{AgentProfile, Connection, ConnectionFilter, ConnectionState};
pub use store::{amendment, channel_app, connection, contact, conversation};
pub use web::WebSettings;

/// The program that answers messages.
pub const TURN: &str = "turn";

/// The channels of this process. Cheap to clone.
#[derive(Clone)]
pub struct Channels {
    host: Arc<Host>,
    registry: Arc<Registry>,
    engine: Arc<OnceLock<Engine>>,
}

/// What channels work with.
pub struct ChannelsOptions {
    pub db: Db,
    pub egress: Egress,
    pub sealer: Sealer,
    pub config_epoch: ConfigEpoch,
    pub clock: Clock,
}

impl Channels {
    /// Sets the channels up; needs a running tokio. Deliveries are taken once [`Channels::attach`] has been called:
    /// the engine is started with their senders, so it comes second.
    pub fn new(options: ChannelsOptions) -> Self {
        let ChannelsOptions { db, egress, sealer, config_epoch, clock } = options;
        let notes = Notes::start(db.clone());
        let host = Host { db, egress, sealer, config_epoch, clock, notes };
        let registry = Registry::new(&host);
        Self { host: Arc::new(host), registry: Arc::new(registry), engine: Arc::default() }
    }

    /// What the engine is started with.
    pub fn senders(&self) -> Vec<Arc<dyn Sender>> {
        self.registry.all().iter().map(|channel| channel.sender()).collect()
    }

    /// Gives the channels the engine that takes what arrives; the first one stays.
    pub fn attach(&self, engine: Engine) {
        let _ = self.engine.set(engine);
    }

    /// The channels there are, for forms and catalogues.
    pub fn all(&self) -> &[Arc<dyn Channel>] {
        self.registry.all()
    }

    fn engine(&self) -> Result<&Engine, Error> {
        self.engine.get().ok_or(Error::NotReady)
    }
}
