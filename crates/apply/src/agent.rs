use agents::{Agent, AgentConfig, NewAgent, store};
use db::TenantTx;
use llm::budgets::Scope;
use serde_json::{Value, json};
use tenancy::{Access, Permission, audit};

use crate::document::AgentDocument;
use crate::report::Change;
use crate::{Error, Workshop, find_project};

impl Workshop {
    /// Makes the agent so, and publishes it at once: its draft and what conversations get are the same afterwards.
    pub(crate) async fn agent(
        &self,
        tx: &mut TenantTx,
        access: &Access,
        wanted: &AgentDocument,
    ) -> Result<Change, Error> {
        let project = find_project(tx, access, Permission::AgentsWrite, &wanted.project).await?;
        wanted.config.validate(&self.tools)?;
        store::check_model_group(tx, &wanted.config).await?;
        let (agent, change) = match store::find_agent_by_name(tx, project, &wanted.name).await? {
            None => {
                let draft = wanted.config.clone();
                let agent = store::insert_agent(tx, &NewAgent { project, name: wanted.name.clone(), draft }).await?;
                publish(tx, access, &agent).await?;
                (agent.id, Change::Created)
            }
            Some(agent) if agent.draft == wanted.config && !agent.changed() => (agent.id, Change::Unchanged),
            Some(agent) => {
                let standing = agent.published.as_ref().map_or(&agent.draft, |version| &version.config);
                let fields = differences(standing, &wanted.config);
                store::update_draft(tx, agent.id, &wanted.config).await?;
                publish(tx, access, &agent).await?;
                (agent.id, Change::Changed(fields))
            }
        };
        let budget = self.budget(tx, access, Scope::Agent(agent), wanted.budget.as_ref()).await?;
        Ok(change.with_budget(budget))
    }
}

async fn publish(tx: &mut TenantTx, access: &Access, agent: &Agent) -> Result<(), Error> {
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
