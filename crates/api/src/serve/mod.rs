//! Connections: accepting, TLS, HTTP/1.1 and HTTP/2, bounds, and an orderly end.
//!
//! Invariant: every resource a client can hold is bounded: connections, the time for its handshake and its headers,
//! how long it may leave an answer unread, and how long an end waits for it.

mod impatient;
mod tls;

use std::convert::Infallible;
use std::io;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use axum::body::Body;
use hyper::Request;
use hyper::body::Incoming;
use hyper::service::service_fn;
use hyper_util::rt::{TokioExecutor, TokioIo, TokioTimer};
use hyper_util::server::conn::auto::Builder;
use hyper_util::server::graceful::{GracefulShutdown, Watcher};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tokio::time::{sleep, timeout};
use tokio_util::sync::CancellationToken;
use tower::Service as _;

use self::impatient::Impatient;
pub use self::tls::{Tls, TlsError};

const HANDSHAKE: Duration = Duration::from_secs(10);
const HEADERS: Duration = Duration::from_secs(15);
/// How long a client may take nothing of what is there for it.
const UNREAD: Duration = Duration::from_secs(60);
const MAX_HEADER_BYTES: usize = 64 * 1024;

/// How to serve.
#[derive(Clone)]
pub struct ServeOptions {
    pub tls: Option<Tls>,
    /// The most connections at once; further ones wait in the kernel's queue.
    pub max_connections: usize,
    /// How long requests under way may take to end once the end has been asked for.
    pub drain: Duration,
}

impl Default for ServeOptions {
    fn default() -> Self {
        Self { tls: None, max_connections: 10_000, drain: Duration::from_secs(25) }
    }
}

/// Who is at the other end of the connection that a request came by.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Peer {
    pub addr: SocketAddr,
    pub tls: bool,
}

/// Serves until `shutdown` is asked for and the requests under way have ended, or their time is up.
pub async fn serve(listener: TcpListener, router: Router, options: ServeOptions, shutdown: CancellationToken) {
    let slots = Arc::new(Semaphore::new(options.max_connections));
    let graceful = GracefulShutdown::new();
    loop {
        let accepted = tokio::select! {
            () = shutdown.cancelled() => break,
            accepted = accept(&listener, &slots) => accepted,
        };
        let (stream, addr, slot) = match accepted {
            Ok(accepted) => accepted,
            Err(error) => {
                // Out of file descriptors, most likely: give the connections there are a moment to end.
                tracing::warn!(%error, "cannot accept a connection");
                sleep(Duration::from_millis(100)).await;
                continue;
            }
        };
        let connection = Connection { router: router.clone(), addr, watcher: graceful.watcher(), _slot: slot };
        match options.tls.clone() {
            None => drop(tokio::spawn(connection.serve(stream, false))),
            Some(tls) => drop(tokio::spawn(connection.serve_tls(stream, tls))),
        }
    }
    drop(listener);
    if timeout(options.drain, graceful.shutdown()).await.is_err() {
        tracing::warn!("requests were still under way when their time was up");
    }
}

async fn accept(
    listener: &TcpListener,
    slots: &Arc<Semaphore>,
) -> io::Result<(TcpStream, SocketAddr, OwnedSemaphorePermit)> {
    let slot = Arc::clone(slots).acquire_owned().await.map_err(io::Error::other)?;
    let (stream, addr) = listener.accept().await?;
    stream.set_nodelay(true)?;
    Ok((stream, addr, slot))
}

struct Connection {
    router: Router,
    addr: SocketAddr,
    watcher: Watcher,
    /// Given back when the connection ends.
    _slot: OwnedSemaphorePermit,
}

impl Connection {
    async fn serve_tls(self, stream: TcpStream, tls: Tls) {
        match timeout(HANDSHAKE, tls.accept(stream)).await {
            Ok(Ok(stream)) => self.serve(stream, true).await,
            Ok(Err(error)) => tracing::debug!(%error, "no TLS with a client"),
            Err(_) => tracing::debug!("a client took too long to agree on TLS"),
        }
    }

    async fn serve<S>(self, stream: S, tls: bool)
    where
        S: tokio::io::AsyncRead + tokio::io::AsyncWrite + Unpin + Send + 'static,
    {
        let peer = Peer { addr: self.addr, tls };
        let router = self.router;
        let service = service_fn(move |request: Request<Incoming>| {
            let mut request = request.map(Body::new);
            request.extensions_mut().insert(peer);
            let answer = router.clone().call(request);
            async move { Ok::<_, Infallible>(answer.await.unwrap_or_else(|never| match never {})) }
        });
        let stream = TokioIo::new(Impatient::new(stream, UNREAD));
        let served = self.watcher.watch(builder().serve_connection(stream, service).into_owned());
        if let Err(error) = served.await {
            tracing::debug!(error, "a connection broke");
        }
    }
}

fn builder() -> Builder<TokioExecutor> {
    let mut builder = Builder::new(TokioExecutor::new());
    builder.http1().timer(TokioTimer::new()).header_read_timeout(HEADERS).max_buf_size(MAX_HEADER_BYTES);
    builder
        .http2()
        .timer(TokioTimer::new())
        .keep_alive_interval(Duration::from_secs(30))
        .keep_alive_timeout(Duration::from_secs(20))
        .max_concurrent_streams(128)
        .max_header_list_size(32 * 1024);
    builder
}

#[cfg(test)]
mod tests;
