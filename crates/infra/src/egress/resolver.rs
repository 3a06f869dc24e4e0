use std::net::SocketAddr;
use std::sync::Arc;

use reqwest::dns::{Addrs, Name, Resolve, Resolving};

use super::{Reach, address};

/// Looks names up with the system's resolver.
pub(super) struct SystemResolver;

impl Resolve for SystemResolver {
    fn resolve(&self, name: Name) -> Resolving {
        Box::pin(async move {
            let found: Vec<SocketAddr> = tokio::net::lookup_host((name.as_str(), 0)).await?.collect();
            Ok(Box::new(found.into_iter()) as Addrs)
        })
    }
}

/// Hands on what another resolver found, if every address of it is within reach: a name that mixes public with
/// private addresses is somebody trying.
pub(super) struct GuardedResolver {
    inner: Arc<dyn Resolve>,
    reach: Reach,
}

impl GuardedResolver {
    pub(super) fn new(inner: Arc<dyn Resolve>, reach: Reach) -> Self {
        Self { inner, reach }
    }
}

impl Resolve for GuardedResolver {
    fn resolve(&self, name: Name) -> Resolving {
        let (looking, reach) = (self.inner.resolve(name), self.reach);
        Box::pin(async move {
            let found: Vec<SocketAddr> = looking.await?.collect();
            if found.iter().all(|one| address::allowed(one.ip(), reach)) {
                Ok(Box::new(found.into_iter()) as Addrs)
            } else {
                Err(OutOfReach { why: address::WHY }.into())
            }
        })
    }
}

#[derive(Debug, thiserror::Error)]
#[error("{why}")]
pub(super) struct OutOfReach {
    pub(super) why: &'static str,
}
