//! Where deliveries come in. The HTTP side hands over what it received, as it received it.

use bytes::Bytes;
use kernel::ConnectionId;

pub use crate::slack::{SlackAnswer, SlackHeaders};
pub use crate::web::{Placed, TryMessage, Visitor, WebChat};
use crate::{Channels, Error};

impl Channels {
    /// Takes a delivery of Slack's Events API: the headers and the body as they came. What is answered positively is
    /// stored, or not for us.
    pub async fn slack(&self, headers: SlackHeaders<'_>, raw: Bytes) -> Result<SlackAnswer, Error> {
        self.registry.slack.deliver(self.engine()?, headers, &raw).await
    }

    /// The web chat under that id, for its page.
    pub async fn web_chat(&self, connection: ConnectionId) -> Result<std::sync::Arc<WebChat>, Error> {
        self.registry.web.chat(connection).await
    }

    /// Lets a visitor in: who it is, and the token to show from now on (for 30 days).
    pub async fn web_welcome(&self, connection: ConnectionId) -> Result<(Visitor, String), Error> {
        self.registry.web.welcome(connection).await
    }

    /// Whose token it is; [`Error::NotVisitor`] where it is nobody's here.
    pub async fn web_visitor(&self, connection: ConnectionId, token: &str) -> Result<Visitor, Error> {
        self.registry.web.visitor(connection, token).await
    }

    /// Takes what a visitor says; `id` is the client's, and sending it twice has the effect of once.
    pub async fn web_message(&self, visitor: &Visitor, id: &str, text: &str) -> Result<Placed, Error> {
        self.registry.web.say(self.engine()?, visitor, (id, text)).await
    }

    /// Takes what somebody of the organisation says to an agent's draft.
    pub async fn try_message(&self, said: &TryMessage<'_>) -> Result<Placed, Error> {
        self.registry.web.try_out(self.engine()?, said).await
    }
}
