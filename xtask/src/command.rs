use std::ffi::OsStr;
use std::path::PathBuf;
use std::process::{Command, Stdio};

use anyhow::{Context as _, Result, bail};

/// Running programs so that a failure says which, and how.
pub(crate) trait CommandExt {
    /// Runs with the terminal's streams; fails where the program does.
    fn run(&mut self) -> Result<()>;
    /// Runs and takes what it prints; fails where the program does, with what it said.
    fn output_of(&mut self) -> Result<String>;
    /// Whether it runs and succeeds, in silence.
    fn succeeds(&mut self) -> bool;
}

impl CommandExt for Command {
    fn run(&mut self) -> Result<()> {
        let shown = shown(self);
        let status = self.status().with_context(|| format!("cannot start {shown}"))?;
        if !status.success() {
            bail!("{shown}: {status}");
        }
        Ok(())
    }

    fn output_of(&mut self) -> Result<String> {
        let shown = shown(self);
        let output = self.stdin(Stdio::null()).output().with_context(|| format!("cannot start {shown}"))?;
        if !output.status.success() {
            bail!("{shown}: {}: {}", output.status, String::from_utf8_lossy(&output.stderr).trim());
        }
        String::from_utf8(output.stdout).with_context(|| format!("{shown} printed what is no text"))
    }

    fn succeeds(&mut self) -> bool {
        let quiet = self.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null());
        quiet.status().is_ok_and(|status| status.success())
    }
}

/// The program of that name along `PATH`.
pub(crate) fn find_program(name: &str) -> Option<PathBuf> {
    let path = std::env::var_os("PATH")?;
    std::env::split_paths(&path).map(|dir| dir.join(name)).find(|program| program.is_file())
}

fn shown(command: &Command) -> String {
    let words = std::iter::once(command.get_program()).chain(command.get_args());
    words.map(OsStr::to_string_lossy).collect::<Vec<_>>().join(" ")
}
