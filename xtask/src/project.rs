//! The checkout and what cargo says about it.

use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context as _, Result};
use serde_json::Value;

use crate::command::CommandExt as _;

pub(crate) struct Project {
    pub(crate) root: PathBuf,
}

impl Project {
    /// The checkout that cargo starts this tool for, from anywhere inside. Where checkouts share a target directory, the
    /// tool itself may have been built from another one.
    pub(crate) fn find() -> Result<Self> {
        let tool = std::env::var_os("CARGO_MANIFEST_DIR").context("cargo starts this tool: `cargo xtask`")?;
        let tool = Path::new(&tool);
        Ok(Self { root: tool.parent().context("the tool stands inside the project")?.to_owned() })
    }

    pub(crate) fn path(&self, inside: &str) -> PathBuf {
        self.root.join(inside)
    }

    /// A cargo command in the checkout, which takes the queries' data from `.sqlx` whatever the caller's environment.
    pub(crate) fn cargo(&self, arguments: &[&str]) -> Command {
        let mut cargo = Command::new(std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into()));
        cargo.args(arguments).current_dir(&self.root).env_remove("DATABASE_URL").env("SQLX_OFFLINE", "true");
        cargo
    }

    /// `cargo metadata` of the workspace's own packages.
    pub(crate) fn metadata(&self) -> Result<Value> {
        let said = self.cargo(&["metadata", "--format-version", "1", "--no-deps"]).output_of()?;
        Ok(serde_json::from_str(&said)?)
    }

    /// Where cargo puts what it builds; a caller may share one directory between checkouts.
    pub(crate) fn target_dir(&self) -> Result<PathBuf> {
        let metadata = self.metadata()?;
        Ok(metadata["target_directory"].as_str().context("cargo names its target directory")?.into())
    }

    /// Every tracked or new file, relative to the root.
    pub(crate) fn files(&self) -> Result<Vec<PathBuf>> {
        let mut git = Command::new("git");
        git.args(["ls-files", "--cached", "--others", "--exclude-standard"]).current_dir(&self.root);
        let mut files: Vec<PathBuf> = git.output_of()?.lines().map(PathBuf::from).collect();
        files.retain(|file| self.root.join(file).is_file());
        Ok(files)
    }
}
