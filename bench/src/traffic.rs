//! Messages that are answered: one at a time, or as many at once as saturate the other side.

use std::sync::Arc;
use std::time::{Duration, Instant};

use anyhow::{Context as _, Result, bail};
use tokio::sync::{Semaphore, mpsc};
use tokio::task::JoinSet;
use tokio::time::timeout;

use crate::events::{Delivery, Events};
use crate::load::{Histogram, Wire};
use crate::outside::Outside;

/// One message that gets no answer ends the benchmark.
const PATIENCE: Duration = Duration::from_secs(60);

/// Where messages go in and come out.
pub(crate) struct Traffic<'a> {
    pub(crate) port: u16,
    pub(crate) outside: &'a Outside,
    pub(crate) events: &'a mut Events,
}

/// What one at a time cost: until the acknowledgement, until the answer stood.
pub(crate) struct Alone {
    pub(crate) ack: Histogram,
    pub(crate) reply: Histogram,
}

/// What many at once came to.
pub(crate) struct Saturated {
    /// Answers a second over the measured part.
    pub(crate) rate: f64,
    pub(crate) answers: u64,
    pub(crate) measured: Duration,
    pub(crate) ack: Histogram,
    pub(crate) reply: Histogram,
}

/// How hard to press.
#[derive(Clone, Copy)]
pub(crate) struct Pressure {
    /// Messages sent and not yet answered.
    pub(crate) window: usize,
    pub(crate) connections: usize,
    pub(crate) warm_up: Duration,
    pub(crate) measured: Duration,
}

impl Traffic<'_> {
    /// Sends a message, waits for its answer, sends the next.
    pub(crate) async fn one_at_a_time(&mut self, count: usize) -> Result<Alone> {
        let mut answers = self.outside.listen();
        let mut wire = Wire::connect(self.port).await?;
        let mut alone = Alone { ack: Histogram::new(), reply: Histogram::new() };
        for delivery in self.events.deliveries(count) {
            alone.ack.record(send(&mut wire, &delivery, self.outside).await?);
            let answered = timeout(PATIENCE, answers.recv()).await.context("a message got no answer")?;
            alone.reply.record(answered.context("the fake Slack is gone")?);
        }
        Ok(alone)
    }

    /// Keeps `window` messages under way. `measuring` is called when the measured part begins and when it ends.
    pub(crate) async fn saturate(&mut self, pressure: Pressure, mut measuring: impl FnMut()) -> Result<Saturated> {
        let mut answers = self.outside.listen();
        let window = Arc::new(Semaphore::new(pressure.window));
        let (feed, queue) = mpsc::channel::<Delivery>(256);
        let senders = self.senders(pressure.connections, queue).await?;
        let (mut answered, mut reply) = (0_u64, Histogram::new());
        let begun = Instant::now();
        let (mut from, mut took) = (None, None);
        while took.is_none() {
            let room = window.available_permits().min(64);
            if room > 0 {
                for delivery in self.events.deliveries(room) {
                    window.acquire().await?.forget();
                    self.outside.await_answer(&delivery.thread_ts);
                    feed.send(delivery).await.context("the senders have failed")?;
                }
            }
            let told = timeout(PATIENCE, answers.recv()).await.context("no answer for a minute")?;
            let mut next = Some(told.context("the fake Slack is gone")?);
            while let Some(latency) = next {
                window.add_permits(1);
                if from.is_some() {
                    answered += 1;
                    reply.record(latency);
                }
                next = answers.try_recv().ok();
            }
            match from {
                None if begun.elapsed() >= pressure.warm_up => {
                    measuring();
                    from = Some(Instant::now());
                }
                Some(from) if from.elapsed() >= pressure.measured => {
                    took = Some(from.elapsed());
                    measuring();
                }
                _ => {}
            }
        }
        drop(feed);
        let ack = senders.join().await?;
        self.settle().await?;
        let measured = took.unwrap_or_default();
        Ok(Saturated { rate: answered as f64 / measured.as_secs_f64(), answers: answered, measured, ack, reply })
    }

    /// Waits until everything is answered.
    async fn settle(&self) -> Result<()> {
        let begun = Instant::now();
        while self.outside.unanswered() > 0 {
            if begun.elapsed() > PATIENCE {
                bail!("{} messages got no answer", self.outside.unanswered());
            }
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
        Ok(())
    }

    async fn senders(&self, connections: usize, queue: mpsc::Receiver<Delivery>) -> Result<Senders> {
        let queue = Arc::new(tokio::sync::Mutex::new(queue));
        let mut tasks = JoinSet::new();
        for _ in 0..connections {
            let (mut wire, queue) = (Wire::connect(self.port).await?, Arc::clone(&queue));
            tasks.spawn(async move {
                let mut ack = Histogram::new();
                loop {
                    let next = queue.lock().await.recv().await;
                    let Some(delivery) = next else { return Ok(ack) };
                    let sent = Instant::now();
                    let status = wire.ask(&delivery.request).await?.status();
                    if status != 200 {
                        bail!("an event was refused with status {status}");
                    }
                    ack.record(sent.elapsed());
                }
            });
        }
        Ok(Senders { tasks })
    }
}

struct Senders {
    tasks: JoinSet<Result<Histogram>>,
}

impl Senders {
    async fn join(mut self) -> Result<Histogram> {
        let mut all = Histogram::new();
        while let Some(ended) = self.tasks.join_next().await {
            all.merge(&ended??);
        }
        Ok(all)
    }
}

async fn send(wire: &mut Wire, delivery: &Delivery, outside: &Outside) -> Result<Duration> {
    outside.await_answer(&delivery.thread_ts);
    let sent = Instant::now();
    let status = wire.ask(&delivery.request).await?.status();
    if status != 200 {
        bail!("an event was refused with status {status}");
    }
    Ok(sent.elapsed())
}
