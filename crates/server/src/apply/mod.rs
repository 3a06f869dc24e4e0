//! `konstruct apply`: brings an installation to what YAML documents say, as its operator.
//!
//! Invariant: applying the same documents twice changes nothing the second time.
//! Invariant: what was changed is in force on every node when it returns.

mod agent;
mod connection;
mod diff;
mod document;
mod models;
mod order;
mod organisation;
mod prune;
mod user;

use std::io::Read as _;
use std::path::{Path, PathBuf};

use anyhow::{Context as _, bail};
use channels::Channels;
use infra::ConfigEpoch;
use kernel::{ProjectId, TenantId};
use llm::store::Seed;
use tenancy::{Access, Actor, Identity};

use self::diff::{Change, Diff, Said};
use self::document::{Document, Wanted};
use crate::config::Config;
use crate::exit::Misused;
use crate::house::House;
use crate::terminal::say;
use crate::{first_run, installation};

/// Who does it, in the audit's words.
const ACTOR: Actor = Actor::System;

/// Reads the files, applies them in the order that their kinds need, and prints what changed.
pub(crate) async fn apply(
    config: &Config,
    files: &[PathBuf],
    environment: &[(String, String)],
    prune: bool,
) -> anyhow::Result<()> {
    let variable = |name: &str| environment.iter().find(|(known, _)| known == name).map(|(_, value)| value.clone());
    let mut documents = Vec::new();
    for file in files {
        let (name, text) = read_file(file)?;
        documents.extend(document::read(&name, &text, &variable)?);
    }
    if documents.is_empty() {
        let names: Vec<_> = files.iter().map(|file| file.display().to_string()).collect();
        return Err(Misused(format!("nothing to apply: there is no document in {}", names.join(", "))).into());
    }
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
    let mut work = Work::new(house, Seed::Standard, Said::Aloud);
    work.all(documents, prune).await?;
    say(work.diff.summary());
    Ok(())
}

/// Applies documents of our own making, saying nothing.
pub(crate) async fn apply_text(house: &House, name: &str, yaml: &str, seed: Seed) -> anyhow::Result<()> {
    let documents = document::read(name, yaml, &|_| None)?;
    Work::new(house, seed, Said::Quietly).all(documents, false).await
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

/// An `apply` under way.
struct Work<'a> {
    house: &'a House,
    identity: Identity,
    channels: Channels,
    /// What a new organisation begins with.
    seed: Seed,
    diff: Diff,
}

impl<'a> Work<'a> {
    fn new(house: &'a House, seed: Seed, said: Said) -> Self {
        let identity = Identity::new(house.db.clone(), &house.sealer, house.clock.clone());
        Self { house, identity, channels: house.channels(ConfigEpoch::new(0)), seed, diff: Diff::new(said) }
    }

    /// Applies all, and waits until every node acts upon it; what was done before a failure is in force too.
    async fn all(&mut self, documents: Vec<Document>, prune: bool) -> anyhow::Result<()> {
        let documents = order::in_order(documents);
        let done = self.each(&documents, prune).await;
        if self.diff.anything_changed() {
            let db = &self.house.db;
            let mut tx = db.system("what was applied is in force").await?;
            let epoch = db::bump_config_epoch(&mut tx).await?;
            tx.commit().await?;
            db::wait_until_in_force(db, epoch).await?;
        }
        done
    }

    async fn each(&mut self, documents: &[Document], prune: bool) -> anyhow::Result<()> {
        for Document { wanted, place } in documents {
            let change = self.one(wanted).await.with_context(|| format!("{place}: {wanted}"))?;
            self.diff.note(&change, wanted);
        }
        if prune {
            self.prune(documents).await?;
        }
        Ok(())
    }

    async fn one(&mut self, wanted: &Wanted) -> anyhow::Result<Change> {
        match wanted {
            Wanted::Organisation(it) => self.organisation(it).await,
            Wanted::Project(it) => self.project(it).await,
            Wanted::User(it) => self.user(it).await,
            Wanted::ChannelApp(it) => self.channel_app(it).await,
            Wanted::Provider(it) => self.provider(it).await,
            Wanted::ModelGroup(it) => self.model_group(it).await,
            Wanted::Agent(it) => self.agent(it).await,
            Wanted::Connection(it) => self.connection(it).await,
        }
    }

    /// The command line's access to the organisation of that name.
    async fn access(&self, organisation: &str) -> anyhow::Result<Access> {
        Ok(Access::system(self.tenant(organisation).await?))
    }

    async fn tenant(&self, organisation: &str) -> anyhow::Result<TenantId> {
        let mut tx = self.house.db.system("an organisation by its name").await?;
        let found = tenancy::organisations::find_by_name(&mut tx, organisation).await?;
        tx.commit().await?;
        match found {
            Some(found) => Ok(found.id),
            None => bail!("there is no organisation \"{organisation}\""),
        }
    }
}

async fn find_project(tx: &mut db::TenantTx, name: &str) -> anyhow::Result<ProjectId> {
    match tenancy::projects::find_by_name(tx, name).await? {
        Some(project) => Ok(project.id),
        None => bail!("there is no project \"{name}\""),
    }
}
