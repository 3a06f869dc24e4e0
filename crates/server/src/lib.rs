//! The binary `konstruct`: commands, configuration and wiring.
//!
//! Invariant: this crate decides nothing about the product; it puts its parts together and lets people start them.

mod apply;
mod chat;
pub mod cli;
mod config;
mod doctor;
mod exit;
mod first_run;
mod house;
mod installation;
mod logging;
mod migrate;
mod node;
mod prices;
mod round_trip;
mod serve;
mod terminal;
mod usage;
mod user;

use std::process::ExitCode;

use anyhow::Context as _;
use apply::Remote;
use cli::{Cli, Command, Place, PricesCommand, UserCommand};
use config::{Config, Sources};
use exit::{Misconfigured, Misused};
use terminal::say;

const NO_KEY: &str = "--server needs an API key of the organisation: --api-key, or KONSTRUCT_API_KEY";

/// Runs a command to its end.
pub fn main(cli: Cli) -> ExitCode {
    let runtime = match tokio::runtime::Runtime::new() {
        Ok(runtime) => runtime,
        Err(error) => return exit::complain(&anyhow::Error::new(error).context("cannot start")),
    };
    match runtime.block_on(run(cli)) {
        Ok(code) => code,
        Err(error) => exit::complain(&error),
    }
}

async fn run(cli: Cli) -> anyhow::Result<ExitCode> {
    let Cli { place, command } = cli;
    match command {
        Command::Serve { listen, roles } => {
            serve::serve(load(Sources { listen, roles, ..sources(place) })?).await?;
        }
        Command::Apply { files, prune, server, api_key } => {
            let documents = apply::read_files(&files, &environment())?;
            match (server, api_key) {
                (None, _) => apply::apply(&load(sources(place))?, documents, prune).await?,
                (Some(server), Some(key)) => Remote { server, key: key.into() }.apply(&documents, prune).await?,
                (Some(_), None) => return Err(Misused(NO_KEY.to_owned()).into()),
            }
        }
        Command::Chat(options) => chat::chat(&load_standing(place)?, options).await?,
        Command::Usage(options) => usage::usage(&load_standing(place)?, options).await?,
        Command::Prices { command: PricesCommand::Import { file, organisation, provider } } => {
            prices::import(&load_standing(place)?, &file, &organisation, provider.as_deref()).await?;
        }
        Command::Migrate => migrate::migrate(&load(sources(place))?).await?,
        Command::Doctor => return doctor::doctor(&load_standing(place)?).await,
        Command::User { command: UserCommand::ResetPassword { email } } => {
            user::reset_password(&load_standing(place)?, &email).await?;
        }
        Command::RoundTrip { server } => round_trip::round_trip(&load_standing(place)?, server).await?,
        Command::Openapi => say(api::openapi().to_pretty_json()?),
        Command::ConfigReference => say(config::reference().trim_end()),
    }
    Ok(ExitCode::SUCCESS)
}

fn load(sources: Sources) -> anyhow::Result<Config> {
    config::load(sources).context(Misconfigured)
}

/// The configuration of an installation that is there already.
fn load_standing(place: Place) -> anyhow::Result<Config> {
    let config = load(sources(place))?;
    installation::require(&config)?;
    Ok(config)
}

fn sources(place: Place) -> Sources {
    let Place { data_dir, config } = place;
    Sources { file: config, environment: environment(), data_dir, ..Sources::default() }
}

fn environment() -> Vec<(String, String)> {
    let readable = |(name, value): (std::ffi::OsString, std::ffi::OsString)| {
        Some((name.into_string().ok()?, value.into_string().ok()?))
    };
    std::env::vars_os().filter_map(readable).collect()
}
