//! A tenant, an engine or two, a program that does as its message says, and a channel that remembers everything.

use std::collections::HashMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;

use async_trait::async_trait;
use db::Db;
use durable::{
    Answer, Arrival, DedupKey, Done, Engine, EngineOptions, Entry, Failure, Outcome, Part, Program, Receipt, Reply,
    ReplyState, ReplyTo, Run, SendError, Sender,
};
use infra::{Bus, ConfigEpoch};
use kernel::{Clock, ConnectionId, LaneId, MessageId, ProjectId, TenantId};
use parking_lot::Mutex;
use serde_json::{Value, json};
use testkit::TestDb;

pub(crate) const PATIENCE: Duration = Duration::from_secs(20);

pub(crate) struct World {
    pub(crate) db: Db,
    pub(crate) program: Arc<Obedient>,
    pub(crate) channel: Arc<Channel>,
    pub(crate) tenant: TenantId,
    pub(crate) project: ProjectId,
    pub(crate) database: TestDb,
}

impl World {
    pub(crate) async fn new() -> Self {
        tracing_subscriber::fmt().with_env_filter("durable=debug").with_test_writer().try_init().ok();
        let database = TestDb::new().await;
        let db = database.connect_pools(10).await;
        let (tenant, project) = organisation(&db, "acme").await;
        Self { db, program: Arc::default(), channel: Arc::default(), tenant, project, database }
    }

    /// An engine of this world; `sole` takes over what earlier ones left.
    pub(crate) async fn engine(&self, sole: bool) -> Engine {
        start(self.db.clone(), Arc::clone(&self.program), Arc::clone(&self.channel), sole).await
    }

    /// An engine on a runtime of its own, which [`Doomed::kill`] ends without any farewell.
    pub(crate) fn doomed(&self) -> Doomed {
        let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(1).enable_all().build().unwrap();
        let (app, system) = (self.database.app(), self.database.system());
        let (program, channel) = (Arc::clone(&self.program), Arc::clone(&self.channel));
        let (tell, told) = std::sync::mpsc::channel();
        runtime.spawn(async move {
            let db = Db::connect(db::DbOptions { app, system, max_connections: 10 }).await.unwrap();
            tell.send(start(db, program, channel, true).await).unwrap();
        });
        Doomed { engine: told.recv().unwrap(), runtime }
    }

    pub(crate) fn arrival(&self, lane: LaneId, text: &str) -> Arrival {
        Arrival {
            tenant: self.tenant,
            project: self.project,
            lane,
            message: MessageId::new(),
            program: "obedient",
            dedup: Vec::new(),
            text: text.to_owned(),
            body: json!({}),
            reply: Some(ReplyTo {
                channel: "ledger",
                connection: ConnectionId::new(),
                target: json!({ "thread": lane }),
            }),
        }
    }

    pub(crate) async fn say(&self, engine: &Engine, lane: LaneId, text: &str) -> Receipt {
        engine.accept(self.arrival(lane, text)).await.unwrap()
    }

    pub(crate) async fn transcript(&self, lane: LaneId) -> Vec<Entry> {
        let mut tx = self.db.tenant(self.tenant).await.unwrap();
        durable::transcript(&mut tx, lane, None, 1000).await.unwrap()
    }

    /// Waits until every message of the lane has its reply confirmed (or failed), and returns the transcript.
    pub(crate) async fn settled(&self, lane: LaneId) -> Vec<Entry> {
        testkit::eventually_some(PATIENCE, || async {
            let entries = self.transcript(lane).await;
            let settled = |entry: &Entry| {
                let state = entry.reply.as_ref().map(|reply| reply.state);
                matches!(state, Some(ReplyState::Confirmed | ReplyState::Failed | ReplyState::Dropped))
            };
            (!entries.is_empty() && entries.iter().all(settled)).then_some(entries)
        })
        .await
    }
}

pub(crate) struct Doomed {
    pub(crate) engine: Engine,
    runtime: tokio::runtime::Runtime,
}

impl Doomed {
    pub(crate) fn kill(self) {
        self.runtime.shutdown_background();
    }
}

async fn start(db: Db, program: Arc<Obedient>, channel: Arc<Channel>, sole: bool) -> Engine {
    let options = EngineOptions {
        db,
        bus: Bus::in_process(),
        config_epoch: ConfigEpoch::new(0),
        clock: Clock::system(),
        max_running: 32,
        works: true,
        models: true,
        sole,
    };
    Engine::start(options, vec![program], vec![channel]).await.unwrap()
}

pub(crate) async fn organisation(db: &Db, name: &str) -> (TenantId, ProjectId) {
    let (tenant, project) = (TenantId::new(), ProjectId::new());
    let mut tx = db.system("test").await.unwrap();
    sqlx::query("insert into organisation (tenant_id, name, display_name) values ($1, $2, $2)")
        .bind(tenant.as_uuid())
        .bind(name)
        .execute(&mut *tx)
        .await
        .unwrap();
    sqlx::query("insert into project (tenant_id, project_id, name) values ($1, $2, 'default')")
        .bind(tenant.as_uuid())
        .bind(project.as_uuid())
        .execute(&mut *tx)
        .await
        .unwrap();
    tx.commit().await.unwrap();
    (tenant, project)
}

pub(crate) fn key(name: &str) -> DedupKey {
    DedupKey::new(uuid::Uuid::nil(), name, Clock::system().now())
}

