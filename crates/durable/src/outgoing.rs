use chrono::NaiveDate;
use kernel::{LaneId, MessageId, NodeId, TenantId};

use crate::delivery::{Delivery, End};
use crate::store::{ClaimedReply, EndedReply};
use crate::{Answer, Claim, Reply, ReplyTo};

/// A reply for this node to work on, and how far it is known to have come.
#[derive(Debug)]
pub(crate) struct Outgoing {
    pub(crate) reply: Reply,
    pub(crate) channel: String,
    pub(crate) day: NaiveDate,
    pub(crate) seq: i64,
    pub(crate) epoch: i64,
    pub(crate) delivery: Delivery,
    /// What is to be said, where that is known here already.
    pub(crate) answer: Option<Answer>,
    /// What was posted from here and is not recorded yet.
    pub(crate) posted: Vec<String>,
    /// As which node this process took it; whoever it goes on as afterwards has no right to it.
    pub(crate) node: Option<NodeId>,
}

impl Outgoing {
    /// A message was just acknowledged: its placeholder goes up.
    pub(crate) fn opening(
        tenant: TenantId,
        lane: LaneId,
        message: MessageId,
        (seq, day): (i64, NaiveDate),
        to: ReplyTo,
    ) -> Self {
        let reply = Reply { tenant, lane, message, connection: to.connection, target: to.target };
        let delivery = Delivery::new(None, true, End::Open);
        Self {
            reply,
            channel: to.channel.to_owned(),
            day,
            seq,
            epoch: 0,
            delivery,
            answer: None,
            posted: Vec::new(),
            node: None,
        }
    }

    /// A run just ended here, and nobody else is at work on its reply.
    pub(crate) fn ended(claim: &Claim, row: EndedReply, answer: Option<Answer>) -> Self {
        let reply = Reply {
            tenant: claim.tenant,
            lane: claim.lane,
            message: claim.message,
            connection: row.connection,
            target: row.target,
        };
        let delivery = Delivery::new(row.provider_id, row.certain, End::Silence);
        Self {
            reply,
            channel: row.channel,
            day: claim.day,
            seq: claim.seq,
            epoch: row.epoch,
            delivery,
            answer,
            posted: Vec::new(),
            node: None,
        }
    }

    /// A reply that was left lying: what stands of it must be looked for.
    pub(crate) fn claimed(row: ClaimedReply) -> Self {
        let end = match row {
            ClaimedReply { confirmed: true, .. } => End::Said,
            ClaimedReply { ended: true, .. } => End::Silence,
            _ => End::Open,
        };
        Self {
            reply: Reply {
                tenant: row.tenant,
                lane: row.lane,
                message: row.message,
                connection: row.connection,
                target: row.target,
            },
            channel: row.channel,
            day: row.day,
            seq: row.seq,
            epoch: row.epoch,
            delivery: Delivery::new(row.provider_id, false, end).after(row.failures),
            answer: None,
            posted: Vec::new(),
            node: None,
        }
    }
}
