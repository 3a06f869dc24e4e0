use std::collections::HashSet;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use db::embedded::{Cluster, Postmaster};
use sqlx::{Connection as _, PgConnection};
use tempfile::TempDir;
use tokio::sync::Mutex;

use super::Standing;
use crate::models::{Call, FakeModels, Fault, Reply};
use crate::slack::{Entry, FakeSlack, Signer, Workspace};
use crate::{Nodes, TestApp};

/// Three organisations, two servers on one PostgreSQL that fears no power cut, a fake Slack and a fake model.
pub(super) struct World {
    pub(super) tenants: Vec<Arc<Tenant>>,
    pub(super) nodes: Vec<Mutex<TestApp>>,
    pub(super) urls: Vec<String>,
    pub(super) postgres: Mutex<Postmaster>,
    pub(super) cluster: Cluster,
    pub(super) models: FakeModels,
    slack: FakeSlack,
    _home: TempDir,
}

pub(super) struct Tenant {
    pub(super) index: usize,
    pub(super) workspace: Workspace,
    pub(super) signer: Signer,
}

const PATIENCE: Duration = Duration::from_secs(120);
const TENANTS: usize = 3;
const NODES: usize = 2;

impl World {
    pub(super) async fn new(binary: &Path) -> Self {
        let Nodes { apps: nodes, postgres, cluster, home } = Nodes::start(binary, NODES).await;
        let (slack, models) = (FakeSlack::start().await, FakeModels::start().await);
        let failed = parking_lot::Mutex::new(HashSet::new());
        models.otherwise(move |call| answer(call, |number| failed.lock().insert(number)));
        let tenants: Vec<_> = (0..TENANTS).map(|index| Arc::new(Tenant::new(index))).collect();
        for tenant in &tenants {
            nodes[0].apply(&tenant.manifest(&slack.base_url(), &models.openai_url())).await;
        }
        let urls = nodes.iter().map(|node| node.url("/channels/slack/events")).collect();
        let nodes = nodes.into_iter().map(Mutex::new).collect();
        Self { tenants, nodes, urls, postgres: Mutex::new(postgres), cluster, models, slack, _home: home }
    }

    /// What stands in the channels.
    pub(super) fn standing(&self) -> Vec<Standing> {
        let ours = self.slack.messages().into_iter().filter(|post| post.bot.is_some());
        ours.map(|post| Standing {
            thread: post.thread_ts.unwrap_or_else(|| post.ts.clone()),
            channel: post.channel,
            ts: post.ts,
            text: post.text,
        })
        .collect()
    }

    /// Prints every call about the replies that `suspects` (words of their texts) are in, what the database still has
    /// to do, and the ends of the servers' logs.
    #[expect(clippy::print_stderr, reason = "for whoever reads why the run failed")]
    pub(super) async fn show(&self, suspects: &[String]) {
        let ledger = self.slack.ledger();
        let says = |entry: &Entry| suspects.iter().any(|suspect| entry.argument("text").ends_with(suspect));
        let standing: HashSet<_> =
            ledger.iter().filter(|entry| says(entry)).filter_map(|entry| entry.ts.clone()).collect();
        let threads: HashSet<_> =
            ledger.iter().filter(|entry| says(entry)).map(|entry| entry.argument("channel")).collect();
        for entry in &ledger {
            let about = entry.ts.as_ref().is_some_and(|ts| standing.contains(ts)) || entry.method.ends_with("replies");
            if about && threads.contains(entry.argument("channel")) {
                eprintln!("{} {} {:?} {:?} {:?}", entry.at, entry.method, entry.ts, entry.arguments, entry.error);
            }
        }
        let mut admin = PgConnection::connect_with(&self.cluster.connect("postgres", "konstruct")).await.unwrap();
        for unfinished in [
            "select row_to_json(l)::text from (select * from lane where last_seq > done_seq limit 20) l",
            "select row_to_json(o)::text from (select lane_id, seq, state, ended, provider_id, owner, epoch, next_at,
                 attempts, last_error from outbox where state in ('intent', 'sent') limit 20) o",
            "select row_to_json(n)::text from (select *, now() from node) n",
        ] {
            let rows: Vec<String> = sqlx::query_scalar(unfinished).fetch_all(&mut admin).await.unwrap();
            eprintln!("{}", rows.join("\n"));
        }
        for node in &self.nodes {
            if let Ok(node) = node.try_lock() {
                node.show_log();
            }
        }
    }

    pub(super) async fn end(self) {
        for node in &self.nodes {
            node.lock().await.kill();
        }
        self.postgres.lock().await.stop().await.ok();
    }

    /// SIGKILL to PostgreSQL's postmaster, and a new one that recovers what it left.
    pub(super) async fn kill_postgres(&self) {
        let mut postgres = self.postgres.lock().await;
        std::process::Command::new("kill").args(["-KILL", &postgres.pid().to_string()]).status().unwrap();
        crate::eventually(PATIENCE, || {
            let ended = !postgres.is_running();
            async move { ended }
        })
        .await;
        *postgres = crate::eventually_some(PATIENCE, || async {
            // Its children must be gone first.
            Postmaster::start_or_adopt(&self.cluster, PATIENCE).await.ok()
        })
        .await;
    }
}

impl Tenant {
    fn new(index: usize) -> Self {
        Self {
            index,
            workspace: Workspace::new(&format!("T{index}"), &format!("A{index}"), &format!("UBOT{index}")),
            signer: Signer::new(secret(index)),
        }
    }

    fn manifest(&self, slack: &str, models: &str) -> String {
        let index = self.index;
        let secret = secret(index);
        format!(
            r#"
kind: Organisation
name: org-{index}
---
kind: Provider
organisation: org-{index}
name: scripted
wire: openai-chat
base_url: {models}
api_key: key-{index}
---
kind: ModelGroup
organisation: org-{index}
name: quality
models: [{{provider: scripted, model: scripted-1}}]
---
kind: Agent
organisation: org-{index}
project: default
name: Mara
role: Support specialist
model_group: quality
tools: [date_time, calculator]
---
kind: Connection
organisation: org-{index}
project: default
name: slack-{index}
channel: slack
agent: Mara
external_id: T{index}
settings: {{base_url: "{slack}", app_id: A{index}, bot_user_id: UBOT{index}}}
secrets: {{signing_secret: "{secret}", bot_token: "xoxb-{index}"}}
"#
        )
    }
}

fn secret(index: usize) -> String {
    format!("{index:032x}")
}

/// Repeats the message's marker; now and then after a tool call, or after an error the first time it is asked.
fn answer(call: &Call, first: impl Fn(u64) -> bool) -> Reply {
    let question = call.question();
    let Some(marker) = question.split_whitespace().find(|word| word.starts_with("m-")) else {
        return Reply::say("no marker");
    };
    let number: u64 = marker.rsplit('-').next().and_then(|digits| digits.parse().ok()).unwrap_or(0);
    match number % 20 {
        0..=4 if call.tool_results().is_empty() => {
            Reply::call("calculator", &serde_json::json!({ "expression": format!("{number} + 1") }))
        }
        5 if first(number) => Reply::fail(Fault::Status(500)),
        _ => Reply::say(format!("re {marker}")),
    }
}
