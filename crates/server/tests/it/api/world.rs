//! Two organisations with a bit of everything, and people of all kinds in them.

use std::collections::HashMap;
use std::time::Duration;

use reqwest::Method;
use serde_json::{Value, json};
use sqlx::{Connection as _, PgConnection};
use testkit::{Session, TestApp, eventually_some};
use uuid::Uuid;

pub const PASSWORD: &str = "correct horse battery staple";

/// `acme` and `rival` are alike; `viewer@acme.test` may only look.
const HOUSE: &str = "
kind: Organisation
name: ORG
---
kind: User
email: owner@ORG.test
password: PASSWORD
memberships: [{organisation: ORG, role: owner}]
---
kind: User
email: viewer@ORG.test
password: PASSWORD
memberships: [{organisation: ORG, role: viewer}]
---
kind: Provider
organisation: ORG
name: offline
wire: builtin
---
kind: ModelGroup
organisation: ORG
name: quality
models: [{provider: offline, model: quotes}]
---
kind: Agent
organisation: ORG
project: default
name: Mara
role: Support specialist
model_group: quality
tools: [date_time]
---
kind: Connection
organisation: ORG
project: default
name: ORG-web
channel: web
agent: Mara
---
kind: Connection
organisation: ORG
project: default
name: ORG-slack
channel: slack
agent: Mara
external_id: T-ORG
settings: {base_url: 'http://127.0.0.1:9/api/', app_id: A-ORG, bot_user_id: U0BOT}
secrets: {signing_secret: signing-secret-of-ORG, bot_token: xoxb-ORG}
---
";

/// One organisation, as its owner sees it.
pub struct House {
    pub owner: Session,
    pub viewer: Session,
    /// A visitor of its web chat.
    pub visitor: Session,
    /// What stands for the names in braces in a path: one thing of each kind.
    pub ids: HashMap<&'static str, String>,
}

impl House {
    pub fn id(&self, name: &str) -> &str {
        &self.ids[name]
    }

    /// A path with this organisation's ids in the place of names.
    pub fn path(&self, template: &str) -> String {
        fill(template, |name| self.id(name).to_owned())
    }
}

pub struct World {
    pub app: TestApp,
    pub acme: House,
    pub rival: House,
    pub operator: Session,
}

impl World {
    pub async fn new() -> Self {
        let app = TestApp::start(env!("CARGO_BIN_EXE_konstruct")).await;
        for name in ["acme", "rival"] {
            app.apply(&HOUSE.replace("PASSWORD", PASSWORD).replace("ORG", name)).await;
        }
        app.apply(&format!("kind: User\nemail: operator@house.test\npassword: {PASSWORD}\n")).await;
        execute(&app, "insert into operator (user_id) select user_id from users where email = 'operator@house.test'")
            .await;
        let operator = app.login("operator@house.test", PASSWORD).await;
        let acme = house(&app, "acme").await;
        let rival = house(&app, "rival").await;
        Self { app, acme, rival, operator }
    }
}

/// Puts something into each name in braces.
pub fn fill(template: &str, value: impl Fn(&str) -> String) -> String {
    let part = |part: &str| match part.strip_prefix('{').and_then(|name| name.strip_suffix('}')) {
        Some(name) => value(name),
        None => part.to_owned(),
    };
    template.split('/').map(part).collect::<Vec<_>>().join("/")
}

/// A statement as the database's superuser, for what no interface offers.
pub async fn execute(app: &TestApp, sql: &'static str) {
    let mut conn = PgConnection::connect_with(&app.database().admin()).await.unwrap();
    sqlx::raw_sql(sql).execute(&mut conn).await.unwrap();
}

