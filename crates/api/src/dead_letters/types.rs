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
