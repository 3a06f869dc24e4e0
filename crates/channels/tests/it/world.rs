//! An organisation with two employees, an engine whose program echoes, and a fake Slack.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use bytes::Bytes;
use channels::ingress::{SlackAnswer, SlackHeaders};
use channels::{Author, ChannelKind, Channels, ChannelsOptions, Connection, Error, Message, NewConnection};
use db::Db;
use durable::{Engine, EngineOptions, Entry, Failure, Outcome, Program, Run};
use infra::{Bus, ConfigEpoch, Egress, EgressOptions, Sealer};
use kernel::{AgentId, Clock, ErrorKind, LaneId, ProjectId, Secret, TenantId};
use serde_json::{Value, json};
use tempfile::TempDir;
use testkit::TestDb;
use testkit::slack::{FakeSlack, Posted, Said, Signer, Workspace};

pub(crate) const PATIENCE: Duration = Duration::from_secs(20);
pub(crate) const SECRET: &str = "a signing secret";
pub(crate) const TOKEN: &str = "xoxb-acme";

pub(crate) struct World {
    pub(crate) db: Db,
    pub(crate) channels: Channels,
    pub(crate) slack: FakeSlack,
    pub(crate) acme: Organisation,
    pub(crate) workspace: Workspace,
    pub(crate) sealer: Sealer,
    pub(crate) database: TestDb,
    _home: TempDir,
}

/// An organisation with the agents Mara and Alex.
pub(crate) struct Organisation {
    pub(crate) tenant: TenantId,
    pub(crate) project: ProjectId,
    pub(crate) mara: AgentId,
    pub(crate) alex: AgentId,
}

impl World {
    pub(crate) async fn new() -> Self {
        Self::with(true).await
    }

    /// A world in which messages are accepted and no turn ever begins.
    pub(crate) async fn idle() -> Self {
        Self::with(false).await
    }

    async fn with(works: bool) -> Self {
        let database = TestDb::new().await;
        let db = database.connect_pools(10).await;
        let home = tempfile::tempdir().unwrap();
        let sealer = Sealer::load_or_create(&home.path().join("key")).unwrap();
        let (config_epoch, clock) = (ConfigEpoch::new(0), Clock::system());
        let channels = Channels::new(ChannelsOptions {
            db: db.clone(),
            egress: Egress::new(EgressOptions::default()).unwrap(),
            sealer: sealer.clone(),
            config_epoch: config_epoch.clone(),
            clock: clock.clone(),
        });
        let options = EngineOptions {
            db: db.clone(),
            bus: Bus::in_process(),
            config_epoch,
            clock,
            max_running: 32,
            works,
            models: false,
            sole: true,
        };
        let program = Arc::new(Echo { db: db.clone() });
        let engine = Engine::start(options, vec![program], channels.senders()).await.unwrap();
        channels.attach(engine);
        let acme = organisation(&db, "acme").await;
        let workspace = Workspace::new("T0001", "A0001", "U0BOT");
        let slack = FakeSlack::start().await;
        Self { db, channels, slack, acme, workspace, sealer, database, _home: home }
    }

    /// A world in which Mara is connected to the workspace.
    pub(crate) async fn connected() -> Self {
        let world = Self::new().await;
        world.connect("acme-slack", world.acme.mara).await;
        world
    }

    /// Connects an agent of acme's to the workspace, as the operator would.
    pub(crate) async fn connect(&self, name: &str, agent: AgentId) -> Connection {
        self.try_connect(&self.acme, self.slack_connection(&self.acme, name, agent), Author::Operator).await.unwrap()
    }

    pub(crate) fn slack_connection(&self, of: &Organisation, name: &str, agent: AgentId) -> NewConnection {
        NewConnection {
            project: of.project,
            name: name.to_owned(),
            channel: ChannelKind::Slack,
            agent,
            external_id: self.workspace.team.clone(),
            app_id: String::new(),
            settings: json!({"base_url": self.slack.base_url(), "app_id": "A0001", "bot_user_id": "U0BOT"}),
            secrets: secrets(&[("signing_secret", SECRET), ("bot_token", TOKEN)]),
        }
    }

    pub(crate) async fn try_connect(
        &self,
        of: &Organisation,
        new: NewConnection,
        by: Author,
    ) -> Result<Connection, Error> {
        let mut tx = self.db.tenant(of.tenant).await.unwrap();
        let made = self.channels.create_connection(&mut tx, new, by).await?;
        tx.commit().await.unwrap();
        self.in_force().await;
        Ok(made)
    }

    /// Waits until the configuration that was written is acted upon.
    pub(crate) async fn in_force(&self) {
        let epoch = db::config_epoch(&self.db).await.unwrap();
        db::wait_until_in_force(&self.db, epoch).await.unwrap();
    }

    /// Delivers an event, signed with acme's secret now.
    pub(crate) async fn deliver(&self, event: &Value) -> Result<SlackAnswer, ErrorKind> {
        self.deliver_signed(&Signer::new(SECRET), event.to_string().as_bytes()).await
    }

