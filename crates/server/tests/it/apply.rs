//! `konstruct apply`: the contract that scripts rely on.

use testkit::models::{FakeModels, Reply};
use testkit::{AppOptions, TestApp};

use crate::api::world::execute;
use crate::desk::{Desk, employee, options, organisation};

/// The example of the contract, to the letter but for the ports.
const CONTRACT: &str = r#"kind: Organisation
name: acme                      # also creates the project "default"
---
kind: User
email: owner@acme.test
password: ${OWNER_PASSWORD}
memberships: [{organisation: acme, role: owner}]     # or with project:
---
kind: Provider
organisation: acme
name: scripted
wire: openai-chat               # openai-chat | anthropic | ollama | builtin (more later)
base_url: http://127.0.0.1:9001/v1
api_key: ${PROVIDER_KEY}
---
kind: ModelGroup
organisation: acme
name: quality
models: [{provider: scripted, model: scripted-1}]
---
kind: Price                     # overrides the table
organisation: acme
provider: scripted
model: scripted-1
input_per_million: 1000         # USD
output_per_million: 1000
---
kind: Agent
organisation: acme
project: default
name: Mara
role: Support specialist
persona: Friendly, precise.
system_prompt: Answer in one sentence.
model_group: quality
tools: [date_time, calculator]
---
kind: Connection
organisation: acme
project: default
name: acme-slack
channel: slack
agent: Mara
external_id: T0001              # the workspace
settings: {base_url: "http://127.0.0.1:9002/api/", app_id: A0001, bot_user_id: U0BOT}
secrets: {signing_secret: "${SLACK_SIGNING_SECRET}", bot_token: "${SLACK_BOT_TOKEN}"}
---
kind: ChannelApp                # only where several organisations share one Slack app
channel: slack
app_id: A0002
secrets: {signing_secret: "${SHARED_SIGNING_SECRET}"}
"#;

async fn contract_options() -> AppOptions {
    options()
        .await
        .env("KONSTRUCT_EGRESS__ALLOW_PRIVATE", "false")
        .env("OWNER_PASSWORD", "correct horse battery staple")
        .env("PROVIDER_KEY", "sk-1")
        .env("SLACK_SIGNING_SECRET", "8f742231b10e8888abcd99yyyzzz85a5")
        .env("SLACK_BOT_TOKEN", "xoxb-1")
        .env("SHARED_SIGNING_SECRET", "9a742231b10e8888abcd99yyyzzz85a5")
}

