use std::collections::{BTreeMap, BTreeSet};

use agents::store as agent_store;
use channels::connection;
use kernel::{PageRequest, TenantId};
use llm::store as models;
use tenancy::{Access, organisations, projects};

use super::Work;
use super::diff::Change;
use super::document::{Document, Wanted};
use super::order::by_need;

/// The kinds that `--prune` may remove, in the order of removal: what refers goes before what is referred to.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Kind {
    Connection,
    Agent,
    ModelGroup,
    Provider,
    Project,
}

/// What the documents name: for each organisation and kind, the names (an agent's with its project).
type Named<'a> = BTreeMap<(&'a str, Kind), BTreeSet<String>>;

impl Work<'_> {
    /// Removes what the documents do not name, of the kinds and in the organisations that they do name.
    pub(super) async fn prune(&mut self, documents: &[Document]) -> anyhow::Result<()> {
        let named = named(documents);
        let mut order: Vec<_> = named.iter().collect();
        order.sort_by_key(|((_, kind), _)| *kind);
        for ((organisation, kind), names) in order {
            let tenant = self.tenant(organisation).await?;
            match kind {
                Kind::Connection => self.prune_connections(organisation, tenant, names).await?,
                Kind::Agent => self.prune_agents(organisation, tenant, names).await?,
                Kind::ModelGroup => self.prune_groups(organisation, tenant, names).await?,
                Kind::Provider => self.prune_providers(organisation, tenant, names).await?,
                Kind::Project => self.prune_projects(organisation, tenant, names).await?,
            }
        }
        Ok(())
    }

    async fn prune_connections(
        &mut self,
        organisation: &str,
        tenant: TenantId,
        names: &BTreeSet<String>,
    ) -> anyhow::Result<()> {
        let mut tx = self.house.db.tenant(tenant).await?;
        for project in all_projects(&mut tx, tenant).await? {
            let filter = connection::ConnectionFilter::default();
            for found in connection::list(&mut tx, project.id, filter, &everything()).await?.items {
                if !names.contains(&found.name) {
                    self.channels.delete_connection(&mut tx, found.id).await?;
                    self.diff.note(&Change::Removed, format_args!("Connection {organisation}/{}", found.name));
                }
            }
        }
        Ok(tx.commit().await?)
    }

    async fn prune_agents(
        &mut self,
        organisation: &str,
        tenant: TenantId,
        names: &BTreeSet<String>,
    ) -> anyhow::Result<()> {
        let mut tx = self.house.db.tenant(tenant).await?;
        for project in all_projects(&mut tx, tenant).await? {
            for agent in agent_store::list_agents(&mut tx, project.id, everything()).await?.items {
                let name = format!("{}/{}", project.name, agent.name);
                if !names.contains(&name) {
                    agent_store::delete_agent(&mut tx, agent.id).await?;
                    self.diff.note(&Change::Removed, format_args!("Agent {organisation}/{name}"));
                }
            }
        }
        Ok(tx.commit().await?)
    }

    async fn prune_groups(
        &mut self,
        organisation: &str,
        tenant: TenantId,
        names: &BTreeSet<String>,
    ) -> anyhow::Result<()> {
        let mut tx = self.house.db.tenant(tenant).await?;
        let mut unwanted = models::list_groups(&mut tx).await?;
        unwanted.retain(|group| !names.contains(&group.name));
        // A group that another one falls back to goes after it.
        for group in by_need(unwanted, |one, other| other.fallbacks.contains(&one.name)) {
            models::delete_group(&mut tx, group.id).await?;
            self.diff.note(&Change::Removed, format_args!("ModelGroup {organisation}/{}", group.name));
        }
        Ok(tx.commit().await?)
    }

    async fn prune_providers(
        &mut self,
        organisation: &str,
        tenant: TenantId,
        names: &BTreeSet<String>,
    ) -> anyhow::Result<()> {
        let mut tx = self.house.db.tenant(tenant).await?;
        for provider in models::list_providers(&mut tx).await? {
            if !names.contains(&provider.name) {
                models::delete_provider(&mut tx, provider.id).await?;
                self.diff.note(&Change::Removed, format_args!("Provider {organisation}/{}", provider.name));
            }
        }
        Ok(tx.commit().await?)
    }

    async fn prune_projects(
        &mut self,
        organisation: &str,
        tenant: TenantId,
        names: &BTreeSet<String>,
    ) -> anyhow::Result<()> {
        let mut tx = self.house.db.tenant(tenant).await?;
        let found = all_projects(&mut tx, tenant).await?;
        tx.commit().await?;
        for project in found {
            if project.name != organisations::FIRST_PROJECT && !names.contains(&project.name) {
                projects::delete(&self.house.db, &Access::system(tenant), project.id).await?;
                self.diff.note(&Change::Removed, format_args!("Project {organisation}/{}", project.name));
            }
        }
        Ok(())
    }
}

fn named(documents: &[Document]) -> Named<'_> {
    let mut named = Named::new();
    for Document { wanted, .. } in documents {
        let (organisation, kind, name) = match wanted {
            Wanted::Project(it) => (&it.organisation, Kind::Project, it.name.clone()),
            Wanted::Provider(it) => (&it.organisation, Kind::Provider, it.name.clone()),
            Wanted::ModelGroup(it) => (&it.organisation, Kind::ModelGroup, it.name.clone()),
            Wanted::Agent(it) => (&it.organisation, Kind::Agent, format!("{}/{}", it.project, it.name)),
            Wanted::Connection(it) => (&it.organisation, Kind::Connection, it.name.clone()),
            Wanted::Organisation(_) | Wanted::User(_) | Wanted::ChannelApp(_) => continue,
        };
        named.entry((organisation, kind)).or_default().insert(name);
    }
    named
}

/// As many as one page holds: an `apply` that prunes is run again until nothing is removed.
fn everything() -> PageRequest {
    PageRequest::new(None, Some(PageRequest::MAX_LIMIT))
}

async fn all_projects(tx: &mut db::TenantTx, tenant: TenantId) -> anyhow::Result<Vec<tenancy::Project>> {
    Ok(projects::list(tx, &Access::system(tenant), &everything()).await?.items)
}
