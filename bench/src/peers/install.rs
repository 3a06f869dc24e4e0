//! Peers are fetched at the versions their files in `bench/peers` name, into the user's cache: outside the checkout, once.

use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context as _, Result, ensure};

/// An environment of Python with what `bench/peers/<name>/requirements.txt` lists.
pub(crate) fn python(name: &str) -> Result<PathBuf> {
    installed(name, "requirements.txt", |home, requirements| {
        run(Command::new("python3").args(["-m", "venv", "--clear"]).arg(home))?;
        let mut pip = Command::new(home.join("bin/pip"));
        run(pip.args(["install", "--quiet", "--disable-pip-version-check", "--requirement"]).arg(requirements))
    })
}

/// A directory with the packages of `bench/peers/<name>/package-lock.json`.
pub(crate) fn node(name: &str) -> Result<PathBuf> {
    installed(name, "package-lock.json", |home, lock| {
        std::fs::create_dir_all(home)?;
        for file in [lock, &lock.with_file_name("package.json")] {
            std::fs::copy(file, home.join(file.file_name().context("a name")?))?;
        }
        run(Command::new("npm").args(["ci", "--no-audit", "--no-fund", "--loglevel=error"]).current_dir(home))
    })
}

/// The peer's directory, filled by `fill` unless it already holds what the `wanted` file says.
fn installed(name: &str, wanted: &str, fill: impl Fn(&Path, &Path) -> Result<()>) -> Result<PathBuf> {
    let wanted = code(name)?.join(wanted);
    let home = cache()?.join(name);
    let done = home.join("installed");
    if std::fs::read(&done).ok() != Some(std::fs::read(&wanted)?) {
        fill(&home, &wanted)?;
        std::fs::copy(&wanted, &done)?;
    }
    Ok(home)
}

/// What this repository holds for the peer.
pub(crate) fn code(name: &str) -> Result<PathBuf> {
    Ok(Path::new("bench/peers").join(name).canonicalize()?)
}

fn cache() -> Result<PathBuf> {
    let named = std::env::var_os("XDG_CACHE_HOME").map(PathBuf::from);
    let usual = || std::env::var_os("HOME").map(|home| Path::new(&home).join(".cache"));
    Ok(named.or_else(usual).context("neither XDG_CACHE_HOME nor HOME is set")?.join("konstruct/peers"))
}

fn run(command: &mut Command) -> Result<()> {
    let status = command.status().with_context(|| format!("cannot start {command:?}"))?;
    ensure!(status.success(), "{command:?}: {status}");
    Ok(())
}
