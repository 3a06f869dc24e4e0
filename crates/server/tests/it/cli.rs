//! The commands, as people type them.

use std::path::Path;
use std::process::{Command, Output};
use std::time::Duration;

use serde_json::Value;
use testkit::{AppOptions, Database, TestApp};

use crate::desk::options;

const BINARY: &str = env!("CARGO_BIN_EXE_konstruct");

async fn output(mut command: Command) -> Output {
    tokio::task::spawn_blocking(move || command.output().unwrap()).await.unwrap()
}

fn said(output: &Output) -> String {
    [&output.stdout, &output.stderr].map(|said| String::from_utf8_lossy(said).into_owned()).concat()
}

fn password_in(log: &str) -> &str {
    log.lines().find_map(|line| line.trim().strip_prefix("password  ")).expect("a password is printed")
}

#[tokio::test(flavor = "multi_thread")]
async fn a_first_run_on_the_private_database_gives_somebody_to_talk_to_and_an_account() {
    let options = AppOptions { binary: BINARY.into(), database: Database::Embedded, data_dir: None, env: Vec::new() };
    let mut app = TestApp::start_with(options).await;
    let log = app.log();
    let owner = app.login("owner@localhost", password_in(&log)).await;
    let me = owner.get("/api/me").await;
    assert_eq!((&me["operator"], &me["organisations"][0]["name"]), (&Value::Bool(true), &Value::from("demo")));

    let mut chat = app.command("chat");
    chat.args(["--organisation", "demo", "--agent", "Mara", "--say", "What is Konstruct?"]);
    let answer = output(chat).await;
    assert!(answer.status.success() && said(&answer).contains("offline model"), "{}", said(&answer));

    let mut usage = app.command("usage");
    usage.args(["--organisation", "demo", "--json", "--by", "model"]);
    let usage = output(usage).await;
    let told: Value = serde_json::from_slice(&usage.stdout).unwrap_or_else(|_| panic!("{}", said(&usage)));
    assert_eq!((&told["requests"], &told["cost_usd"], &told["reserved_usd"]), (&1.into(), &0.into(), &0.into()));
    assert_eq!(told["groups"][0]["name"], "builtin/quotes");

    let trip = output(app.command("round-trip")).await;
    assert!(trip.status.success(), "{}", said(&trip));
    assert!(said(&trip).contains("acknowledged with 200") && said(&trip).contains("chat.update"), "{}", said(&trip));
    let organisations = owner.get("/api/operator/organisations").await;
    assert_eq!(organisations["items"].as_array().unwrap().len(), 1, "the round trip leaves nothing behind");

    let doctor = output(app.command("doctor")).await;
    assert!(doctor.status.success() && said(&doctor).contains("All is well."), "{}", said(&doctor));

    assert!(app.terminate().await.success(), "SIGTERM ends it in order");
    app.restart().await;
    let log = app.log();
    assert_eq!(log.matches("password  ").count(), 1, "the password is printed once");
    assert!(log.contains("konstruct user reset-password owner@localhost"), "{log}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_server_with_tls_is_talked_to_by_its_machine_s_own_commands_whatever_its_certificate() {
    let options = AppOptions { binary: BINARY.into(), database: Database::Embedded, data_dir: None, env: Vec::new() };
    let mut app = TestApp::start_with(options).await;
    app.terminate().await;
    let certificates = Path::new(env!("CARGO_MANIFEST_DIR")).join("../api/src/serve/testdata");
    let file = |name: &str| certificates.join(name).display().to_string();
    app.set_env("KONSTRUCT_TLS__CERT_FILE", Some(&file("first.cert.pem")));
    app.set_env("KONSTRUCT_TLS__KEY_FILE", Some(&file("first.key.pem")));
    app.set_env("KONSTRUCT_PUBLIC_URL", Some("https://konstruct.example.com"));
    app.spawn_again();
    let announced = app.data_dir().join("server.url");
    testkit::eventually(Duration::from_secs(30), || async { announced.exists() }).await;
    let doctor = output(app.command("doctor")).await;
    assert!(doctor.status.success() && said(&doctor).contains("server: ready"), "{}", said(&doctor));
    let mut chat = app.command("chat");
    chat.args(["--organisation", "demo", "--say", "What is Konstruct?"]);
    let answer = output(chat).await;
    assert!(answer.status.success() && said(&answer).contains("offline model"), "{}", said(&answer));
}

/// The binary with nothing of the configuration of whoever runs the tests.
fn bare(arguments: &[&str], data_dir: &Path) -> Command {
    let mut command = Command::new(BINARY);
    for (name, _) in std::env::vars_os() {
        if name.to_string_lossy().starts_with("KONSTRUCT_") || name == "DATABASE_URL" {
            command.env_remove(name);
        }
    }
    command.current_dir(std::env::temp_dir()).args(arguments).arg("--data-dir").arg(data_dir);
    command
}

#[tokio::test(flavor = "multi_thread")]
async fn a_mistyped_data_directory_is_refused_and_nothing_is_made_there() {
    let home = tempfile::tempdir().unwrap();
    let typo = home.path().join("dta");
    for arguments in
        [&["doctor"][..], &["migrate"], &["chat", "--say", "hello"], &["user", "reset-password", "owner@localhost"]]
    {
        let refused = output(bare(arguments, &typo)).await;
        let said = said(&refused);
        assert_eq!(refused.status.code(), Some(2), "{arguments:?}: {said}");
        let how = format!(
            "{0} holds no installation: name the directory of yours, or make one with \
            `konstruct serve --data-dir {0}`",
            typo.display()
        );
        assert!(said.contains(&how), "{said}");
        assert!(!typo.exists(), "{arguments:?} made it");
    }
    let file = home.path().join("organisation.yaml");
    std::fs::write(&file, "kind: Organisation\nname: acme\n").unwrap();
    let mut apply = bare(&["apply"], home.path());
    apply.arg("-f").arg(&file);
    let refused = output(apply).await;
    assert_eq!(refused.status.code(), Some(2));
    assert!(said(&refused).contains("holds no installation"), "what is not empty is somebody else's");
}

#[tokio::test(flavor = "multi_thread")]
async fn apply_makes_an_installation_where_there_is_nothing_and_leaves_an_operator() {
    let home = tempfile::tempdir().unwrap();
    let (data_dir, file) = (home.path().join("data"), home.path().join("organisation.yaml"));
    std::fs::write(&file, "kind: Organisation\nname: acme\n").unwrap();
    let apply = async || {
        let mut command = bare(&["apply"], &data_dir);
        command.arg("-f").arg(&file);
        output(command).await
    };
    let first = said(&apply().await);
    let line = format!("A new installation was made in {}.", data_dir.display());
    assert_eq!(first.lines().next(), Some(line.as_str()), "{first}");
    assert!(first.contains("+ Organisation acme"), "{first}");
    let password = password_in(&first).to_owned();
    let second = said(&apply().await);
    assert_eq!(second, "= Organisation acme\n0 created, 0 changed, 1 unchanged, 0 removed\n");

    let (database, data_dir) = (Database::Embedded, Some(data_dir));
    let app = TestApp::start_with(AppOptions { binary: BINARY.into(), database, data_dir, env: Vec::new() }).await;
    let me = app.login("owner@localhost", &password).await.get("/api/me").await;
    assert_eq!(me["operator"], true);
    assert!(app.log().contains("Log in as owner@localhost;"), "{}", app.log());
}

#[tokio::test(flavor = "multi_thread")]
async fn apply_makes_no_operator_where_its_documents_name_one() {
    let home = tempfile::tempdir().unwrap();
    let (data_dir, file) = (home.path().join("data"), home.path().join("users.yaml"));
    std::fs::write(&file, "kind: User\nemail: ada@acme.test\npassword: a long password\noperator: true\n").unwrap();
    let mut apply = bare(&["apply"], &data_dir);
    apply.arg("-f").arg(&file);
    let said = said(&output(apply).await);
    assert!(said.contains("+ User ada@acme.test") && !said.contains("password"), "{said}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_new_master_key_is_not_made_beside_a_database_that_is_in_use() {
    let mut app = TestApp::start_with(options().await).await;
    app.terminate().await;
    let key = app.data_dir().join("master.key");
    let kept = std::fs::read(&key).unwrap();
    std::fs::remove_file(&key).unwrap();
    let refused = output(app.command("serve")).await;
    assert!(!refused.status.success() && said(&refused).contains("master.key is missing"), "{}", said(&refused));
    assert!(!key.exists());
    std::fs::write(&key, kept).unwrap();
    app.restart().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_file_without_documents_is_no_success() {
    let home = tempfile::tempdir().unwrap();
    for text in ["", "# nothing yet\n---\n# nor here\n"] {
        let file = home.path().join("empty.yaml");
        std::fs::write(&file, text).unwrap();
        let mut apply = bare(&["apply"], &home.path().join("data"));
        apply.arg("-f").arg(&file);
        let refused = output(apply).await;
        assert_eq!(refused.status.code(), Some(2));
        assert!(said(&refused).contains("nothing to apply") && said(&refused).contains("empty.yaml"));
        assert!(!home.path().join("data").exists());
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_new_password_takes_the_old_ones_place_and_ends_sessions() {
    let app = TestApp::start_with(options().await).await;
    let session = app.login("owner@localhost", password_in(&app.log())).await;
    let mut reset = app.command("user");
    reset.args(["reset-password", "owner@localhost"]);
    let reset = output(reset).await;
    let line = said(&reset);
    let password = line.trim().rsplit(' ').next().unwrap();
    app.login("owner@localhost", password).await;
    assert_eq!(session.status(reqwest::Method::GET, "/api/me").await, reqwest::StatusCode::UNAUTHORIZED);

    let mut nobody = app.command("user");
    nobody.args(["reset-password", "nobody@localhost"]);
    assert_eq!(output(nobody).await.status.code(), Some(1));
}

#[tokio::test(flavor = "multi_thread")]
async fn chat_says_whom_it_does_not_find_and_what_to_do() {
    let app = TestApp::start_with(options().await).await;
    app.apply("kind: Organisation\nname: acme\n---\nkind: Agent\norganisation: acme\nname: Noor\n").await;
    for (arguments, expected) in [
        (&["--say", "hi"][..], "there are several organisations; name one with --organisation: acme, demo"),
        (&["--organisation", "acne", "--say", "hi"], "there is no organisation \"acne\"; there are acme, demo"),
        (&["--organisation", "acme", "--say", "hi"], "no agent of acme has a web chat: apply a Connection"),
        (
            &["--organisation", "acme", "--agent", "Noor", "--say", "hi"],
            "agent \"Noor\" has no web chat: apply a Connection",
        ),
        (
            &["--organisation", "demo", "--agent", "Noor", "--say", "hi"],
            "organisation demo has no agent \"Noor\"; it has Mara",
        ),
    ] {
        let mut chat = app.command("chat");
        chat.args(arguments);
        let refused = output(chat).await;
        assert!(refused.status.code() == Some(1) && said(&refused).contains(expected), "{}", said(&refused));
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn exit_codes_mean_something() {
    let app = TestApp::start_with(options().await).await;
    assert_eq!(output(app.command("serve")).await.status.code(), Some(4), "another server holds the directory");
    let mut wrong = app.command("doctor");
    wrong.env("KONSTRUCT_DATABASE__URI", "x");
    let wrong = output(wrong).await;
    assert_eq!(wrong.status.code(), Some(2));
    assert!(said(&wrong).contains("did you mean `database.url`?"), "{}", said(&wrong));
    let mut unreachable = app.command("doctor");
    unreachable.env("KONSTRUCT_DATABASE__URL", "postgres://konstruct_app@127.0.0.1:1/x");
    let unreachable = output(unreachable).await;
    assert_eq!(unreachable.status.code(), Some(3));
    assert!(said(&unreachable).contains("127.0.0.1:1 takes no connection"), "{}", said(&unreachable));
    assert!(said(&unreachable).contains("refused"), "{}", said(&unreachable));
    let mut powerful = app.command("doctor");
    powerful.env("KONSTRUCT_DATABASE__SYSTEM_URL", app.database().url("postgres"));
    let powerful = output(powerful).await;
    assert_eq!(powerful.status.code(), Some(3), "a superuser's login is refused");
    assert!(said(&powerful).contains("too powerful"), "{}", said(&powerful));
    assert_eq!(output(app.command("migrate")).await.status.code(), Some(0));
}

#[test]
fn the_descriptions_are_printed() {
    let print = |name: &str| String::from_utf8(Command::new(BINARY).arg(name).output().unwrap().stdout).unwrap();
    let openapi: Value = serde_json::from_str(&print("openapi")).unwrap();
    assert!(openapi["openapi"].as_str().unwrap().starts_with("3.1"));
    assert!(print("config-reference").contains("## `database.url`"));
}

#[tokio::test(flavor = "multi_thread")]
async fn prices_are_taken_from_litellms_table_for_the_providers_that_there_are() {
    let options = AppOptions { binary: BINARY.into(), database: Database::Embedded, data_dir: None, env: Vec::new() };
    let app = TestApp::start_with(options).await;
    let owner = app.login("owner@localhost", password_in(&app.log())).await;
    let organisation = owner.get("/api/me").await["organisations"][0]["id"].as_str().unwrap().to_owned();
    let table = serde_json::json!({
        "gpt-5.4": {"litellm_provider": "openai", "mode": "chat", "input_cost_per_token": 1e-06,
            "output_cost_per_token": 2e-06, "max_output_tokens": 100},
        "dall-e-3": {"litellm_provider": "openai", "mode": "image_generation"},
        "groq/llama": {"litellm_provider": "groq", "mode": "chat", "input_cost_per_token": 1e-07}
    });
    let dir = tempfile::tempdir().unwrap();
    let file = dir.path().join("table.json");
    std::fs::write(&file, table.to_string()).unwrap();
    for changed in [1, 0] {
        let mut import = app.command("prices");
        import.arg("import").arg(&file).args(["--organisation", "demo"]);
        let import = output(import).await;
        let said = said(&import);
        assert!(import.status.success() && said.contains("= openai/gpt-5.4: 1 in, 2 out"), "{said}");
        assert!(said.contains("- not counted in tokens: dall-e-3"), "{said}");
        assert!(said.contains(&format!("1 prices taken ({changed} new or changed), 2 entries left out")), "{said}");
    }
    let prices = owner.get(&format!("/api/organisations/{organisation}/prices")).await;
    let own = &prices["items"][0];
    assert_eq!(
        (&own["source"], &own["provider"], &own["max_output_tokens"]),
        (&"own".into(), &"openai".into(), &100.into())
    );
}
