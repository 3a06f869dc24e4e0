//! Where agents meet people: what arrives on a channel becomes a [`Message`] in an inbox, what leaves an outbox
//! becomes a post on the channel.
//!
//! Invariant: a delivery reaches only connections whose own secret has verified it.
//! Invariant: whether a message is for an agent is decided before anything of it is stored; the rest is forgotten.
//! Invariant: no channel calls an agent. Inbound ends at the engine's inbox, a reply begins at its outbox.

mod error;
mod message;
mod slack;
mod store;

pub use error::Error;
pub use message::{Attachment, ChannelKind, ChannelMetadata, Content, Message, MessageContext, MessageSender};
pub use slack::{SlackHeaders, SlackSettings};
pub use store::{amendment, contact, conversation};
