//! The generated files: made from the code and the migrations, committed, and compared by `check`.
//!
//! - `.sqlx/`: what the database says about every query, so that the house compiles without one
//! - `crates/db/schema.sql`: the schema as the migrations make it, for reading
//! - `portal/openapi.json`, `portal/src/api/schema.d.ts`: the API's description and its TypeScript types
//! - `docs/configuration.md`: every configuration key

use std::collections::BTreeMap;
use std::fs::{self, File};
use std::path::{Path, PathBuf};
use std::time::SystemTime;

use anyhow::{Context as _, Result, bail};
use tempfile::TempDir;

use crate::command::CommandExt as _;
use crate::portal;
use crate::postgres::Postgres;
use crate::project::Project;
use crate::stage::{Stages, say};

const OFFLINE: &str = ".sqlx";
const SCHEMA: &str = "crates/db/schema.sql";
const OPENAPI: &str = "portal/openapi.json";
const TYPES: &str = "portal/src/api/schema.d.ts";
const CONFIGURATION: &str = "docs/configuration.md";

/// How the compiler is run while the queries' data is gathered.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Compile {
    Check,
    /// The lints at the same time, every warning an error.
    Lint,
}

/// `cargo xtask gen`.
pub(crate) fn write(project: &Project) -> Result<()> {
    let mut stages = Stages::new();
    let postgres = stages.stage("a database with the schema", || Postgres::with_schema(project))?;
    stages.stage("the queries' data", || {
        let fresh = offline_data(project, &postgres, Compile::Check)?;
        let dir = project.path(OFFLINE);
        if dir.exists() {
            fs::remove_dir_all(&dir)?;
        }
        fs::create_dir(&dir)?;
        for (name, text) in read_dir(fresh.path())? {
            fs::write(dir.join(name), text)?;
        }
        Ok(())
    })?;
    stages.stage("the schema", || write_file(project, SCHEMA, &schema(&postgres)?))?;
    stages.stage("the API's description and the configuration's", || {
        write_file(project, CONFIGURATION, &said_by_the_server(project, "config-reference")?)?;
        write_file(project, OPENAPI, &said_by_the_server(project, "openapi")?)
    })?;
    stages.stage("the portal's types", || {
        portal::install(project)?;
        write_file(project, TYPES, &types(project, &project.path(OPENAPI))?)
    })?;
    say(&format!("\n{}", stages.summary()));
    Ok(())
}

/// The part of `check` that needs a database: lints the house while it looks every query up again.
pub(crate) fn compare_database(project: &Project) -> Result<()> {
    let postgres = Postgres::with_schema(project)?;
    let fresh = offline_data(project, &postgres, Compile::Lint)?;
    let (fresh, committed) = (read_dir(fresh.path())?, read_dir(&project.path(OFFLINE)).unwrap_or_default());
    if fresh != committed {
        let changed = fresh.iter().filter(|(name, text)| committed.get(*name) != Some(text)).count();
        let stale = committed.keys().filter(|name| !fresh.contains_key(*name)).count();
        bail!("{OFFLINE} is not what the queries make it ({changed} new or changed, {stale} stale): cargo xtask gen");
    }
    let (fresh, committed) = (schema(&postgres)?, read_file(project, SCHEMA)?);
    match (fresh.lines().next(), committed.lines().next()) {
        // Another major version writes the same schema in other words.
        (this, that) if this != that => say(&format!("{SCHEMA} was written by another pg_dump and is not compared")),
        _ => same(SCHEMA, &fresh, &committed)?,
    }
    Ok(())
}

/// The part of `check` that needs the built server and the portal's packages.
pub(crate) fn compare_descriptions(project: &Project) -> Result<()> {
    same(CONFIGURATION, &said_by_the_server(project, "config-reference")?, &read_file(project, CONFIGURATION)?)?;
    same(OPENAPI, &said_by_the_server(project, "openapi")?, &read_file(project, OPENAPI)?)?;
    same(TYPES, &types(project, &project.path(OPENAPI))?, &read_file(project, TYPES)?)
}

