use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::Duration;

use parking_lot::Mutex;
use rand::rngs::StdRng;
use rand::{RngExt as _, SeedableRng as _};
use serde_json::Value;
use tokio::task::JoinSet;

use super::Acked;
use super::world::{Tenant, World};

/// How often a delivery is tried before the harness gives up: Slack's own patience is shorter, but an event that was
/// never acknowledged proves nothing.
const TRIES: u32 = 600;

/// People who talk in threads, each message delivered as Slack may: as one or both kinds of event, in either order,
/// several times, to either server, again until somebody says 2xx.
pub(super) struct Traffic {
    shared: Arc<Shared>,
    senders: Mutex<JoinSet<()>>,
}

struct Shared {
    stop: AtomicBool,
    events: AtomicU64,
    next: AtomicU64,
    acked: Mutex<Vec<Acked>>,
    urls: Vec<String>,
    http: reqwest::Client,
}

impl Traffic {
    pub(super) fn start(world: &World, seed: u64, senders: usize) -> Self {
        let shared = Arc::new(Shared {
            stop: AtomicBool::new(false),
            events: AtomicU64::new(0),
            next: AtomicU64::new(0),
            acked: Mutex::new(Vec::new()),
            urls: world.urls.clone(),
            http: client(),
        });
        let mut tasks = JoinSet::new();
        for sender in 0..senders {
            let tenant = Arc::clone(&world.tenants[sender % world.tenants.len()]);
            let rng = StdRng::seed_from_u64(seed.wrapping_mul(1000).wrapping_add(sender as u64));
            tasks.spawn(talk(Arc::clone(&shared), tenant, sender, rng));
        }
        Self { shared, senders: Mutex::new(tasks) }
    }

    /// How many deliveries got a 2xx.
    pub(super) fn events(&self) -> u64 {
        self.shared.events.load(Ordering::Relaxed)
    }

    /// Lets everybody finish their thread; what was acknowledged.
    pub(super) async fn stop(&self) -> Vec<Acked> {
        self.shared.stop.store(true, Ordering::Relaxed);
        let mut senders = std::mem::take(&mut *self.senders.lock());
        while let Some(ended) = senders.join_next().await {
            ended.unwrap();
        }
        std::mem::take(&mut *self.shared.acked.lock())
    }
}

#[expect(clippy::disallowed_methods, reason = "the harness plays the outside world")]
fn client() -> reqwest::Client {
    reqwest::Client::builder().no_proxy().timeout(Duration::from_secs(10)).build().unwrap()
}

async fn talk(shared: Arc<Shared>, tenant: Arc<Tenant>, sender: usize, mut rng: StdRng) {
    let (channel, user) = (format!("C{}X{sender}", tenant.index), format!("U{sender}"));
    while !shared.stop.load(Ordering::Relaxed) {
        let marker = shared.marker(&tenant);
        let root = tenant.workspace.mention(&channel, &user, &format!("please {marker}"));
        let mut deliveries = vec![tenant.workspace.mention_event(&root)];
        if rng.random_bool(0.5) {
            deliveries.push(tenant.workspace.message_event(&root));
            if rng.random_bool(0.5) {
                deliveries.reverse();
            }
        }
        shared.deliver(&tenant, deliveries, &mut rng).await;
        shared.acked(&tenant, &channel, &root.ts, marker, 0);
        for place in 1..=rng.random_range(0..3) {
            let marker = shared.marker(&tenant);
            let said = tenant.workspace.reply(&root, &user, &format!("and {marker}"));
            let deliveries = vec![tenant.workspace.message_event(&said)];
            shared.deliver(&tenant, deliveries, &mut rng).await;
            shared.acked(&tenant, &channel, &root.ts, marker, place);
        }
    }
}

impl Shared {
    fn marker(&self, tenant: &Tenant) -> String {
        format!("m-{}-{}", tenant.index, self.next.fetch_add(1, Ordering::Relaxed))
    }

    fn acked(&self, tenant: &Tenant, channel: &str, thread: &str, marker: String, place: usize) {
        let (channel, thread) = (channel.to_owned(), thread.to_owned());
        self.acked.lock().push(Acked { tenant: tenant.index, channel, thread, marker, place });
    }

    /// Delivers each event one to three times, the copies at once.
    async fn deliver(&self, tenant: &Tenant, events: Vec<Value>, rng: &mut StdRng) {
        for event in events {
            let body = serde_json::to_vec(&event).unwrap();
            let copies = if rng.random_bool(0.3) { rng.random_range(2..=3) } else { 1 };
            let first = rng.random_range(0..self.urls.len());
            let tries = (0..copies).map(|copy| self.until_taken(tenant, &body, first + copy));
            futures::future::join_all(tries).await;
        }
    }

    async fn until_taken(&self, tenant: &Tenant, body: &[u8], first: usize) {
        for attempt in 0..TRIES {
            let url = &self.urls[(first + attempt as usize) % self.urls.len()];
            let answer = tenant.signer.signed(self.http.post(url), body).send().await;
            match answer {
                Ok(answer) if answer.status().is_success() => {
                    self.events.fetch_add(1, Ordering::Relaxed);
                    return;
                }
                Ok(answer) if answer.status().is_client_error() => {
                    panic!("refused: {} {}", answer.status(), answer.text().await.unwrap_or_default())
                }
                _ => tokio::time::sleep(Duration::from_millis(u64::from(attempt.min(10)) * 50)).await,
            }
        }
        panic!("nobody took an event");
    }
}
