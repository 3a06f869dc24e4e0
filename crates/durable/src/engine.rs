use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;

use db::Db;
use infra::{Bus, ConfigEpoch};
use kernel::{Clock, ConnectionId, DeadLetterId, LaneId, MessageId, NodeId, ProjectId, TenantId};
use parking_lot::Mutex;
use serde_json::Value;
use tokio::sync::Notify;
use tokio::time::{Instant, sleep, timeout};
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

use crate::batch::Batcher;
use crate::dispatch::Dispatch;
use crate::handover::Handover;
use crate::lease::{LEASE, Lease};
use crate::live::{self, LiveEvent, Watch};
use crate::outgoing::Outgoing;
use crate::queue::Outbox;
use crate::store::{
    self, Ack, AckItem, Acked, Ended, Finish, FinishItem, JournalItem, JournalWriter, Mark, Marked, Marks,
};
use crate::{Arrival, DedupKey, Error, Program, Receipt, ReplyTo, Sender, dispatch, failpoint, node};

/// What an engine is made of.
pub struct EngineOptions {
    pub db: Db,
    pub bus: Bus,
    /// Raised whenever configuration changes anywhere; whoever caches configuration looks at it.
    pub config_epoch: ConfigEpoch,
    pub clock: Clock,
    /// How many runs may be under way on this node at once.
    pub max_running: usize,
    /// Whether this node runs programs and sends replies, or only acknowledges.
    pub works: bool,
    /// Whether this node answers model calls.
    pub models: bool,
    /// No other node can be alive on this database: what an earlier process left is taken over at once.
    pub sole: bool,
}

/// The durable engine of one node. Cheap to clone.
#[derive(Clone)]
pub struct Engine {
    inner: Arc<Inner>,
}

pub(crate) struct Inner {
    pub(crate) db: Db,
    pub(crate) bus: Bus,
    pub(crate) config_epoch: ConfigEpoch,
    pub(crate) clock: Clock,
    pub(crate) lease: Arc<Lease>,
    pub(crate) programs: HashMap<&'static str, Arc<dyn Program>>,
    pub(crate) senders: HashMap<&'static str, Arc<dyn Sender>>,
    pub(crate) journal: Batcher<JournalItem, bool>,
    pub(crate) finish: Batcher<FinishItem, Ended>,
    pub(crate) marks: Batcher<Mark, Marked>,
    pub(crate) dispatch: Dispatch,
    pub(crate) outbox: Outbox,
    pub(crate) works: bool,
    pub(crate) models: bool,
    /// Claims under way here.
    pub(crate) running: Mutex<HashMap<(TenantId, LaneId), i64>>,
    /// No new work.
    pub(crate) draining: CancellationToken,
    /// No work at all.
    pub(crate) stopped: CancellationToken,
    pub(crate) tasks: TaskTracker,
    pub(crate) wake_sender: Notify,
    pub(crate) handover: Handover,
    ack: Batcher<AckItem, Acked>,
}

/// A message to be run once more: see [`crate::replay_dead_letter`].
pub(crate) struct Again {
    pub(crate) tenant: TenantId,
    pub(crate) project: ProjectId,
    pub(crate) lane: LaneId,
    pub(crate) program: String,
    pub(crate) text: String,
    pub(crate) body: Value,
    pub(crate) reply: Option<(String, ConnectionId, Value)>,
    pub(crate) letter: DeadLetterId,
}

impl Engine {
    /// Enters this process as a node and begins to work.
    pub async fn start(
        options: EngineOptions,
        programs: Vec<Arc<dyn Program>>,
        senders: Vec<Arc<dyn Sender>>,
    ) -> Result<Self, Error> {
        let EngineOptions { db, bus, config_epoch, clock, max_running, works, models, sole } = options;
        db::keep_partitions(&db, clock.now().date_naive()).await?;
        let (node, asked) = (NodeId::new(), Instant::now());
        config_epoch.raise(store::register(&db, node, LEASE, sole, models).await?);
        store::bury_the_dead(&db).await?;
        let lease = Arc::new(Lease::new(node, asked));
        let by_commit = senders.iter().filter(|sender| sender.by_commit()).map(|sender| sender.channel().to_owned());
        let by_commit = by_commit.collect();
        let inner = Arc::new(Inner {
            ack: Batcher::new("ack", 8192, 512, Ack::new(db.clone(), Arc::clone(&lease))),
            journal: Batcher::new("journal", 8192, 256, JournalWriter::new(db.clone(), Arc::clone(&lease))),
            finish: Batcher::new("finish", 8192, 256, Finish::new(db.clone(), Arc::clone(&lease), by_commit)),
            marks: Batcher::new("outbox", 8192, 256, Marks::new(db.clone(), Arc::clone(&lease))),
            dispatch: Dispatch::new(max_running),
            outbox: Outbox::new(),
            handover: Handover::default(),
            programs: programs.into_iter().map(|program| (program.name(), program)).collect(),
            senders: senders.into_iter().map(|sender| (sender.channel(), sender)).collect(),
            running: Mutex::new(HashMap::new()),
            draining: CancellationToken::new(),
            stopped: CancellationToken::new(),
            tasks: TaskTracker::new(),
            wake_sender: Notify::new(),
            db,
            bus,
            config_epoch,
            clock,
            lease,
            works,
            models,
        });
        dispatch::refresh_shares(&inner).await?;
        node::spawn_all(&inner);
        if works {
            inner.tasks.spawn(dispatch::run(Arc::clone(&inner)));
            inner.tasks.spawn(crate::outbox::poll(Arc::clone(&inner)));
        }
        Ok(Self { inner })
    }

