//! The pool, offered to the outside: any SDK asks it as it would ask its own vendor.

mod envelope;
mod events;
mod protocol;
mod relay;
mod translate;

pub(crate) use protocol::{Asked, Protocol, Refusal, RefusalKind, Reply, Writer};
