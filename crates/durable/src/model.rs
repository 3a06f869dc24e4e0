use std::time::Duration;

use chrono::{DateTime, NaiveDate, Utc};
use kernel::{ConnectionId, LaneId, MessageId, ProjectId, RunId, TenantId};
use rust_decimal::Decimal;
use serde_json::Value;
use sha2::{Digest as _, Sha256};
use uuid::Uuid;

/// A message that has arrived and is for us: what [`crate::Engine::accept`] commits.
#[derive(Clone, Debug)]
pub struct Arrival {
    pub tenant: TenantId,
    pub project: ProjectId,
    pub lane: LaneId,
    pub message: MessageId,
    /// The program that runs it.
    pub program: &'static str,
    /// Marks that every delivery of this message shares; none of them may have been seen. Empty: never a duplicate.
    pub dedup: Vec<DedupKey>,
    /// What was said, for search and for people.
    pub text: String,
    /// The program's input.
    pub body: Value,
    /// Where the reply goes; `None` where nobody waits for one.
    pub reply: Option<ReplyTo>,
}

/// Where a reply goes.
#[derive(Clone, Debug)]
pub struct ReplyTo {
    /// The sender that takes it there: a channel's name.
    pub channel: &'static str,
    pub connection: ConnectionId,
    /// The place, in the channel's own terms.
    pub target: Value,
}

/// A mark two deliveries of one message share: hashed, and filed under a day that every delivery agrees upon.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct DedupKey {
    pub day: NaiveDate,
    pub hash: [u8; 16],
}

impl DedupKey {
    /// The key `name` within `scope` (a connection), filed under the provider's own time `at`.
    pub fn new(scope: Uuid, name: &str, at: DateTime<Utc>) -> Self {
        let digest = Sha256::new().chain_update(scope.as_bytes()).chain_update(name.as_bytes()).finalize();
        let mut hash = [0; 16];
        hash.copy_from_slice(&digest[..16]);
        Self { day: at.date_naive(), hash }
    }
}

/// What became of an arrival. Both are acknowledged to whoever delivered it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Receipt {
    /// Committed, as number `seq` of its lane.
    Accepted { seq: i64 },
    /// It, or another delivery of it, was committed before.
    Duplicate,
}

/// A lane this node may work on: its run, and the epoch that every write of it must name.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Claim {
    pub tenant: TenantId,
    pub lane: LaneId,
    pub seq: i64,
    pub run: RunId,
    pub epoch: i64,
    /// The day that the run's rows are filed under.
    pub day: NaiveDate,
    pub message: MessageId,
    pub program: String,
    /// How often this run has been claimed, this time included.
    pub claims: i32,
    /// How often it failed on its own account.
    pub failures: i32,
    /// When the message was acknowledged.
    pub received_at: DateTime<Utc>,
    /// How long ago the run was begun, at the time of the claim.
    pub age: Duration,
}

/// What a run works on.
#[derive(Clone, Debug)]
pub struct Input {
    pub text: String,
    pub body: Value,
    pub received_at: DateTime<Utc>,
}

/// What a step used up.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Usage {
    pub input_tokens: u64,
    pub output_tokens: u64,
    /// US dollars; `None`: a price is not known, which is not the same as nothing.
    pub cost_usd: Option<Decimal>,
}

impl Usage {
    pub const fn none() -> Self {
        Self { input_tokens: 0, output_tokens: 0, cost_usd: Some(Decimal::ZERO) }
    }

    /// Both together; a cost that is not known makes the sum unknown.
    #[must_use]
    pub fn plus(self, other: Self) -> Self {
        Self {
            input_tokens: self.input_tokens + other.input_tokens,
            output_tokens: self.output_tokens + other.output_tokens,
            cost_usd: self.cost_usd.zip(other.cost_usd).map(|(a, b)| a + b),
        }
    }
}
