//! What is done beside the calls: settlements are written down, slices filled up in time, and what is not needed is
//! given back when another node asks or nobody calls any more.

use std::sync::Arc;
use std::time::Duration;

use chrono::Days;
use infra::Delivery;
use kernel::NodeId;
use tokio::time::{Instant, MissedTickBehavior, interval};
use tokio_util::sync::CancellationToken;

use super::entry::Entry;
use super::ledger::Purpose;
use super::store::{self, WindowKey};
use super::{Budgets, Ledger};
use crate::error::Error;

/// How often settlements are written down.
const FLUSH: Duration = Duration::from_millis(250);
/// How many windows are written about in one transaction.
const BATCH: usize = 256;
/// What nobody used for this long is given back and forgotten.
const IDLE: Duration = Duration::from_secs(60);
/// How long it is tried at the end to write everything down.
const LAST_WORDS: Duration = Duration::from_secs(10);
const AGAIN: Duration = Duration::from_millis(100);
/// For how many days past windows are kept.
const KEPT_DAYS: u64 = 400;
/// How often it is looked what nodes that are gone had been granted.
const CHARGE: Duration = Duration::from_secs(15);
const FORGET: Duration = Duration::from_secs(6 * 3600);

/// Where nodes ask each other to give back, and tell that they did.
const TOPIC: &str = "budgets";

impl Budgets {
    /// Tends the ledger until `shutdown`, then writes everything down and gives everything back. `node`: which node this
    /// process is at the moment; known from here on, before anything is awaited: what a call is granted is this node's.
    pub fn tend(
        self,
        node: impl Fn() -> NodeId + Send + Sync + 'static,
        shutdown: CancellationToken,
    ) -> impl Future<Output = ()> + Send {
        self.ledger.node.set(Box::new(node)).ok();
        async move {
            tokio::select! {
                () = flush(&self.ledger) => {}
                () = fill_up(&self.ledger) => {}
                () = follow(&self.ledger) => {}
                () = charge(&self) => {}
                () = forget(&self.ledger) => {}
                () = shutdown.cancelled() => {}
            }
            self.close().await;
        }
    }

    /// Writes down what was settled until now.
    pub async fn flush(&self) {
        flush_once(&self.ledger).await;
    }

    /// Shows what nodes that are gone had been granted as settled. It was charged before.
    pub async fn charge_the_dead(&self) -> Result<(), Error> {
        let windows = store::charge_the_dead(&self.ledger.db).await?;
        if windows > 0 {
            tracing::warn!(windows, "what nodes that are gone held of budgets stays charged");
        }
        Ok(())
    }

    /// Writes everything down and gives everything back. What the database does not take in time stays charged.
    pub async fn close(&self) {
        let until = Instant::now() + LAST_WORDS;
        loop {
            let entries: Vec<_> = self.ledger.entries.lock().values().cloned().collect();
            exchange(&self.ledger, &entries, Purpose::GiveBack).await;
            let unwritten = entries.iter().filter(|entry| entry.unwritten()).count();
            if unwritten == 0 {
                return;
            }
            if Instant::now() > until {
                tracing::error!(
                    budgets = unwritten,
                    "settlements could not be written down; they stay charged as granted"
                );
                return;
            }
            tokio::time::sleep(AGAIN).await;
        }
    }
}

impl Ledger {
    pub(super) fn refill(&self, entry: &Arc<Entry>) {
        self.low.lock().push(Arc::clone(entry));
        self.low_told.notify_one();
    }

    /// Asks the other nodes to give back what they don't need.
    pub(super) fn recall(&self, key: &WindowKey) {
        self.bus.publish(TOPIC, &Word::Recall(*key).encode(self.speaker));
    }

    pub(super) fn give_back_soon(self: &Arc<Self>, entry: &Arc<Entry>) {
        let (ledger, entry) = (Arc::clone(self), Arc::clone(entry));
        tokio::spawn(async move { entry.give_back(&ledger).await });
    }
}

async fn flush(ledger: &Arc<Ledger>) {
    let mut ticks = interval(FLUSH);
    ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
    let (mut tidied, mut node) = (Instant::now(), ledger.node());
    loop {
        ticks.tick().await;
        if std::mem::replace(&mut node, ledger.node()) != node {
            // What this process holds is held by a node that lives.
            let entries: Vec<_> = ledger.entries.lock().values().cloned().collect();
            exchange(ledger, &entries, Purpose::Settle).await;
        }
        flush_once(ledger).await;
        if tidied.elapsed() > IDLE {
            tidied = Instant::now();
            tidy(ledger).await;
        }
    }
}

async fn flush_once(ledger: &Arc<Ledger>) {
    let dirty = std::mem::take(&mut *ledger.dirty.lock());
    exchange(ledger, &dirty, Purpose::Settle).await;
}

