//! `acks`: how many signed events a second are acknowledged durably, how fast, and against what the database could do.

use std::path::Path;
use std::time::Duration;

use anyhow::{Result, bail};
use serde_json::{Value, json};

use crate::events::Events;
use crate::load::{Histogram, closed_loop, open_loop};
use crate::options::Options;
use crate::process;
use crate::product::Product;
use crate::raw::{Counters, Raw, postgres_version};
use crate::report::{Report, median, rounded, say};
use crate::seed::Seed;

const KNOWN: [(&str, u64); 5] =
    [("connections", 256), ("rounds", 5), ("seconds", 6), ("open-seconds", 20), ("open-connections", 256)];
/// No model, no Slack: nothing is called by a node that only takes deliveries.
const NOWHERE: &str = "http://127.0.0.1:9/";
/// What is asked for at first, until the rate is known.
const WARM_UP: usize = 4000;

/// One round of each.
struct Round {
    rate: f64,
    batch: f64,
    raw_rate: f64,
    raw_batch_ms: f64,
    /// Microseconds an acknowledgement: server, PostgreSQL, generator; and PostgreSQL's a raw row.
    cpu: [f64; 4],
    latency: Histogram,
}

pub(crate) async fn run(words: Vec<String>, binary: &Path) -> Result<()> {
    let options = Options::parse(words, &KNOWN)?;
    let mut report = Report::new("acks", &options);
    let mut events = Events::new(options.seed());
    let product = Product::start(binary, Some("gateway")).await?;
    product.furnish(NOWHERE, NOWHERE)?;
    let bench = Bench { product: &product, connections: options.get("connections") as usize };
    let mut rate = bench.warm_up(&mut events).await?;
    let mut raw = Raw::connect(&product, Seed::new(options.seed())).await?;
    let mut rounds = Vec::new();
    for number in 1..=options.get("rounds") {
        let round = bench.round(&mut events, &mut raw, (rate, options.get("seconds"))).await?;
        say(&format!(
            "round {number}: {:.0} acks/s in batches of {:.1}; raw {:.0} rows/s ({:.2} ms a batch); load {:.2}",
            round.rate,
            round.batch,
            round.raw_rate,
            round.raw_batch_ms,
            process::load_average()
        ));
        rate = round.rate;
        rounds.push(round);
        report.look();
    }
    let half = median(&rounds.iter().map(|round| round.rate).collect::<Vec<_>>()) / 2.0;
    let open = bench.open(&mut events, &options, half).await?;
    report.set("postgresql", postgres_version(&product).await?.into());
    report.set("settings", options.all());
    report.set("running", "konstruct serve --roles gateway; each event a mention that begins a thread".into());
    conclude(&mut report, &rounds, half, &open);
    report.finish()
}

struct Bench<'a> {
    product: &'a Product,
    connections: usize,
}

impl Bench<'_> {
    /// The rate of a short run, after another one that fills caches.
    async fn warm_up(&self, events: &mut Events) -> Result<f64> {
        let mut rate = 0.0;
        for _ in 0..2 {
            rate = closed_loop(self.product.port, self.connections, events.requests(WARM_UP)).await?.check()?.rate();
        }
        if rate < 1.0 {
            bail!("nothing is acknowledged");
        }
        Ok(rate)
    }

    /// `seconds` of acknowledgements at the given rate, and as long the raw statement in batches of the same size.
    async fn round(&self, events: &mut Events, raw: &mut Raw, (rate, seconds): (f64, u64)) -> Result<Round> {
        let requests = events.requests((rate * seconds as f64) as usize);
        let before = Counters::read(self.product).await?;
        let (cpu, own) = (self.product.cpu_ms()?, process::own_cpu_ms());
        let outcome = closed_loop(self.product.port, self.connections, requests).await?.check()?;
        let (used, own) = (self.product.cpu_ms()?, process::own_cpu_ms() - own);
        let after = Counters::read(self.product).await?;
        let acks = outcome.latency.count() as f64;
        let batch = (after.messages - before.messages) as f64 / (after.commits - before.commits).max(1) as f64;

        let postgres = self.product.cpu_ms()?.1;
        let raw = raw.run((batch.round() as usize).max(1), Duration::from_secs(seconds)).await?;
        let raw_cpu = (self.product.cpu_ms()?.1 - postgres) * 1000.0 / raw.rows as f64;
        let each = |ms: f64| ms * 1000.0 / acks;
        Ok(Round {
            rate: outcome.rate(),
            batch,
            raw_rate: raw.rate,
            raw_batch_ms: raw.batch_ms,
            cpu: [each(used.0 - cpu.0), each(used.1 - cpu.1), each(own), raw_cpu],
            latency: outcome.latency,
        })
    }

    async fn open(&self, events: &mut Events, options: &Options, rate: f64) -> Result<Histogram> {
        let requests = events.requests((rate * options.get("open-seconds") as f64) as usize);
        let mut seed = Seed::new(options.seed());
        let connections = options.get("open-connections") as usize;
        Ok(open_loop(self.product.port, connections, requests, (rate, &mut seed)).await?.check()?.latency)
    }
}

