//! The repository's tool: sets up, builds, runs, tests, checks and regenerates. `cargo xtask` lists what it does.
//!
//! Invariant: few dependencies and no crate of the house, so that the first command on a fresh machine starts quickly
//! and `gen` works when the house does not compile.
#![expect(clippy::disallowed_methods, reason = "a tool reads its environment itself")]

mod check;
mod command;
mod generate;
mod machine;
mod portal;
mod postgres;
mod project;
mod run;
mod stage;
mod test;
mod tidy;

use std::process::ExitCode;

use anyhow::{Result, bail};
use project::Project;

const USAGE: &str = "\
cargo xtask run [--data-dir DIR] [--listen ADDR]   set up, build and start the product
cargo xtask test                                   check, then every test, the browser's included
cargo xtask coding-agents                          Claude Code and Codex, fetched from npm, through the gateway
cargo xtask check                                  format, lints, house rules, drift of generated files, the portal
cargo xtask gen                                    write the generated files anew
cargo xtask tidy                                   the house rules alone
cargo xtask bench NAME [ARGS...]                   a benchmark; see bench/README.md
cargo xtask faults [--kills N] [ARGS...]           events under kills, freezes and restarts; see bench/README.md
";

fn main() -> ExitCode {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    match dispatch(&arguments) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            stage::failed(&error);
            ExitCode::FAILURE
        }
    }
}

fn dispatch(arguments: &[String]) -> Result<()> {
    let project = Project::find()?;
    let words: Vec<&str> = arguments.iter().map(String::as_str).collect();
    match words.as_slice() {
        ["run", rest @ ..] => run::run(&project, rest),
        ["announce", rest @ ..] => run::announce(&project, rest),
        ["test"] => test::test(&project),
        ["coding-agents"] => test::coding_agents(&project),
        ["check"] => check::check(&project),
        ["gen"] => generate::write(&project),
        ["tidy"] => tidy::tidy(&project),
        ["bench", name, rest @ ..] => run::bench(&project, name, rest),
        ["faults", rest @ ..] => run::faults(&project, rest),
        [] | ["help" | "--help" | "-h"] => {
            stage::say(USAGE);
            Ok(())
        }
        _ => bail!("no such command: {}\n{USAGE}", arguments.join(" ")),
    }
}
