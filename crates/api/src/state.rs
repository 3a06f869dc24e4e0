use std::sync::Arc;

use agents::tools::Tools;
use apply::Workshop;
use channels::Channels;
use db::Db;
use durable::Engine;
use infra::{Egress, Sealer};
use kernel::Clock;
use llm::usage::UsageLog;
use llm::{Gateway, Pool};
use metrics_exporter_prometheus::PrometheusHandle;
use tenancy::Identity;
use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tokio_util::sync::CancellationToken;
use url::Url;

use crate::problem::Problem;

/// The most live streams a node holds at once.
const STREAMS: usize = 4096;

/// What handlers work with. Cheap to clone.
#[derive(Clone)]
pub struct AppState {
    parts: Arc<Parts>,
    streams: Arc<Semaphore>,
}

/// The parts of [`AppState`], put together by the binary.
pub struct Parts {
    pub db: Db,
    pub clock: Clock,
    pub sealer: Sealer,
    pub egress: Egress,
    pub identity: Identity,
    pub engine: Engine,
    pub channels: Channels,
    pub tools: Tools,
    pub usage: UsageLog,
    /// For how many days the installation keeps the log of model calls.
    pub usage_keep_days: u32,
    pub gateway: Gateway,
    pub pool: Pool,
    /// Where people and channels reach this installation; for links, and to know that they come over TLS.
    pub public_url: Option<Url>,
    pub metrics: PrometheusHandle,
    /// The end: streams close when it comes.
    pub shutdown: CancellationToken,
}

impl AppState {
    pub fn new(parts: Parts) -> Self {
        Self { parts: Arc::new(parts), streams: Arc::new(Semaphore::new(STREAMS)) }
    }

    /// Returns once every node acts upon configuration `epoch`.
    pub(crate) async fn in_force(&self, epoch: i64) -> Result<(), Problem> {
        Ok(db::wait_until_in_force(&self.db, epoch).await?)
    }

    /// Returns once every node acts upon everything that was changed before.
    pub(crate) async fn all_in_force(&self) -> Result<(), Problem> {
        let epoch = db::config_epoch(&self.db).await?;
        self.in_force(epoch).await
    }

    /// What documents are applied with.
    pub(crate) fn workshop(&self) -> Workshop {
        Workshop {
            db: self.db.clone(),
            sealer: self.sealer.clone(),
            egress: self.egress.clone(),
            identity: self.identity.clone(),
            channels: self.channels.clone(),
            tools: self.tools.clone(),
        }
    }

    /// The address of `path` (which begins with a slash) for people and programs elsewhere.
    pub(crate) fn link(&self, path: &str) -> String {
        match &self.public_url {
            Some(url) => format!("{}{path}", url.as_str().trim_end_matches('/')),
            None => path.to_owned(),
        }
    }

    /// A place for one more live stream, if there is one.
    pub(crate) fn stream_slot(&self) -> Option<OwnedSemaphorePermit> {
        Arc::clone(&self.streams).try_acquire_owned().ok()
    }
}

impl std::ops::Deref for AppState {
    type Target = Parts;

    fn deref(&self) -> &Parts {
        &self.parts
    }
}
