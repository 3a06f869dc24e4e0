//! `konstruct apply`: brings an installation to what YAML documents say, as its operator.

mod remote;

use std::io::Read as _;
use std::path::{Path, PathBuf};

use anyhow::{Context as _, ensure};
use apply::{Document, Report, Workshop};
use infra::ConfigEpoch;
use llm::store::Seed;

use crate::config::Config;
use crate::exit::Misused;
use crate::house::House;
use crate::terminal::say;
use crate::{first_run, installation};

pub(crate) use remote::Remote;

/// Applies documents and prints what changed.
pub(crate) async fn apply(config: &Config, documents: Vec<Document>, prune: bool) -> anyhow::Result<()> {
    let new = installation::is_to_be_made(config)?;
    let house = House::open(config).await?;
    let done = apply_to(&house, config, documents, prune, new).await;
    house.close().await?;
    done
}

async fn apply_to(
    house: &House,
    config: &Config,
    documents: Vec<Document>,
    prune: bool,
    new: bool,
) -> anyhow::Result<()> {
    if new {
        say(format!("A new installation was made in {}.", config.data_dir.display()));
        if !documents.iter().any(Document::names_operator) {
            first_run::appoint_operator(house).await?.say(config, &config.public_url());
        }
    }
    let tell = &mut |line: &apply::Line| say(line.to_string());
    let report = workshop(house).apply_as_operator(documents, Seed::Standard, prune, tell).await?;
    conclude(&report)
}

/// Says what all came to, and fails where not all was done.
fn conclude(report: &Report) -> anyhow::Result<()> {
    say(report.to_string());
    ensure!(report.complete(), "not everything was done: see the lines that begin with `!`");
    Ok(())
}

/// Applies documents of our own making, saying nothing.
pub(crate) async fn apply_text(house: &House, name: &str, yaml: &str, seed: Seed) -> anyhow::Result<()> {
    let documents = apply::read(name, yaml, &|_| None)?;
    workshop(house).apply_as_operator(documents, seed, false, &mut |_| ()).await?;
    Ok(())
}

/// Reads all files; refuses those that hold nothing.
pub(crate) fn read_files(files: &[PathBuf], environment: &[(String, String)]) -> anyhow::Result<Vec<Document>> {
    let variable = |name: &str| environment.iter().find(|(known, _)| known == name).map(|(_, value)| value.clone());
    let mut documents = Vec::new();
    for file in files {
        let (name, text) = read_file(file)?;
        documents.extend(apply::read(&name, &text, &variable)?);
    }
    if documents.is_empty() {
        let names: Vec<_> = files.iter().map(|file| file.display().to_string()).collect();
        return Err(Misused(format!("nothing to apply: there is no document in {}", names.join(", "))).into());
    }
    Ok(documents)
}

fn read_file(path: &Path) -> anyhow::Result<(String, String)> {
    if path == Path::new("-") {
        let mut text = String::new();
        std::io::stdin().read_to_string(&mut text).context("cannot read the standard input")?;
        return Ok(("standard input".to_owned(), text));
    }
    let name = path.display().to_string();
    let text = std::fs::read_to_string(path).with_context(|| format!("cannot read {name}"))?;
    Ok((name, text))
}

fn workshop(house: &House) -> Workshop {
    house.workshop(house.channels(ConfigEpoch::new(0)))
}
