//! Virtual keys: what programs show at the gateway, and what each of them may do.
//!
//! Invariant: a key is shown once, when it is made; only its hash is kept, and a hash belongs to one organisation.
//! Invariant: what a key may do is looked up once for each configuration; so is that nobody knows it.
//! Invariant: a key made by somebody who may make keys in a project alone makes calls of that project alone.

mod hash;
mod store;

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use db::Db;
use infra::{ConfigEpoch, EpochCache};
use kernel::Secret;
use parking_lot::Mutex;
use tokio_util::sync::CancellationToken;

pub use store::{
    KeySpec, KeyText, VirtualKey, check_text, delete_key, find_key, find_key_by_name, generate, list_keys, update_key,
    upsert_key,
};

pub(crate) use store::{find_group_user, rename_group};

use crate::error::Error;
use crate::{Account, Limits};
use hash::KeyHash;

/// How many keys a node remembers, and how many that nobody knows.
const KNOWN: usize = 20_000;
const UNKNOWN: usize = 20_000;
/// How often it is written down which keys were used.
const NOTED_EVERY: Duration = Duration::from_secs(60);

/// What a key may do, for one configuration.
#[derive(Debug)]
pub struct Grant {
    /// Whom its calls are made for.
    pub account: Account,
    pub name: String,
    /// Names of the model groups it may ask; none: all.
    pub groups: Vec<String>,
    pub limits: Limits,
    /// Whether its use is to be written down.
    used: AtomicBool,
}

impl Grant {
    pub fn may_ask(&self, group: &str) -> bool {
        self.groups.is_empty() || self.groups.iter().any(|allowed| allowed == group)
    }
}

/// Why a key opens nothing.
#[derive(Debug, thiserror::Error)]
pub enum KeyRefused {
    #[error("this key is not known")]
    Unknown,
    #[error("this key is disabled")]
    Disabled,
    #[error("this key's organisation is suspended")]
    Suspended,
    #[error("keys cannot be looked up at the moment")]
    Unavailable(#[source] Error),
}

fn count(refused: &KeyRefused) {
    let why = match refused {
        KeyRefused::Unknown => "unknown",
        KeyRefused::Disabled => "disabled",
        KeyRefused::Suspended => "suspended",
        KeyRefused::Unavailable(_) => "unavailable",
    };
    metrics::counter!("konstruct_llm_keys_refused_total", "why" => why).increment(1);
}

/// What is known of a key.
#[derive(Clone)]
enum Known {
    Grant(Arc<Grant>),
    Disabled,
    Suspended,
}

/// The keys of all organisations, as a node knows them. Cheap to clone.
#[derive(Clone)]
pub struct Keys {
    inner: Arc<Inner>,
}

struct Inner {
    db: Db,
    known: EpochCache<KeyHash, Known>,
    /// Beside the known ones, so that guessing does not drive those out.
    unknown: EpochCache<KeyHash, ()>,
    used: Mutex<Vec<Arc<Grant>>>,
}

impl Keys {
    pub fn new(db: Db, epoch: ConfigEpoch) -> Self {
        let (known, unknown) = (EpochCache::new(epoch.clone(), KNOWN), EpochCache::new(epoch, UNKNOWN));
        Self { inner: Arc::new(Inner { db, known, unknown, used: Mutex::default() }) }
    }

    /// What this key may do. Asks the database once for each configuration.
    pub async fn grant(&self, key: &Secret) -> Result<Arc<Grant>, KeyRefused> {
        let (inner, hash) = (&self.inner, KeyHash::of(key));
        let known = match inner.known.get(&hash) {
            Some(known) => known,
            None => inner.look_up(hash).await.inspect_err(count)?,
        };
        let refused = match known {
            Known::Grant(grant) => {
                inner.note_use(&grant);
                return Ok(grant);
            }
            Known::Disabled => KeyRefused::Disabled,
            Known::Suspended => KeyRefused::Suspended,
        };
        count(&refused);
        Err(refused)
    }

    /// Writes down now and then which keys were used, until `shutdown`.
    pub async fn note_uses(self, shutdown: CancellationToken) {
        while shutdown.run_until_cancelled(tokio::time::sleep(NOTED_EVERY)).await.is_some() {
            self.note_uses_now().await;
        }
    }

    /// Writes down which keys were used since the last time.
    pub async fn note_uses_now(&self) {
        let used = std::mem::take(&mut *self.inner.used.lock());
        used.iter().for_each(|grant| grant.used.store(false, Ordering::Relaxed));
        if let Err(error) = store::note_uses(&self.inner.db, &used).await {
            // The next use is written down again.
            tracing::warn!(?error, "the use of keys was not written down");
        }
    }
}

impl Inner {
    /// Asks the database where neither the key nor that nobody knows it is remembered.
    async fn look_up(&self, hash: KeyHash) -> Result<Known, KeyRefused> {
        let find = || async {
            match store::find_by_hash(&self.db, hash).await {
                Ok(None) => Ok(()),
                Ok(Some(known)) => Err(Ok(known)),
                Err(error) => Err(Err(KeyRefused::Unavailable(error))),
            }
        };
        let found = self.known.get_or_load(hash, || async {
            match self.unknown.get_or_load(hash, find).await {
                Ok(()) => Err(KeyRefused::Unknown),
                Err(found) => found,
            }
        });
        found.await
    }

    fn note_use(&self, grant: &Arc<Grant>) {
        if !grant.used.load(Ordering::Relaxed) && !grant.used.swap(true, Ordering::Relaxed) {
            self.used.lock().push(Arc::clone(grant));
        }
    }
}

#[cfg(test)]
impl Grant {
    pub(crate) fn for_test(account: Account, limits: Limits) -> Self {
        Self { account, name: "test".into(), groups: Vec::new(), limits, used: AtomicBool::new(false) }
    }
}
