//! Virtual keys and budgets, as documents and over the API.

use std::process::Output;

use reqwest::Method;
use serde_json::{Value, json};
use testkit::{AppOptions, Session, TestApp};

const PASSWORD: &str = "correct horse battery staple";

const HOUSE: &str = "
kind: Organisation
name: acme
budget: {usd: 100, period: month}
---
kind: Project
organisation: acme
name: builds
budget: {usd: 20.5, period: day}
---
kind: User
email: owner@acme.test
password: correct horse battery staple
memberships: [{organisation: acme, role: owner}]
---
kind: User
email: guest@acme.test
password: correct horse battery staple
memberships: [{organisation: acme, project: builds, role: admin}]
---
kind: Agent
organisation: acme
name: Mara
role: Clerk
budget: {usd: 3, period: day}
---
";

const KEY: &str = "
kind: VirtualKey
organisation: acme
name: ci
key: ${GATEWAY_KEY}
model_groups: [quality]
limits: {requests_per_minute: 100000, tokens_per_minute: 100000000}
budget: {usd: 1.00, period: day}
";

async fn start() -> TestApp {
    let options = AppOptions::new(env!("CARGO_BIN_EXE_konstruct")).await;
    let options = options.env("GATEWAY_KEY", "a-key-that-was-given").env("OTHER_KEY", "another-key-that-was-given");
    TestApp::start_with(options).await
}

fn said(output: &Output) -> String {
    [&output.stdout, &output.stderr].map(|said| String::from_utf8_lossy(said).into_owned()).concat()
}

async fn apply(app: &TestApp, yaml: &str, more: &[&str]) -> String {
    let file = app.data_dir().join("keys.yaml");
    std::fs::write(&file, yaml).unwrap();
    let mut command = app.command("apply");
    command.args(more).arg("-f").arg(file);
    said(&tokio::task::spawn_blocking(move || command.output().unwrap()).await.unwrap())
}

async fn organisation(owner: &Session) -> String {
    let me = owner.get("/api/me").await;
    format!("/api/organisations/{}", me["organisations"][0]["id"].as_str().unwrap())
}

fn item(list: &Value, pick: impl Fn(&Value) -> bool) -> &Value {
    list["items"].as_array().unwrap().iter().find(|item| pick(item)).unwrap()
}

