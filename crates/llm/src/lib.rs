//! Models: who provides them, how they are asked, and what an answer costs.
//!
//! A [`Pool`] takes a [`ChatRequest`] for one of an organisation's model groups and asks the group's models in order,
//! each through the [`Wire`] its provider speaks, until one answers.
//!
//! Invariant: a provider's key is sent to the address it was given for and nowhere else, and is in no error and no log.
//! Invariant: whatever was made of an attempt, a [`CallRecord`] tells of it; a cost that is not known is `None`, never 0.
//! Invariant: an answer is whole or none: what breaks off, or cannot be parsed, is asked for again.

mod account;
mod draft;
mod error;
mod fault;
#[expect(dead_code, unused_imports, reason = "the protocols follow")]
mod gateway;
mod lines;
mod model;
mod piece;
mod pool;
mod prices;
mod providers;
mod request;
mod sse;
pub mod store;
mod usd;

#[cfg(test)]
mod golden;

pub use account::Account;
pub use error::{ChatError, ChatErrorKind, Error};
pub use model::{CallRecord, Completion, Delta, ModelRef, Stop, TokenUsage, UnknownWire, Wire};
pub use pool::{Pool, PoolOptions};
pub use request::{
    ChatMessage, ChatRequest, Content, Echo, Effort, Image, OutputFormat, Part, Sampling, Source, Thinking, Thought,
    ToolCall, ToolChoice, ToolSpec,
};
pub use usd::Usd;
