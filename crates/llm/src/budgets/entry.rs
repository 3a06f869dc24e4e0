//! One window of a budget on this node, and the queue of those that its slice has no room for.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicI64, Ordering};
use std::time::Duration;

use parking_lot::Mutex;
use sqlx::types::Uuid;
use tokio::sync::{MutexGuard, Notify};
use tokio::time::{Instant, timeout};

use super::ledger::{Ask, Purpose, Round, Slice, Told, Verdict, Window};
use super::store::{Said, WindowKey};
use super::terms::{Terms, WhenUnavailable};
use super::{BudgetRefused, Exceeded, Ledger};
use crate::Usd;

/// How long the other nodes have to give back what they don't need, and how often it is looked whether they have.
const PATIENCE: Duration = Duration::from_secs(3);
const LOOK_AGAIN: Duration = Duration::from_millis(25);
/// For how long a call is refused by what the database said last. Not for longer: a node that was thought dead is
/// charged for all it held, and takes that back when it speaks again.
const FRESH: Duration = Duration::from_secs(1);

/// One window of a budget on this node.
pub(super) struct Entry {
    pub(super) key: WindowKey,
    /// Itself among all that ever held something of the window: what it says are sums since it began.
    holder: Uuid,
    slice: Mutex<Slice>,
    /// What all calls need that wait at the moment.
    wanted: AtomicI64,
    known: Mutex<Known>,
    /// Words with the database are exchanged one at a time.
    desk: tokio::sync::Mutex<()>,
    /// Calls that the slice has no room for wait here; the first of them asks.
    queue: tokio::sync::Mutex<Option<Refusal>>,
    /// Another node has said that it gave back what it doesn't need.
    pub(super) answered: Notify,
    dirty: AtomicBool,
    refilling: AtomicBool,
    used: AtomicBool,
}

/// What this node knows of the budget, and of what all nodes have settled of it.
#[derive(Clone, Copy)]
struct Known {
    amount: i64,
    settled: i64,
    /// How much of that is this node's.
    own: i64,
    /// When the database said so.
    heard: Option<Instant>,
}

/// What was found when a call was last refused.
#[derive(Clone, Copy)]
struct Refusal {
    /// It is true of some moment since then.
    since: Instant,
    told: Told,
}

/// How a call fared with one budget.
enum Fare {
    Reserved,
    /// Its owner wants calls let through while nobody can be asked, or it is gone.
    Waved,
    Refused(BudgetRefused),
}

impl Entry {
    pub(super) fn new(key: WindowKey, amount: Usd) -> Self {
        Self {
            key,
            holder: Uuid::now_v7(),
            slice: Mutex::default(),
            wanted: AtomicI64::new(0),
            known: Mutex::new(Known { amount: amount.nanos(), settled: 0, own: 0, heard: None }),
            desk: tokio::sync::Mutex::default(),
            queue: tokio::sync::Mutex::default(),
            answered: Notify::new(),
            dirty: AtomicBool::new(false),
            refilling: AtomicBool::new(false),
            used: AtomicBool::new(true),
        }
    }

    /// Takes up what the budget is now. What was granted of a larger one is to be given back.
    pub(super) fn amount_is(&self, amount: Usd) -> bool {
        std::mem::replace(&mut self.known.lock().amount, amount.nanos()) > amount.nanos()
    }

    /// Reserves from the slice, where it has room.
    pub(super) fn try_reserve(self: &Arc<Self>, ledger: &Ledger, bound: i64) -> bool {
        let mut slice = self.slice.lock();
        let reserved = slice.reserve(bound);
        let low = reserved && slice.is_low();
        drop(slice);
        self.used.store(true, Ordering::Relaxed);
        if low && !self.refilling.load(Ordering::Relaxed) && !self.refilling.swap(true, Ordering::Relaxed) {
            ledger.refill(self);
        }
        reserved
    }

    pub(super) fn release(&self, bound: i64) {
        self.slice.lock().release(bound);
    }

    pub(super) fn settle(self: &Arc<Self>, ledger: &Ledger, bound: i64, cost: i64) {
        self.slice.lock().settle(bound, cost);
        self.to_be_written(ledger);
    }

    pub(super) fn to_be_written(self: &Arc<Self>, ledger: &Ledger) {
        if !self.dirty.load(Ordering::Relaxed) && !self.dirty.swap(true, Ordering::Relaxed) {
            ledger.dirty.lock().push(Arc::clone(self));
        }
    }