/// Does what the message's text says: `panic`, `fatal`, `retry:N` (fails N times first), `silence`, `hold` (waits until
/// released), `once` (an effect that must not be repeated), anything else is answered with `re: <text>`.
#[derive(Default)]
pub(crate) struct Obedient {
    /// Begin and end of each run, in order.
    pub(crate) log: Mutex<Vec<(LaneId, i64, &'static str)>>,
    pub(crate) effects: Mutex<HashMap<String, u32>>,
    pub(crate) released: tokio::sync::Notify,
    pub(crate) held: AtomicU32,
}

impl Obedient {
    fn effect(&self, name: &str) -> u32 {
        let mut effects = self.effects.lock();
        let times = effects.entry(name.to_owned()).or_default();
        *times += 1;
        *times
    }

    pub(crate) fn effects_of(&self, name: &str) -> u32 {
        self.effects.lock().get(name).copied().unwrap_or(0)
    }
}

#[async_trait]
impl Program for Obedient {
    fn name(&self) -> &'static str {
        "obedient"
    }

    async fn run(&self, run: &mut Run) -> Result<Outcome, Failure> {
        let (lane, seq) = (run.claim().lane, run.claim().seq);
        let text = run.input().await?.text;
        self.log.lock().push((lane, seq, "begin"));
        let first = run.step("first", "think", async { Ok(Done::free(self.effect(&format!("first {text}")))) }).await?;
        match text.as_str() {
            "panic" => panic!("as told"),
            "fatal" => return Err(Failure::Fatal { reason: "as told".into() }),
            "silence" => return Ok(Outcome::Silence),
            "hold" => {
                self.held.fetch_add(1, Ordering::SeqCst);
                self.released.notified().await;
            }
            "once" => {
                let pay = async {
                    self.effect("pay");
                    self.held.fetch_add(1, Ordering::SeqCst);
                    self.released.notified().await;
                    Ok(Done::free(()))
                };
                if run.step_once("pay", "act", pay).await?.is_none() {
                    return Ok(Outcome::Notice { text: "not sure".into(), reason: "interrupted".into() });
                }
            }
            _ => {}
        }
        if let Some(times) = text.strip_prefix("retry:").and_then(|times| times.parse().ok())
            && run.claim().failures < times
        {
            return Err(Failure::Retry { reason: "as told".into(), after: Some(Duration::from_millis(1)) });
        }
        self.log.lock().push((lane, seq, "end"));
        Ok(Outcome::Reply { text: format!("re: {text}"), body: json!({ "first": first }) })
    }

    fn notice(&self) -> &'static str {
        "sorry"
    }
}

/// What stands on the channel, and every call that was made.
#[derive(Default)]
pub(crate) struct Channel {
    pub(crate) posts: Mutex<Vec<Post>>,
    pub(crate) calls: Mutex<Vec<String>>,
    next_id: AtomicU32,
    /// The next calls fail like this.
    pub(crate) faults: Mutex<Vec<SendError>>,
}

#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Post {
    pub(crate) id: String,
    pub(crate) thread: Value,
    pub(crate) message: MessageId,
    pub(crate) text: String,
}

impl Channel {
    fn fault(&self, call: &str) -> Result<(), SendError> {
        self.calls.lock().push(call.to_owned());
        self.faults.lock().pop().map_or(Ok(()), Err)
    }

    fn post(&self, reply: &Reply, text: &str) -> String {
        let id = self.next_id.fetch_add(1, Ordering::SeqCst).to_string();
        let post = Post {
            id: id.clone(),
            thread: reply.target["thread"].clone(),
            message: reply.message,
            text: text.to_owned(),
        };
        self.posts.lock().push(post);
        id
    }

    pub(crate) fn texts(&self, lane: LaneId) -> Vec<String> {
        let posts = self.posts.lock();
        posts.iter().filter(|post| post.thread == json!(lane)).map(|post| post.text.clone()).collect()
    }
}

#[async_trait]
impl Sender for Channel {
    fn channel(&self) -> &'static str {
        "ledger"
    }

    async fn open(&self, reply: &Reply) -> Result<Option<String>, SendError> {
        let fault = self.fault("open");
        if !matches!(fault, Err(SendError::Retry { .. } | SendError::Permanent { .. })) {
            let id = self.post(reply, "...");
            fault?;
            return Ok(Some(id));
        }
        fault.map(|()| None)
    }

    async fn find(&self, reply: &Reply) -> Result<Vec<Part>, SendError> {
        self.fault("find")?;
        let posts = self.posts.lock();
        let ours = posts.iter().filter(|post| post.message == reply.message);
        Ok(ours.map(|post| Part { index: 0, provider_id: post.id.clone() }).collect())
    }

    fn parts(&self, _: &Answer) -> usize {
        1
    }

    async fn answer(
        &self,
        reply: &Reply,
        answer: &Answer,
        _: usize,
        standing: Option<&str>,
    ) -> Result<String, SendError> {
        self.fault("answer")?;
        let Some(id) = standing else { return Ok(self.post(reply, &answer.text)) };
        let mut posts = self.posts.lock();
        match posts.iter_mut().find(|post| post.id == id) {
            Some(post) => post.text.clone_from(&answer.text),
            None => return Err(SendError::Gone { reason: "message_not_found".into() }),
        }
        Ok(id.to_owned())
    }

    async fn retract(&self, _: &Reply, provider_id: &str) -> Result<(), SendError> {
        self.fault("retract")?;
        self.posts.lock().retain(|post| post.id != provider_id);
        Ok(())
    }
}
