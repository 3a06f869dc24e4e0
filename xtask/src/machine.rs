//! What the machine must have, installed where it is missing and may be, else named with the command to type.

use std::hash::{DefaultHasher, Hash as _, Hasher as _};
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context as _, Result, bail};

use crate::command::{CommandExt as _, find_program};
use crate::project::Project;
use crate::stage::say;

const OLDEST_NODE: u32 = 20;

/// The directory of PostgreSQL's programs, the newest version first; installed with apt where there is none.
pub(crate) fn postgres() -> Result<PathBuf> {
    if let Some(found) = find_postgres() {
        return Ok(found);
    }
    install("PostgreSQL's programs", &["postgresql"])?;
    find_postgres().context("PostgreSQL was installed and its programs are not found")
}

/// A Chromium for the browser tests.
pub(crate) fn chromium() -> Result<PathBuf> {
    let find = || ["chromium", "chromium-browser", "google-chrome"].into_iter().find_map(find_program);
    if let Some(found) = find() {
        return Ok(found);
    }
    install("Chromium, for the browser tests", &["chromium"])?;
    find().context("Chromium was installed and is not found")
}

/// Node, which builds the portal. It is not installed: distributions' own are often too old.
pub(crate) fn node() -> Result<()> {
    let Ok(version) = Command::new("node").arg("--version").output_of() else {
        bail!("Node {OLDEST_NODE} or newer is needed to build the portal: see https://nodejs.org/en/download");
    };
    let major = version.trim().trim_start_matches('v').split('.').next().and_then(|major| major.parse::<u32>().ok());
    if major.is_none_or(|major| major < OLDEST_NODE) {
        bail!("Node {OLDEST_NODE} or newer is needed, this is {}: see https://nodejs.org/en/download", version.trim());
    }
    Ok(())
}

/// The vendors' own SDKs, which our fakes and our gateway are tested against: a Python, and a directory with
/// `node_modules`. Installed once for each set of versions, into the user's cache.
pub(crate) fn sdks(project: &Project) -> Result<(PathBuf, PathBuf)> {
    let wanted = project.path("crates/server/tests/sdk");
    let python = cached(&[wanted.join("requirements.txt")], |venv, [requirements]| {
        let make = || Command::new("python3").args(["-m", "venv", "--clear"]).arg(venv).output_of();
        if make().is_err() {
            install("Python with venv, for the tests against the vendors' SDKs", &["python3", "python3-venv"])?;
            make()?;
        }
        let mut pip = Command::new(venv.join("bin/python"));
        pip.args(["-m", "pip", "install", "--quiet", "--disable-pip-version-check", "--requirement"]);
        pip.arg(requirements).run()
    })?;
    Ok((python.join("bin/python"), packages(&wanted)?))
}

/// Claude Code and Codex: a directory with `node_modules`.
pub(crate) fn coding_agents(project: &Project) -> Result<PathBuf> {
    packages(&project.path("crates/server/tests/agents"))
}

/// What npm makes of the `package.json` in this directory, at the versions in the lock beside it.
fn packages(wanted: &Path) -> Result<PathBuf> {
    cached(&["package.json", "package-lock.json"].map(|name| wanted.join(name)), |dir, [package, lock]| {
        std::fs::create_dir_all(dir)?;
        std::fs::copy(package, dir.join("package.json"))?;
        std::fs::copy(lock, dir.join("package-lock.json"))?;
        Command::new("npm").args(["ci", "--no-audit", "--no-fund", "--loglevel=error"]).current_dir(dir).run()
    })
}

/// A directory of the user's cache that `fill` has filled from these files; another one for other contents.
fn cached<const N: usize>(wanted: &[PathBuf; N], fill: impl Fn(&Path, &[PathBuf; N]) -> Result<()>) -> Result<PathBuf> {
    let mut hasher = DefaultHasher::new();
    for file in wanted {
        std::fs::read(file).with_context(|| format!("cannot read {}", file.display()))?.hash(&mut hasher);
    }
    let dir = cache()?.join(format!("sdk-{:016x}", hasher.finish()));
    let done = dir.join("installed");
    if !done.is_file() {
        fill(&dir, wanted)?;
        std::fs::write(&done, "")?;
    }
    Ok(dir)
}

/// Outside the checkout, so that a fresh one finds what another has fetched.
fn cache() -> Result<PathBuf> {
    let named = std::env::var_os("XDG_CACHE_HOME").map(PathBuf::from);
    let usual = || std::env::var_os("HOME").map(|home| Path::new(&home).join(".cache"));
    Ok(named.or_else(usual).context("neither XDG_CACHE_HOME nor HOME is set")?.join("konstruct"))
}

fn find_postgres() -> Option<PathBuf> {
    let versions = std::fs::read_dir("/usr/lib/postgresql").into_iter().flatten().flatten();
    let mut found: Vec<(u32, PathBuf)> = versions
        .filter_map(|entry| Some((entry.file_name().to_str()?.parse().ok()?, entry.path().join("bin"))))
        .filter(|(major, bin)| *major >= 15 && bin.join("initdb").is_file())
        .collect();
    found.sort();
    let along_path =
        || find_program("initdb").and_then(|program| Some(program.canonicalize().ok()?.parent()?.to_owned()));
    found.pop().map(|(_, bin)| bin).or_else(along_path)
}

/// Installs Debian packages as root or through sudo without a question; else says what to type.
fn install(what: &str, packages: &[&str]) -> Result<()> {
    let typed = format!("apt-get install --no-install-recommends {}", packages.join(" "));
    let root = Command::new("id").arg("-u").output_of().is_ok_and(|id| id.trim() == "0");
    let sudo = !root && Command::new("sudo").args(["-n", "true"]).succeeds();
    if find_program("apt-get").is_none() {
        bail!("{what} is missing. Install it with your system's package manager; on Debian: sudo {typed}");
    }
    if !root && !sudo {
        bail!("{what} is missing. Type: sudo {typed}");
    }
    say(&format!("{what} is missing: {typed}"));
    let apt = |arguments: &[&str]| {
        let mut command = if root { Command::new("env") } else { Command::new("sudo") };
        if sudo {
            command.args(["-n", "env"]);
        }
        command.args(["DEBIAN_FRONTEND=noninteractive", "apt-get", "-q"]).args(arguments).run()
    };
    apt(&["update"])?;
    apt(&[&["install", "-y", "--no-install-recommends"], packages].concat())
}