    /// Commits an arrival; when this returns it is safe whatever happens. [`Error::Overloaded`] and store errors mean
    /// that nothing is known to be stored: the sender must come again.
    pub async fn accept(&self, arrival: Arrival) -> Result<Receipt, Error> {
        let inner = &self.inner;
        if inner.draining.is_cancelled() {
            return Err(Error::ShuttingDown);
        }
        let (tenant, lane, message) = (arrival.tenant, arrival.lane, arrival.message);
        let reply = arrival.reply.clone().filter(|reply| inner.sends(reply));
        let item = AckItem::new(arrival, reply.is_some() && inner.works)?;
        if inner.works
            && let Some((text, body)) = item.words()
        {
            // Before the commit: from then on it may be claimed.
            inner.handover.put(message, text, body);
        }
        failpoint::pass("ack.before");
        let acked = inner.ack.submit(item).await;
        if !matches!(acked, Ok(Some(_))) {
            inner.handover.forget(message);
        }
        let Some((seq, day)) = acked? else {
            metrics::counter!("konstruct_messages_duplicate_total").increment(1);
            return Ok(Receipt::Duplicate);
        };
        failpoint::pass("ack.after");
        metrics::counter!("konstruct_messages_accepted_total").increment(1);
        if let Some(reply) = reply.filter(|_| inner.works) {
            inner.outgoing(Outgoing::opening(tenant, lane, message, (seq, day), reply));
        }
        inner.dispatch.wake(tenant);
        live::publish(&inner.bus, tenant, lane, &LiveEvent::Arrived { seq });
        Ok(Receipt::Accepted { seq })
    }

    /// Which of these lanes had a message, or an answer, within `idle`.
    pub async fn engaged(&self, tenant: TenantId, lanes: &[LaneId], idle: Duration) -> Result<Vec<LaneId>, Error> {
        store::engaged(&self.inner.db, tenant, lanes, idle).await
    }

    /// What happens in a lane from now on.
    pub fn watch(&self, tenant: TenantId, lane: LaneId) -> Watch {
        Watch::new(&self.inner.bus, tenant, lane)
    }

    /// Tells, whenever it is asked, which node this process is then. Does not keep the engine.
    pub fn who(&self) -> impl Fn() -> NodeId + Send + Sync + 'static {
        let lease = Arc::clone(&self.inner.lease);
        move || lease.node()
    }

    /// Whether a message accepted now would be processed.
    pub fn ready(&self) -> bool {
        self.inner.lease.valid() && !self.inner.draining.is_cancelled()
    }

    /// Ends the engine gently: takes nothing new, lets what is under way end within `patience`, gives the rest back.
    pub async fn drain(&self, patience: Duration) {
        let inner = &self.inner;
        inner.draining.cancel();
        let idle = async {
            while !(inner.running.lock().is_empty() && inner.outbox.is_empty()) {
                sleep(Duration::from_millis(20)).await;
            }
        };
        let all_done = timeout(patience, idle).await.is_ok();
        inner.stopped.cancel();
        inner.tasks.close();
        timeout(Duration::from_secs(2), inner.tasks.wait()).await.ok();
        if !all_done {
            // A call to a channel may be on its way still: the lease runs out before anybody looks for what it left.
            tracing::warn!("what is still under way is left to the other nodes");
        } else if let Err(error) = store::leave(&inner.db, inner.lease.node()).await {
            tracing::warn!(?error, "the node could not sign off; its lease will run out");
        }
    }

    pub(crate) async fn accept_again(&self, again: Again) -> Result<(), Error> {
        let program = *self.inner.programs.get_key_value(again.program.as_str()).ok_or(Error::Lost)?.0;
        let reply = again.reply.and_then(|(channel, connection, target)| {
            let (channel, _) = self.inner.senders.get_key_value(channel.as_str())?;
            Some(ReplyTo { channel, connection, target })
        });
        let dedup = DedupKey::new(again.letter.as_uuid(), "replay", self.inner.clock.now());
        self.accept(Arrival {
            tenant: again.tenant,
            project: again.project,
            lane: again.lane,
            message: MessageId::new(),
            program,
            dedup: vec![dedup],
            text: again.text,
            body: again.body,
            reply,
        })
        .await?;
        Ok(())
    }

    /// Has a reply that was given up sent once more.
    pub(crate) async fn resend(&self, tenant: TenantId, message: MessageId) -> Result<(), Error> {
        store::resend(&self.inner.db, tenant, message).await?;
        self.inner.wake_sender.notify_one();
        Ok(())
    }
}

impl Inner {
    /// Whether a reply on this channel takes a call to it.
    pub(crate) fn sends(&self, reply: &ReplyTo) -> bool {
        self.senders.get(reply.channel).is_some_and(|sender| !sender.by_commit())
    }

    /// Hands a reply to its lane's sender.
    pub(crate) fn outgoing(self: &Arc<Self>, outgoing: Outgoing) {
        crate::outbox::enqueue(self, outgoing);
    }

    /// Repeats a commit until the database has taken it, refused it, or the claim has surely passed to somebody else.
    pub(crate) async fn persist<T, F: Future<Output = Result<T, Error>>>(
        &self,
        commit: impl Fn() -> F,
    ) -> Result<T, Error> {
        let mut delay = Duration::from_millis(50);
        loop {
            match commit().await {
                Err(Error::Refused { reason }) => return Err(Error::Refused { reason }),
                Err(error) if self.stopped.is_cancelled() => return Err(error),
                Err(error) => {
                    tracing::warn!(?error, "a commit is tried again");
                    sleep(delay).await;
                    delay = (delay * 2).min(Duration::from_secs(1));
                }
                done => return done,
            }
        }
    }
}
