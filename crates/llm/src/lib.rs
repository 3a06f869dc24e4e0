//! Models: who provides them, how they are asked, and what an answer costs.
//!
//! A [`Pool`] takes a [`ChatRequest`] for one of an organisation's model groups and asks the group's models in order,
//! each through the [`Wire`] its provider speaks, until one answers.
//!
//! Invariant: a provider's key is sent to the address it was given for and nowhere else, and is in no error and no log.
//! Invariant: whatever was made of an attempt, a [`CallRecord`] tells of it; a cost that is not known is `None`, never 0.
//! Invariant: a call is made within what its key may do and its budgets have room for; what it cost is settled once.
//! Invariant: an answer is whole or none: what breaks off, or cannot be parsed, is asked for again.

mod account;
pub mod budgets;
mod cache;
mod draft;
mod embed;
mod error;
mod fault;
mod gateway;
mod group;
pub mod keys;
pub mod limits;
mod lines;
mod model;
mod piece;
mod pool;
pub mod prices;
mod providers;
mod refusal;
mod request;
mod spend;
mod sse;
pub mod store;
pub mod usage;
mod usd;
mod vendor;

#[cfg(test)]
mod golden;

pub use account::Account;
pub use budgets::{BudgetRefused, Budgets, Exceeded, Reservation};
pub use error::{ChatError, ChatErrorKind, Error};
pub use gateway::{Gateway, GatewayParts, ListShape, Served, Surface};
pub use group::{Member, Routing, Seconds, Simple, Strategy, Timeouts};
pub use keys::{Grant, KeyRefused, Keys};
pub use limits::{Admission, Limit, Limiter, Limits, RateRefused};
pub use model::{CallRecord, Completion, Delta, ModelRef, Stop, TokenUsage, UnknownWire, Wire};
pub use pool::{BreakerState, ConnectionTest, Pool, PoolOptions, PoolParts, TargetHealth};
pub use request::{
    ChatMessage, ChatRequest, Content, Echo, Effort, Image, OutputFormat, Part, Sampling, Source, Thinking, Thought,
    ToolCall, ToolChoice, ToolSpec,
};
pub use usd::Usd;
