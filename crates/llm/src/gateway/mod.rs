mod envelope;
mod events;
mod protocol;
mod refusal;
mod relay;
mod translate;
pub(crate) use protocol::{Asked, Protocol, Reply, Writer};
pub(crate) use refusal::{Refusal, RefusalKind};
