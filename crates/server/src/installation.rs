//! Whether a data directory holds an installation. A mistyped path must not make one: `serve` does, and `apply` where
//! there is nothing at all; every other command refuses.

use std::{fs, io};

use anyhow::Context as _;
use db::embedded::{DataDirLock, Embedded};

use crate::config::Config;
use crate::exit::Misused;

/// Refuses a data directory that holds no installation.
pub(crate) fn require(config: &Config) -> anyhow::Result<()> {
    if stands(config)? { Ok(()) } else { Err(missing(config)) }
}

/// Whether whoever opens it now makes the installation. Refuses a directory that holds something else.
pub(crate) fn is_to_be_made(config: &Config) -> anyhow::Result<bool> {
    if stands(config)? {
        return Ok(false);
    }
    if is_empty(config)? { Ok(true) } else { Err(missing(config)) }
}

/// The data directory, as an option that a command can be given.
pub(crate) fn option(config: &Config) -> String {
    format!("--data-dir {}", config.data_dir.display())
}

/// A server that makes its installation this very moment counts: whoever opens it waits for the server to be through.
fn stands(config: &Config) -> anyhow::Result<bool> {
    let whole = match config.database.url {
        None => Embedded::stands(&config.data_dir),
        // All that a machine keeps of an installation whose database is elsewhere.
        Some(_) => config.master_key_file().exists(),
    };
    Ok(whole || DataDirLock::is_held(&config.data_dir)?)
}

fn is_empty(config: &Config) -> anyhow::Result<bool> {
    match fs::read_dir(&config.data_dir) {
        Ok(mut entries) => Ok(entries.next().is_none()),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(true),
        Err(error) => Err(error).with_context(|| format!("cannot look into {}", config.data_dir.display())),
    }
}

fn missing(config: &Config) -> anyhow::Error {
    let (dir, option) = (config.data_dir.display(), option(config));
    Misused(format!(
        "{dir} holds no installation: name the directory of yours, or make one with `konstruct serve {option}`"
    ))
    .into()
}
