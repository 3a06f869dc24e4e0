//! Removing what documents do not name, of the kinds and in the organisations that they do name.

use std::collections::BTreeSet;

use agents::{Agent, store as agent_store};
use channels::{Connection, ConnectionFilter, connection};
use db::TenantTx;
use kernel::{Cursor, Page, PageRequest};
use llm::keys::{self, VirtualKey};
use llm::store as models;
use serde_json::json;
use tenancy::{Access, Permission, Project, audit, organisations, projects};

use crate::document::{Document, Wanted};
use crate::order::{Group, behind_their_fallbacks};
use crate::report::{Change, Line};
use crate::{Error, Workshop};

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Kind {
    Connection,
    Agent,
    VirtualKey,
    ModelGroup,
    Price,
    Provider,
    Project,
}

/// The organisations in which something may have to go.
pub(crate) fn organisations(documents: &[Document]) -> BTreeSet<&str> {
    let prunable = documents.iter().filter(|document| prunable(&document.wanted).is_some());
    prunable.filter_map(|document| document.wanted.organisation()).collect()
}

impl Workshop {
    /// Removes everything but projects: what refers goes before what is referred to.
    pub(crate) async fn prune(
        &self,
        tx: &mut TenantTx,
        access: &Access,
        organisation: &str,
        documents: &[Document],
    ) -> Result<Vec<Line>, Error> {
        let named = |kind| named(documents, organisation, kind);
        let mut gone = Gone { access, organisation, lines: Vec::new() };
        if let Some(names) = named(Kind::Connection) {
            for found in all_connections(tx, access).await?.into_iter().filter(|it| !names.contains(&it.name)) {
                access.require(Permission::ConnectionsWrite, Some(found.project))?;
                self.channels.delete_connection(tx, found.id).await?;
                gone.note(tx, ("Connection", "connection"), &found.id.to_string(), &found.name).await?;
            }
        }
        if let Some(names) = named(Kind::Agent) {
            for (name, agent) in all_agents(tx, access).await?.into_iter().filter(|(name, _)| !names.contains(name)) {
                access.require(Permission::AgentsWrite, Some(agent.project))?;
                agent_store::delete_agent(tx, agent.id).await?;
                gone.note(tx, ("Agent", "agent"), &agent.id.to_string(), &name).await?;
            }
        }
        if let Some(names) = named(Kind::VirtualKey) {
            for found in all_keys(tx, access).await?.into_iter().filter(|it| !names.contains(&it.name)) {
                keys::delete_key(tx, access, found.id).await?;
                gone.note(tx, ("VirtualKey", "virtual_key"), &found.id.to_string(), &found.name).await?;
            }
        }
        if let Some(names) = named(Kind::ModelGroup) {
            access.require(Permission::ModelsWrite, None)?;
            let mut unwanted = models::list_groups(tx).await?;
            unwanted.retain(|group| !names.contains(&group.name));
            // All are of this organisation: it need not be told apart from others.
            let made = behind_their_fallbacks(unwanted, |it| {
                let simple = it.routing.simple.as_ref().map(|simple| simple.group.as_str());
                Some(Group { organisation: "", name: &it.name, fallbacks: &it.fallbacks, simple })
            });
            // They go the other way round: a group that another one falls back to after that one.
            for group in made.into_iter().rev() {
                models::delete_group(tx, group.id).await?;
                gone.note(tx, ("ModelGroup", "model_group"), &group.id.to_string(), &group.name).await?;
            }
        }
        if let Some(names) = named(Kind::Price) {
            access.require(Permission::ModelsWrite, None)?;
            for found in models::list_prices(tx).await? {
                let name = format!("{}/{}", found.provider, found.model);
                if !names.contains(&name) {
                    models::delete_price(tx, found.id).await?;
                    gone.note(tx, ("Price", "price"), &found.id.to_string(), &name).await?;
                }
            }
        }
        if let Some(names) = named(Kind::Provider) {
            access.require(Permission::ModelsWrite, None)?;
            for found in models::list_providers(tx).await?.into_iter().filter(|it| !names.contains(&it.name)) {
                models::delete_provider(tx, found.id).await?;
                gone.note(tx, ("Provider", "provider"), &found.id.to_string(), &found.name).await?;
            }
        }
        Ok(gone.lines)
    }

    /// The projects that have to go. Fails where the caller may not remove them.
    pub(crate) async fn unwanted_projects(
        &self,
        tx: &mut TenantTx,
        access: &Access,
        organisation: &str,
        documents: &[Document],
    ) -> Result<Vec<Project>, Error> {
        let Some(names) = named(documents, organisation, Kind::Project) else { return Ok(Vec::new()) };
        let mut unwanted = all_projects(tx, access).await?;
        unwanted.retain(|project| project.name != organisations::FIRST_PROJECT && !names.contains(&project.name));
        for project in &unwanted {
            access.require(Permission::ProjectDelete, Some(project.id))?;
        }
        Ok(unwanted)
    }