#[tokio::test(flavor = "multi_thread")]
async fn documents_of_keys_and_budgets_apply_again_and_again() {
    let app = start().await;
    let wanted = [HOUSE, KEY].concat();
    let first = apply(&app, &wanted, &[]).await;
    assert!(first.contains("+ VirtualKey acme/ci\n"), "a key that was given is not shown: {first}");
    let again = apply(&app, &wanted, &[]).await;
    assert!(again.contains("0 created, 0 changed, 6 unchanged"), "{again}");

    let owner = app.login("owner@acme.test", PASSWORD).await;
    let acme = organisation(&owner).await;
    let keys = owner.get(&format!("{acme}/virtual-keys")).await;
    let key = item(&keys, |key| key["name"] == "ci");
    assert_eq!((&key["prefix"], &key["model_groups"]), (&json!("a-key-t"), &json!(["quality"])));
    assert_eq!(key["limits"], json!({"requests_per_minute": 100000, "tokens_per_minute": 100000000}));
    let budgets = owner.get(&format!("{acme}/budgets")).await;
    let budget = |field: &str| item(&budgets, |budget| !budget[field].is_null())["usd"].clone();
    assert_eq!(budgets["items"].as_array().unwrap().len(), 4);
    let usd = [budget("virtual_key_id"), budget("project_id"), budget("agent_id")];
    assert_eq!(usd, [json!(1.0), json!(20.5), json!(3.0)]);

    let changed = wanted.replace("GATEWAY_KEY", "OTHER_KEY").replace("usd: 3, period: day", "usd: 3, period: month");
    let changed = apply(&app, &changed, &[]).await;
    for line in ["~ VirtualKey acme/ci", "~ Agent acme/default/Mara (budget)", "0 created, 2 changed"] {
        assert!(changed.contains(line), "{changed}");
    }
    let without = apply(&app, &KEY.replace("budget:", "# ").replace("GATEWAY", "OTHER"), &[]).await;
    assert!(without.contains("~ VirtualKey acme/ci (budget)"), "{without}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_key_that_was_closed_by_hand_is_not_opened_by_a_document_that_says_nothing_of_it() {
    let app = start().await;
    apply(&app, &[HOUSE, KEY].concat(), &[]).await;
    let owner = app.login("owner@acme.test", PASSWORD).await;
    let acme = organisation(&owner).await;
    let find = async || {
        let keys = owner.get(&format!("{acme}/virtual-keys")).await;
        item(&keys, |key| key["name"] == "ci").clone()
    };
    let path = format!("{acme}/virtual-keys/{}", find().await["id"].as_str().unwrap());
    let closed = owner.request(Method::PATCH, &path).json(&json!({"disabled": true})).send().await.unwrap();
    assert!(closed.status().is_success(), "{}", closed.status());
    let before = find().await;
    apply(&app, "kind: VirtualKey\norganisation: acme\nname: ci\nbudget: {usd: 1.00, period: day}\n", &[]).await;
    let after = find().await;
    for field in ["disabled_at", "model_groups", "limits"] {
        assert_eq!(after[field], before[field], "{field}");
    }
    assert!(!after["disabled_at"].is_null());
    apply(&app, "kind: VirtualKey\norganisation: acme\nname: ci\ndisabled: false\n", &[]).await;
    assert!(find().await["disabled_at"].is_null(), "said aloud, it is opened");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_key_that_is_made_up_is_shown_once_and_prune_removes_those_that_are_not_named() {
    let app = start().await;
    let made_up = KEY.replace("key: ${GATEWAY_KEY}\n", "");
    let first = apply(&app, &[HOUSE, &made_up].concat(), &[]).await;
    let shown = first.lines().find_map(|line| line.strip_prefix("+ VirtualKey acme/ci: ")).unwrap_or_default();
    assert!(shown.starts_with("kv_") && shown.len() > 40, "{first}");
    let again = apply(&app, &made_up, &[]).await;
    assert!(again.starts_with("= VirtualKey acme/ci\n"), "{again}");

    let owner = app.login("owner@acme.test", PASSWORD).await;
    let acme = organisation(&owner).await;
    let api_key = json!({"name": "deploy", "role": "admin"});
    let api_key = owner.send(Method::POST, &format!("{acme}/api-keys"), &api_key).await;
    let server = ["--server", &app.url(""), "--api-key", api_key["key"].as_str().unwrap()];
    let other = made_up.replace("name: ci", "name: other");
    let remote = apply_remote(&app, &other, &[&server[..], &["--prune"]].concat()).await;
    assert!(remote.contains("+ VirtualKey acme/other: kv_") && remote.contains("- VirtualKey acme/ci"), "{remote}");
}

async fn apply_remote(app: &TestApp, yaml: &str, more: &[&str]) -> String {
    let file = app.data_dir().join("remote.yaml");
    std::fs::write(&file, yaml).unwrap();
    let mut command = std::process::Command::new(env!("CARGO_BIN_EXE_konstruct"));
    command.arg("apply").args(more).arg("-f").arg(file);
    said(&tokio::task::spawn_blocking(move || command.output().unwrap()).await.unwrap())
}

#[tokio::test(flavor = "multi_thread")]
async fn what_a_key_cannot_be_is_said() {
    let app = start().await;
    apply(&app, HOUSE, &[]).await;
    for (wrong, why) in [
        (KEY.replace("[quality]", "[nobody]"), "there is no model group `nobody`"),
        (KEY.replace("${GATEWAY_KEY}", "short"), "20 to 500 printable characters"),
        (KEY.replace("period: day", "period: year"), "unknown variant `year`"),
        (KEY.replace("usd: 1.00", "usd: -1"), "at least 0 USD"),
        (KEY.replace("limits:", "project: nowhere\nlimits:"), "there is no project \"nowhere\""),
    ] {
        let output = apply(&app, &wrong, &[]).await;
        assert!(output.contains(why), "{output}");
    }
    let twice = [KEY, "---", &KEY.replace("name: ci", "name: again")].concat();
    let output = apply(&app, &twice, &[]).await;
    assert!(output.contains("this key is in use already"), "{output}");
}

#[tokio::test(flavor = "multi_thread")]
async fn who_may_make_keys_in_one_project_makes_them_for_that_project() {
    let app = start().await;
    apply(&app, &[HOUSE, KEY].concat(), &[]).await;
    let (owner, guest) = (app.login("owner@acme.test", PASSWORD).await, app.login("guest@acme.test", PASSWORD).await);
    let acme = organisation(&owner).await;
    let keys = format!("{acme}/virtual-keys");
    let projects = guest.get(&format!("{acme}/projects")).await;
    let project = item(&projects, |project| project["name"] == "builds")["id"].clone();
    let made = guest.send(Method::POST, &keys, &json!({"name": "own", "project_id": project})).await;
    assert!(made["key"].as_str().unwrap().starts_with("kv_"));
    let seen = guest.get(&keys).await;
    assert_eq!(seen["items"].as_array().unwrap().len(), 1, "not those of the organisation");
    let status = async |method: Method, path: &str, body: Value| {
        guest.request(method, path).json(&body).send().await.unwrap().status().as_u16()
    };
    assert_eq!(status(Method::POST, &keys, json!({"name": "for all"})).await, 403);
    let list = owner.get(&keys).await;
    let other = format!("{keys}/{}", item(&list, |key| key["name"] == "ci")["id"].as_str().unwrap());
    assert_eq!(status(Method::PATCH, &other, json!({"disabled": true})).await, 404);
    assert_eq!(status(Method::DELETE, &other, Value::Null).await, 404);
    let own = format!("{keys}/{}", made["id"].as_str().unwrap());
    assert_eq!(status(Method::PATCH, &own, json!({"disabled": true})).await, 200);
}