    pub(crate) async fn deliver_signed(&self, signer: &Signer, body: &[u8]) -> Result<SlackAnswer, ErrorKind> {
        let now = Clock::system().now().timestamp();
        self.deliver_as(&signer.sign(now, body), now, body).await
    }

    pub(crate) async fn deliver_as(
        &self,
        signature: &str,
        timestamp: i64,
        body: &[u8],
    ) -> Result<SlackAnswer, ErrorKind> {
        let timestamp = timestamp.to_string();
        let headers = SlackHeaders { signature: Some(signature), timestamp: Some(&timestamp) };
        self.channels.slack(headers, Bytes::copy_from_slice(body)).await.map_err(|error| error.kind())
    }

    /// Waits until the thread of `said` has `count` replies of which none is a placeholder, and returns them.
    pub(crate) async fn answers(&self, said: &Said, count: usize) -> Vec<Posted> {
        let thread = said.thread_ts.as_ref().unwrap_or(&said.ts);
        testkit::eventually_some(PATIENCE, || async {
            let replies = self.slack.replies(&said.channel, thread);
            let settled = replies.len() == count && replies.iter().all(|reply| !reply.text.contains("thinking"));
            settled.then_some(replies)
        })
        .await
    }

    /// Waits until nothing is under way any more: what was to be sent, is.
    pub(crate) async fn quiet(&self) {
        testkit::eventually(PATIENCE, || async {
            let mut tx = self.db.system("test").await.unwrap();
            let open: i64 = sqlx::query_scalar(
                "select (select count(*) from outbox where state in ('intent', 'sent'))
                      + (select count(*) from lane where done_seq < last_seq)",
            )
            .fetch_one(&mut *tx)
            .await
            .unwrap();
            open == 0
        })
        .await;
    }

    pub(crate) async fn transcript(&self, lane: LaneId) -> Vec<Entry> {
        let mut tx = self.db.tenant(self.acme.tenant).await.unwrap();
        durable::transcript(&mut tx, lane, None, 1000).await.unwrap()
    }

    /// Every message of acme's that was stored, oldest first.
    pub(crate) async fn stored(&self) -> Vec<Message> {
        let mut tx = self.db.tenant(self.acme.tenant).await.unwrap();
        let bodies: Vec<Value> =
            sqlx::query_scalar("select body from inbox order by received_at, seq").fetch_all(&mut *tx).await.unwrap();
        bodies.into_iter().map(|body| serde_json::from_value(body).unwrap()).collect()
    }
}

pub(crate) fn secrets(named: &[(&str, &str)]) -> BTreeMap<String, Secret> {
    named.iter().map(|(name, secret)| ((*name).to_owned(), Secret::new(*secret))).collect()
}

pub(crate) async fn organisation(db: &Db, name: &str) -> Organisation {
    let (tenant, project) = (TenantId::new(), ProjectId::new());
    let mut tx = db.system("test").await.unwrap();
    for statement in [
        "insert into organisation (tenant_id, name, display_name) values ($1, $3, $3)",
        "insert into project (tenant_id, project_id, name) select $1, $2, 'default' where $3 <> ''",
    ] {
        sqlx::query(statement)
            .bind(tenant.as_uuid())
            .bind(project.as_uuid())
            .bind(name)
            .execute(&mut *tx)
            .await
            .unwrap();
    }
    tx.commit().await.unwrap();
    let mut tx = db.tenant(tenant).await.unwrap();
    let (mara, alex) = (AgentId::new(), AgentId::new());
    for (agent, name) in [(mara, "Mara"), (alex, "Alex")] {
        sqlx::query("insert into agent (tenant_id, project_id, agent_id, name, draft) values ($1, $2, $3, $4, '{}')")
            .bind(tenant.as_uuid())
            .bind(project.as_uuid())
            .bind(agent.as_uuid())
            .bind(name)
            .execute(&mut *tx)
            .await
            .unwrap();
    }
    tx.commit().await.unwrap();
    Organisation { tenant, project, mara, alex }
}

/// Answers with what was said. "long" brings an answer of three parts, "nothing" none.
struct Echo {
    db: Db,
}

#[async_trait]
impl Program for Echo {
    fn name(&self) -> &'static str {
        channels::TURN
    }

    async fn run(&self, run: &mut Run) -> Result<Outcome, Failure> {
        let input = run.input().await?;
        let message: Message = serde_json::from_value(input.body).unwrap();
        let mut tx = self.db.tenant(run.tenant()).await.unwrap();
        channels::conversation::begin(&mut tx, &message).await.unwrap();
        tx.commit().await.unwrap();
        let text = match message.content.text.as_str() {
            "nothing" => return Ok(Outcome::Silence),
            "long" => (0..200).map(|n| format!("line {n} {}\n", "x".repeat(40))).collect(),
            text => format!("echo: {text}"),
        };
        Ok(Outcome::Reply { text, body: Value::Null })
    }

    fn notice(&self) -> &'static str {
        "It could not be done."
    }
}
