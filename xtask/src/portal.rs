//! The portal's own tools, through npm.

use std::process::Command;

use anyhow::{Context as _, Result};

use crate::command::CommandExt as _;
use crate::machine;
use crate::project::Project;

/// Installs the portal's packages where they are not those of the lock file.
pub(crate) fn install(project: &Project) -> Result<()> {
    machine::node()?;
    let lock = std::fs::read(project.path("portal/package-lock.json")).context("the portal's lock file")?;
    // What `npm ci` has installed last, so that it is not done again for nothing.
    let mark = project.path("portal/node_modules/.installed-lock.json");
    if std::fs::read(&mark).is_ok_and(|installed| installed == lock) {
        return Ok(());
    }
    npm(project, &["ci", "--no-audit", "--no-fund"]).env("PLAYWRIGHT_SKIP_BROWSER_DOWNLOAD", "1").run()?;
    std::fs::write(&mark, lock).context("cannot note what was installed")
}

/// A script of the portal's `package.json`.
pub(crate) fn script(project: &Project, name: &str) -> Result<()> {
    npm(project, &["run", "--silent", name]).run()
}

/// An npm command in the portal's directory.
pub(crate) fn npm(project: &Project, arguments: &[&str]) -> Command {
    let mut npm = Command::new("npm");
    npm.args(arguments).current_dir(project.path("portal"));
    npm
}
