use chrono::{DateTime, Utc};
use kernel::{ConversationId, DeadLetterId, MessageId, RunId};
use serde::Serialize;
use utoipa::ToSchema;

/// What could not be done, until somebody replays or dismisses it.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct DeadLetter {
    #[schema(value_type = Uuid)]
    pub id: DeadLetterId,
    pub source: DeadLetterSource,
    #[schema(value_type = Uuid)]
    pub conversation: ConversationId,
    pub seq: i64,
    #[schema(value_type = Uuid)]
    pub message_id: MessageId,
    #[schema(value_type = Option<Uuid>)]
    pub run_id: Option<RunId>,
    pub reason: String,
    pub attempts: i32,
    pub at: DateTime<Utc>,
    pub replayed_at: Option<DateTime<Utc>>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub(crate) enum DeadLetterSource {
    /// The run failed for good.
    Run,
    /// The reply could not be delivered.
    Reply,
}

impl From<durable::DeadLetter> for DeadLetter {
    fn from(found: durable::DeadLetter) -> Self {
        Self {
            id: found.id,
            source: if found.source == "run" { DeadLetterSource::Run } else { DeadLetterSource::Reply },
            conversation: found.lane,
            seq: found.seq,
            message_id: found.message,
            run_id: found.run,
            reason: found.reason,
            attempts: found.attempts,
            at: found.at,
            replayed_at: found.replayed_at,
        }
    }
}