async fn house(app: &TestApp, name: &str) -> House {
    let owner = app.login(&format!("owner@{name}.test"), PASSWORD).await;
    let viewer = app.login(&format!("viewer@{name}.test"), PASSWORD).await;
    let me = owner.get("/api/me").await;
    let mut ids = HashMap::from([
        ("organisation", text(&me, "/organisations/0/id")),
        ("project", text(&me, "/organisations/0/projects/0/id")),
    ]);
    let under = |ids: &HashMap<_, String>, rest: &str| format!("/api/organisations/{}{rest}", ids["organisation"]);
    let project = format!("/projects/{}", ids["project"]);
    for (param, path, pick) in [
        ("agent", format!("{project}/agents"), "Mara"),
        ("connection", format!("{project}/connections"), "-slack"),
        ("web", format!("{project}/connections"), "-web"),
        ("provider", "/providers".to_owned(), "offline"),
        ("group", "/model-groups".to_owned(), "quality"),
    ] {
        let list = owner.get(&under(&ids, &path)).await;
        let named = |item: &&Value| item["name"].as_str().is_some_and(|name| name.ends_with(pick));
        let found = list["items"].as_array().unwrap().iter().find(named).expect(pick);
        ids.insert(param, text(found, "/id"));
    }
    let members = owner.get(&under(&ids, "/members")).await;
    let as_ = |role: &str| members["items"].as_array().unwrap().iter().find(|member| member["role"] == role).unwrap();
    ids.insert("member", text(as_("viewer"), "/id"));
    ids.insert("user", text(as_("viewer"), "/user_id"));
    ids.insert("owner_user", text(as_("owner"), "/user_id"));
    let guest = json!({"email": format!("guest@{name}.test"), "role": "viewer"});
    let invited = owner.send(Method::POST, &under(&ids, "/invitations"), &guest).await;
    ids.insert("invitation", text(&invited, "/id"));
    ids.insert("invitation_token", text(&invited, "/link").split_once('#').unwrap().1.to_owned());
    let key = json!({"name": "a key", "role": "viewer"});
    ids.insert("key", text(&owner.send(Method::POST, &under(&ids, "/api-keys"), &key).await, "/id"));
    let price = json!({"provider": "offline", "model": "m", "input_per_million": 1, "output_per_million": 2});
    ids.insert("price", text(&owner.send(Method::PUT, &under(&ids, "/prices"), &price).await, "/id"));
    let virtual_key = owner.send(Method::POST, &under(&ids, "/virtual-keys"), &json!({"name": "ci"})).await;
    ids.insert("virtual_key", text(&virtual_key, "/id"));
    let budget = json!({"virtual_key_id": ids["virtual_key"], "period": "day", "usd": 1});
    ids.insert("budget", text(&owner.send(Method::POST, &under(&ids, "/budgets"), &budget).await, "/id"));
    let visitor = converse(app, &owner, &mut ids).await;
    let calls = owner.get(&under(&ids, "/model-calls")).await;
    ids.insert("call", text(&calls, "/items/0/id"));
    leave_a_letter(app, &mut ids).await;
    House { owner, viewer, visitor, ids }
}

/// Has a visitor say something and waits for the answer: a conversation with a run.
async fn converse(app: &TestApp, owner: &Session, ids: &mut HashMap<&'static str, String>) -> Session {
    let web = format!("/channels/web/{}", ids["web"]);
    let visitor = app.session("").send(Method::POST, &format!("{web}/visitors"), &Value::Null).await;
    let visitor = app.session(visitor["visitor_token"].as_str().unwrap());
    let said = json!({"id": Uuid::now_v7(), "text": "hello there"});
    let accepted = visitor.send(Method::POST, &format!("{web}/messages"), &said).await;
    ids.insert("conversation", text(&accepted, "/conversation"));
    let messages = format!(
        "/api/organisations/{}/projects/{}/conversations/{}/messages",
        ids["organisation"], ids["project"], ids["conversation"]
    );
    let run = eventually_some(Duration::from_secs(60), || {
        let asked = owner.request(Method::GET, &messages).send();
        async {
            let list: Value = asked.await.ok()?.json().await.ok()?;
            let answer = list["items"].as_array()?.iter().find(|message| message["state"] == "confirmed")?.clone();
            answer["run_id"].as_str().map(str::to_owned)
        }
    });
    ids.insert("run", run.await);
    visitor
}

/// A dead letter about the conversation's message.
async fn leave_a_letter(app: &TestApp, ids: &mut HashMap<&'static str, String>) {
    let letter = Uuid::now_v7();
    let mut conn = PgConnection::connect_with(&app.database().admin()).await.unwrap();
    sqlx::query(
        "insert into dead_letter (tenant_id, letter_id, source, lane_id, seq, message_id, reason, attempts)
         select tenant_id, $1, 'run', lane_id, seq, message_id, 'it would not', 3 from inbox where lane_id = $2",
    )
    .bind(letter)
    .bind(ids["conversation"].parse::<Uuid>().unwrap())
    .execute(&mut conn)
    .await
    .unwrap();
    ids.insert("letter", letter.to_string());
}

fn text(value: &Value, pointer: &str) -> String {
    value.pointer(pointer).and_then(Value::as_str).unwrap_or_else(|| panic!("no {pointer} in {value}")).to_owned()
}
