//! Everything that can be said about the code without running it.

use anyhow::Result;

use crate::command::CommandExt as _;
use crate::project::Project;
use crate::stage::{Stages, say};
use crate::{generate, machine, portal, tidy};

/// `cargo xtask check`.
pub(crate) fn check(project: &Project) -> Result<()> {
    let mut stages = Stages::new();
    stages_of(project, &mut stages)?;
    say(&format!("\nchecked\n{}", stages.summary()));
    Ok(())
}

/// The quick checks first, so that a small mistake is told at once.
pub(crate) fn stages_of(project: &Project, stages: &mut Stages) -> Result<()> {
    stages.stage("format", || project.cargo(&["fmt", "--all", "--check"]).run())?;
    stages.stage("house rules", || tidy::tidy(project))?;
    stages.stage("PostgreSQL", || machine::postgres().map(drop))?;
    stages.stage("the portal's packages", || portal::install(project))?;
    stages.stage("the portal: lint and types", || {
        portal::script(project, "lint")?;
        portal::script(project, "types")
    })?;
    stages.stage("the portal: build", || portal::script(project, "build"))?;
    stages.stage("lints, and every query against the schema", || generate::compare_database(project))?;
    stages.stage("the descriptions of API and configuration", || generate::compare_descriptions(project))
}
