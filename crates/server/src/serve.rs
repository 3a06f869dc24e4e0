//! `konstruct serve`: the whole product in one process.

use std::fs;
use std::net::{Ipv4Addr, SocketAddr};
use std::path::PathBuf;
use std::time::{Duration, Instant};

use anyhow::Context as _;
use api::{ServeOptions, Tls};
use db::embedded::DataDirLock;
use tokio::net::TcpListener;
use tokio::signal::unix::{SignalKind, signal};
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

use crate::config::Config;
use crate::house::House;
use crate::node::Node;
use crate::terminal::say;
use crate::{first_run, logging};

/// How long what is under way may take once the end has been asked for.
const DRAIN: Duration = Duration::from_secs(25);
/// How long requests may take that are under way when the listener closes.
const LAST_REQUESTS: Duration = Duration::from_secs(5);

/// Serves until SIGTERM or SIGINT, then drains.
pub(crate) async fn serve(config: Config) -> anyhow::Result<()> {
    logging::start(&config)?;
    let shutdown = CancellationToken::new();
    stop_on_signals(shutdown.clone())?;
    serve_until(&config, shutdown, |_| ()).await
}

/// Serves until `shutdown`; `listening` is told the address once messages would be processed.
pub(crate) async fn serve_until(
    config: &Config,
    shutdown: CancellationToken,
    listening: impl FnOnce(SocketAddr),
) -> anyhow::Result<()> {
    let began = Instant::now();
    let _lock = DataDirLock::take(&config.data_dir).await?;
    let tls = load_tls(config)?;
    let listener = listen(config.listen).await?;
    let figures = match config.metrics.listen {
        Some(address) => Some(listen(address).await?),
        None => None,
    };
    let address = listener.local_addr()?;
    let house = House::open(config).await?;
    let tasks = TaskTracker::new();
    if let Some(embedded) = house.embedded.clone() {
        let stop = shutdown.clone();
        tasks.spawn(async move { embedded.supervise(stop).await });
    }
    let closed = CancellationToken::new();
    let node = Node::start(config, &house, closed.clone()).await?;
    let welcome = first_run::prepare(&house).await?;
    if let Some(tls) = tls.clone() {
        tasks.spawn(tls.keep_fresh(shutdown.clone()));
    }
    if let Some(figures) = figures {
        tasks.spawn(api::serve(figures, node.figures(), ServeOptions::default(), closed.clone()));
    }
    let local = local_commands(&tls, &node, (&tasks, &closed)).await?;
    let running = Running::announce(config, address, local)?;
    tracing::info!(address = %address, started_in_ms = began.elapsed().as_millis(), "ready");
    say(format!("Konstruct {} is running at {}", env!("CARGO_PKG_VERSION"), running.url));
    welcome.say(config, &running.url);
    listening(address);

    let options = ServeOptions { tls, drain: LAST_REQUESTS, ..ServeOptions::default() };
    let serving = tokio::spawn(api::serve(listener, node.router(), options, closed.clone()));
    shutdown.cancelled().await;
    tracing::info!("draining");
    drop(running);
    // Meanwhile whoever comes is told that nothing new is taken, and whoever waits for an answer sees it.
    node.engine.drain(DRAIN).await;
    closed.cancel();
    serving.await?;
    if let Err(error) = node.usage.flush_now().await {
        tracing::error!(%error, "the last model calls are not in the log");
    }
    node.end().await;
    tasks.close();
    tasks.wait().await;
    house.close().await?;
    tracing::info!("ended");
    Ok(())
}

/// Where the running server of a data directory is reached, for the commands that talk to it.
pub(crate) struct Running {
    file: PathBuf,
    pub url: String,
}

impl Running {
    fn announce(config: &Config, address: SocketAddr, local: Option<SocketAddr>) -> anyhow::Result<Self> {
        let url = match &config.public_url {
            Some(_) => config.public_url(),
            None => Config { listen: address, ..config.clone() }.public_url(),
        };
        let file = Self::file(config);
        let local = format!("http://{}", local.unwrap_or_else(|| reachable(address)));
        fs::write(&file, local).with_context(|| format!("cannot write {}", file.display()))?;
        Ok(Self { file, url })
    }

    /// The address of the server that serves this data directory now, if one does.
    pub(crate) async fn find(config: &Config) -> anyhow::Result<Option<String>> {
        match DataDirLock::take(&config.data_dir).await {
            Err(db::Error::AlreadyServed { .. }) => {
                let file = Self::file(config);
                let dir = config.data_dir.display();
                let url = fs::read_to_string(&file);
                url.map(Some)
                    .with_context(|| format!("the server of {dir} is starting or ending; try again in a moment"))
            }
            Ok(_nobody_serves) => Ok(None),
            Err(error) => Err(error.into()),
        }
    }

    fn file(config: &Config) -> PathBuf {
        config.data_dir.join("server.url")
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        // What is left behind is ignored: nobody holds the lock.
        fs::remove_file(&self.file).ok();
    }
}

/// An address that is listened on, as this machine reaches it.
fn reachable(address: SocketAddr) -> SocketAddr {
    let ip = match address.ip() {
        ip if !ip.is_unspecified() => ip,
        std::net::IpAddr::V4(_) => Ipv4Addr::LOCALHOST.into(),
        std::net::IpAddr::V6(_) => std::net::Ipv6Addr::LOCALHOST.into(),
    };
    SocketAddr::new(ip, address.port())
}

/// Where a server with TLS is reached by this machine's own commands: without it, on loopback. They would have to know a
/// name that the certificate bears, and to trust whoever signed it.
async fn local_commands(
    tls: &Option<Tls>,
    node: &Node,
    (tasks, closed): (&TaskTracker, &CancellationToken),
) -> anyhow::Result<Option<SocketAddr>> {
    if tls.is_none() {
        return Ok(None);
    }
    let listener = listen(SocketAddr::from((Ipv4Addr::LOCALHOST, 0))).await?;
    let address = listener.local_addr()?;
    tasks.spawn(api::serve(listener, node.router(), ServeOptions::default(), closed.clone()));
    Ok(Some(address))
}

async fn listen(address: SocketAddr) -> anyhow::Result<TcpListener> {
    TcpListener::bind(address).await.with_context(|| format!("cannot listen on {address}"))
}

fn load_tls(config: &Config) -> anyhow::Result<Option<Tls>> {
    match (&config.tls.cert_file, &config.tls.key_file) {
        (Some(cert), Some(key)) => Ok(Some(Tls::load(cert, key).context("cannot serve TLS")?)),
        _ => Ok(None),
    }
}

fn stop_on_signals(shutdown: CancellationToken) -> anyhow::Result<()> {
    let mut terminate = signal(SignalKind::terminate())?;
    let mut interrupt = signal(SignalKind::interrupt())?;
    tokio::spawn(async move {
        tokio::select! {
            _ = terminate.recv() => (),
            _ = interrupt.recv() => (),
        }
        shutdown.cancel();
    });
    Ok(())
}
