//! `konstruct chat`: a conversation in the terminal, through an agent's web chat: the very way its visitors take.
//! Talks to the server that serves the data directory; where none does, to one of its own that ends with it.

mod visitor;

use std::net::{Ipv4Addr, SocketAddr};

use anyhow::{Context as _, bail};
use channels::ChannelKind;
use channels::connection::{self, ConnectionFilter};
use kernel::{ConnectionId, PageRequest};
use tenancy::{Access, organisations, projects};
use tokio::sync::{mpsc, oneshot};
use tokio_util::sync::CancellationToken;

use self::visitor::Visitor;
use crate::cli::ChatOptions;
use crate::config::{Config, MetricsConfig, Role, TlsConfig};
use crate::house::House;
use crate::logging;
use crate::serve::{Running, serve_until};
use crate::terminal::{say, say_part};

/// Talks until the input ends.
pub(crate) async fn chat(config: &Config, options: ChatOptions) -> anyhow::Result<()> {
    logging::start(&Config { log: "warn".to_owned(), ..config.clone() })?;
    match Running::find(config).await? {
        Some(url) => talk_to(config, &url, &options).await,
        None => talk_to_own(config, &options).await,
    }
}

/// Serves in this process for as long as somebody talks.
async fn talk_to_own(config: &Config, options: &ChatOptions) -> anyhow::Result<()> {
    let listen = SocketAddr::from((Ipv4Addr::LOCALHOST, 0));
    let own = Config {
        listen,
        roles: vec![Role::All],
        tls: TlsConfig::default(),
        metrics: MetricsConfig::default(),
        ..config.clone()
    };
    let shutdown = CancellationToken::new();
    let (tell, listening) = oneshot::channel();
    let serving = Box::pin(serve_until(&own, shutdown.clone(), |address| {
        // Whoever waited has ended.
        tell.send(address).ok();
    }));
    let talking = async {
        let talked = match listening.await {
            Ok(address) => talk_to(config, &format!("http://{address}"), options).await,
            Err(_ended) => Ok(()),
        };
        shutdown.cancel();
        Ok(talked)
    };
    let ((), talked) = tokio::try_join!(serving, talking)?;
    talked
}

async fn talk_to(config: &Config, server: &str, options: &ChatOptions) -> anyhow::Result<()> {
    let house = House::open(config).await?;
    let talked = talk(&house, server, options).await;
    house.close().await?;
    talked
}

async fn talk(house: &House, server: &str, options: &ChatOptions) -> anyhow::Result<()> {
    let Partner { agent, connection } = find_partner(house, options).await?;
    let mut visitor = Visitor::arrive(&house.egress, server, connection).await?;
    if let Some(text) = &options.say {
        return visitor.ask(text).await;
    }
    say(format!("You talk to {agent}. An empty line ends it."));
    let mut lines = lines();
    loop {
        say_part("\n> ");
        match lines.recv().await {
            Some(line) if !line.trim().is_empty() => visitor.ask(line.trim()).await?,
            _ => return Ok(()),
        }
    }
}

/// The lines of the standard input; reading it blocks, so a thread of its own does.
fn lines() -> mpsc::Receiver<String> {
    let (send, receive) = mpsc::channel(1);
    std::thread::spawn(move || {
        for line in std::io::stdin().lines() {
            let Ok(line) = line else { return };
            if send.blocking_send(line).is_err() {
                return;
            }
        }
    });
    receive
}

struct Partner {
    agent: String,
    connection: ConnectionId,
}

async fn find_partner(house: &House, options: &ChatOptions) -> anyhow::Result<Partner> {
    let mut tx = house.db.system("whom to talk to").await?;
    let page = PageRequest::new(None, Some(PageRequest::MAX_LIMIT));
    let known = organisations::list(&mut tx, &page).await?.items;
    tx.commit().await?;
    let organisation = one(known, options.organisation.as_deref(), "organisation", |it| &it.name)?;
    let mut tx = house.db.tenant(organisation.id).await?;
    let mut partners = Vec::new();
    for project in projects::list(&mut tx, &Access::system(organisation.id), &page).await?.items {
        let filter = ConnectionFilter { channel: Some(ChannelKind::Web), agent: None };
        for found in connection::list(&mut tx, project.id, filter, &page).await?.items {
            let agent = agents::store::find_agent(&mut tx, found.agent).await?.context("the agent is gone")?.name;
            partners.push(Partner { agent, connection: found.id });
        }
    }
    tx.commit().await?;
    one(partners, options.agent.as_deref(), "agent", |it| &it.agent)
        .context("an agent is talked to through its web chat: a Connection with `channel: web`")
}

/// The one that is named, or the only one there is.
fn one<T>(mut known: Vec<T>, name: Option<&str>, what: &str, name_of: impl Fn(&T) -> &String) -> anyhow::Result<T> {
    let names = known.iter().map(|it| name_of(it).as_str()).collect::<Vec<_>>().join(", ");
    if let Some(name) = name {
        known.retain(|it| name_of(it) == name);
    }
    match (known.pop(), known.len()) {
        (Some(only), 0) => Ok(only),
        (Some(_), _) if name.is_none() => bail!("name one with --{what}: {names}"),
        (Some(first), _) => Ok(first),
        (None, _) if names.is_empty() => bail!("there is no {what}"),
        (None, _) => bail!("there is no such {what}; there are {names}"),
    }
}
