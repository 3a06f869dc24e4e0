//! `peers`: the same signed events and the same fakes for the product and for the design it descends from, in turns.

mod celery;
pub(crate) mod install;

use std::path::Path;

use anyhow::{Context as _, Result, ensure};
use serde_json::{Map, Value, json};

use crate::events::Events;
use crate::options::Options;
use crate::outside::Outside;
use crate::process;
use crate::product::Product;
use crate::raw::postgres_version;
use crate::report::{Report, median, rounded, say};
use crate::traffic::{Alone, Pressure, Traffic};
use celery::{Aof, Celery, Environment};

const KNOWN: [(&str, u64); 7] = [
    ("rounds", 3),
    ("seconds", 10),
    ("warm-up", 3),
    ("window", 384),
    ("connections", 32),
    ("alone", 200),
    ("celery-workers", 2),
];

pub(crate) async fn run(words: Vec<String>, binary: &Path) -> Result<()> {
    let options = Options::parse(words, &KNOWN)?;
    let environment = Environment::prepare()?;
    let mut report = Report::new("peers", &options);
    let mut events = Events::new(options.seed());
    let outside = Outside::start().await?;
    let product = Product::start(binary, None).await?;
    product.furnish(&outside.model_url(), &outside.slack_url())?;
    report.set("postgresql", postgres_version(&product).await?.into());
    report.set("peer", environment.versions()?);
    let workers = options.get("celery-workers");
    let always = Celery::start(&environment, &outside, Aof::Always, workers).await?;
    let off = Celery::start(&environment, &outside, Aof::Off, workers).await?;
    let mut sides = [
        Side::new("konstruct", System::Product(product)),
        Side::new("celery, AOF always", System::Celery(always)),
        Side::new("celery, AOF off", System::Celery(off)),
    ];
    for side in &mut sides {
        let mut traffic = Traffic { port: side.port(), outside: &outside, events: &mut events };
        traffic.one_at_a_time(50).await.with_context(|| side.name)?;
        side.alone = Some(traffic.one_at_a_time(options.get("alone") as usize).await?);
    }
    for number in 1..=options.get("rounds") {
        for side in &mut sides {
            let mut traffic = Traffic { port: side.port(), outside: &outside, events: &mut events };
            side.round(&mut traffic, Pressure::of(&options)).await.with_context(|| side.name)?;
            let rate = side.rounds.last().map_or(0.0, |round| round.rate);
            say(&format!("round {number}: {}: {rate:.0} messages/s; load {:.2}", side.name, process::load_average()));
            report.look();
        }
    }
    let counts = outside.counts();
    ensure!(counts.surplus == 0, "{} answers too many", counts.surplus);
    report.set("settings", options.all());
    conclude(&mut report, &sides);
    report.finish()
}

enum System {
    Product(Product),
    Celery(Celery),
}

/// One of those compared, and what was measured of it.
struct Side {
    name: &'static str,
    system: System,
    alone: Option<Alone>,
    rounds: Vec<Round>,
}

struct Round {
    rate: f64,
    ack_p50: f64,
    ack_p99: f64,
    /// Milliseconds of CPU a message: each part of the side, and the generator with its fakes.
    cpu: Vec<(&'static str, f64)>,
    generator: f64,
}

impl Side {
    fn new(name: &'static str, system: System) -> Self {
        Self { name, system, alone: None, rounds: Vec::new() }
    }

    fn port(&self) -> u16 {
        match &self.system {
            System::Product(product) => product.port,
            System::Celery(celery) => celery.port,
        }
    }

    fn cpu_ms(&self) -> Result<Vec<(&'static str, f64)>> {
        match &self.system {
            System::Product(product) => {
                let (server, postgres) = product.cpu_ms()?;
                Ok(vec![("server", server), ("PostgreSQL", postgres)])
            }
            System::Celery(celery) => Ok(celery.cpu_ms()),
        }
    }

    async fn round(&mut self, traffic: &mut Traffic<'_>, pressure: Pressure) -> Result<()> {
        let mut marks = Vec::new();
        let saturated = traffic.saturate(pressure, || marks.push((self.cpu_ms(), process::own_cpu_ms()))).await?;
        let mut marks = marks.into_iter();
        let (from, to) = marks.next().zip(marks.next()).context("no CPU was read")?;
        let messages = saturated.answers as f64;
        let parts = from.0?.into_iter().zip(to.0?).map(|((name, from), (_, to))| (name, (to - from) / messages));
        self.rounds.push(Round {
            rate: saturated.rate,
            ack_p50: saturated.ack.ms(0.5),
            ack_p99: saturated.ack.ms(0.99),
            cpu: parts.collect(),
            generator: (to.1 - from.1) / messages,
        });
        Ok(())
    }

    fn middle(&self, of: impl Fn(&Round) -> f64) -> f64 {
        median(&self.rounds.iter().map(of).collect::<Vec<_>>())
    }

    fn cpu(&self) -> f64 {
        self.middle(|round| round.cpu.iter().map(|(_, ms)| ms).sum())
    }

    fn alone_ms(&self, quantile: f64) -> f64 {
        self.alone.as_ref().map_or(0.0, |alone| alone.reply.ms(quantile))
    }

    fn figures(&self) -> Value {
        let names = self.rounds.iter().take(1).flat_map(|round| &round.cpu).map(|(name, _)| *name);
        let parts: Map<String, Value> = names
            .map(|name| {
                let of = |round: &Round| round.cpu.iter().find(|(part, _)| *part == name).map_or(0.0, |(_, ms)| *ms);
                (name.to_owned(), rounded(self.middle(of)).into())
            })
            .collect();
        json!({
            "rate": self.middle(|round| round.rate).round(),
            "rates": self.rounds.iter().map(|round| round.rate.round()).collect::<Vec<_>>(),
            "alone_p50_ms": self.alone_ms(0.5), "alone_p99_ms": self.alone_ms(0.99),
            "ack_p50_ms": self.middle(|round| round.ack_p50), "ack_p99_ms": self.middle(|round| round.ack_p99),
            "cpu_ms": rounded(self.cpu()), "cpu_ms_of": parts,
            "generator_cpu_ms": rounded(self.middle(|round| round.generator)),
        })
    }
}

fn conclude(report: &mut Report, sides: &[Side]) {
    let ours = &sides[0];
    for side in sides {
        let rate = side.middle(|round| round.rate);
        let (rate_remark, cpu_remark) = if std::ptr::eq(side, ours) {
            (String::new(), String::new())
        } else {
            let times = ours.middle(|round| round.rate) / rate;
            (format!("konstruct: {times:.1} times that"), format!("{:.1} times konstruct's", side.cpu() / ours.cpu()))
        };
        let mut row = |what: &str, how_much: String, remark: &str| {
            report.row(&format!("{}: {what}", side.name), how_much, remark);
        };
        row("messages answered", format!("{rate:.0} /s"), &rate_remark);
        row("CPU a message, all its processes", format!("{:.2} ms", side.cpu()), &cpu_remark);
        let alone = format!("{:.1} / {:.1} ms", side.alone_ms(0.5), side.alone_ms(0.99));
        row("event to answer, alone, p50 / p99", alone, "");
        let (p50, p99) = (side.middle(|round| round.ack_p50), side.middle(|round| round.ack_p99));
        row("acknowledgement, saturated, p50 / p99", format!("{p50:.0} / {p99:.0} ms"), "");
    }
    let figures: Map<String, Value> = sides.iter().map(|side| (side.name.to_owned(), side.figures())).collect();
    report.set("figures", figures.into());
}