    /// Removes projects, in transactions of their own: nothing else of the organisation may be under way. What was done
    /// before stands already, so that one that cannot be removed is a line of the report and ends nothing.
    pub(crate) async fn remove_projects(
        &self,
        access: &Access,
        organisation: &str,
        unwanted: Vec<Project>,
    ) -> Vec<Line> {
        let mut lines = Vec::new();
        for project in unwanted {
            let what = format!("Project {organisation}/{}", project.name);
            let change = match projects::delete(&self.db, access, project.id).await {
                Ok(_) => Change::Removed,
                Err(error) => Change::Failed(reason(&what, &error)),
            };
            lines.push(Line { change, what });
        }
        lines
    }
}

/// Why something was not removed, for whoever asked; what is the installation's own affair is logged instead.
fn reason(what: &str, error: &tenancy::Error) -> String {
    if !matches!(error, tenancy::Error::Store(_)) {
        return error.to_string();
    }
    tracing::error!(what, ?error, "a project was not removed");
    "the store failed; apply again, or see the server's log".to_owned()
}

/// What has been removed.
struct Gone<'a> {
    access: &'a Access,
    organisation: &'a str,
    lines: Vec<Line>,
}

impl Gone<'_> {
    /// `kind`: as documents call it, and as the audit does.
    async fn note(&mut self, tx: &mut TenantTx, kind: (&str, &str), id: &str, name: &str) -> Result<(), Error> {
        let (kind, object) = kind;
        let detail = json!({ "name": name });
        let action = format!("{object}.delete");
        audit::record(tx, &self.access.actor, &action, &format!("{object}:{id}"), detail).await?;
        let what = format!("{kind} {}/{name}", self.organisation);
        self.lines.push(Line { change: Change::Removed, what });
        Ok(())
    }
}

/// The names (an agent's with its project) that the documents give to things of this kind; `None`: they speak of none.
fn named(documents: &[Document], organisation: &str, kind: Kind) -> Option<BTreeSet<String>> {
    let here = documents.iter().filter(|document| document.wanted.organisation() == Some(organisation));
    let names: BTreeSet<String> = here
        .filter_map(|document| prunable(&document.wanted))
        .filter_map(|(found, name)| (found == kind).then_some(name))
        .collect();
    (!names.is_empty()).then_some(names)
}

fn prunable(wanted: &Wanted) -> Option<(Kind, String)> {
    match wanted {
        Wanted::Project(it) => Some((Kind::Project, it.name.clone())),
        Wanted::Provider(it) => Some((Kind::Provider, it.name.clone())),
        Wanted::ModelGroup(it) => Some((Kind::ModelGroup, it.name.clone())),
        Wanted::Price(it) => Some((Kind::Price, format!("{}/{}", it.provider, it.model))),
        Wanted::VirtualKey(it) => Some((Kind::VirtualKey, it.name.clone())),
        Wanted::Agent(it) => Some((Kind::Agent, format!("{}/{}", it.project, it.name))),
        Wanted::Connection(it) => Some((Kind::Connection, it.name.clone())),
        Wanted::Organisation(_) | Wanted::User(_) | Wanted::ChannelApp(_) => None,
    }
}

async fn all_projects(tx: &mut TenantTx, access: &Access) -> Result<Vec<Project>, Error> {
    let (mut all, mut page) = (Vec::new(), Some(first_page()));
    while let Some(asked) = page {
        let found = projects::list(tx, access, &asked).await?;
        page = next_page(&found);
        all.extend(found.items);
    }
    Ok(all)
}

/// Agents by their project's name and their own.
async fn all_agents(tx: &mut TenantTx, access: &Access) -> Result<Vec<(String, Agent)>, Error> {
    let mut all = Vec::new();
    for project in all_projects(tx, access).await? {
        let mut page = Some(first_page());
        while let Some(asked) = page {
            let found = agent_store::list_agents(tx, project.id, asked).await?;
            page = next_page(&found);
            all.extend(found.items.into_iter().map(|agent| (format!("{}/{}", project.name, agent.name), agent)));
        }
    }
    Ok(all)
}

async fn all_keys(tx: &mut TenantTx, access: &Access) -> Result<Vec<VirtualKey>, Error> {
    let (mut all, mut page) = (Vec::new(), Some(first_page()));
    while let Some(asked) = page {
        let found = keys::list_keys(tx, access, &asked).await?;
        page = next_page(&found);
        all.extend(found.items);
    }
    Ok(all)
}

async fn all_connections(tx: &mut TenantTx, access: &Access) -> Result<Vec<Connection>, Error> {
    let mut all = Vec::new();
    for project in all_projects(tx, access).await? {
        let mut page = Some(first_page());
        while let Some(asked) = page {
            let found = connection::list(tx, project.id, ConnectionFilter::default(), &asked).await?;
            page = next_page(&found);
            all.extend(found.items);
        }
    }
    Ok(all)
}

fn first_page() -> PageRequest {
    PageRequest::new(None, Some(PageRequest::MAX_LIMIT))
}

fn next_page<T>(page: &Page<T>) -> Option<PageRequest> {
    let after = page.next.as_deref().and_then(Cursor::decode)?;
    Some(PageRequest::new(Some(after), Some(PageRequest::MAX_LIMIT)))
}
