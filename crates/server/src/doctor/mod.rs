//! `konstruct doctor`: looks at everything an installation stands on, and says what is wrong and what to do.
//!
//! Exit codes: 0 all is well (warnings aside), 1 something is broken, others as for every command.

mod installation;
mod organisations;

use std::process::ExitCode;

use crate::config::Config;
use crate::house::House;
use crate::terminal::say;

/// Runs all checks. What keeps the rest from being checked, such as an unreachable database, ends it with an error.
pub(crate) async fn doctor(config: &Config) -> anyhow::Result<ExitCode> {
    let mut report = Report::default();
    installation::before_database(&mut report, config).await;
    let house = House::open(config).await?;
    let checked = check(&mut report, config, &house).await;
    house.close().await?;
    checked?;
    say(report.summary());
    Ok(if report.broken > 0 { ExitCode::FAILURE } else { ExitCode::SUCCESS })
}

async fn check(report: &mut Report, config: &Config, house: &House) -> anyhow::Result<()> {
    installation::database(report, config, house).await?;
    installation::server(report, config, house).await?;
    organisations::check_all(report, house).await
}

/// What was found.
#[derive(Debug, Default)]
struct Report {
    warnings: usize,
    broken: usize,
}

impl Report {
    fn fine(&mut self, what: impl AsRef<str>) {
        say(format!("ok      {}", what.as_ref()));
    }

    fn warn(&mut self, what: impl AsRef<str>) {
        self.warnings += 1;
        say(format!("warning {}", what.as_ref()));
    }

    fn broken(&mut self, what: impl AsRef<str>) {
        self.broken += 1;
        say(format!("BROKEN  {}", what.as_ref()));
    }

    fn summary(&self) -> String {
        match (self.broken, self.warnings) {
            (0, 0) => "All is well.".to_owned(),
            (broken, warnings) => format!("{broken} broken, {warnings} warnings"),
        }
    }
}
