//! What a figure was measured on.

use std::fs::{self, File};
use std::io::Write as _;
use std::path::Path;
use std::process::Command;
use std::time::Instant;

use anyhow::Result;
use serde_json::{Value, json};

/// The machine's facts, as a result file states them.
pub(crate) fn facts() -> Value {
    let cpu = field("/proc/cpuinfo", "model name").unwrap_or_default();
    let memory = field("/proc/meminfo", "MemTotal").unwrap_or_default();
    let kernel = fs::read_to_string("/proc/sys/kernel/osrelease").unwrap_or_default();
    json!({
        "cpu": cpu,
        "cores": std::thread::available_parallelism().map_or(0, usize::from),
        "memory": memory,
        "kernel": kernel.trim(),
        "fdatasync_per_second": fdatasync_rate(&std::env::temp_dir()).unwrap_or(0.0).round(),
    })
}

/// The commit of the working tree, marked where it holds changes.
pub(crate) fn commit() -> String {
    let git = |arguments: &[&str]| {
        let output = Command::new("git").args(arguments).output().ok().filter(|output| output.status.success())?;
        Some(String::from_utf8_lossy(&output.stdout).trim().to_owned())
    };
    let Some(commit) = git(&["rev-parse", "--short=12", "HEAD"]) else { return "unknown".to_owned() };
    let changed = git(&["status", "--porcelain", "--", ".", ":!bench/results"]).is_some_and(|found| !found.is_empty());
    if changed { format!("{commit}+changes") } else { commit }
}

fn field(file: &str, name: &str) -> Option<String> {
    let text = fs::read_to_string(file).ok()?;
    let (_, value) = text.lines().find(|line| line.starts_with(name))?.split_once(':')?;
    Some(value.trim().to_owned())
}

/// How often a second a block of 8 KiB can be written durably, one after the other: what every commit waits for.
fn fdatasync_rate(dir: &Path) -> Result<f64> {
    const TIMES: u32 = 200;
    let path = dir.join(format!("kbench-sync-{}", std::process::id()));
    let mut file = File::create(&path)?;
    let begun = Instant::now();
    for _ in 0..TIMES {
        file.write_all(&[0; 8 << 10])?;
        file.sync_data()?;
    }
    let rate = f64::from(TIMES) / begun.elapsed().as_secs_f64();
    fs::remove_file(path)?;
    Ok(rate)
}
