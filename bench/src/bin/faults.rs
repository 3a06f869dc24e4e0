//! The full run of the kill harness: `cargo xtask faults [--kills N] [--events N] [--seed N] [--senders N]`.
#![expect(clippy::print_stdout, clippy::print_stderr, reason = "a command speaks to whoever ran it")]

use std::path::PathBuf;
use std::process::{Command, ExitCode};

use anyhow::{Context as _, bail};
use testkit::harness::{Plan, run};

#[tokio::main]
async fn main() -> anyhow::Result<ExitCode> {
    let mut plan = Plan { binary: PathBuf::new(), seed: 1, kills: 500, events: 200_000, senders: 48 };
    let mut out = PathBuf::from("bench/results/faults.json");
    let mut arguments = std::env::args().skip(1);
    while let Some(name) = arguments.next() {
        let value = arguments.next().with_context(|| format!("{name} needs a value"))?;
        match name.as_str() {
            "--kills" => plan.kills = value.parse()?,
            "--events" => plan.events = value.parse()?,
            "--seed" => plan.seed = value.parse()?,
            "--senders" => plan.senders = value.parse()?,
            "--binary" => plan.binary = value.into(),
            "--out" => out = value.into(),
            _ => bail!("no option {name}"),
        }
    }
    if plan.binary.as_os_str().is_empty() {
        plan.binary = build()?;
    }
    let outcome = run(&plan, |progress| eprintln!("{progress}")).await;
    let result = serde_json::json!({
        "command": format!("cargo xtask faults --kills {} --events {} --seed {} --senders {}",
                           plan.kills, plan.events, plan.seed, plan.senders),
        "commit": commit(),
        "outcome": outcome,
    });
    let text = serde_json::to_string_pretty(&result)?;
    println!("{text}");
    std::fs::create_dir_all(out.parent().context("a directory")?)?;
    std::fs::write(&out, text + "\n")?;
    Ok(if outcome.verdict.is_clean() { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

/// The server, optimised, with its failpoints.
fn build() -> anyhow::Result<PathBuf> {
    let built = Command::new(env!("CARGO"))
        .args([
            "build",
            "--release",
            "--package",
            "server",
            "--features",
            "durable/failpoints",
            "--message-format",
            "json",
        ])
        .stderr(std::process::Stdio::inherit())
        .output()?;
    if !built.status.success() {
        bail!("the server does not build");
    }
    let messages = String::from_utf8(built.stdout)?;
    let executable = messages.lines().rev().find_map(|line| {
        let message: serde_json::Value = serde_json::from_str(line).ok()?;
        Some(PathBuf::from(message["executable"].as_str()?))
    });
    executable.context("cargo named no executable")
}

fn commit() -> String {
    let output = Command::new("git").args(["rev-parse", "HEAD"]).output();
    output.map(|output| String::from_utf8_lossy(&output.stdout).trim().to_owned()).unwrap_or_default()
}
