//! The words every other crate shares: ids, time, errors' kinds, secrets, pages and whose data is meant.
//!
//! Invariant: no I/O and no knowledge of a database, a wire format or a web framework.

mod clock;
mod error;
mod id;
mod page;
mod secret;
mod tenant;

pub use clock::Clock;
pub use error::ErrorKind;
pub use id::{
    AgentId, ApiKeyId, BudgetId, ConnectionId, ContactId, ConversationId, DeadLetterId, InvitationId, LaneId, MemberId,
    MessageId, ModelCallId, ModelGroupId, NodeId, PriceId, ProjectId, ProviderId, RunId, SecretId, SessionId, TenantId,
    UserId, VirtualKeyId,
};
pub use page::{Cursor, Page, PageRequest};
pub use secret::Secret;
pub use tenant::TenantCtx;
