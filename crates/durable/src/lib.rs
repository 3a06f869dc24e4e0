//! The durable engine: what is acknowledged is stored, what is begun is finished, what is answered is answered once.
//!
//! An arrival is committed to a lane's inbox before it is acknowledged. A lane is claimed by one node at a time and
//! runs one [`Program`] per message; every step's result is journaled before the next begins; the reply leaves
//! through the outbox, which was given its row in the very commit that acknowledged the message.
//!
//! Invariant: messages of one lane are run one at a time and in order, over any number of nodes.
//! Invariant: every write after a claim names the claim's epoch; a node that lost its lease changes nothing.
//! Invariant: nothing is acknowledged, journaled or confirmed before it is committed.

mod error;
mod model;
mod program;
mod run;
mod sender;

pub use error::Error;
pub use model::{Arrival, Claim, DedupKey, Input, Receipt, ReplyTo};
pub use program::{Failure, Outcome, Program};
pub use run::Run;
pub use sender::{Answer, Part, Reply, SendError, Sender};
