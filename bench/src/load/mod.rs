//! The load generator: requests that were made and signed ahead, over kept-alive connections.
//!
//! Invariant: an open loop measures from the moment a request was *meant* to be sent; a server that stalls is charged
//! for every request that had to wait.

mod histogram;
mod wire;

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use anyhow::{Result, bail};
use tokio::sync::Semaphore;
use tokio::task::JoinSet;

pub(crate) use histogram::Histogram;
pub(crate) use wire::{Wire, answer, post};

use crate::seed::Seed;

/// What became of a series of requests.
pub(crate) struct Outcome {
    /// From the first request to the last answer.
    pub(crate) took: Duration,
    pub(crate) latency: Histogram,
    /// Answers other than 200.
    pub(crate) refused: u64,
}

impl Outcome {
    /// Positive answers a second.
    pub(crate) fn rate(&self) -> f64 {
        (self.latency.count() - self.refused) as f64 / self.took.as_secs_f64()
    }

    /// Fails where more than one in a thousand was refused.
    pub(crate) fn check(self) -> Result<Self> {
        if self.refused * 1000 > self.latency.count() {
            bail!("{} of {} requests were refused", self.refused, self.latency.count());
        }
        Ok(self)
    }
}

/// Sends all requests, each connection its next one as soon as it has its answer.
pub(crate) async fn closed_loop(port: u16, connections: usize, requests: Vec<Vec<u8>>) -> Result<Outcome> {
    let wires = connect(port, connections).await?;
    Arc::new(Series::new(requests, None)).run(wires).await
}

/// Sends all requests at random moments (a Poisson process) of the given mean rate a second.
pub(crate) async fn open_loop(
    port: u16,
    connections: usize,
    requests: Vec<Vec<u8>>,
    (rate, seed): (f64, &mut Seed),
) -> Result<Outcome> {
    let wires = connect(port, connections).await?;
    let pacer = Arc::new(Pacer::new(rate, requests.len(), seed));
    let pacing = pacer.start();
    let outcome = Arc::new(Series::new(requests, Some(Arc::clone(&pacer)))).run(wires).await;
    pacer.abandon();
    if pacing.join().is_err() {
        bail!("the pacer failed");
    }
    outcome
}

async fn connect(port: u16, connections: usize) -> Result<Vec<Wire>> {
    let mut wires = Vec::with_capacity(connections);
    for _ in 0..connections {
        wires.push(Wire::connect(port).await?);
    }
    Ok(wires)
}

struct Series {
    requests: Vec<Vec<u8>>,
    next: AtomicUsize,
    /// `None`: each as soon as its connection is free.
    pacer: Option<Arc<Pacer>>,
    begun: Instant,
}

impl Series {
    fn new(requests: Vec<Vec<u8>>, pacer: Option<Arc<Pacer>>) -> Self {
        Self { requests, next: AtomicUsize::new(0), pacer, begun: Instant::now() }
    }

    async fn run(self: &Arc<Self>, wires: Vec<Wire>) -> Result<Outcome> {
        let mut clients = JoinSet::new();
        for wire in wires {
            clients.spawn(Arc::clone(self).client(wire));
        }
        let (mut latency, mut refused) = (Histogram::new(), 0);
        while let Some(ended) = clients.join_next().await {
            let (of_client, refused_there) = ended??;
            latency.merge(&of_client);
            refused += refused_there;
        }
        Ok(Outcome { took: self.begun.elapsed(), latency, refused })
    }

    async fn client(self: Arc<Self>, mut wire: Wire) -> Result<(Histogram, u64)> {
        let (mut latency, mut refused) = (Histogram::new(), 0);
        loop {
            let next = match &self.pacer {
                Some(pacer) => pacer.next().await?,
                None => Some((self.next.fetch_add(1, Ordering::Relaxed), Instant::now())),
            };
            let Some((index, meant)) = next else { return Ok((latency, refused)) };
            let Some(request) = self.requests.get(index) else { return Ok((latency, refused)) };
            let status = wire.ask(request).await?.status();
            latency.record(meant.elapsed());
            refused += u64::from(status != 200);
        }
    }
}

/// Random moments (a Poisson process), each taken by one client.
pub(crate) struct Pacer {
    /// When each is due after the beginning.
    schedule: Vec<Duration>,
    next: AtomicUsize,
    due: Semaphore,
    begun: Instant,
    abandoned: AtomicBool,
}

impl Pacer {
    /// So many moments, at this mean rate a second from now on.
    pub(crate) fn new(rate: f64, count: usize, seed: &mut Seed) -> Self {
        let mut due = Duration::from_millis(20);
        let moments = (0..count).map(|_| {
            due += Duration::from_secs_f64(-seed.unit().ln() / rate);
            due
        });
        let schedule = moments.collect();
        let (next, abandoned) = (AtomicUsize::new(0), AtomicBool::new(false));
        Self { schedule, next, due: Semaphore::new(0), begun: Instant::now(), abandoned }
    }

    /// Waits for the next moment that nobody has taken: its number, and when it was meant to be. `None` behind the last.
    pub(crate) async fn next(&self) -> Result<Option<(usize, Instant)>> {
        self.due.acquire().await?.forget();
        let index = self.next.fetch_add(1, Ordering::Relaxed);
        Ok(self.schedule.get(index).map(|due| (index, self.begun + *due)))
    }

    /// Lets the moments come. A thread of its own: the runtime's timers know only whole milliseconds.
    pub(crate) fn start(self: &Arc<Self>) -> JoinHandle<()> {
        let pacer = Arc::clone(self);
        std::thread::spawn(move || pacer.pace())
    }

    /// No more moments.
    pub(crate) fn abandon(&self) {
        self.abandoned.store(true, Ordering::Relaxed);
    }

    fn pace(&self) {
        for due in &self.schedule {
            let early = (self.begun + *due).saturating_duration_since(Instant::now());
            if !early.is_zero() {
                std::thread::sleep(early);
            }
            if self.abandoned.load(Ordering::Relaxed) {
                return;
            }
            self.due.add_permits(1);
        }
        // Whoever still waits finds nothing left.
        self.due.add_permits(Semaphore::MAX_PERMITS / 2);
    }
}
