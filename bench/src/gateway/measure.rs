//! The loops: closed (each connection asks again as soon as it has its answer) and open (at random moments).

use std::sync::Arc;
use std::time::{Duration, Instant};

use anyhow::{Result, ensure};
use tokio::task::JoinSet;

use super::caller::{Caller, Heard, Question};
use crate::load::{Histogram, Pacer};
use crate::seed::Seed;

/// What a series of questions came to.
#[derive(Clone, Debug)]
pub(crate) struct Series {
    pub(crate) took: Duration,
    pub(crate) latency: Histogram,
    pub(crate) first: Histogram,
    pub(crate) delay: Histogram,
    pub(crate) gap: Histogram,
    /// Answers that were no answers.
    pub(crate) refused: u64,
}

impl Series {
    fn new() -> Self {
        let [latency, first, delay, gap] = [(); 4].map(|()| Histogram::new());
        Self { took: Duration::ZERO, latency, first, delay, gap, refused: 0 }
    }

    pub(crate) fn rate(&self) -> f64 {
        (self.latency.count() - self.refused) as f64 / self.took.as_secs_f64()
    }

    fn note(&mut self, latency: Duration, heard: &Heard, question: &Question) {
        self.latency.record(latency);
        self.first.record(heard.first);
        heard.delays.iter().for_each(|delay| self.delay.record(*delay));
        heard.gaps.iter().for_each(|gap| self.gap.record(*gap));
        self.refused += u64::from(!heard.is_whole(question));
    }

    fn merge(&mut self, other: &Self) {
        self.latency.merge(&other.latency);
        self.first.merge(&other.first);
        self.delay.merge(&other.delay);
        self.gap.merge(&other.gap);
        self.refused += other.refused;
    }
}

/// Asks over `connections` for as long as `lasts`.
pub(crate) async fn closed(port: u16, connections: usize, question: &Question, lasts: Duration) -> Result<Series> {
    let callers = connect(port, connections).await?;
    let begun = Instant::now();
    let mut clients = JoinSet::new();
    for mut caller in callers {
        let question = question.clone();
        clients.spawn(async move {
            let mut series = Series::new();
            while begun.elapsed() < lasts {
                let heard = caller.ask(&question).await?;
                series.note(heard.total, &heard, &question);
            }
            anyhow::Ok(series)
        });
    }
    gather(clients, begun).await
}

/// Asks at random moments (a Poisson process) of this mean rate a second; latency counts from the moment a question was
/// meant to be sent.
pub(crate) async fn open(
    port: u16,
    connections: usize,
    question: &Question,
    (rate, lasts, seed): (f64, Duration, &mut Seed),
) -> Result<Series> {
    let callers = connect(port, connections).await?;
    let count = (rate * lasts.as_secs_f64()) as usize;
    let pacer = Arc::new(Pacer::new(rate, count, seed));
    let begun = Instant::now();
    let mut clients = JoinSet::new();
    for mut caller in callers {
        let (pacer, question) = (Arc::clone(&pacer), question.clone());
        clients.spawn(async move {
            let mut series = Series::new();
            while let Some((_, meant)) = pacer.next().await? {
                let heard = caller.ask(&question).await?;
                series.note(meant.elapsed(), &heard, &question);
            }
            anyhow::Ok(series)
        });
    }
    let pacing = pacer.start();
    let series = gather(clients, begun).await;
    pacer.abandon();
    pacing.join().ok();
    series
}

async fn connect(port: u16, connections: usize) -> Result<Vec<Caller>> {
    let mut callers = Vec::with_capacity(connections);
    for _ in 0..connections {
        callers.push(Caller::connect(port).await?);
    }
    Ok(callers)
}

async fn gather(mut clients: JoinSet<Result<Series>>, begun: Instant) -> Result<Series> {
    let mut all = Series::new();
    while let Some(ended) = clients.join_next().await {
        all.merge(&ended??);
    }
    all.took = begun.elapsed();
    let (count, refused) = (all.latency.count(), all.refused);
    ensure!(count > 0 && refused * 1000 <= count, "{refused} of {count} questions were not answered");
    Ok(all)
}
