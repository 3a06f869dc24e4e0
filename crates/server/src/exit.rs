//! What the process's exit code means: 0 done; 1 it failed; 2 the command line or the configuration is wrong; 3 the
//! database is missing, too old or not at this version's schema; 4 another server holds the data directory.

use std::io::Write as _;
use std::process::ExitCode;

/// Wraps an error that the configuration is to blame for.
#[derive(Debug, thiserror::Error)]
#[error("the configuration is wrong")]
pub(crate) struct Misconfigured;

/// What the command line asks for makes no sense here.
#[derive(Debug, thiserror::Error)]
#[error("{0}")]
pub(crate) struct Misused(pub String);

/// Says why a command failed, and returns its exit code.
pub(crate) fn complain(error: &anyhow::Error) -> ExitCode {
    // Nobody reads the standard error where it is closed.
    writeln!(std::io::stderr(), "konstruct: {error:#}").ok();
    code_of(error)
}

fn code_of(error: &anyhow::Error) -> ExitCode {
    if error.downcast_ref::<Misconfigured>().is_some() || error.downcast_ref::<Misused>().is_some() {
        return ExitCode::from(2);
    }
    match error.chain().find_map(|cause| cause.downcast_ref::<db::Error>()) {
        Some(db::Error::AlreadyServed { .. }) => ExitCode::from(4),
        Some(
            db::Error::Query(sqlx::Error::Io(_) | sqlx::Error::PoolTimedOut)
            | db::Error::NotReached { .. }
            | db::Error::NoPostgres { .. }
            | db::Error::Postgres { .. }
            | db::Error::ServerVersion { .. }
            | db::Error::SchemaVersion { .. }
            | db::Error::PrivilegedRole { .. },
        ) => ExitCode::from(3),
        _ => ExitCode::FAILURE,
    }
}

#[cfg(test)]
mod tests {
    use anyhow::Context as _;

    use super::*;

    #[test]
    fn a_code_tells_what_to_look_at() {
        let of = |error: anyhow::Error| format!("{:?}", code_of(&error));
        let is = |code: u8| format!("{:?}", ExitCode::from(code));
        let served = db::Error::AlreadyServed { data_dir: "d".into() };
        assert_eq!(of(anyhow::anyhow!("x")), is(1));
        assert_eq!(of(anyhow::anyhow!("x").context(Misconfigured)), is(2));
        assert_eq!(of(Misused("x".into()).into()), is(2));
        assert_eq!(of(Err::<(), _>(served).context("cannot serve").unwrap_err()), is(4));
        assert_eq!(of(db::Error::ServerVersion { found: "14".into() }.into()), is(3));
    }
}
