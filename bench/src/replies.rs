//! `replies`: from a signed event to its answer in the thread, everything on, with a model server that answers at once.

use std::path::Path;
use std::time::Duration;

use anyhow::{Result, ensure};
use serde_json::json;

use crate::events::Events;
use crate::load::Histogram;
use crate::options::Options;
use crate::outside::Outside;
use crate::process;
use crate::product::Product;
use crate::raw::postgres_version;
use crate::report::{Report, median, rounded, say};
use crate::statements;
use crate::traffic::{Pressure, Traffic};

const KNOWN: [(&str, u64); 7] = [
    ("alone", 500),
    ("rounds", 3),
    ("seconds", 12),
    ("warm-up", 4),
    ("window", 384),
    ("connections", 32),
    ("statements", 0),
];

pub(crate) async fn run(words: Vec<String>, binary: &Path) -> Result<()> {
    let options = Options::parse(words, &KNOWN)?;
    let mut report = Report::new("replies", &options);
    let mut events = Events::new(options.seed());
    let outside = Outside::start().await?;
    let mut product = Product::start(binary, None).await?;
    product.furnish(&outside.model_url(), &outside.slack_url())?;
    if options.get("statements") > 0 {
        product.count_statements().await?;
    }
    let mut traffic = Traffic { port: product.port, outside: &outside, events: &mut events };
    traffic.one_at_a_time(100).await?;
    let alone = traffic.one_at_a_time(options.get("alone") as usize).await?;
    say(&format!("one at a time: p50 {:.2} ms, p99 {:.2} ms", alone.reply.ms(0.5), alone.reply.ms(0.99)));

    let pressure = Pressure::of(&options);
    let (mut rates, mut cpu, mut reply, mut ack) = (Vec::new(), Vec::new(), Histogram::new(), Histogram::new());
    for number in 1..=options.get("rounds") {
        let mut marks = Vec::new();
        let saturated = traffic.saturate(pressure, || marks.push((product.cpu_ms(), process::own_cpu_ms()))).await?;
        let mut marks =
            marks.into_iter().map(|(product, own)| product.map(|(server, postgres)| [server, postgres, own]));
        if let (Some(from), Some(to)) = (marks.next(), marks.next()) {
            let (from, to) = (from?, to?);
            cpu.push([0, 1, 2].map(|index| (to[index] - from[index]) / saturated.answers as f64));
        }
        let load = process::load_average();
        say(&format!(
            "round {number}: {:.0} messages/s over {:.1?}; load {load:.2}",
            saturated.rate, saturated.measured
        ));
        rates.push(saturated.rate);
        reply.merge(&saturated.reply);
        ack.merge(&saturated.ack);
        report.look();
    }
    let counts = outside.counts();
    if options.get("statements") > 0 {
        report.set("statements", statements::read(&product, counts.answers).await?);
    }
    ensure!(counts.surplus == 0, "{} answers too many", counts.surplus);

    let rate = median(&rates);
    let cpu = [0, 1, 2].map(|index| median(&cpu.iter().map(|round: &[f64; 3]| round[index]).collect::<Vec<_>>()));
    report.row("messages answered, saturated", format!("{rate:.0} /s"), "aim: >= 1,500 /s");
    report.row("event to answer, one at a time, p50", format!("{:.2} ms", alone.reply.ms(0.5)), "aim: < 10 ms");
    report.row("event to answer, one at a time, p99", format!("{:.2} ms", alone.reply.ms(0.99)), "");
    report.row("event to acknowledgement, one at a time, p50", format!("{:.2} ms", alone.ack.ms(0.5)), "");
    report.row("event to answer, saturated, p50", format!("{:.0} ms", reply.ms(0.5)), "the window over the rate");
    report.row("acknowledgement, saturated, p50 / p99", format!("{:.1} / {:.1} ms", ack.ms(0.5), ack.ms(0.99)), "");
    for (name, ms) in ["server", "PostgreSQL", "generator and fakes"].iter().zip(cpu) {
        report.row(&format!("CPU a message, {name}"), format!("{ms:.3} ms"), "");
    }
    report.row("placeholders / answers", format!("{} / {}", counts.placeholders, counts.answers), "");
    report.set("postgresql", postgres_version(&product).await?.into());
    report.set("settings", options.all());
    report.set("running", "konstruct serve, all roles; each event a mention that begins a thread".into());
    report.set("aims", json!({"rate": 1500, "p50_ms": 10}));
    report.set(
        "figures",
        json!({
            "rate": rate.round(), "rates": rates.iter().map(|rate| rate.round()).collect::<Vec<_>>(),
            "alone": {"reply_p50_ms": alone.reply.ms(0.5), "reply_p99_ms": alone.reply.ms(0.99),
                      "ack_p50_ms": alone.ack.ms(0.5), "ack_p99_ms": alone.ack.ms(0.99)},
            "saturated": {"reply_p50_ms": reply.ms(0.5), "reply_p99_ms": reply.ms(0.99),
                          "ack_p50_ms": ack.ms(0.5), "ack_p99_ms": ack.ms(0.99)},
            "cpu_ms": {"server": rounded(cpu[0]), "postgresql": rounded(cpu[1]), "generator": rounded(cpu[2])},
            "counts": {"model_calls": counts.model_calls, "placeholders": counts.placeholders,
                       "answers": counts.answers, "surplus": counts.surplus},
        }),
    );
    report.finish()
}

impl Pressure {
    /// From the options `window`, `connections`, `warm-up` and `seconds`.
    pub(crate) fn of(options: &Options) -> Self {
        Self {
            window: options.get("window") as usize,
            connections: options.get("connections") as usize,
            warm_up: Duration::from_secs(options.get("warm-up")),
            measured: Duration::from_secs(options.get("seconds")),
        }
    }
}
