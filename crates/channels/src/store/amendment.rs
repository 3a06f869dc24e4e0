use std::collections::HashMap;

use chrono::{DateTime, Utc};
use db::TenantTx;
use kernel::{ConversationId, LaneId, MessageId};

use crate::Error;

/// What a person made of an earlier message of theirs.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Amendment {
    pub at: DateTime<Utc>,
    /// `None`: withdrawn.
    pub text: Option<String>,
}

/// A message as the channel speaks of it: somewhere in one of `lanes`, under the channel's own id.
pub(crate) struct Amended<'a> {
    pub(crate) lanes: &'a [LaneId],
    pub(crate) provider_id: &'a str,
    pub(crate) amendment: Amendment,
}

/// Records the amendment of a message that is in the transcript; of amendments that arrive out of order, the latest
/// counts. Returns whether there is such a message.
pub(crate) async fn record(tx: &mut TenantTx, amended: &Amended<'_>) -> Result<bool, Error> {
    let lanes: Vec<uuid::Uuid> = amended.lanes.iter().map(|lane| lane.as_uuid()).collect();
    let found = sqlx::query!(
        "select lane_id, message_id from inbox
         where tenant_id = $1 and lane_id = any($2) and body -> 'metadata' ->> 'provider_id' = $3
         limit 1",
        tx.tenant().as_uuid(),
        &lanes,
        amended.provider_id,
    )
    .fetch_optional(&mut **tx)
    .await?;
    let Some(found) = found else { return Ok(false) };
    sqlx::query!(
        "insert into amendment (tenant_id, conversation_id, message_id, at, text) values ($1, $2, $3, $4, $5)
         on conflict (tenant_id, conversation_id, message_id) do update set at = excluded.at, text = excluded.text
             where amendment.at <= excluded.at",
        tx.tenant().as_uuid(),
        found.lane_id,
        found.message_id,
        amended.amendment.at,
        amended.amendment.text,
    )
    .execute(&mut **tx)
    .await?;
    Ok(true)
}

/// The amendments of a conversation's messages, for whoever reads its transcript.
pub async fn of(tx: &mut TenantTx, conversation: ConversationId) -> Result<HashMap<MessageId, Amendment>, Error> {
    let rows = sqlx::query!(
        "select message_id, at, text from amendment where tenant_id = $1 and conversation_id = $2",
        tx.tenant().as_uuid(),
        conversation.as_uuid(),
    )
    .fetch_all(&mut **tx)
    .await?;
    Ok(rows.into_iter().map(|row| (row.message_id.into(), Amendment { at: row.at, text: row.text })).collect())
}
