use agents::tools::Tools;
use agents::{Agent, AgentConfig, NewAgent, store};
use db::TenantTx;
use serde_json::{Value, json};
use tenancy::{Access, audit};

use super::diff::Change;
use super::document::AgentDocument;
use super::{Work, find_project};

impl Work<'_> {
    /// Makes the agent so, and publishes it at once: its draft and what conversations get are the same afterwards.
    pub(super) async fn agent(&self, wanted: &AgentDocument) -> anyhow::Result<Change> {
        wanted.config.validate(&Tools::builtin(self.house.clock.clone()))?;
        let access = self.access(&wanted.organisation).await?;
        let mut tx = self.house.db.tenant(access.tenant).await?;
        store::check_model_group(&mut tx, &wanted.config).await?;
        let project = find_project(&mut tx, &wanted.project).await?;
        let change = match store::find_agent_by_name(&mut tx, project, &wanted.name).await? {
            None => {
                let draft = wanted.config.clone();
                let agent =
                    store::insert_agent(&mut tx, &NewAgent { project, name: wanted.name.clone(), draft }).await?;
                publish(&mut tx, &access, &agent).await?;
                Change::Created
            }
            Some(agent) if agent.draft == wanted.config && !agent.changed() => Change::Unchanged,
            Some(agent) => {
                let standing = agent.published.as_ref().map_or(&agent.draft, |version| &version.config);
                let fields = differences(standing, &wanted.config);
                store::update_draft(&mut tx, agent.id, &wanted.config).await?;
                publish(&mut tx, &access, &agent).await?;
                Change::Changed(fields)
            }
        };
        tx.commit().await?;
        Ok(change)
    }
}

async fn publish(tx: &mut TenantTx, access: &Access, agent: &Agent) -> anyhow::Result<()> {
    let version = store::publish(tx, agent.id, &access.actor.to_string()).await?;
    let detail = json!({ "name": agent.name, "version": version.version });
    audit::record(tx, &access.actor, "agent.publish", &format!("agent:{}", agent.id), detail).await?;
    Ok(())
}

fn differences(standing: &AgentConfig, wanted: &AgentConfig) -> Vec<String> {
    let (Ok(Value::Object(standing)), Ok(Value::Object(wanted))) =
        (serde_json::to_value(standing), serde_json::to_value(wanted))
    else {
        return Vec::new();
    };
    wanted.into_iter().filter(|(field, value)| standing.get(field) != Some(value)).map(|(field, _)| field).collect()
}
