//! `gateway`: our gateway and its peers over one mock, in turns. Ours with a key, limits, a budget, prices and the usage
//! log on; theirs with everything off.

mod budget;
mod caller;
mod conclude;
mod measure;
mod mock;
mod peers;
mod sides;
mod soak;

use std::path::Path;
use std::time::Duration;

use anyhow::{Context as _, Result};

use crate::options::Options;
use crate::report::{Report, say};
use crate::seed::Seed;
use crate::{pinned, process};
use measure::Series;
use mock::Mock;
use sides::{Cpu, Phase, Round, Side, Streams};

pub(crate) use budget::run as budget;
pub(crate) use mock::serve as mock;
pub(crate) use soak::run as soak;

const KNOWN: [(&str, u64); 6] =
    [("rounds", 5), ("seconds", 4), ("warm-up", 2), ("konstruct", 1), ("peers", 1), ("paced-connections", 8)];
const CONNECTIONS: usize = 16;

pub(crate) async fn run(words: Vec<String>, binary: &Path) -> Result<()> {
    let options = Options::parse(words, &KNOWN)?;
    pinned::stay_aside()?;
    let mut report = Report::new("gateway", &options);
    let mock = Mock::start()?;
    let (mut sides, absent) = everybody(&options, binary, &mock).await?;
    let bench = Bench {
        lasts: Duration::from_secs(options.get("seconds")),
        paced_connections: options.get("paced-connections") as usize,
    };
    for side in &sides {
        bench.warm_up(side, Duration::from_secs(options.get("warm-up"))).await.context(side.name)?;
    }
    let mut seed = Seed::new(options.seed());
    for number in 1..=options.get("rounds") {
        for side in &mut sides {
            let round = bench.round(side, &mut seed).await.context(side.name)?;
            say(&format!(
                "round {number}: {}: p50 {:.3} ms alone; {:.0} /s over {CONNECTIONS}; load {:.2}",
                side.name,
                round.one.series.latency.ms(0.5),
                round.sixteen.series.rate(),
                process::load_average()
            ));
            side.rounds.push(round);
            report.look();
        }
    }
    report.set("settings", options.all());
    conclude::conclude(&mut report, &sides, &absent)?;
    report.finish()
}

/// Whoever can be started; of the others, why not.
async fn everybody(options: &Options, binary: &Path, mock: &Mock) -> Result<(Vec<Side>, Vec<(&'static str, String)>)> {
    let mut sides = vec![Side::direct(mock).await?];
    let mut absent = Vec::new();
    let mut add = |name, started: Result<Side>| match started {
        Ok(side) => sides.push(side),
        Err(error) => {
            say(&format!("{name} is left out: {error:#}"));
            absent.push((name, format!("{error:#}")));
        }
    };
    if options.get("konstruct") > 0 {
        add("konstruct", Side::konstruct(binary, mock).await);
    }
    if options.get("peers") > 0 {
        add("tensorzero", Side::tensorzero(mock).await);
        add("portkey", Side::portkey(mock).await);
        add("litellm", Side::litellm(mock).await);
    }
    Ok((sides, absent))
}

struct Bench {
    lasts: Duration,
    paced_connections: usize,
}

impl Bench {
    async fn warm_up(&self, side: &Side, lasts: Duration) -> Result<()> {
        let port = side.door.port;
        measure::closed(port, CONNECTIONS, &side.whole, lasts).await?;
        if side.no_streams.is_none() {
            measure::closed(port, 4, &side.burst, lasts).await?;
        }
        Ok(())
    }

    async fn round(&self, side: &Side, seed: &mut Seed) -> Result<Round> {
        let (port, lasts) = (side.door.port, self.lasts);
        let one = costing(side, measure::closed(port, 1, &side.whole, lasts)).await?;
        let sixteen = costing(side, measure::closed(port, CONNECTIONS, &side.whole, lasts)).await?;
        let half = sixteen.series.rate() / 2.0;
        let open = costing(side, measure::open(port, CONNECTIONS, &side.whole, (half, lasts, seed))).await?;
        let streams = match side.no_streams {
            Some(_) => None,
            None => Some(Streams {
                burst: costing(side, measure::closed(port, 1, &side.burst, lasts)).await?,
                paced: costing(side, measure::closed(port, self.paced_connections, &side.paced, lasts)).await?,
            }),
        };
        Ok(Round { one, sixteen, open, streams })
    }
}

async fn costing(side: &Side, series: impl Future<Output = Result<Series>>) -> Result<Phase> {
    let before = side.cpu()?;
    let series = series.await?;
    let after = side.cpu()?;
    let cpu = Cpu { gateway: after.gateway - before.gateway, postgres: after.postgres - before.postgres };
    Ok(Phase { series, cpu })
}
