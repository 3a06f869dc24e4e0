//! A server with one organisation, one agent behind a web chat, and a scripted model: what tests of turns sit at.

use std::time::Duration;

use kernel::MessageId;
use reqwest::{Method, StatusCode};
use serde_json::{Value, json};
use testkit::models::FakeModels;
use testkit::{AppOptions, Session, TestApp, eventually_some};

pub const OWNER: &str = "owner@acme.test";
pub const PASSWORD: &str = "correct horse battery staple";
const ANSWER_WITHIN: Duration = Duration::from_secs(70);

pub struct Desk {
    pub app: TestApp,
    pub models: FakeModels,
    pub owner: Session,
    /// `/api/organisations/{organisation}/projects/{project}`
    pub project: String,
    chat: String,
    visitor: String,
}

pub async fn options() -> AppOptions {
    AppOptions::new(env!("CARGO_BIN_EXE_konstruct")).await
}

impl Desk {
    /// The agent "Mara" is configured by `agent`, lines of YAML.
    pub async fn new(agent: &str) -> Self {
        Self::with(options().await, agent).await
    }

    pub async fn with(options: AppOptions, agent: &str) -> Self {
        let (app, models) = (TestApp::start_with(options).await, FakeModels::start().await);
        app.apply(&organisation(&models.openai_url())).await;
        app.apply(&employee(agent)).await;
        let owner = app.login(OWNER, PASSWORD).await;
        let me = owner.get("/api/me").await;
        let acme = &me["organisations"][0];
        let organisation = format!("/api/organisations/{}", acme["id"].as_str().unwrap());
        let project = format!("{organisation}/projects/{}", acme["projects"][0]["id"].as_str().unwrap());
        let connections = owner.get(&format!("{project}/connections")).await;
        let chat = format!("/channels/web/{}", connections["items"][0]["id"].as_str().unwrap());
        let made = app.request(Method::POST, &format!("{chat}/visitors")).json(&json!({})).send().await.unwrap();
        let made: Value = made.json().await.unwrap();
        let visitor = made["visitor_token"].as_str().unwrap().to_owned();
        Self { app, models, owner, project, chat, visitor }
    }

    /// Says something and waits for what comes back.
    pub async fn ask(&self, text: &str) -> Value {
        let seq = self.say(text).await;
        self.answer(seq).await
    }

    /// Says something; returns its number.
    pub async fn say(&self, text: &str) -> i64 {
        let sent = self
            .visitor()
            .request(Method::POST, &format!("{}/messages", self.chat))
            .json(&json!({ "id": MessageId::new(), "text": text }))
            .send()
            .await
            .unwrap();
        assert_eq!(sent.status(), StatusCode::ACCEPTED);
        sent.json::<Value>().await.unwrap()["seq"].as_i64().unwrap()
    }

    /// Waits for the answer to message `seq`.
    pub async fn answer(&self, seq: i64) -> Value {
        let (visitor, path) = (self.visitor(), format!("{}/messages", self.chat));
        eventually_some(ANSWER_WITHIN, || async {
            let answer = visitor.request(Method::GET, &path).send().await.ok()?;
            let messages: Value = answer.json().await.ok()?;
            let said =
                messages["items"].as_array()?.iter().find(|it| it["seq"] == seq && it["direction"] == "outbound")?;
            (said["state"] != "thinking").then(|| said.clone())
        })
        .await
    }

    /// The run behind an answer, as the portal shows it.
    pub async fn run_behind(&self, seq: i64) -> Value {
        let conversations = self.owner.get(&format!("{}/conversations", self.project)).await;
        let conversation = conversations["items"][0]["id"].as_str().unwrap();
        let messages = self.owner.get(&format!("{}/conversations/{conversation}/messages", self.project)).await;
        let messages = messages["items"].as_array().unwrap();
        let said = messages.iter().find(|it| it["seq"] == seq && it["direction"] == "outbound").unwrap();
        self.owner.get(&format!("{}/runs/{}", self.project, said["run_id"].as_str().unwrap())).await
    }

    /// Whoever talks to the agent.
    pub fn visitor(&self) -> Session {
        self.app.session(&self.visitor)
    }

    /// Where the visitor's conversation is followed.
    pub fn events(&self) -> String {
        format!("{}/events", self.chat)
    }
}

pub fn organisation(models: &str) -> String {
    format!(
        "kind: Organisation
name: acme
---
kind: User
email: {OWNER}
password: {PASSWORD}
memberships: [{{organisation: acme, role: owner}}]
---
kind: Provider
organisation: acme
name: scripted
wire: openai-chat
base_url: {models}
api_key: sk-test-scripted
---
kind: ModelGroup
organisation: acme
name: quality
models: [{{provider: scripted, model: scripted-1}}]
"
    )
}

/// The agent and its web chat.
pub fn employee(agent: &str) -> String {
    format!(
        "kind: Agent
organisation: acme
name: Mara
{agent}
---
kind: Connection
organisation: acme
name: web
channel: web
agent: Mara
"
    )
}
