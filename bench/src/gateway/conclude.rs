//! From rounds to figures: the median over the rounds, what a side adds being its own less the mock's of the same round.

use anyhow::Result;
use serde_json::{Map, Value, json};

use super::sides::{Phase, Round, Side, Streams};
use crate::report::{Report, median, rounded};

type Figure<'a> = dyn Fn(&Phase) -> f64 + 'a;

pub(super) fn conclude(report: &mut Report, sides: &[Side], absent: &[(&'static str, String)]) -> Result<()> {
    let direct = &sides[0];
    let mut figures = Map::new();
    for side in sides {
        figures.insert(side.name.to_owned(), figures_of(side, direct)?);
    }
    for (name, reason) in absent {
        figures.insert((*name).to_owned(), json!({"left_out": reason}));
        report.row(name, "left out", reason.lines().next().unwrap_or_default());
    }
    report.row("", columns(sides.iter().map(|side| side.name.to_owned())), "");
    for (what, path, unit, aim) in TABLE {
        let found = |side: &Side| path.iter().try_fold(&figures[side.name], |value, part| value.get(part))?.as_f64();
        let shown = |side: &Side| found(side).map_or("-".to_owned(), |value| value.to_string());
        report.row(&format!("{what}, {unit}"), columns(sides.iter().map(shown)), aim);
    }
    for side in sides {
        if let Some(reason) = &side.no_streams {
            report.row(&format!("no streams: {}", side.name), "", reason.lines().next().unwrap_or_default());
        }
    }
    report.set("figures", figures.into());
    let rounds: Map<String, Value> =
        sides.iter().map(|side| (side.name.to_owned(), side.rounds.iter().map(figures_of_round).collect())).collect();
    report.set("rounds", rounds.into());
    report.set(
        "aims",
        json!({"cpu_ms": 0.15, "added_p50_ms": 0.25, "stream_cpu_ms": 0.3, "stream_added_ms": 1.0,
                              "rss_mib": 64}),
    );
    Ok(())
}

/// What is printed: the name, where the figure stands, its unit, and our aim.
const TABLE: [(&str, &[&str], &str, &str); 18] = [
    ("p50, one at a time", &["one", "p50_ms"], "ms", ""),
    ("CPU a request, one at a time", &["one", "cpu_ms"], "ms", "aim: <= 0.15 ms"),
    ("CPU a request, 16 connections", &["sixteen", "cpu_ms"], "ms", "aim: <= 0.15 ms"),
    ("PostgreSQL's beside it", &["sixteen", "postgres_cpu_ms"], "ms", ""),
    ("requests, 16 connections", &["sixteen", "rate"], "/s", ""),
    ("added p50, one at a time", &["one", "added_p50_ms"], "ms", "aim: <= 0.25 ms"),
    ("added p99, one at a time", &["one", "added_p99_ms"], "ms", ""),
    ("added p50, 16 connections", &["sixteen", "added_p50_ms"], "ms", ""),
    ("added p99, 16 connections", &["sixteen", "added_p99_ms"], "ms", ""),
    ("p99 at half its rate", &["open", "p99_ms"], "ms", "open loop, from the intended moment"),
    ("stream of 50 at once: added in all", &["burst", "added_p50_ms"], "ms", "aim: <= 1 ms"),
    ("stream of 50 at once: added to the first piece", &["burst", "added_first_p50_ms"], "ms", ""),
    ("stream of 50 at once: CPU", &["burst", "cpu_ms"], "ms", "aim: <= 0.3 ms"),
    ("paced stream: CPU", &["paced", "cpu_ms"], "ms", ""),
    ("paced stream: added to the first piece", &["paced", "added_first_p50_ms"], "ms", ""),
    ("paced stream: a piece is late by, p99", &["paced", "delay_p99_ms"], "ms", ""),
    ("memory before, RSS", &["rss_before_mib"], "MiB", ""),
    ("memory after, RSS", &["rss_after_mib"], "MiB", "aim: <= 64 MiB"),
];

fn columns(cells: impl Iterator<Item = String>) -> String {
    cells.map(|cell| format!("{cell:>11}")).collect()
}

fn figures_of(side: &Side, direct: &Side) -> Result<Value> {
    let mib = |kib: u64| rounded(kib as f64 / 1024.0);
    let mut figures = json!({
        "one": phase(side, direct, |round| Some(&round.one)),
        "sixteen": phase(side, direct, |round| Some(&round.sixteen)),
        "open": phase(side, direct, |round| Some(&round.open)),
        "rss_before_mib": mib(side.before.rss), "rss_after_mib": mib(side.memory()?.rss),
    });
    if let Some(reason) = &side.no_streams {
        figures["streams"] = json!({"none_because": reason});
        return Ok(figures);
    }
    figures["burst"] = phase(side, direct, |round| Some(&round.streams.as_ref()?.burst));
    figures["paced"] = phase(side, direct, |round| Some(&round.streams.as_ref()?.paced));
    Ok(figures)
}

/// The figures of one phase over all rounds.
fn phase(side: &Side, direct: &Side, of: impl Fn(&Round) -> Option<&Phase> + Copy) -> Value {
    let middle =
        |figure: &Figure<'_>| rounded(median(&side.rounds.iter().filter_map(of).map(figure).collect::<Vec<_>>()));
    let added = |figure: &Figure<'_>| {
        let pairs = side.rounds.iter().zip(&direct.rounds);
        let differences = pairs.filter_map(|(ours, bare)| Some(figure(of(ours)?) - figure(of(bare)?)));
        rounded(median(&differences.collect::<Vec<_>>()))
    };
    let mut figures = json!({
        "rate": middle(&|phase| phase.series.rate()),
        "p50_ms": middle(&|phase| phase.series.latency.ms(0.5)),
        "p99_ms": middle(&|phase| phase.series.latency.ms(0.99)),
        "added_p50_ms": added(&|phase| phase.series.latency.ms(0.5)),
        "added_p99_ms": added(&|phase| phase.series.latency.ms(0.99)),
        "cpu_ms": rounded(cpu_each(side, of, |phase| phase.cpu.gateway)),
        "postgres_cpu_ms": rounded(cpu_each(side, of, |phase| phase.cpu.postgres)),
    });
    let streamed = side.rounds.iter().filter_map(of).any(|phase| phase.series.delay.count() > 0);
    if streamed {
        figures["first_p50_ms"] = middle(&|phase| phase.series.first.ms(0.5)).into();
        figures["added_first_p50_ms"] = added(&|phase| phase.series.first.ms(0.5)).into();
        figures["delay_p50_ms"] = middle(&|phase| phase.series.delay.ms(0.5)).into();
        figures["delay_p99_ms"] = middle(&|phase| phase.series.delay.ms(0.99)).into();
        figures["gap_p50_ms"] = middle(&|phase| phase.series.gap.ms(0.5)).into();
        figures["gap_p99_ms"] = middle(&|phase| phase.series.gap.ms(0.99)).into();
    }
    figures
}

/// Over all rounds together: the kernel counts CPU in ticks of ten milliseconds.
fn cpu_each(side: &Side, of: impl Fn(&Round) -> Option<&Phase>, cpu: impl Fn(&Phase) -> f64) -> f64 {
    let phases = || side.rounds.iter().filter_map(&of);
    let count: u64 = phases().map(|phase| phase.series.latency.count()).sum();
    phases().map(cpu).sum::<f64>() / count.max(1) as f64
}

fn figures_of_round(round: &Round) -> Value {
    let mut figures = json!({"one": brief(&round.one), "sixteen": brief(&round.sixteen), "open": brief(&round.open)});
    if let Some(Streams { burst, paced }) = &round.streams {
        figures["burst"] = brief(burst);
        figures["paced"] = brief(paced);
    }
    figures
}

fn brief(phase: &Phase) -> Value {
    let Phase { series, cpu } = phase;
    let count = series.latency.count().max(1) as f64;
    json!({
        "rate": rounded(series.rate()), "count": series.latency.count(), "refused": series.refused,
        "p50_ms": series.latency.ms(0.5), "p99_ms": series.latency.ms(0.99), "max_ms": series.latency.max_ms(),
        "first_p50_ms": series.first.ms(0.5), "delay_p50_ms": series.delay.ms(0.5), "delay_p99_ms": series.delay.ms(0.99),
        "gap_p99_ms": series.gap.ms(0.99), "cpu_ms": rounded(cpu.gateway / count),
        "postgres_cpu_ms": rounded(cpu.postgres / count),
    })
}
