//! `gateway-soak`: mixed traffic for long, and whether memory stays what it was.

use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use anyhow::{Context as _, Result, ensure};
use serde_json::json;
use tokio::task::JoinSet;

use super::caller::{Caller, Question, try_once};
use super::mock::Mock;
use super::sides::{WORDS, installation, konstruct_door};
use crate::options::Options;
use crate::product::Product;
use crate::report::{Report, median, rounded, say};
use crate::seed::Seed;
use crate::{pinned, process};

const KNOWN: [(&str, u64); 3] = [("minutes", 60), ("connections", 32), ("pause-ms", 20)];
/// Memory is looked at so often in the whole run.
const LOOKS: u32 = 240;
/// Beside what is a fault of ours: a client that got no answer at all.
const MOST_FAILURES: u64 = 1000;

/// What clients do, and how often in a hundred times.
const KINDS: [(&str, u64); 7] = [
    ("whole", 45),
    ("stream", 20),
    ("paced stream", 10),
    ("hung up in mid-stream", 10),
    ("upstream error", 6),
    ("upstream cut in mid-stream", 4),
    ("slow upstream", 5),
];

pub(crate) async fn run(words: Vec<String>, binary: &Path) -> Result<()> {
    let options = Options::parse(words, &KNOWN)?;
    pinned::stay_aside()?;
    let mut report = Report::new("gateway-soak", &options);
    let mock = Mock::start()?;
    let product = Product::start_on(Some(pinned::MEASURED), binary, None).await?;
    product.apply(&installation(&mock))?;
    let questions = Arc::new(Questions::new(product.port)?);
    try_once(product.port, &questions.whole).await.context("the gateway does not answer")?;

    let lasts = Duration::from_secs(60 * options.get("minutes").max(1));
    let tally = Arc::new(Tally::default());
    let pause = Duration::from_millis(options.get("pause-ms"));
    let mut clients = JoinSet::new();
    for number in 0..options.get("connections") {
        let (questions, tally) = (Arc::clone(&questions), Arc::clone(&tally));
        let seed = Seed::new(options.seed() + number);
        clients.spawn(client(product.port, seed, (lasts, pause), questions, tally));
    }
    let samples = watch(&product, lasts, &mut report).await?;
    while let Some(ended) = clients.join_next().await {
        ended??;
    }
    let counts = tally.counts();
    let grown = growth(&samples);
    for ((kind, _), count) in KINDS.iter().zip(counts) {
        report.row(kind, format!("{count}"), "");
    }
    report.row("connections that failed", format!("{}", tally.failed.load(Ordering::Relaxed)), "");
    report.row("memory, second tenth of the run", format!("{:.1} MiB", grown.early), "RSS, median");
    report.row("memory, last tenth of the run", format!("{:.1} MiB", grown.late), "");
    let verdict = if grown.is_flat() { "flat" } else { "NOT flat" };
    report.row("change", format!("{:+.1} %", grown.percent()), &format!("{verdict}; aim: within 10 %"));
    report.set("settings", options.all());
    report.set("rss_mib", json!(samples.iter().map(|mib| rounded(*mib)).collect::<Vec<_>>()));
    report.set(
        "figures",
        json!({"early_mib": rounded(grown.early), "late_mib": rounded(grown.late),
                                 "change_percent": rounded(grown.percent()), "flat": grown.is_flat(),
                                 "answered": counts.iter().sum::<u64>()}),
    );
    report.finish()
}

struct Questions {
    whole: Question,
    stream: Question,
    paced: Question,
    error: Question,
    cut: Question,
    slow: Question,
}

impl Questions {
    /// What fails goes to a provider of its own, so that its breaker keeps nobody else waiting.
    fn new(port: u16) -> Result<Self> {
        let door = konstruct_door(port);
        Ok(Self {
            whole: door.question(WORDS, false)?,
            stream: door.question(WORDS, true)?,
            paced: door.question("[paced]", true)?,
            error: door.question_to("faulty", "[error]", false)?,
            cut: door.question_to("faulty", "[cut]", true)?,
            slow: door.question("[slow]", false)?,
        })
    }

    /// The question of this kind, and after how many pieces its client hangs up.
    fn of(&self, kind: usize, seed: &mut Seed) -> (&Question, usize) {
        match kind {
            0 => (&self.whole, usize::MAX),
            1 => (&self.stream, usize::MAX),
            2 => (&self.paced, usize::MAX),
            3 => (&self.paced, 1 + seed.below(20) as usize),
            4 => (&self.error, usize::MAX),
            5 => (&self.cut, usize::MAX),
            _ => (&self.slow, usize::MAX),
        }
    }
}

#[derive(Default)]
struct Tally {
    kinds: [AtomicU64; KINDS.len()],
    /// Connections that broke before an answer had begun.
    failed: AtomicU64,
}

impl Tally {
    fn counts(&self) -> [u64; KINDS.len()] {
        self.kinds.each_ref().map(|count| count.load(Ordering::Relaxed))
    }
}

async fn client(
    port: u16,
    mut seed: Seed,
    (lasts, pause): (Duration, Duration),
    questions: Arc<Questions>,
    tally: Arc<Tally>,
) -> Result<()> {
    let begun = Instant::now();
    let mut caller = Caller::connect(port).await?;
    while begun.elapsed() < lasts {
        let kind = pick(&mut seed);
        let (question, pieces) = questions.of(kind, &mut seed);
        match caller.ask_for(question, pieces).await {
            Ok(_) => _ = tally.kinds[kind].fetch_add(1, Ordering::Relaxed),
            Err(error) => {
                let failed = tally.failed.fetch_add(1, Ordering::Relaxed);
                ensure!(failed < MOST_FAILURES, "too many connections failed, the last with: {error:#}");
                caller = Caller::connect(port).await?;
            }
        }
        tokio::time::sleep(pause).await;
    }
    Ok(())
}

fn pick(seed: &mut Seed) -> usize {
    let mut drawn = seed.below(100);
    for (index, (_, share)) in KINDS.iter().enumerate() {
        if drawn < *share {
            return index;
        }
        drawn -= share;
    }
    0
}

/// Resident MiB of the server without its PostgreSQL, in even steps.
async fn watch(product: &Product, lasts: Duration, report: &mut Report) -> Result<Vec<f64>> {
    let mut samples = Vec::new();
    for look in 1..=LOOKS {
        tokio::time::sleep(lasts / LOOKS).await;
        let mib = product.memory()?.0.rss as f64 / 1024.0;
        samples.push(mib);
        if look % (LOOKS / 12) == 0 {
            let done = 100 * look / LOOKS;
            say(&format!("{done} %: {mib:.1} MiB; load {:.2}", process::load_average()));
            report.look();
        }
    }
    Ok(samples)
}

/// Medians of the run's second and last tenth: the first is for filling caches.
struct Growth {
    early: f64,
    late: f64,
}

fn growth(samples: &[f64]) -> Growth {
    let tenth = samples.len() / 10;
    Growth { early: median(&samples[tenth..2 * tenth]), late: median(&samples[samples.len() - tenth..]) }
}

impl Growth {
    fn percent(&self) -> f64 {
        (self.late / self.early - 1.0) * 100.0
    }

    fn is_flat(&self) -> bool {
        self.percent().abs() <= 10.0
    }
}
