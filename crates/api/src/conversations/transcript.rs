use channels::amendment;
use db::TenantTx;
use durable::Entry;
use kernel::ConversationId;

use crate::problem::Problem;

/// The last `limit` entries before number `before` (from the end where `None`), oldest first: as they were said, with
/// their senders' corrections. What was withdrawn has no text.
pub(crate) async fn read(
    tx: &mut TenantTx,
    id: ConversationId,
    before: Option<i64>,
    limit: i64,
) -> Result<Vec<Entry>, Problem> {
    let mut entries = durable::transcript(tx, id, before, limit).await?;
    let amendments = amendment::of(tx, id).await?;
    for entry in &mut entries {
        if let Some(amendment) = amendments.get(&entry.message) {
            entry.text = amendment.text.clone().unwrap_or_default();
        }
    }
    Ok(entries)
}
