//! `budget`: one US dollar under a thousand concurrent calls on two nodes. Judged from outside: by what clients were told
//! and the mock was asked, beside what the product says was spent.

use std::path::Path;
use std::time::{Duration, Instant};

use anyhow::{Context as _, Result, bail, ensure};
use serde::Deserialize;
use serde_json::json;
use testkit::{Nodes, TestApp};
use tokio::task::JoinSet;

use super::caller::{Caller, Heard, Question};
use super::mock::Mock;
use super::sides::{KEY, WORDS, konstruct_door};
use crate::options::Options;
use crate::report::{Report, say};

const KNOWN: [(&str, u64); 2] = [("calls", 1000), ("nodes", 2)];
/// Eleven tokens of question, seven of answer, at a thousandth of a dollar each: what a call costs, and the most it can.
const COST: f64 = 0.018;
const BUDGET: f64 = 1.0;
const SETTLES_WITHIN: Duration = Duration::from_secs(60);

pub(crate) async fn run(words: Vec<String>, binary: &Path) -> Result<()> {
    let options = Options::parse(words, &KNOWN)?;
    let mut report = Report::new("budget", &options);
    let mock = Mock::start()?;
    let nodes = Nodes::start(binary, options.get("nodes") as usize).await;
    nodes.apps[0].apply(&installation(&mock)).await;
    let asked = all_at_once(&nodes.apps, options.get("calls") as usize).await?;
    say(&format!("{} calls are answered or refused", asked.len()));
    let settled = settle(&nodes.apps[0]).await?;
    let rest = one_after_the_other(&nodes.apps).await?;
    let after = settle(&nodes.apps[0]).await?;
    let upstream = mock.count().await?;
    nodes.end().await;

    let admitted = asked.iter().filter(|call| call.admitted).count();
    let odd = asked.iter().filter(|call| !call.admitted && !call.refused).count();
    let false_refusals = false_refusals(&asked);
    let fits = |admitted: usize| (admitted + 1) as f64 * COST <= BUDGET + 1e-9;
    // Once all is settled, a refusal is false as long as one more call would have fitted.
    let left_out = if fits(admitted + rest) { 1 } else { 0 };
    let spent = (admitted + rest) as f64 * COST;
    let over_spend = (spent.max(after.cost_usd) - BUDGET).max(0.0);
    report.row("calls at once", format!("{}", asked.len()), "");
    report.row("answered of them", format!("{admitted}"), "");
    report.row("answered afterwards, one at a time", format!("{rest}"), "until refused");
    report.row("calls the model was asked", format!("{upstream}"), "");
    report.row("neither answered nor refused for the budget", format!("{odd}"), "");
    report.row("spent, by the clients' count", format!("{spent:.3} USD"), "");
    report.row("spent, by the product's", format!("{:.3} USD", after.cost_usd), "");
    report.row("still reserved", format!("{:.3} USD", after.reserved_usd), "");
    report.row("over-spend after settlement", format!("{over_spend:.3} USD"), "aim: 0");
    report.row("false refusals", format!("{}", false_refusals + left_out), "aim: 0");
    report.set("settings", options.all());
    report.set(
        "figures",
        json!({"admitted": admitted, "admitted_after": rest, "upstream": upstream, "odd": odd, "spent_usd": spent,
               "settled_usd": settled.cost_usd, "settled_after_usd": after.cost_usd,
               "reserved_usd": after.reserved_usd, "over_spend_usd": over_spend,
               "false_refusals": false_refusals + left_out}),
    );
    report.finish()
}

/// What became of one call.
struct Asked {
    sent: Instant,
    heard: Instant,
    admitted: bool,
    refused: bool,
}

impl Asked {
    fn new(sent: Instant, heard: &Heard) -> Self {
        let refused = heard.status == 429 && heard.text.contains("insufficient_quota");
        Self { sent, heard: Instant::now(), admitted: heard.status == 200, refused }
    }
}

/// Refusals at a moment when all calls that were ever let in, each at its full price, left room for one more.
fn false_refusals(asked: &[Asked]) -> usize {
    let refused = asked.iter().filter(|call| call.refused);
    let false_ones = refused.filter(|refused| {
        let before = asked.iter().filter(|call| call.admitted && call.sent <= refused.heard).count();
        (before + 1) as f64 * COST <= BUDGET + 1e-9
    });
    false_ones.count()
}

/// A connection for each call, made beforehand; the calls go to the nodes in turns.
async fn all_at_once(nodes: &[TestApp], calls: usize) -> Result<Vec<Asked>> {
    let mut callers = Vec::with_capacity(calls);
    for number in 0..calls {
        callers.push(Caller::connect(nodes[number % nodes.len()].port()).await?);
    }
    let question = question(&nodes[0])?;
    let mut tasks = JoinSet::new();
    for mut caller in callers {
        let question = question.clone();
        tasks.spawn(async move {
            let sent = Instant::now();
            let heard = caller.ask(&question).await?;
            anyhow::Ok(Asked::new(sent, &heard))
        });
    }
    let mut asked = Vec::with_capacity(calls);
    while let Some(ended) = tasks.join_next().await {
        asked.push(ended??);
    }
    Ok(asked)
}

/// How many calls go through, one at a time and on every node, until each node refuses.
async fn one_after_the_other(nodes: &[TestApp]) -> Result<usize> {
    let question = question(&nodes[0])?;
    let mut admitted = 0;
    for node in nodes {
        let mut caller = Caller::connect(node.port()).await?;
        loop {
            let asked = Asked::new(Instant::now(), &caller.ask(&question).await?);
            if !asked.admitted {
                break;
            }
            admitted += 1;
            ensure!(f64::from(admitted) * COST <= 2.0 * BUDGET, "the budget does not end");
        }
    }
    Ok(admitted as usize)
}

fn question(node: &TestApp) -> Result<Question> {
    konstruct_door(node.port()).question(WORDS, false)
}

#[derive(Deserialize)]
struct Usage {
    cost_usd: f64,
    reserved_usd: f64,
}

/// What is spent once nothing is reserved any more.
async fn settle(node: &TestApp) -> Result<Usage> {
    let begun = Instant::now();
    loop {
        let output = node.command("usage").args(["--organisation", "acme", "--json"]).output()?;
        if !output.status.success() {
            bail!("konstruct usage: {}", String::from_utf8_lossy(&output.stderr));
        }
        let usage: Usage = serde_json::from_slice(&output.stdout).context("konstruct usage")?;
        if usage.reserved_usd == 0.0 || begun.elapsed() > SETTLES_WITHIN {
            return Ok(usage);
        }
        tokio::time::sleep(Duration::from_millis(200)).await;
    }
}

fn installation(mock: &Mock) -> String {
    format!(
        "kind: Organisation
name: acme
---
kind: Provider
organisation: acme
name: mock
wire: openai-chat
base_url: {}
api_key: sk-of-the-benchmark
---
kind: ModelGroup
organisation: acme
name: quality
models: [{{provider: mock, model: mock-1}}]
---
kind: Price
organisation: acme
provider: mock
model: mock-1
input_per_million: 1000
output_per_million: 1000
---
kind: VirtualKey
organisation: acme
name: bench
key: {KEY}
model_groups: [quality]
limits: {{requests_per_minute: 1000000, tokens_per_minute: 1000000000}}
budget: {{usd: 1.00, period: day}}
",
        mock.slow_url()
    )
}