/// Says the same about many windows. Those that somebody is at, and all where it fails, are written down the next time.
async fn exchange(ledger: &Arc<Ledger>, entries: &[Arc<Entry>], purpose: Purpose) {
    for batch in entries.chunks(BATCH) {
        let (mut open, mut said) = (Vec::with_capacity(batch.len()), Vec::with_capacity(batch.len()));
        for entry in batch {
            match entry.begin(purpose) {
                Some((desk, words)) => {
                    open.push((entry, desk));
                    said.push(words);
                }
                None => entry.again(ledger),
            }
        }
        if said.is_empty() {
            continue;
        }
        match ledger.sync(&said).await {
            Ok(told) => {
                for (((entry, _desk), said), told) in open.into_iter().zip(&said).zip(told) {
                    match told {
                        Some(told) => drop(entry.hear(&said.ask, &told, None)),
                        None => entry.forget(),
                    }
                }
            }
            Err(_away) => open.into_iter().for_each(|(entry, _desk)| entry.again(ledger)),
        }
    }
}

/// Gives back what nobody uses any more, and forgets what nothing is left of.
async fn tidy(ledger: &Arc<Ledger>) {
    let entries: Vec<_> = ledger.entries.lock().values().cloned().collect();
    let idle: Vec<_> = entries.into_iter().filter(|entry| !entry.was_used()).collect();
    let holding: Vec<_> = idle.iter().filter(|entry| entry.has_free()).cloned().collect();
    exchange(ledger, &holding, Purpose::GiveBack).await;
    drop(holding);
    let gone: Vec<_> = {
        let mut entries = ledger.entries.lock();
        // Whoever else has it may use it without looking it up.
        let unused = |entry: &Arc<Entry>| entry.is_empty() && Arc::strong_count(entry) == 2;
        idle.iter().filter(|entry| unused(entry)).filter_map(|entry| entries.remove(&entry.key)).collect()
    };
    let rows: Vec<_> = gone.iter().map(|entry| entry.row()).collect();
    for rows in rows.chunks(BATCH) {
        if let Err(error) = store::forget_holders(&ledger.db, rows).await {
            tracing::warn!(?error, "what held nothing of its budget any more was not forgotten");
        }
    }
}

/// Fills slices up that are nearly used up.
async fn fill_up(ledger: &Arc<Ledger>) {
    loop {
        ledger.low_told.notified().await;
        let low = std::mem::take(&mut *ledger.low.lock());
        for entry in low {
            entry.refill(ledger).await;
        }
    }
}

/// Does what other nodes ask for.
async fn follow(ledger: &Arc<Ledger>) {
    let mut words = ledger.bus.subscribe(TOPIC);
    while let Some(delivery) = words.recv().await {
        let Delivery::Payload(payload) = delivery else {
            let entries: Vec<_> = ledger.entries.lock().values().cloned().collect();
            exchange(ledger, &entries, Purpose::GiveBack).await;
            continue;
        };
        let Some(word) = Word::decode(&payload, ledger.speaker) else { continue };
        let known = |key: &WindowKey| ledger.entries.lock().get(key).cloned();
        match word {
            Word::Recall(key) => {
                if let Some(entry) = known(&key) {
                    let ledger = Arc::clone(ledger);
                    // The next one need not wait for the database.
                    tokio::spawn(async move {
                        if entry.give_back(&ledger).await {
                            ledger.bus.publish(TOPIC, &Word::Answer(key).encode(ledger.speaker));
                        }
                    });
                }
            }
            Word::Answer(key) => {
                if let Some(entry) = known(&key) {
                    entry.answered.notify_waiters();
                }
            }
        }
    }
}

async fn charge(budgets: &Budgets) {
    loop {
        tokio::time::sleep(CHARGE).await;
        if let Err(error) = budgets.charge_the_dead().await {
            tracing::warn!(?error, "what nodes that are gone held of budgets is not known");
        }
    }
}

async fn forget(ledger: &Arc<Ledger>) {
    loop {
        let today = ledger.clock.now().date_naive();
        if let Some(day) = today.checked_sub_days(Days::new(KEPT_DAYS))
            && let Err(error) = store::forget_before(&ledger.db, day).await
        {
            tracing::warn!(?error, "what budgets were long ago could not be forgotten");
        }
        tokio::time::sleep(FORGET).await;
    }
}

/// What nodes say to each other.
enum Word {
    Recall(WindowKey),
    Answer(WindowKey),
}

impl Word {
    fn encode(&self, speaker: sqlx::types::Uuid) -> String {
        let (verb, WindowKey { tenant, budget, begins }) = match self {
            Self::Recall(key) => ("recall", key),
            Self::Answer(key) => ("answer", key),
        };
        format!("{verb} {tenant} {budget} {begins} {speaker}")
    }

    /// `None`: our own word, or one that a newer binary says.
    fn decode(payload: &str, own: sqlx::types::Uuid) -> Option<Self> {
        let mut words = payload.split(' ');
        let verb = words.next()?;
        let key = WindowKey {
            tenant: words.next()?.parse().ok()?,
            budget: words.next()?.parse().ok()?,
            begins: words.next()?.parse().ok()?,
        };
        let speaker: sqlx::types::Uuid = words.next()?.parse().ok()?;
        match verb {
            _ if speaker == own => None,
            "recall" => Some(Self::Recall(key)),
            "answer" => Some(Self::Answer(key)),
            _ => None,
        }
    }
}