    /// Whether anybody used it since this was last asked.
    pub(super) fn was_used(&self) -> bool {
        self.used.swap(false, Ordering::Relaxed)
    }

    /// What names its row.
    pub(super) fn row(&self) -> (WindowKey, Uuid) {
        (self.key, self.holder)
    }

    pub(super) fn is_empty(&self) -> bool {
        self.slice.lock().is_empty()
    }

    pub(super) fn has_free(&self) -> bool {
        self.slice.lock().free() > 0
    }

    /// Waits for room where the slice has none: asks for more, and the other nodes to give back what they don't need.
    pub(super) async fn reserve(
        self: &Arc<Self>,
        ledger: &Ledger,
        terms: &Terms,
        bound: i64,
    ) -> Result<(), BudgetRefused> {
        let came = Instant::now();
        if let Some(refused) = self.refuse_at_once(terms, bound, came) {
            return Err(refused);
        }
        let _wanting = Wanting::new(&self.wanted, bound);
        let mut queue = self.queue.lock().await;
        if self.try_reserve(ledger, bound) {
            return Ok(());
        }
        if let Some(Refusal { since, told }) = *queue
            && came <= since
            && bound > told.left
        {
            return Err(self.short(terms, bound, &told));
        }
        let (fare, refusal) = self.ask_for(ledger, terms, bound).await;
        *queue = refusal.or(*queue);
        match fare {
            Fare::Reserved | Fare::Waved => Ok(()),
            Fare::Refused(refused) => Err(refused),
        }
    }

    /// Refuses what the calls that are settled have left no room for, without asking again.
    fn refuse_at_once(&self, terms: &Terms, bound: i64, now: Instant) -> Option<BudgetRefused> {
        let Known { amount, settled, own, heard } = *self.known.lock();
        if now.duration_since(heard?) > FRESH || bound.saturating_add(settled) <= amount {
            return None;
        }
        let slice = *self.slice.lock();
        let settled = settled - own + slice.settled();
        // What calls on other nodes have reserved is heard by whoever asks for as much as this.
        Some(self.exceeded(terms, bound, amount, settled, amount - settled - slice.reserved()))
    }

    async fn ask_for(self: &Arc<Self>, ledger: &Ledger, terms: &Terms, bound: i64) -> (Fare, Option<Refusal>) {
        match self.serve(ledger, bound).await {
            Ok(None) => {
                // Nobody limits it any more; it is settled as if.
                self.slice.lock().overdraw(bound);
                (Fare::Waved, None)
            }
            Ok(Some((_, Told { verdict: Verdict::Done, .. }))) => (Fare::Reserved, None),
            Ok(Some((since, told))) => (Fare::Refused(self.short(terms, bound, &told)), Some(Refusal { since, told })),
            Err(_unavailable) if terms.when_unavailable == WhenUnavailable::Allow => {
                self.slice.lock().overdraw(bound);
                (Fare::Waved, None)
            }
            Err(_unavailable) => {
                metrics::counter!("konstruct_llm_budget_refused_total", "why" => "unavailable").increment(1);
                (Fare::Refused(BudgetRefused::Unavailable), None)
            }
        }
    }

    /// Asks until `bound` is reserved, or it is certain that there is no room; with the moment since when that is
    /// certain.
    async fn serve(self: &Arc<Self>, ledger: &Ledger, bound: i64) -> Result<Option<(Instant, Told)>, super::Away> {
        let (mut round, mut since) = (None, Instant::now());
        let until = since + PATIENCE;
        loop {
            let asked = Instant::now();
            let wanted = self.wanted.load(Ordering::Relaxed).max(bound);
            let purpose = Purpose::Serve { needed: bound, wanted, round };
            let heard = self.answered.notified();
            let exchanged = self.exchange(ledger, purpose, Some(bound)).await?;
            let Some((told, reserved)) = exchanged else { return Ok(None) };
            match told.verdict {
                // Another call here was quicker.
                Verdict::Done if !reserved => {}
                Verdict::Done => return Ok(Some((since, told))),
                Verdict::Short if round.is_none() => return Ok(Some((asked, told))),
                Verdict::Short => return Ok(Some((since, told))),
                Verdict::Wait(_) if asked > until => {
                    tracing::warn!(budget.id = %self.key.budget, "other nodes do not give back what they hold");
                    return Ok(Some((since, Told { verdict: Verdict::Short, ..told })));
                }
                Verdict::Wait(now) => {
                    if round.map(Round::recall) != Some(now.recall()) {
                        since = asked;
                    }
                    round = Some(now);
                    ledger.recall(&self.key);
                    timeout(LOOK_AGAIN, heard).await.ok();
                }
            }
        }
    }

