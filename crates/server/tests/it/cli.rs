//! The commands, as people type them.

use std::process::{Command, Output};

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
    assert_eq!(output(unreachable).await.status.code(), Some(3));
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
