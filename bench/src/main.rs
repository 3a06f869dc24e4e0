//! Benchmarks, one command each: `cargo xtask bench acks | replies | footprint | peers | gateway | ...`. See bench/README.md.

mod acks;
mod events;
mod footprint;
mod gateway;
mod load;
mod machine;
mod options;
mod outside;
mod peers;
mod pinned;
mod process;
mod product;
mod raw;
mod replies;
mod report;
mod seed;
mod statements;
mod traffic;
mod usage;

use std::path::PathBuf;

use anyhow::{Context as _, Result, bail};

/// One thread: what the generator does not take is the measured side's.
#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<()> {
    let words: Vec<String> = std::env::args().skip(1).collect();
    if words.first().is_some_and(|name| name == "mock") {
        return gateway::mock().await;
    }
    let binary = binary()?;
    match words.first().map(String::as_str) {
        Some("acks") => acks::run(words, &binary).await,
        Some("replies") => replies::run(words, &binary).await,
        Some("footprint") => footprint::run(words, &binary).await,
        Some("peers") => peers::run(words, &binary).await,
        Some("gateway") => gateway::run(words, &binary).await,
        Some("gateway-soak") => gateway::soak(words, &binary).await,
        Some("budget") => gateway::budget(words, &binary).await,
        Some("usage") => usage::run(words, &binary).await,
        _ => bail!(
            "which one? acks, replies, footprint, peers, gateway, gateway-soak, budget or usage: see bench/README.md"
        ),
    }
}

/// The released server, as `xtask` names it.
fn binary() -> Result<PathBuf> {
    let named =
        std::env::var_os("KONSTRUCT_TEST_BINARY").map_or_else(|| "target/release/konstruct".into(), PathBuf::from);
    named.canonicalize().with_context(|| format!("no server at {}", named.display()))
}
