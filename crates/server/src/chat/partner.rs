//! Whom to talk to: an agent that has a web chat.

use anyhow::{Context as _, bail};
use channels::ChannelKind;
use channels::connection::{self, ConnectionFilter};
use kernel::{ConnectionId, PageRequest};
use tenancy::{Access, Organisation, organisations, projects};

use crate::cli::ChatOptions;
use crate::house::House;

pub(super) struct Partner {
    pub agent: String,
    pub connection: ConnectionId,
}

impl Partner {
    /// The one that the options name, or the only one there is.
    pub(super) async fn find(house: &House, options: &ChatOptions) -> anyhow::Result<Self> {
        let organisation = find_organisation(house, options.organisation.as_deref()).await?;
        let Known { mut partners, agents } = look_around(house, &organisation).await?;
        let organisation = organisation.name;
        let names = partners.iter().map(|it| it.agent.as_str()).collect::<Vec<_>>().join(", ");
        if let Some(name) = &options.agent {
            return match partners.into_iter().find(|it| it.agent == *name) {
                Some(found) => Ok(found),
                None if agents.contains(name) => {
                    bail!(
                        "agent \"{name}\" has no web chat: apply a Connection with `channel: web` and `agent: {name}`"
                    )
                }
                None if agents.is_empty() => bail!("organisation {organisation} has no agents yet: apply one"),
                None => bail!("organisation {organisation} has no agent \"{name}\"; it has {}", agents.join(", ")),
            };
        }
        match (partners.pop(), partners.is_empty()) {
            (Some(only), true) => Ok(only),
            (Some(_), false) => bail!("organisation {organisation} has several agents; name one with --agent: {names}"),
            (None, _) if agents.is_empty() => bail!("organisation {organisation} has no agents yet: apply one"),
            (None, _) => bail!(
                "no agent of {organisation} has a web chat: apply a Connection with `channel: web` for one of {}",
                agents.join(", ")
            ),
        }
    }
}

async fn find_organisation(house: &House, name: Option<&str>) -> anyhow::Result<Organisation> {
    let mut tx = house.db.system("whom to talk to").await?;
    if let Some(name) = name
        && let Some(found) = organisations::find_by_name(&mut tx, name).await?
    {
        return Ok(found);
    }
    let mut known = organisations::list(&mut tx, &first_page()).await?.items;
    let names = known.iter().map(|it| it.name.as_str()).collect::<Vec<_>>().join(", ");
    match (name, known.pop(), known.is_empty()) {
        (_, None, _) => bail!("there is no organisation yet: `konstruct apply` makes one"),
        (Some(name), ..) => bail!("there is no organisation \"{name}\"; there are {names}"),
        (None, Some(only), true) => Ok(only),
        (None, Some(_), false) => bail!("there are several organisations; name one with --organisation: {names}"),
    }
}

/// What an organisation has.
struct Known {
    /// Those that take visitors.
    partners: Vec<Partner>,
    agents: Vec<String>,
}

async fn look_around(house: &House, organisation: &Organisation) -> anyhow::Result<Known> {
    let mut tx = house.db.tenant(organisation.id).await?;
    let mut known = Known { partners: Vec::new(), agents: Vec::new() };
    for project in projects::list(&mut tx, &Access::system(organisation.id), &first_page()).await?.items {
        let agents = agents::store::list_agents(&mut tx, project.id, first_page()).await?.items;
        known.agents.extend(agents.into_iter().map(|agent| agent.name));
        let filter = ConnectionFilter { channel: Some(ChannelKind::Web), agent: None };
        let chats = connection::list(&mut tx, project.id, filter, &first_page()).await?.items;
        for chat in chats.into_iter().filter(|chat| chat.enabled) {
            let agent = agents::store::find_agent(&mut tx, chat.agent).await?.context("the agent is gone")?.name;
            known.partners.push(Partner { agent, connection: chat.id });
        }
    }
    tx.commit().await?;
    Ok(known)
}

fn first_page() -> PageRequest {
    PageRequest::new(None, Some(PageRequest::MAX_LIMIT))
}
