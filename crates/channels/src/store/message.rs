use db::TenantTx;
use kernel::{AgentId, ConversationId};

use crate::Error;

/// The number of the message that its client knows by `provider_id`.
pub(crate) async fn find_seq(
    tx: &mut TenantTx,
    conversation: ConversationId,
    provider_id: &str,
) -> Result<Option<i64>, Error> {
    let seq = sqlx::query_scalar!(
        "select seq from inbox
         where tenant_id = $1 and lane_id = $2 and body -> 'metadata' ->> 'provider_id' = $3
         order by seq desc limit 1",
        tx.tenant().as_uuid(),
        conversation.as_uuid(),
        provider_id,
    )
    .fetch_optional(&mut **tx)
    .await?;
    Ok(seq)
}

/// Whether the conversation is one in which this agent's draft is tried out.
pub(crate) async fn is_trial_of(
    tx: &mut TenantTx,
    conversation: ConversationId,
    agent: AgentId,
) -> Result<bool, Error> {
    let trial = sqlx::query_scalar!(
        r#"select (body ->> 'draft' = 'true' and body ->> 'agent' = $3::text) as "trial?" from inbox
           where tenant_id = $1 and lane_id = $2 order by seq limit 1"#,
        tx.tenant().as_uuid(),
        conversation.as_uuid(),
        agent.to_string(),
    )
    .fetch_optional(&mut **tx)
    .await?;
    Ok(trial.flatten() == Some(true))
}
