//! The one outbound HTTP client.
//!
//! Invariant: the addresses that are checked are the addresses that are connected to; no name is looked up twice.
//! Invariant: no redirect is followed, no proxy variable is read, every call has a time-out.

mod address;
mod breaker;
mod call;
mod error;
mod resolver;
mod tls;

use std::sync::Arc;
use std::time::Duration;

use kernel::ErrorKind;
use reqwest::dns::Resolve;
use reqwest::redirect::Policy;
use reqwest::{Client, Method, Response};
use rustls::ClientConfig;
use tokio::time::{Instant, timeout_at};
use url::{Host, Url};

use breaker::{Breakers, Verdict};
pub use call::{Call, Timeouts, read_limited};
pub use error::{Effect, EgressError};
use resolver::{GuardedResolver, SystemResolver};
pub use tls::install_tls_provider;

/// How far a call may go. Who wrote the URL decides it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Reach {
    /// Somebody of a tenant wrote it: public addresses only, unless the installation allows all.
    Public,
    /// The operator wrote it: private networks too. Link-local addresses (clouds' metadata) are refused even so.
    Private,
}

/// What holds for every call.
#[derive(Clone, Debug)]
pub struct EgressOptions {
    /// The installation lets everybody's URLs point into private networks (`egress.allow_private`).
    pub allow_private: bool,
    /// How long a connection may take to be made, TLS included.
    pub connect: Duration,
    /// Idle connections kept for each host.
    pub idle_per_host: usize,
}

impl Default for EgressOptions {
    fn default() -> Self {
        Self { allow_private: false, connect: Duration::from_secs(5), idle_per_host: 256 }
    }
}

/// The outbound client. Cheap to clone.
#[derive(Clone)]
pub struct Egress {
    shared: Arc<Shared>,
}

struct Shared {
    /// One client, and so one pool of connections, for each reach: a guarded call never rides on an open one's socket.
    public: Client,
    private: Client,
    allow_private: bool,
    breakers: Breakers,
}

impl Egress {
    pub fn new(options: EgressOptions) -> Result<Self, EgressError> {
        Self::with_resolver(options, Arc::new(SystemResolver))
    }

    /// As [`Egress::new`], with names looked up by `resolver`; what it answers is checked all the same.
    pub fn with_resolver(options: EgressOptions, resolver: Arc<dyn Resolve>) -> Result<Self, EgressError> {
        let tls = tls::client_config(rustls_native_certs::load_native_certs());
        Ok(Self {
            shared: Arc::new(Shared {
                public: client(&options, &tls, GuardedResolver::new(Arc::clone(&resolver), Reach::Public))?,
                private: client(&options, &tls, GuardedResolver::new(resolver, Reach::Private))?,
                allow_private: options.allow_private,
                breakers: Breakers::default(),
            }),
        })
    }

    /// What would keep every call to `url` from being made, as far as the URL tells by itself: for whoever writes it.
    pub fn objection(&self, url: &Url, reach: Reach) -> Option<&'static str> {
        let why = check_url(url, self.effective(reach)).err()?;
        Some(if check_url(url, Reach::Private).is_ok() { address::PRIVATE } else { why })
    }

    /// Begins a call. Refuses URLs that are not http(s), carry a user name, or name an address out of reach.
    pub fn request(&self, method: Method, url: &Url, reach: Reach) -> Result<Call, EgressError> {
        let reach = self.effective(reach);
        check_url(url, reach).map_err(|why| EgressError::Refused { why })?;
        let client = match reach {
            Reach::Public => &self.shared.public,
            Reach::Private => &self.shared.private,
        };
        Ok(Call::new(client.request(method, url.clone()), url, reach))
    }

    /// Sends the call and waits for the answer's headers; whatever its status, an answer is `Ok`.
    pub async fn send(&self, call: Call, timeouts: Timeouts) -> Result<Response, EgressError> {
        let Call { request, destination, reach } = call;
        let permit = destination.as_deref().map(|destination| self.shared.breakers.enter(destination)).transpose()?;
        let request = match timeouts.total {
            Some(total) => request.timeout(total),
            None => request,
        };
        let sent = timeout_at(Instant::now() + timeouts.first_byte, request.send()).await;
        let result = match sent {
            Err(_) => Err(EgressError::Timeout { what: "the first byte of the answer" }),
            Ok(Err(error)) => Err(EgressError::from(error)),
            Ok(Ok(response)) => check_peer(response, reach),
        };
        if let Some(permit) = permit {
            permit.settle(match &result {
                Ok(response) if matches!(response.status().as_u16(), 502..=504) => Verdict::Failed,
                Err(error) if error.kind() == ErrorKind::Upstream => Verdict::Failed,
                Ok(_) => Verdict::Healthy,
                Err(_) => Verdict::Unknown,
            });
        }
        result
    }

    fn effective(&self, reach: Reach) -> Reach {
        if self.shared.allow_private { Reach::Private } else { reach }
    }
}

fn client(options: &EgressOptions, tls: &ClientConfig, resolver: GuardedResolver) -> Result<Client, EgressError> {
    #[expect(clippy::disallowed_methods, reason = "this is the egress client")]
    let builder = Client::builder();
    builder
        .user_agent(concat!("konstruct/", env!("CARGO_PKG_VERSION")))
        .tls_backend_preconfigured(tls.clone())
        .dns_resolver(resolver)
        .redirect(Policy::none())
        .referer(false)
        .no_proxy()
        .tcp_nodelay(true)
        .tcp_keepalive(Duration::from_secs(30))
        .connect_timeout(options.connect)
        .pool_max_idle_per_host(options.idle_per_host)
        // Below the keep-alive of common servers, so that we seldom write into a connection they are closing.
        .pool_idle_timeout(Duration::from_secs(20))
        .http2_keep_alive_interval(Duration::from_secs(20))
        .http2_keep_alive_timeout(Duration::from_secs(10))
        .build()
        .map_err(EgressError::from)
}

/// Whether a URL leads into somebody's own network, as far as it tells by itself.
pub fn is_private(url: &Url) -> bool {
    match url.host() {
        Some(Host::Domain(name)) => address::private_name(name.trim_end_matches('.')),
        Some(Host::Ipv4(address)) => !address::allowed(address.into(), Reach::Public),
        Some(Host::Ipv6(address)) => !address::allowed(address.into(), Reach::Public),
        None => false,
    }
}

fn check_url(url: &Url, reach: Reach) -> Result<(), &'static str> {
    if !matches!(url.scheme(), "http" | "https") {
        return Err("only http and https URLs can be called");
    }
    if !url.username().is_empty() || url.password().is_some() {
        return Err("a URL must not carry a user name or password");
    }
    let allowed = match url.host() {
        Some(Host::Domain(name)) => address::allowed_name(name.trim_end_matches('.'), reach),
        Some(Host::Ipv4(address)) => address::allowed(address.into(), reach),
        Some(Host::Ipv6(address)) => address::allowed(address.into(), reach),
        None => return Err("the URL has no host"),
    };
    if allowed { Ok(()) } else { Err(address::WHY) }
}

/// The belt beside the resolver's braces: who answered must be somebody we could have connected to.
fn check_peer(response: Response, reach: Reach) -> Result<Response, EgressError> {
    match response.remote_addr() {
        Some(peer) if !address::allowed(peer.ip(), reach) => Err(EgressError::Refused { why: address::WHY }),
        _ => Ok(response),
    }
}

#[cfg(test)]
mod tests;
