use std::collections::BTreeSet;

use channels::{amendment, contact};
use db::TenantTx;
use durable::Entry;
use kernel::ConversationId;
use serde_json::Value;

use crate::problem::Problem;

/// The last `limit` entries before number `before` (from the end where `None`), oldest first: as they were said, with
/// their senders' corrections and names. What was withdrawn has no text.
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
    name_senders(tx, id, &mut entries).await?;
    Ok(entries)
}

/// Says what senders are called whom their channel knows by an id alone.
async fn name_senders(tx: &mut TenantTx, id: ConversationId, entries: &mut [Entry]) -> Result<(), Problem> {
    let nameless: BTreeSet<String> =
        entries.iter().filter_map(|entry| nameless_in(&entry.body)).map(str::to_owned).collect();
    if nameless.is_empty() {
        return Ok(());
    }
    let nameless: Vec<String> = nameless.into_iter().collect();
    let names = contact::names(tx, id, &nameless).await?;
    for entry in entries {
        if let Some(name) = nameless_in(&entry.body).and_then(|sender| names.get(sender)) {
            entry.body["sender"]["display_name"] = name.as_str().into();
        }
    }
    Ok(())
}

/// The id of a sender without a name, on a channel that could tell one.
fn nameless_in(body: &Value) -> Option<&str> {
    body.pointer("/metadata/workspace")?;
    let sender = body.get("sender").filter(|sender| sender.get("display_name").is_none())?;
    sender.get("id")?.as_str()
}
