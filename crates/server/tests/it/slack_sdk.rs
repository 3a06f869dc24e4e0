//! The fake Slack and our signer, as Slack's own Python SDK sees them: what every other test relies on must be honest.

use std::path::PathBuf;
use std::process::Stdio;

use kernel::Clock;
use serde_json::json;
use testkit::slack::{Bot, FakeSlack, Fault, Signer, Workspace};
use tokio::io::AsyncWriteExt as _;
use tokio::process::Command;

/// A Python that has `slack_sdk`; `cargo xtask test` makes one and names it here.
const PYTHON: &str = "KONSTRUCT_TEST_PYTHON";

#[tokio::test]
async fn slacks_own_sdk_finds_our_signer_and_our_fake_to_be_slack() {
    let Some(python) = std::env::var_os(PYTHON).map(PathBuf::from) else {
        eprintln!("skipped: {PYTHON} names no Python with slack_sdk; `cargo xtask test` does");
        return;
    };
    let slack = FakeSlack::start().await;
    slack.register("xoxb-ours", Bot::default());
    let workspace = Workspace::new("T0001", "A0001", "U0BOT");
    let root = workspace.say("C1", "U1", "hello");
    slack.hear(&root);
    let body = workspace.message_event(&root).to_string();
    let timestamp = Clock::system().now().timestamp();
    let given = json!({
        "base_url": slack.base_url(), "token": "xoxb-ours", "secret": "a secret", "timestamp": timestamp.to_string(),
        "signature": Signer::new("a secret").sign(timestamp, body.as_bytes()), "body": body, "channel": "C1",
        "root": root.ts,
    });
    slack.fail_in("CSLOW", Some(Fault::RateLimited { retry_after: 7 }));
    let script = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/it/fake_slack.py");
    let mut child = Command::new(python)
        .arg(script)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .kill_on_drop(true)
        .spawn()
        .unwrap();
    child.stdin.take().unwrap().write_all(given.to_string().as_bytes()).await.unwrap();
    let output = child.wait_with_output().await.unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    assert_eq!(slack.calls("chat.update").len(), 4);
}
