use std::time::Duration;

use async_trait::async_trait;
use kernel::{ConnectionId, LaneId, MessageId, TenantId};
use serde_json::Value;

/// Takes replies to one channel. The engine decides when; for one reply, calls are never concurrent, and none comes
/// after the answer is confirmed.
#[async_trait]
pub trait Sender: Send + Sync + 'static {
    /// The channel's name, as arrivals give it in [`crate::ReplyTo::channel`].
    fn channel(&self) -> &'static str;

    /// Whether an answer is delivered by being committed: whoever waits reads the transcript, and nothing is sent.
    fn by_commit(&self) -> bool {
        false
    }

    /// Shows at once that somebody is at work, and returns the channel's id of what was shown. `None`: the channel
    /// has nothing of the kind.
    async fn open(&self, reply: &Reply) -> Result<Option<String>, SendError>;

    /// Looks for what an interrupted attempt may have left on the channel: every part that stands there.
    async fn find(&self, reply: &Reply) -> Result<Vec<Part>, SendError>;

    /// How many parts this answer takes on this channel: at least one.
    fn parts(&self, answer: &Answer) -> usize;

    /// Puts part `part` of the answer on the channel: into what stands under `standing`, else as something new.
    /// Returns the channel's id of it.
    async fn answer(
        &self,
        reply: &Reply,
        answer: &Answer,
        part: usize,
        standing: Option<&str>,
    ) -> Result<String, SendError>;

    /// Takes something of ours away again: a placeholder nobody needs, or one too many.
    async fn retract(&self, reply: &Reply, provider_id: &str) -> Result<(), SendError>;
}

/// A reply on its way.
#[derive(Clone, Debug)]
pub struct Reply {
    pub tenant: TenantId,
    pub lane: LaneId,
    /// The message it answers; also its own id, for the channel's metadata.
    pub message: MessageId,
    pub connection: ConnectionId,
    /// The place, in the channel's own terms.
    pub target: Value,
}

/// What is to be said.
#[derive(Clone, Debug)]
pub struct Answer {
    pub text: String,
    pub body: Value,
}

/// A part of a reply that stands on the channel: number 0 is the placeholder's place.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Part {
    pub index: usize,
    pub provider_id: String,
}

/// Why a send failed; decided where the channel's answer is understood.
#[derive(Debug)]
pub enum SendError {
    /// Not now: a limit, an outage. `after` is the channel's own word on when. The call had no effect.
    Retry { reason: String, after: Option<Duration> },
    /// Nobody knows whether it had an effect (a time-out, a broken connection): look before trying again.
    Ambiguous { reason: String },
    /// What stood under the given id cannot be changed any more: post anew.
    Gone { reason: String },
    /// It will never work; `revoked` where the whole connection is no longer ours to use.
    Permanent { reason: String, revoked: bool },
}
