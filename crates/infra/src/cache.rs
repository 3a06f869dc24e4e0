//! Copies of configuration in memory, right as long as the configuration has not changed.
//!
//! Invariant: an entry is used only while the configuration epoch is the one that was current *before* it was loaded.
//! So a node that has confirmed an epoch acts upon nothing older, and nothing has to be invalidated by name.

use std::borrow::Borrow;
use std::collections::HashMap;
use std::future::Future;
use std::hash::Hash;
use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};

use parking_lot::Mutex;

/// The configuration's version this node acts upon. Cheap to clone; clones share it.
#[derive(Clone, Debug, Default)]
pub struct ConfigEpoch(Arc<AtomicI64>);

impl ConfigEpoch {
    pub fn new(epoch: i64) -> Self {
        Self(Arc::new(AtomicI64::new(epoch)))
    }

    pub fn current(&self) -> i64 {
        self.0.load(Ordering::Acquire)
    }

    /// Moves on to `epoch`; never back.
    pub fn raise(&self, epoch: i64) {
        self.0.fetch_max(epoch, Ordering::AcqRel);
    }
}

/// A bounded cache whose entries die with the configuration epoch they were loaded at.
pub struct EpochCache<K, V> {
    epoch: ConfigEpoch,
    /// Of each of the two generations.
    capacity: usize,
    generations: Mutex<Generations<K, V>>,
}

/// Entries in use wander into the young generation; when that is full, the old one is forgotten as a whole. That is
/// nearly the order of last use, without the bookkeeping.
struct Generations<K, V> {
    epoch: i64,
    young: HashMap<K, V>,
    old: HashMap<K, V>,
}

impl<K: Eq + Hash, V: Clone> EpochCache<K, V> {
    /// A cache of at most `capacity` entries. `V` is best an `Arc`.
    pub fn new(epoch: ConfigEpoch, capacity: usize) -> Self {
        let generations = Generations { epoch: 0, young: HashMap::new(), old: HashMap::new() };
        Self { epoch, capacity: capacity.div_ceil(2).max(1), generations: Mutex::new(generations) }
    }

    pub fn get<Q>(&self, key: &Q) -> Option<V>
    where
        K: Borrow<Q>,
        Q: Eq + Hash + ?Sized,
    {
        let mut generations = self.generations.lock();
        generations.enter(self.epoch.current());
        if let Some(value) = generations.young.get(key) {
            return Some(value.clone());
        }
        let (key, value) = generations.old.remove_entry(key)?;
        generations.insert(key, value.clone(), self.capacity);
        Some(value)
    }

    /// The entry, or what `load` brings; that is kept unless the configuration changed meanwhile. Errors are not kept.
    pub async fn get_or_load<E, F>(&self, key: K, load: impl FnOnce() -> F) -> Result<V, E>
    where
        F: Future<Output = Result<V, E>>,
    {
        if let Some(value) = self.get(&key) {
            return Ok(value);
        }
        let before = self.epoch.current();
        let value = load().await?;
        let mut generations = self.generations.lock();
        generations.enter(self.epoch.current());
        if generations.epoch == before {
            generations.insert(key, value.clone(), self.capacity);
        }
        Ok(value)
    }
}

impl<K: Eq + Hash, V> Generations<K, V> {
    /// Forgets everything where the configuration has moved on.
    fn enter(&mut self, epoch: i64) {
        if self.epoch != epoch {
            self.epoch = epoch;
            self.young.clear();
            self.old.clear();
        }
    }

    fn insert(&mut self, key: K, value: V, capacity: usize) {
        if self.young.len() >= capacity {
            self.old = std::mem::take(&mut self.young);
        }
        self.young.insert(key, value);
    }
}

#[cfg(test)]
mod tests {
    use std::convert::Infallible;

    use super::*;

    async fn load(cache: &EpochCache<u32, u32>, key: u32, value: u32) -> u32 {
        cache.get_or_load(key, || async move { Ok::<_, Infallible>(value) }).await.unwrap()
    }

    #[tokio::test]
    async fn an_entry_lives_until_the_configuration_changes() {
        let epoch = ConfigEpoch::new(7);
        let cache = EpochCache::new(epoch.clone(), 10);
        assert_eq!(load(&cache, 1, 10).await, 10);
        assert_eq!(load(&cache, 1, 11).await, 10);
        epoch.raise(6);
        assert_eq!(load(&cache, 1, 11).await, 10, "the epoch never moves back");
        epoch.raise(8);
        assert_eq!(load(&cache, 1, 11).await, 11);
    }

    #[tokio::test]
    async fn what_was_loaded_while_the_configuration_changed_is_not_kept() {
        let epoch = ConfigEpoch::default();
        let cache = EpochCache::new(epoch.clone(), 10);
        let stale = cache.get_or_load(1, || async {
            epoch.raise(1);
            Ok::<_, Infallible>(10)
        });
        assert_eq!(stale.await.unwrap(), 10);
        assert_eq!(cache.get(&1), None);
    }

    #[tokio::test]
    async fn errors_are_not_kept() {
        let cache: EpochCache<u32, u32> = EpochCache::new(ConfigEpoch::default(), 10);
        assert_eq!(cache.get_or_load(1, || async { Err("down") }).await, Err("down"));
        assert_eq!(load(&cache, 1, 10).await, 10);
    }

    #[tokio::test]
    async fn it_stays_within_its_bound_and_keeps_what_is_used() {
        let cache = EpochCache::new(ConfigEpoch::default(), 10);
        load(&cache, 0, 0).await;
        for key in 1..100 {
            load(&cache, key, key).await;
            assert_eq!(cache.get(&0), Some(0), "used all the time");
            let generations = cache.generations.lock();
            assert!(generations.young.len() + generations.old.len() <= 10);
        }
        assert_eq!(cache.get(&1), None);
    }
}
