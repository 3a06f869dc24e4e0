//! `konstruct apply --server`: an organisation's own documents with its own API key.

use std::io::{Read as _, Write as _};
use std::net::TcpListener;
use std::process::{Command, Output};
use std::time::Duration;

use reqwest::Method;
use serde_json::{Value, json};
use sqlx::{Connection as _, PgConnection};
use testkit::{Session, TestApp, eventually};

use crate::api::world::execute;
use crate::desk::{PASSWORD, options};

const PEOPLE: &str = "kind: Organisation
name: ORG
---
kind: User
email: owner@ORG.test
password: PASSWORD
memberships: [{organisation: ORG, role: owner}]
";

const WANTED: &str = "kind: Connection
organisation: acme
project: support
name: web
channel: web
agent: Mara
---
kind: Connection
organisation: acme
project: support
name: slack
channel: slack
agent: Mara
external_id: T0001
settings: {app_id: A0001, bot_user_id: U0BOT}
secrets: {signing_secret: \"${SIGNING_SECRET}\", bot_token: \"${BOT_TOKEN}\"}
---
kind: Agent
organisation: acme
project: support
name: Mara
model_group: own
tools: [calculator]
---
kind: ModelGroup
organisation: acme
name: own
models: [{provider: own, model: m}]
---
kind: Provider
organisation: acme
name: own
wire: openai-chat
base_url: https://models.example.org/v1
api_key: ${PROVIDER_KEY}
---
kind: Project
organisation: acme
name: support
";

struct House {
    app: TestApp,
    acme: Session,
    organisation: String,
}

impl House {
    async fn new() -> Self {
        let app = TestApp::start_with(options().await.env("KONSTRUCT_EGRESS__ALLOW_PRIVATE", "false")).await;
        for name in ["acme", "rival"] {
            app.apply(&PEOPLE.replace("PASSWORD", PASSWORD).replace("ORG", name)).await;
        }
        let acme = app.login("owner@acme.test", PASSWORD).await;
        let organisation = own_path(&acme).await;
        Self { app, acme, organisation }
    }

    async fn key(&self, owner: &Session, role: &str) -> String {
        let keys = format!("{}/api-keys", own_path(owner).await);
        let made = owner.send(Method::POST, &keys, &json!({"name": "deploy", "role": role})).await;
        made["key"].as_str().unwrap().to_owned()
    }

    /// The names of the organisation's projects.
    async fn projects(&self) -> Vec<String> {
        let found = self.acme.get(&format!("{}/projects", self.organisation)).await;
        let names = found["items"].as_array().unwrap().iter().map(|it| it["name"].as_str().unwrap().to_owned());
        names.collect()
    }

    async fn apply(&self, key: &str, yaml: &str, more: &[&str]) -> Output {
        let home = tempfile::tempdir().unwrap();
        let file = home.path().join("acme.yaml");
        std::fs::write(&file, yaml).unwrap();
        let mut command = Command::new(env!("CARGO_BIN_EXE_konstruct"));
        command.current_dir(home.path()).args(["apply", "--server", &self.app.url(""), "-f"]).arg(file).args(more);
        command.env("KONSTRUCT_API_KEY", key).env("PROVIDER_KEY", "sk-1");
        command.env("SIGNING_SECRET", "8f742231b10e8888abcd99yyyzzz85a5").env("BOT_TOKEN", "xoxb-1");
        tokio::task::spawn_blocking(move || command.output().unwrap()).await.unwrap()
    }

    async fn refusal(&self, key: &str, yaml: &str) -> String {
        let output = self.apply(key, yaml, &[]).await;
        assert_eq!(output.status.code(), Some(1), "{}", said(&output));
        said(&output)
    }
}

async fn own_path(owner: &Session) -> String {
    let me = owner.get("/api/me").await;
    format!("/api/organisations/{}", me["organisations"][0]["id"].as_str().unwrap())
}

fn said(output: &Output) -> String {
    [&output.stdout, &output.stderr].map(|said| String::from_utf8_lossy(said).into_owned()).concat()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_key_applies_its_organisations_documents_again_and_again() {
    let house = House::new().await;
    let key = house.key(&house.acme, "admin").await;
    let first = house.apply(&key, WANTED, &[]).await;
    let expected = "+ Project acme/support\n+ Provider acme/own\n+ ModelGroup acme/own\n+ Agent acme/support/Mara\n\
        + Connection acme/web\n+ Connection acme/slack\n6 created, 0 changed, 0 unchanged, 0 removed\n";
    assert_eq!(said(&first), expected);
    let again = said(&house.apply(&key, WANTED, &[]).await);
    assert!(again.ends_with("0 created, 0 changed, 6 unchanged, 0 removed\n"), "{again}");
    let changed =
        WANTED.replace("tools: [calculator]", "persona: Calm.").replace("xoxb", "xoxb-2").replace("A0001", "A0002");
    let changed = said(&house.apply(&key, &changed, &[]).await);
    for line in ["~ Agent acme/support/Mara (persona, tools)", "~ Connection acme/slack (settings)"] {
        assert!(changed.contains(line), "{changed}");
    }
    let operators =
        house.app.try_apply(&WANTED.replace("${", "$${").replace("secrets:", "# ").replace("api_key:", "# ")).await;
    assert!(operators.status.success(), "the operator applies the same: {}", said(&operators));

    let audit = house.acme.get(&format!("{}/audit", house.organisation)).await;
    let entries = audit["items"].as_array().unwrap();
    let by_key = |action: &str| {
        entries.iter().any(|it| it["action"] == action && it["actor"].as_str().is_some_and(|by| by.starts_with("key:")))
    };
    for action in [
        "project.create",
        "provider.create",
        "model_group.create",
        "agent.publish",
        "connection.create",
        "connection.change",
    ] {
        assert!(by_key(action), "{action} in {audit}");
    }
    let only_web = WANTED.split("---\n").next().unwrap();
    let pruned = said(&house.apply(&key, only_web, &["--prune"]).await);
    assert_eq!(
        pruned,
        "= Connection acme/web\n- Connection acme/slack\n0 created, 0 changed, 1 unchanged, 1 removed\n"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_not_the_organisations_own_to_say_is_refused_and_nothing_is_done() {
    let house = House::new().await;
    let key = house.key(&house.acme, "owner").await;
    let project = "kind: Project\norganisation: acme\nname: made\n---\n";
    for (yaml, expected) in [
        ("kind: Organisation\nname: acme\nweight: 100\n", "Organisation acme: only the operator applies this kind"),
        ("kind: User\nemail: a@b.test\noperator: true\n", "User a@b.test: only the operator applies this kind"),
        ("kind: ChannelApp\nchannel: slack\napp_id: A1\nsecrets: {}\n", "only the operator applies this kind"),
        ("kind: Project\norganisation: rival\nname: ours\n", "this is organisation acme"),
        (
            "kind: Provider\norganisation: acme\nname: p\nwire: ollama\n",
            "base_url: the address is not a public one; the operator may set it",
        ),
        (
            "kind: Provider\norganisation: acme\nname: p\nwire: openai-chat\nbase_url: http://169.254.169.254/\n",
            "base_url: the address is not a public one",
        ),
        ("kind: Agent\norganisation: acme\nname: M\nmodel_group: none\n", "there is no model group \"none\""),
        ("kind: Connection\norganisation: acme\nname: c\nchannel: web\nagent: Nobody\n", "has no agent \"Nobody\""),
    ] {
        let said = house.refusal(&key, &format!("{project}{yaml}")).await;
        assert!(said.contains(expected) && said.contains("acme.yaml, document 2, line 5: "), "{said}");
        assert_eq!(house.projects().await, ["default"], "all or nothing");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_key_does_no_more_than_its_rights() {
    let house = House::new().await;
    let documents: Vec<&str> = WANTED.split("---\n").collect();
    let owner = house.key(&house.acme, "owner").await;
    assert!(house.apply(&owner, WANTED, &[]).await.status.success());
    for role in ["viewer", "member"] {
        let key = house.key(&house.acme, role).await;
        for document in &documents {
            let said = house.refusal(&key, document).await;
            assert!(said.contains("acme.yaml, document 1, line 1: "), "not even whether it stands so is told: {said}");
        }
    }
    let rival = house.app.login("owner@rival.test", PASSWORD).await;
    let rivals = house.key(&rival, "owner").await;
    assert!(house.refusal(&rivals, WANTED).await.contains("this is organisation rival"));
    let path = format!("{}/apply", house.organisation);
    let body = json!({"documents": [{"kind": "Project", "organisation": "acme", "name": "theirs"}]});
    let status = house.app.session(&rivals).request(Method::POST, &path).json(&body).send().await.unwrap().status();
    assert_eq!(status.as_u16(), 404);

    let admin = house.key(&house.acme, "admin").await;
    let keep = "kind: Project\norganisation: acme\nname: another\n";
    let pruned = house.apply(&admin, keep, &["--prune"]).await;
    assert!(!pruned.status.success(), "a project is an owner's to delete: {}", said(&pruned));
    assert_eq!(house.projects().await, ["support", "default"], "all or nothing");
    let pruned = house.apply(&owner, keep, &["--prune"]).await;
    assert!(said(&pruned).contains("- Project acme/support"), "{}", said(&pruned));
}

#[tokio::test(flavor = "multi_thread")]
async fn whoever_is_in_one_project_does_not_learn_which_others_there_are() {
    let house = House::new().await;
    let owner = house.key(&house.acme, "owner").await;
    assert!(house.apply(&owner, WANTED, &[]).await.status.success());
    let guest = "kind: User\nemail: guest@acme.test\npassword: PASSWORD\n\
        memberships: [{organisation: acme, project: support, role: admin}]\n";
    house.app.apply(&guest.replace("PASSWORD", PASSWORD)).await;
    let guest = house.app.login("guest@acme.test", PASSWORD).await;
    for (kind, more) in
        [("Agent", json!({"model_group": "own"})), ("Connection", json!({"channel": "web", "agent": "Mara"}))]
    {
        let refused = async |project: &str| {
            let mut document = json!({"kind": kind, "organisation": "acme", "project": project, "name": "mine"});
            document.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
            let path = format!("{}/apply", house.organisation);
            let body = json!({"documents": [document]});
            let answer = guest.request(Method::POST, &path).json(&body).send().await.unwrap();
            let status = answer.status().as_u16();
            let problem: Value = answer.json().await.unwrap();
            (status, problem["detail"].as_str().unwrap_or_default().replace(project, "PROJECT"))
        };
        assert_eq!(refused("default").await, refused("nowhere").await, "{kind}");
        assert_eq!(refused("default").await.0, 400);
        assert_eq!(refused("support").await.0, 200, "{kind}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_project_that_cannot_be_removed_is_told_with_all_that_was_done() {
    let house = House::new().await;
    let owner = house.key(&house.acme, "owner").await;
    let wanted = format!("{WANTED}---\nkind: Project\norganisation: acme\nname: stuck\n");
    assert!(house.apply(&owner, &wanted, &[]).await.status.success());
    execute(
        &house.app,
        "create function stay() returns trigger language plpgsql as
             $$ begin if old.name = 'stuck' then raise 'hunter2'; end if; return old; end $$;
         create trigger stay before delete on project for each row execute function stay()",
    )
    .await;
    let keep = "kind: Project\norganisation: acme\nname: another\n";
    let expected = "+ Project acme/another\n\
        ! Project acme/stuck: the store failed; apply again, or see the server's log\n\
        - Project acme/support\n1 created, 0 changed, 0 unchanged, 1 removed, 1 failed\n";
    let pruned = house.apply(&owner, keep, &["--prune"]).await;
    assert_eq!((String::from_utf8_lossy(&pruned.stdout).as_ref(), pruned.status.code()), (expected, Some(1)));
    assert!(said(&pruned).contains("not everything was done"), "{}", said(&pruned));
    assert_eq!(house.projects().await, ["another", "stuck", "default"]);

    execute(&house.app, "drop trigger stay on project").await;
    let again = house.apply(&owner, keep, &["--prune"]).await;
    assert!(again.status.success() && said(&again).contains("- Project acme/stuck\n"), "{}", said(&again));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_client_that_goes_away_does_not_cut_off_what_it_began() {
    let house = House::new().await;
    let admin = || async { PgConnection::connect_with(&house.app.database().admin()).await.unwrap() };
    let (mut holder, mut watcher) = (admin().await, admin().await);
    let mut held = holder.begin().await.unwrap();
    sqlx::raw_sql("select epoch from config_epoch for update").execute(&mut *held).await.unwrap();

    let body = json!({"documents": [{"kind": "Provider", "organisation": "acme", "name": "own", "wire": "anthropic"}]});
    let request = house.acme.request(Method::POST, &format!("{}/apply", house.organisation)).json(&body);
    let asked = tokio::spawn(request.send());
    let waits =
        "select exists (select from pg_stat_activity where wait_event_type = 'Lock' and datname = current_database())";
    let patience = Duration::from_secs(30);
    while !sqlx::query_scalar::<_, bool>(waits).fetch_one(&mut watcher).await.unwrap() {
        tokio::task::yield_now().await;
    }
    asked.abort();
    assert!(asked.await.unwrap_err().is_cancelled());
    // The server hears that the client is gone before it can go on.
    house.projects().await;
    held.commit().await.unwrap();

    let providers = format!("{}/providers", house.organisation);
    eventually(patience, || async { house.acme.get(&providers).await.to_string().contains("\"own\"") }).await;
}

/// A server that knows its key's organisation, and when it is asked to apply says this or hangs up.
fn made_up_server(answer: Option<&str>) -> String {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = format!("http://{}", listener.local_addr().unwrap());
    let me = json!({"user": null, "organisations": [{"id": "0192f0c1-2345-7000-8000-000000000000"}]}).to_string();
    let http = |status: &str, body: &str| {
        format!("HTTP/1.1 {status}\r\nconnection: close\r\ncontent-length: {}\r\n\r\n{body}", body.len())
    };
    let answers = [http("200 OK", &me), answer.map(|it| http("504 Gateway Timeout", it)).unwrap_or_default()];
    std::thread::spawn(move || {
        for (answer, end) in answers.iter().zip(["\r\n\r\n", "}"]) {
            let (mut stream, _) = listener.accept().unwrap();
            let (mut asked, mut part) = (Vec::new(), [0; 4096]);
            while !asked.ends_with(end.as_bytes()) {
                let read = stream.read(&mut part).unwrap();
                asked.extend_from_slice(&part[..read]);
            }
            stream.write_all(answer.as_bytes()).unwrap();
        }
    });
    address
}

#[tokio::test(flavor = "multi_thread")]
async fn where_no_answer_comes_the_outcome_is_told_to_be_unknown() {
    let timeout = Some("{\"detail\": \"this took far too long\"}");
    for (answer, why) in [(timeout, "this took far too long"), (None, "no server answers at")] {
        let home = tempfile::tempdir().unwrap();
        let file = home.path().join("acme.yaml");
        std::fs::write(&file, "kind: Project\norganisation: acme\nname: p\n").unwrap();
        let mut command = Command::new(env!("CARGO_BIN_EXE_konstruct"));
        command.args(["apply", "--server", &made_up_server(answer), "-f"]).arg(&file);
        command.env("KONSTRUCT_API_KEY", "kk_1");
        let output = tokio::task::spawn_blocking(move || command.output().unwrap()).await.unwrap();
        let said = said(&output);
        assert_eq!(output.status.code(), Some(1), "{said}");
        assert!(said.contains("it is not known whether this was applied; applying it again is safe: "), "{said}");
        assert!(said.contains(why), "{said}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_missing_is_said() {
    let house = House::new().await;
    assert!(house.refusal("kk_none", WANTED).await.contains("does not know this API key"));
    assert!(house.refusal(house.acme.bearer(), WANTED).await.contains("takes an API key"));
    let elsewhere = house.apply("kk_none", WANTED, &["--data-dir", "."]).await;
    assert_eq!(elsewhere.status.code(), Some(2), "a server or a directory, not both: {}", said(&elsewhere));
    let body = |documents: Value| json!({ "documents": documents });
    let path = format!("{}/apply", house.organisation);
    let asked = house.acme.request(Method::POST, &path).json(&body(json!([]))).send().await.unwrap();
    assert_eq!(asked.status().as_u16(), 400);
    let asked = house.acme.request(Method::POST, &path).json(&body(json!([{"kind": "Agnt"}]))).send().await.unwrap();
    let problem: Value = asked.json().await.unwrap();
    assert!(problem["detail"].as_str().unwrap().starts_with("document 1: unknown kind `Agnt`"), "{problem}");

    let mut command = Command::new(env!("CARGO_BIN_EXE_konstruct"));
    let file = house.app.data_dir().join("apply.yaml");
    command.args(["apply", "--server", "http://127.0.0.1:9", "-f"]).arg(file).env("KONSTRUCT_API_KEY", "kk_1");
    let away = tokio::task::spawn_blocking(move || command.output().unwrap()).await.unwrap();
    assert!(said(&away).contains("no server answers at http://127.0.0.1:9"), "{}", said(&away));
}