/// What sqlx's macros write with `SQLX_OFFLINE_DIR` set, for all targets of the workspace.
fn offline_data(project: &Project, postgres: &Postgres, compile: Compile) -> Result<TempDir> {
    let dir = tempfile::tempdir()?;
    let arguments: &[&str] = match compile {
        Compile::Check => &["check", "--workspace", "--all-targets"],
        Compile::Lint => &["clippy", "--workspace", "--all-targets", "--", "-D", "warnings"],
    };
    // The macros write only when they are expanded, and cargo compiles only what has changed.
    let _stale = Touched::all_targets(project)?;
    let mut cargo = project.cargo(arguments);
    cargo.env("DATABASE_URL", postgres.url()).env("SQLX_OFFLINE", "false").env("SQLX_OFFLINE_DIR", dir.path());
    cargo.run()?;
    Ok(dir)
}

/// Sources that look freshly changed to cargo, until dropped.
struct Touched(Vec<(PathBuf, SystemTime)>);

impl Touched {
    fn all_targets(project: &Project) -> Result<Self> {
        let metadata = project.metadata()?;
        let packages = metadata["packages"].as_array().into_iter().flatten();
        let targets = packages.flat_map(|package| package["targets"].as_array().into_iter().flatten());
        let mut touched = Self(Vec::new());
        for source in targets.filter_map(|target| target["src_path"].as_str()) {
            let file = File::options().append(true).open(source).with_context(|| source.to_owned())?;
            touched.0.push((source.into(), file.metadata()?.modified()?));
            file.set_modified(SystemTime::now())?;
        }
        Ok(touched)
    }
}

impl Drop for Touched {
    fn drop(&mut self) {
        for (source, modified) in &self.0 {
            File::options().append(true).open(source).and_then(|file| file.set_modified(*modified)).ok();
        }
    }
}

/// The schema without what differs between minor versions and machines.
fn schema(postgres: &Postgres) -> Result<String> {
    let mut dump = postgres.client("pg_dump");
    let text = dump.args(["--schema-only", "--no-owner", "postgres"]).output_of()?;
    let major = postgres.major()?;
    let noise = ["--", "SET ", "SELECT pg_catalog.set_config", "\\restrict", "\\unrestrict"];
    let mut schema = format!(
        "-- The schema as the migrations make it, for reading: written by `cargo xtask gen` with pg_dump {major}.\n"
    );
    let mut blank = false;
    for line in text.lines().filter(|line| !noise.iter().any(|noise| line.starts_with(noise))) {
        if !line.is_empty() {
            schema.push_str(if blank { "\n" } else { "" });
            schema.push_str(line);
            schema.push('\n');
        }
        blank = line.is_empty();
    }
    Ok(schema)
}

/// What one of the server's hidden commands prints; compiled from the committed queries' data.
fn said_by_the_server(project: &Project, command: &str) -> Result<String> {
    let text = project.cargo(&["run", "--quiet", "--package", "server", "--", command]).output_of()?;
    if text.trim().is_empty() {
        bail!("`konstruct {command}` prints nothing");
    }
    Ok([text.trim_end(), "\n"].concat())
}

fn types(project: &Project, openapi: &Path) -> Result<String> {
    let out = tempfile::tempdir()?;
    let file = out.path().join("schema.d.ts");
    let mut generator = portal::npm(project, &["exec", "--offline", "--", "openapi-typescript"]);
    generator.arg(openapi).arg("--output").arg(&file).output_of()?;
    Ok(fs::read_to_string(file)?)
}

fn same(name: &str, fresh: &str, committed: &str) -> Result<()> {
    if fresh == committed {
        return Ok(());
    }
    let line = fresh.lines().zip(committed.lines()).take_while(|(fresh, committed)| fresh == committed).count() + 1;
    bail!("{name} is not what the code makes it, from line {line} on: cargo xtask gen");
}

fn read_dir(dir: &Path) -> Result<BTreeMap<String, String>> {
    let mut files = BTreeMap::new();
    for entry in fs::read_dir(dir)? {
        let path = entry?.path();
        let name = path.file_name().context("a file has a name")?.to_string_lossy().into_owned();
        files.insert(name, fs::read_to_string(path)?);
    }
    Ok(files)
}

fn read_file(project: &Project, name: &str) -> Result<String> {
    fs::read_to_string(project.path(name)).with_context(|| format!("{name} is missing: cargo xtask gen"))
}

fn write_file(project: &Project, name: &str, text: &str) -> Result<()> {
    let path = project.path(name);
    fs::create_dir_all(path.parent().context("a file has a directory")?)?;
    fs::write(path, text).with_context(|| name.to_owned())
}
