//! `konstruct chat`: a conversation in the terminal, through an agent's web chat: the very way its visitors take.
//! Talks to the server that serves the data directory; where none does, to one of its own that ends with it.

mod partner;
mod visitor;

use std::net::{Ipv4Addr, SocketAddr};

use anyhow::Context as _;
use tokio::sync::{mpsc, oneshot};
use tokio_util::sync::CancellationToken;

use self::partner::Partner;
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
    let Partner { agent, connection } = Partner::find(house, options).await?;
    let mut visitor = Visitor::arrive(&house.egress, server, connection)
        .await
        .with_context(|| format!("the server at {server} does not take {agent}'s web chat; does it still run?"))?;
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
