//! Benchmarks, one command each: `cargo xtask bench acks | replies | footprint | peers`. See bench/README.md.

mod acks;
mod events;
mod footprint;
mod load;
mod machine;
mod options;
mod outside;
mod peers;
mod process;
mod product;
mod raw;
mod replies;
mod report;
mod seed;
mod statements;
mod traffic;

use std::path::PathBuf;

use anyhow::{Context as _, Result, bail};

/// One thread: what the generator does not take is the measured side's.
#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<()> {
    let words: Vec<String> = std::env::args().skip(1).collect();
    let binary = binary()?;
    match words.first().map(String::as_str) {
        Some("acks") => acks::run(words, &binary).await,
        Some("replies") => replies::run(words, &binary).await,
        Some("footprint") => footprint::run(words, &binary).await,
        Some("peers") => peers::run(words, &binary).await,
        _ => bail!("which one? acks, replies, footprint or peers: see bench/README.md"),
    }
}

/// The released server, as `xtask` names it.
fn binary() -> Result<PathBuf> {
    let named =
        std::env::var_os("KONSTRUCT_TEST_BINARY").map_or_else(|| "target/release/konstruct".into(), PathBuf::from);
    named.canonicalize().with_context(|| format!("no server at {}", named.display()))
}