#[tokio::test(flavor = "multi_thread")]
async fn the_contracts_example_applies_twice_and_changes_nothing_the_second_time() {
    let app = TestApp::start_with(contract_options().await).await;
    let said = app.apply(CONTRACT).await;
    for line in [
        "+ Organisation acme",
        "+ Price acme/scripted/scripted-1",
        "+ Agent acme/default/Mara",
        "+ Connection acme/acme-slack",
        "+ ChannelApp slack/A0002",
    ] {
        assert!(said.contains(line), "{said}");
    }
    let said = app.apply(CONTRACT).await;
    assert!(
        said.contains("= Connection acme/acme-slack") && said.contains("0 created, 0 changed, 8 unchanged"),
        "{said}"
    );

    let said = app.apply(&CONTRACT.replace("input_per_million: 1000", "input_per_million: 0.25")).await;
    assert!(said.contains("~ Price acme/scripted/scripted-1"), "{said}");
    let said = app.apply(&CONTRACT.replace("Friendly, precise.", "Calm.")).await;
    assert!(said.contains("~ Agent acme/default/Mara (persona)"), "{said}");
    app.login("owner@acme.test", "correct horse battery staple").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_not_understood_is_refused_with_its_place_before_anything_is_done() {
    let app = TestApp::start_with(options().await).await;
    let output =
        app.try_apply("kind: Organisation\nname: acme\n---\nkind: Agent\norganisation: acme\nname: M\nrol: x\n").await;
    let said = String::from_utf8_lossy(&output.stderr).into_owned();
    assert_eq!(output.status.code(), Some(1));
    assert!(said.contains("document 2, line 7: Agent: unknown field `rol`"), "{said}");
    let said = app.apply("kind: Organisation\nname: acme\n").await;
    assert!(said.contains("+ Organisation acme"), "nothing was made by the one that was refused: {said}");

    for (yaml, expected) in [
        ("kind: Agent\norganisation: nobody\nname: M\n", "there is no organisation \"nobody\""),
        ("kind: Agent\norganisation: acme\nname: M\ntools: [fly]\n", "tools: there is no tool \"fly\""),
        ("kind: Agent\norganisation: acme\nname: M\nlimits: {max_steps: 0}\n", "limits.max_steps"),
        (
            "kind: Agent\norganisation: acme\nname: M\nmodel_group: qualty\n",
            "model_group: there is no model group \"qualty\"; there are fast, quality",
        ),
        (
            "kind: ModelGroup\norganisation: acme\nname: g\nmodels: [{provider: none, model: m}]\n",
            "there is no provider `none`; there are anthropic, ollama, openai",
        ),
        (
            "kind: ModelGroup\norganisation: acme\nname: g\nfallbacks: [none]\n",
            "there is no model group `none` to fall back to; there are fast, quality",
        ),
        ("kind: Provider\norganisation: acme\nname: p\nwire: telepathy\n", "telepathy"),
        (
            "kind: Connection\norganisation: acme\nname: c\nchannel: pigeon\nagent: M\n",
            "there is no channel \"pigeon\"",
        ),
        ("kind: User\nemail: nobody\n", "User nobody"),
    ] {
        let output = app.try_apply(yaml).await;
        let said = String::from_utf8_lossy(&output.stderr).into_owned();
        assert!(!output.status.success() && said.contains(expected), "{yaml}: {said}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn documents_may_stand_in_any_order() {
    let app = TestApp::start_with(options().await).await;
    let upside_down = "kind: Agent
organisation: acme
name: Mara
model_group: first
---
kind: ModelGroup
organisation: acme
name: first
fallbacks: [second]
---
kind: ModelGroup
organisation: acme
name: second
fallbacks: [third]
---
kind: ModelGroup
organisation: acme
name: third
models: [{provider: offline, model: quotes}]
---
kind: Provider
organisation: acme
name: offline
wire: builtin
---
kind: Organisation
name: acme
";
    let said = app.apply(upside_down).await;
    assert!(said.contains("6 created, 0 changed, 0 unchanged"), "{said}");
    let only_third = "kind: Agent\norganisation: acme\nname: Mara\nmodel_group: third\n---
kind: ModelGroup\norganisation: acme\nname: third\nmodels: [{provider: offline, model: quotes}]\n";
    let said = prune(&app, only_third).await;
    for line in ["- ModelGroup acme/first", "- ModelGroup acme/second", "- ModelGroup acme/fast"] {
        assert!(said.contains(line), "{said}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn what_was_applied_is_in_force_when_the_command_returns() {
    let desk = Desk::new("").await;
    desk.models.otherwise(|_| Reply::say("From the first."));
    assert_eq!(desk.ask("Who answers?").await["text"], "From the first.");
    let second = FakeModels::start().await;
    second.otherwise(|_| Reply::say("From the second."));
    for _ in 0..3 {
        desk.app.apply(&organisation(&second.openai_url())).await;
        assert_eq!(desk.ask("Who answers?").await["text"], "From the second.");
        desk.app.apply(&organisation(&desk.models.openai_url())).await;
        assert_eq!(desk.ask("Who answers?").await["text"], "From the first.");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn an_organisation_whose_making_was_cut_off_is_finished_by_the_next_apply() {
    let app = TestApp::start_with(options().await).await;
    let wanted = "kind: Organisation\nname: acme\n---\nkind: Agent\norganisation: acme\nname: Mara\n";
    let organisation = wanted.split("---\n").next().unwrap();
    app.apply(organisation).await;
    // What a process leaves that dies after it made the organisation and before it gave it its models.
    execute(&app, "delete from model_group; delete from provider").await;
    let said = app.apply(wanted).await;
    assert!(said.contains("~ Organisation acme (model_groups)\n+ Agent acme/default/Mara"), "{said}");
    assert!(app.apply(wanted).await.contains("0 created, 0 changed, 2 unchanged"));
}

#[tokio::test(flavor = "multi_thread")]
async fn it_works_before_the_server_has_ever_run_and_prune_removes_what_is_not_named() {
    let mut app = TestApp::start_with(options().await).await;
    app.terminate().await;
    let models = FakeModels::start().await;
    app.apply(&organisation(&models.openai_url())).await;
    app.apply(&employee("")).await;
    let output = prune(&app, "kind: Agent\norganisation: acme\nname: Noor\n").await;
    assert!(output.contains("still answers on web"), "an agent in use is not removed: {output}");
    let both = "kind: Agent\norganisation: acme\nname: Noor\n---\nkind: Connection\norganisation: acme\nname: other\nchannel: web\nagent: Noor\n";
    let output = prune(&app, both).await;
    assert!(output.contains("- Connection acme/web") && output.contains("- Agent acme/default/Mara"), "{output}");
    let price = |model: &str| {
        format!(
            "kind: Price\norganisation: acme\nprovider: scripted\nmodel: {model}\ninput_per_million: 1\noutput_per_million: 2.5\n"
        )
    };
    app.apply(&price("old")).await;
    let output = prune(&app, &price("new")).await;
    assert!(output.contains("+ Price acme/scripted/new") && output.contains("- Price acme/scripted/old"), "{output}");
    app.restart().await;
}

async fn prune(app: &TestApp, yaml: &str) -> String {
    let file = app.data_dir().join("prune.yaml");
    std::fs::write(&file, yaml).unwrap();
    let mut command = app.command("apply");
    command.arg("--prune").arg("-f").arg(file);
    let output = tokio::task::spawn_blocking(move || command.output().unwrap()).await.unwrap();
    [output.stdout, output.stderr].map(|said| String::from_utf8_lossy(&said).into_owned()).concat()
}
