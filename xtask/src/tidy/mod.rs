//! The rules of the house that no compiler knows.

mod layers;
mod migrations;
mod names;
mod text;

use anyhow::{Result, bail};

use crate::project::Project;

/// `cargo xtask tidy`: every finding at once.
pub(crate) fn tidy(project: &Project) -> Result<()> {
    let files = project.files()?;
    let mut findings = layers::findings(project)?;
    findings.extend(names::findings(&files));
    findings.extend(text::findings(project, &files)?);
    findings.extend(migrations::findings(project, &files)?);
    if findings.is_empty() {
        return Ok(());
    }
    bail!("{} against the rules of the house:\n  {}", findings.len(), findings.join("\n  "));
}
