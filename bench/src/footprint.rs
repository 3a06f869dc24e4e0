//! `footprint`: what an idle server holds after ten people have logged in, and how soon it is ready on existing data.

use std::path::Path;
use std::time::Duration;

use anyhow::{Result, ensure};
use serde_json::json;

use crate::load::{Wire, post};
use crate::options::Options;
use crate::process::{self, Memory};
use crate::product::{OWNER, PASSWORD, Product};
use crate::raw::postgres_version;
use crate::report::{Report, median, say};

const KNOWN: [(&str, u64); 3] = [("starts", 7), ("log-ins", 10), ("idle-seconds", 5)];
const NOWHERE: &str = "http://127.0.0.1:9/";

pub(crate) async fn run(words: Vec<String>, binary: &Path) -> Result<()> {
    let options = Options::parse(words, &KNOWN)?;
    let mut report = Report::new("footprint", &options);
    let mut product = Product::start(binary, None).await?;
    product.furnish(NOWHERE, NOWHERE)?;
    product.end()?;
    let mut starts = Vec::new();
    for number in 1..=options.get("starts") {
        let ready = product.begin().await?.as_secs_f64() * 1000.0;
        say(&format!("start {number}: ready after {ready:.0} ms; load {:.2}", process::load_average()));
        starts.push(ready);
        if number < options.get("starts") {
            product.end()?;
        }
    }
    let idle = Duration::from_secs(options.get("idle-seconds"));
    tokio::time::sleep(idle).await;
    let fresh = process::memory(product.pid(), &[product.postgres()?]);
    for _ in 0..options.get("log-ins") {
        log_in(product.port).await?;
    }
    tokio::time::sleep(idle).await;
    let postgres = product.postgres()?;
    let (server, database) = (process::memory(product.pid(), &[postgres]), process::memory(postgres, &[]));

    starts.sort_by(f64::total_cmp);
    let (first, last) = (starts.first().copied().unwrap_or(0.0), starts.last().copied().unwrap_or(0.0));
    report.row("server, idle after ten log-ins, RSS", mib(server.rss), "aim: <= 60 MiB");
    report.row("server, idle before them, RSS", mib(fresh.rss), "");
    report.row("server, PSS", mib(server.pss), "");
    report.row(&format!("PostgreSQL, {} processes, PSS", database.processes), mib(database.pss), "");
    report.row("PostgreSQL, RSS (shared memory counted in each)", mib(database.rss), "");
    report.row("start to ready on existing data, median", format!("{:.0} ms", median(&starts)), "aim: <= 1,000 ms");
    report.row(
        "start to ready, fastest - slowest",
        format!("{first:.0} - {last:.0} ms"),
        "PostgreSQL's start included",
    );
    report.row("size of the binary", mib(std::fs::metadata(binary)?.len() / 1024), "");
    report.set("postgresql", postgres_version(&product).await?.into());
    report.set("settings", options.all());
    report.set("running", "konstruct serve, all roles, its PostgreSQL stopped and started with it".into());
    report.set("aims", json!({"rss_kib": 60 * 1024, "ready_ms": 1000}));
    report.set(
        "figures",
        json!({
            "server": kib(server), "server_before_log_ins": kib(fresh), "postgresql": kib(database),
            "ready_ms": starts.iter().map(|ms| ms.round()).collect::<Vec<_>>(), "ready_median_ms": median(&starts).round(),
        }),
    );
    report.finish()
}

async fn log_in(port: u16) -> Result<()> {
    let body = json!({"email": OWNER, "password": PASSWORD}).to_string();
    let mut wire = Wire::connect(port).await?;
    let status = wire.ask(&post("/api/auth/login", &[], &body)).await?.status();
    ensure!(status == 200, "the log-in was answered with {status}");
    Ok(())
}

fn mib(kib: u64) -> String {
    format!("{:.1} MiB", kib as f64 / 1024.0)
}

fn kib(memory: Memory) -> serde_json::Value {
    json!({"rss_kib": memory.rss, "pss_kib": memory.pss, "processes": memory.processes})
}
