//! AI employees: who they are, what they remember, what they can do, and how one turn of theirs runs.
//!
//! An agent is designed as a draft and published as a version that never changes. A [`Turn`] answers one message: it
//! pins a version, thinks with a model group, acts with tools, and ends in an answer or an honest word that there is
//! none. Channels know nothing of it; the engine brings it messages and takes its answers away.
//!
//! Invariant: every model call, tool call and choice of version is a journaled step; a turn that is resumed repeats
//! none of them.
//! Invariant: no configuration keeps an agent from saying that it is an AI when it is asked.
//! Invariant: a turn that fails ends in a message to its sender that names no internals.

mod error;
mod memory;
mod model;
mod prompt;
mod roster;
pub mod store;
pub mod tools;
mod turn;

pub use error::Error;
pub use model::{Agent, AgentConfig, AgentVersion, Limits, NewAgent};
pub use prompt::VARIABLES;
pub use turn::Turn;