fn conclude(report: &mut Report, rounds: &[Round], half: f64, open: &Histogram) {
    let middle = |of: &dyn Fn(&Round) -> f64| median(&rounds.iter().map(of).collect::<Vec<_>>());
    let (rate, raw) = (middle(&|round| round.rate), middle(&|round| round.raw_rate));
    let ratio = middle(&|round| round.rate / round.raw_rate);
    let (batch, raw_batch_ms) = (middle(&|round| round.batch), middle(&|round| round.raw_batch_ms));
    let cpu = [0, 1, 2, 3].map(|index| middle(&|round: &Round| round.cpu[index]));
    let mut closed = Histogram::new();
    rounds.iter().for_each(|round| closed.merge(&round.latency));

    report.row("durable acknowledgements", format!("{rate:.0} /s"), "aim: >= 12,000 /s");
    report.row("the raw statement, batches alike", format!("{raw:.0} /s"), "");
    report.row("ratio", format!("{:.0} %", ratio * 100.0), "aim: >= 50 %");
    report.row("messages a commit", format!("{batch:.1}"), "");
    report.row("a raw commit", format!("{raw_batch_ms:.2} ms"), "");
    report.row("p50 at half the rate", format!("{:.2} ms", open.ms(0.5)), "open loop, from the intended moment");
    report.row("p99 at half the rate", format!("{:.2} ms", open.ms(0.99)), "aim: < 20 ms");
    report.row("p99.9 at half the rate", format!("{:.2} ms", open.ms(0.999)), "");
    report.row("p50 / p99 at the full rate", format!("{:.1} / {:.1} ms", closed.ms(0.5), closed.ms(0.99)), "");
    for (name, micros) in ["server", "PostgreSQL", "generator"].iter().zip(cpu) {
        report.row(&format!("CPU an acknowledgement, {name}"), format!("{micros:.0} us"), "");
    }
    report.row("CPU a raw row, PostgreSQL", format!("{:.0} us", cpu[3]), "");
    let each: Vec<Value> = rounds.iter().map(figures).collect();
    report.set("rounds", each.into());
    report.set(
        "open_loop",
        json!({"rate": half.round(), "requests": open.count(), "p50_ms": open.ms(0.5), "p99_ms": open.ms(0.99),
               "p999_ms": open.ms(0.999), "max_ms": open.max_ms()}),
    );
    report.set("aims", json!({"rate": 12_000, "ratio": 0.5, "p99_ms": 20}));
    report.set("figures", json!({"rate": rate.round(), "raw_rate": raw.round(), "ratio": rounded(ratio)}));
}

fn figures(round: &Round) -> Value {
    json!({
        "rate": round.rate.round(), "raw_rate": round.raw_rate.round(), "messages_per_commit": rounded(round.batch),
        "raw_commit_ms": rounded(round.raw_batch_ms), "p50_ms": round.latency.ms(0.5), "p99_ms": round.latency.ms(0.99),
        "cpu_us": {"server": rounded(round.cpu[0]), "postgresql": rounded(round.cpu[1]),
                   "generator": rounded(round.cpu[2]), "postgresql_raw": rounded(round.cpu[3])},
    })
}
