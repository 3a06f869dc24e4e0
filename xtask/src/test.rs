//! `check`, then every test there is.

use std::path::PathBuf;
use std::process::Command;

use anyhow::Result;

use crate::command::CommandExt as _;
use crate::project::Project;
use crate::stage::{Stages, say};
use crate::{check, machine, portal};

/// `cargo xtask test`.
pub(crate) fn test(project: &Project) -> Result<()> {
    let mut stages = Stages::new();
    let (chromium, (python, sdks)) = stages.stage("what the tests need of the machine", || {
        machine::postgres()?;
        machine::node()?;
        Ok((machine::chromium()?, machine::sdks(project)?))
    })?;
    check::stages_of(project, &mut stages)?;
    let needs = Needs { chromium, python, sdks, binary: project.target_dir()?.join("debug/konstruct") };
    stages.stage("the tests: compile", || rust_tests(project, &needs, Part::Compile))?;
    stages.stage("the tests: run", || rust_tests(project, &needs, Part::Run))?;
    stages.stage("the portal's unit tests", || portal::script(project, "test"))?;
    stages.stage("the browser's tests", || {
        project.cargo(&["build", "--package", "server"]).run()?;
        needs.give(&mut portal::npm(project, &["run", "--silent", "e2e"])).run()
    })?;
    say(&format!("\nall tests passed\n{}", stages.summary()));
    Ok(())
}

/// `cargo xtask coding-agents`: a test that the everyday ones leave out, for what it has to fetch.
pub(crate) fn coding_agents(project: &Project) -> Result<()> {
    machine::postgres()?;
    machine::node()?;
    let agents = machine::coding_agents(project)?;
    let arguments = ["test", "--package", "server", "--test", "it", "--", "--ignored", "coding_agents"];
    project.cargo(&arguments).env("KONSTRUCT_TEST_AGENTS", agents).run()
}

#[derive(Clone, Copy)]
enum Part {
    Compile,
    Run,
}

/// With nextest where it is installed: a process for each test.
fn rust_tests(project: &Project, needs: &Needs, part: Part) -> Result<()> {
    let nextest = project.cargo(&["nextest", "--version"]).succeeds();
    let arguments: &[&str] = match (nextest, part) {
        (true, Part::Compile) => &["nextest", "run", "--workspace", "--no-run"],
        (true, Part::Run) => &["nextest", "run", "--workspace", "--no-fail-fast"],
        (false, Part::Compile) => &["test", "--workspace", "--no-run"],
        (false, Part::Run) => &["test", "--workspace", "--no-fail-fast"],
    };
    needs.give(&mut project.cargo(arguments)).run()
}

/// What tests are told of the machine.
struct Needs {
    chromium: PathBuf,
    python: PathBuf,
    sdks: PathBuf,
    binary: PathBuf,
}

impl Needs {
    fn give<'a>(&self, command: &'a mut Command) -> &'a mut Command {
        command
            .env("KONSTRUCT_TEST_CHROMIUM", &self.chromium)
            .env("KONSTRUCT_TEST_PYTHON", &self.python)
            .env("KONSTRUCT_TEST_SDKS", &self.sdks)
            .env("KONSTRUCT_TEST_BINARY", &self.binary)
    }
}
