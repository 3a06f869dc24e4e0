//! The agents that turns work with: the published ones are remembered until configuration changes, so that an agent that
//! spoke before is not read again.

use std::sync::Arc;

use db::TenantTx;
use infra::{ConfigEpoch, EpochCache};
use kernel::{AgentId, TenantId};

use crate::Error;
use crate::store::{Employed, Which, find_employed};

/// How many agents are remembered; each takes a few kilobytes.
const REMEMBERED: usize = 4096;

pub(crate) struct Roster {
    published: EpochCache<(TenantId, AgentId), Arc<Employed>>,
}

impl Roster {
    pub(crate) fn new(epoch: ConfigEpoch) -> Self {
        Self { published: EpochCache::new(epoch, REMEMBERED) }
    }

    /// What a turn needs of its agent. `None`: no such agent, or no such version of it.
    pub(crate) async fn find(
        &self,
        tx: &mut TenantTx,
        id: AgentId,
        which: Which,
    ) -> Result<Option<Arc<Employed>>, Error> {
        let key = (tx.tenant(), id);
        let load = async { find_employed(tx, id, which).await?.map(Arc::new).ok_or(Error::NoAgent) };
        let found = match which {
            Which::Published => self.published.get_or_load(key, || load).await,
            Which::Version(_) | Which::Draft => load.await,
        };
        match found {
            Err(Error::NoAgent) => Ok(None),
            found => found.map(Some),
        }
    }
}
