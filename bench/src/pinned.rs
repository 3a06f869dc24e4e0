//! Which core a process runs on: what is measured has one to itself, what measures has another.

use std::path::Path;
use std::process::{Command, Stdio};

use anyhow::{Result, ensure};

/// What is measured, and everything it starts.
pub(crate) const MEASURED: &str = "0";
/// The load generator and the outside world.
pub(crate) const MEASURING: &str = "1";

/// A command that runs `program` on this core alone; it has the process id of `program` itself.
pub(crate) fn on_core(core: &str, program: &Path) -> Command {
    let mut command = Command::new("taskset");
    command.args(["-c", core]).arg(program);
    command
}

/// Moves this process, with all its threads, to the core of those that measure.
pub(crate) fn stay_aside() -> Result<()> {
    ensure!(std::thread::available_parallelism()?.get() > 1, "one core is too few: two sides would share it");
    let pid = std::process::id().to_string();
    let moved = Command::new("taskset").args(["-a", "-c", "-p", MEASURING, &pid]).stdout(Stdio::null()).status()?;
    ensure!(moved.success(), "taskset: {moved}");
    Ok(())
}
