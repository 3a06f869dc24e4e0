//! The load generator: requests that were made and signed ahead, over kept-alive connections.
//!
//! Invariant: an open loop measures from the moment a request was *meant* to be sent; a server that stalls is charged
//! for every request that had to wait.

mod histogram;
mod wire;

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
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
    let mut due = Duration::from_millis(20);
    let schedule = requests.iter().map(|_| {
        due += Duration::from_secs_f64(-seed.unit().ln() / rate);
        due
    });
    let schedule = schedule.collect();
    let wires = connect(port, connections).await?;
    let series = Arc::new(Series::new(requests, Some(schedule)));
    let pacer = std::thread::spawn({
        let series = Arc::clone(&series);
        move || series.pace()
    });
    let outcome = series.run(wires).await;
    series.abandoned.store(true, Ordering::Relaxed);
    if pacer.join().is_err() {
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
    /// When each is due after the beginning; `None`: at once.
    schedule: Option<Vec<Duration>>,
    due: Semaphore,
    begun: Instant,
    abandoned: AtomicBool,
}

impl Series {
    fn new(requests: Vec<Vec<u8>>, schedule: Option<Vec<Duration>>) -> Self {
        let next = AtomicUsize::new(0);
        let due = Semaphore::new(0);
        Self { requests, next, schedule, due, begun: Instant::now(), abandoned: AtomicBool::new(false) }
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
            if self.schedule.is_some() {
                self.due.acquire().await?.forget();
            }
            let index = self.next.fetch_add(1, Ordering::Relaxed);
            let Some(request) = self.requests.get(index) else { return Ok((latency, refused)) };
            let meant = match &self.schedule {
                Some(schedule) => self.begun + schedule[index],
                None => Instant::now(),
            };
            let status = wire.ask(request).await?.status();
            latency.record(meant.elapsed());
            refused += u64::from(status != 200);
        }
    }

    /// Lets requests go when they are due. A thread of its own: the runtime's timers know only whole milliseconds.
    fn pace(&self) {
        for due in self.schedule.iter().flatten() {
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