    /// One exchange with the database. `bound` is reserved where it was granted and nobody here was quicker: whether it
    /// is.
    async fn exchange(
        self: &Arc<Self>,
        ledger: &Ledger,
        purpose: Purpose,
        bound: Option<i64>,
    ) -> Result<Option<(Told, bool)>, super::Away> {
        let _desk = self.desk.lock().await;
        let said = self.say(purpose);
        let told = ledger.sync(&[said]).await?.into_iter().next().flatten();
        Ok(told.map(|told| (told, self.hear(&said.ask, &told, bound))))
    }

    fn say(&self, purpose: Purpose) -> Said {
        Said { window: self.key, holder: self.holder, ask: self.slice.lock().ask(purpose) }
    }

    /// Has a slice ready before the last one is used up.
    pub(super) async fn refill(self: &Arc<Self>, ledger: &Ledger) {
        // Where it fails, whoever needs it asks again.
        self.exchange(ledger, Purpose::Refill, None).await.ok();
        self.refilling.store(false, Ordering::Relaxed);
    }

    /// Returns what is promised to no call.
    pub(super) async fn give_back(self: &Arc<Self>, ledger: &Ledger) -> bool {
        self.exchange(ledger, Purpose::GiveBack, None).await.is_ok()
    }

    /// Opens the exchange of a batch, where nobody else is at it.
    pub(super) fn begin(&self, purpose: Purpose) -> Option<(MutexGuard<'_, ()>, Said)> {
        let desk = self.desk.try_lock().ok()?;
        self.dirty.store(false, Ordering::Relaxed);
        Some((desk, self.say(purpose)))
    }

    /// It is said the next time.
    pub(super) fn again(self: &Arc<Self>, ledger: &Ledger) {
        self.dirty.store(false, Ordering::Relaxed);
        if self.unwritten() {
            self.to_be_written(ledger);
        }
    }

    /// There is no such budget any more: nothing is owed to it.
    pub(super) fn forget(&self) {
        *self.slice.lock() = Slice::default();
    }

    /// Takes up what the database has answered. Answers whether `bound` is reserved.
    pub(super) fn hear(&self, ask: &Ask, told: &Told, bound: Option<i64>) -> bool {
        let mut slice = self.slice.lock();
        slice.told(ask, told.granted);
        let reserved = bound.is_some_and(|bound| told.verdict == Verdict::Done && slice.reserve(bound));
        drop(slice);
        let Window { amount, settled, .. } = told.window;
        *self.known.lock() = Known { amount, settled, own: ask.settled, heard: Some(Instant::now()) };
        reserved
    }

    /// What was settled and is not written down yet, for the log.
    pub(super) fn unwritten(&self) -> bool {
        !self.slice.lock().is_written()
    }

    fn short(&self, terms: &Terms, bound: i64, told: &Told) -> BudgetRefused {
        self.exceeded(terms, bound, told.window.amount, told.window.settled, told.left)
    }

    fn exceeded(&self, terms: &Terms, bound: i64, amount: i64, settled: i64, left: i64) -> BudgetRefused {
        metrics::counter!("konstruct_llm_budget_refused_total", "why" => "exceeded").increment(1);
        BudgetRefused::Exceeded(Box::new(Exceeded {
            budget: terms.id,
            scope: terms.scope,
            period: terms.period,
            limit: Usd::from_nanos(amount),
            settled: Usd::from_nanos(settled),
            reserved: Usd::from_nanos(amount - settled - left),
            bound: Usd::from_nanos(bound),
            room: Usd::from_nanos(left.max(0)),
            fallback: terms.fallback.clone(),
            begins_anew: terms.period.ends(self.key.begins),
        }))
    }
}

/// A call waits for room; whoever asks for it asks for all that wait.
struct Wanting<'a> {
    wanted: &'a AtomicI64,
    bound: i64,
}

impl<'a> Wanting<'a> {
    fn new(wanted: &'a AtomicI64, bound: i64) -> Self {
        wanted.fetch_add(bound, Ordering::Relaxed);
        Self { wanted, bound }
    }
}

impl Drop for Wanting<'_> {
    fn drop(&mut self) {
        self.wanted.fetch_sub(self.bound, Ordering::Relaxed);
    }
}
