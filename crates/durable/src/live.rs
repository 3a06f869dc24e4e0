//! What people see while it happens. Display only: the tables hold the truth, and whoever missed something reads them.

use infra::{Bus, Delivery, Subscription};
use kernel::{LaneId, TenantId};
use serde::{Deserialize, Serialize};

/// Something that happened in a lane.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "event", rename_all = "snake_case")]
pub enum LiveEvent {
    /// Message number `seq` was stored.
    Arrived { seq: i64 },
    /// More of the answer to message `seq`: `text` stands at byte `offset` of attempt number `attempt`, whose text
    /// takes the place of any earlier attempt's.
    Text { seq: i64, attempt: u32, offset: usize, text: String },
    /// The run of message `seq` ended; its answer, if any, is in the transcript.
    Answered { seq: i64 },
    /// Something was missed.
    Lost,
}

pub(crate) fn publish(bus: &Bus, tenant: TenantId, lane: LaneId, event: &LiveEvent) {
    match serde_json::to_string(event) {
        Ok(payload) => bus.publish(&topic(tenant, lane), &payload),
        Err(error) => tracing::warn!(%error, "a live event cannot be written"),
    }
}

fn topic(tenant: TenantId, lane: LaneId) -> String {
    format!("lane:{tenant}:{lane}")
}

/// Streams an answer's text to whoever watches while it is being made.
#[derive(Clone)]
pub struct Live {
    bus: Bus,
    tenant: TenantId,
    lane: LaneId,
    seq: i64,
    attempt: u32,
    offset: usize,
}

impl Live {
    pub(crate) fn new(bus: Bus, tenant: TenantId, lane: LaneId, seq: i64, attempt: u32) -> Self {
        Self { bus, tenant, lane, seq, attempt, offset: 0 }
    }

    /// Goes on with `text`.
    pub fn say(&mut self, text: &str) {
        let event =
            LiveEvent::Text { seq: self.seq, attempt: self.attempt, offset: self.offset, text: text.to_owned() };
        self.offset += text.len();
        publish(&self.bus, self.tenant, self.lane, &event);
    }

    /// Begins anew: what was said so far no longer counts.
    pub fn restart(&mut self) {
        self.attempt += 1;
        self.offset = 0;
        self.say("");
    }
}

/// What happens in one lane from now on.
pub struct Watch {
    subscription: Subscription,
}

impl Watch {
    pub(crate) fn new(bus: &Bus, tenant: TenantId, lane: LaneId) -> Self {
        Self { subscription: bus.subscribe(&topic(tenant, lane)) }
    }

    /// Waits for the next event; `None` when the process shuts down.
    pub async fn next(&mut self) -> Option<LiveEvent> {
        Some(match self.subscription.recv().await? {
            Delivery::Payload(payload) => serde_json::from_str(&payload).unwrap_or(LiveEvent::Lost),
            Delivery::Lost => LiveEvent::Lost,
        })
    }
}
