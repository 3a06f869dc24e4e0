use anyhow::{Context as _, anyhow};
use tracing_subscriber::EnvFilter;

use crate::config::{Config, LogFormat};
use crate::exit::Misconfigured;

/// Begins to log to the standard error as configured.
pub(crate) fn start(config: &Config) -> anyhow::Result<()> {
    let filter = EnvFilter::try_new(&config.log).context("`log` cannot be read").context(Misconfigured)?;
    let builder = tracing_subscriber::fmt().with_env_filter(filter).with_writer(std::io::stderr);
    let started = match config.log_format {
        LogFormat::Text => builder.with_ansi(std::io::IsTerminal::is_terminal(&std::io::stderr())).try_init(),
        LogFormat::Json => builder.json().flatten_event(true).try_init(),
    };
    started.map_err(|error| anyhow!(error).context("cannot log"))
}
