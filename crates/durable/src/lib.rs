//! The durable engine: what is acknowledged is stored, what is begun is finished, what is answered is answered once.
//!
//! An arrival is committed to a lane's inbox before it is acknowledged. A lane is claimed by one node at a time and
//! runs one [`Program`] per message; every step's result is journaled before the next begins; the reply leaves
//! through the outbox, which was given its row in the very commit that acknowledged the message.
//!
//! Invariant: messages of one lane are run one at a time and in order, over any number of nodes.
//! Invariant: every write after a claim names the claim's epoch; a node that lost its lease changes nothing.
//! Invariant: nothing is acknowledged, journaled or confirmed before it is committed.

mod batch;
mod delivery;
mod dispatch;
mod engine;
mod error;
mod failpoint;
mod fairness;
mod handover;
mod journal;
mod lease;
mod live;
mod model;
mod node;
mod outbox;
mod outgoing;
mod program;
mod queue;
mod run;
mod sender;
mod store;
mod work;

pub use engine::{Engine, EngineOptions};
pub use error::Error;
#[cfg(any(debug_assertions, feature = "failpoints"))]
pub use failpoint::NAMES as FAILPOINTS;
pub use live::{Live, LiveEvent, Watch};
pub use model::{Arrival, Claim, DedupKey, Input, Receipt, ReplyTo, Usage};
pub use program::{Failure, Outcome, Program};
pub use run::{Done, Run};
pub use sender::{Answer, Part, Reply, SendError, Sender};
pub use store::{
    DeadLetter, Entry, EntryReply, ReplyState, RunStatus, RunView, StepView, dismiss_dead_letter, find_run,
    has_dead_letter, list_dead_letters, replay_dead_letter, transcript,
};
