use std::path::PathBuf;

use chrono::{DateTime, Utc};
use clap::{Args, Parser, Subcommand, ValueEnum};
use url::Url;

use crate::config::Role;

/// AI employees that live where your people and customers already talk.
#[derive(Debug, Parser)]
#[command(name = "konstruct", version, disable_help_subcommand = true)]
pub struct Cli {
    #[command(flatten)]
    pub place: Place,
    #[command(subcommand)]
    pub command: Command,
}

#[derive(Debug, Subcommand)]
pub enum Command {
    /// Run the server
    Serve {
        /// The address and port to listen on
        #[arg(long, value_name = "ADDR")]
        listen: Option<String>,
        /// What this node does
        #[arg(long, value_delimiter = ',', value_name = "ROLES")]
        roles: Vec<Role>,
    },
    /// Bring organisations, users, models, agents and connections to what YAML files say
    Apply {
        /// A file of YAML documents; `-` is the standard input
        #[arg(short = 'f', long = "file", value_name = "FILE", required = true)]
        files: Vec<PathBuf>,
        /// Remove what the files do not name, of the kinds and in the organisations that they do name
        #[arg(long)]
        prune: bool,
        /// Apply one organisation's documents through a running server's API, instead of a data directory's
        #[arg(long, value_name = "URL", conflicts_with = "data_dir")]
        server: Option<Url>,
        /// The organisation's API key, with which `--server` applies
        #[arg(long, value_name = "KEY", env = "KONSTRUCT_API_KEY", hide_env_values = true)]
        api_key: Option<String>,
    },
    /// Talk to an agent in the terminal
    Chat(ChatOptions),
    /// Say what an organisation's model calls came to
    Usage(UsageOptions),
    /// See to what model calls cost
    Prices {
        #[command(subcommand)]
        command: PricesCommand,
    },
    /// Bring the database to this version's schema
    Migrate,
    /// Check the installation and say what is wrong with it
    Doctor,
    /// See to people's accounts
    User {
        #[command(subcommand)]
        command: UserCommand,
    },
    /// Send one signed Slack event through a running server and print what comes back
    #[command(hide = true)]
    RoundTrip {
        /// The running server's address
        #[arg(long, value_name = "URL")]
        server: Option<Url>,
    },
    /// Print the API's description
    #[command(hide = true)]
    Openapi,
    /// Print the page on configuration
    #[command(hide = true)]
    ConfigReference,
}

#[derive(Debug, Subcommand)]
pub enum UserCommand {
    /// Give an account a new password, print it, and end all its sessions
    ResetPassword { email: String },
}

/// Whose calls, and which.
#[derive(Debug, Args)]
pub struct UsageOptions {
    /// The organisation's name
    #[arg(long)]
    pub organisation: String,
    /// Say it as JSON, for programs
    #[arg(long)]
    pub json: bool,
    /// Calls of the hour that begins then (RFC 3339) and later
    #[arg(long, value_name = "TIME")]
    pub since: Option<DateTime<Utc>>,
    /// Calls of hours that begin before then
    #[arg(long, value_name = "TIME")]
    pub until: Option<DateTime<Utc>>,
    /// Tell them apart too
    #[arg(long, value_enum)]
    pub by: Option<Grouping>,
}

#[derive(Clone, Copy, Debug, ValueEnum)]
pub enum Grouping {
    Model,
    Provider,
    Agent,
    Project,
    Key,
}

#[derive(Debug, Subcommand)]
pub enum PricesCommand {
    /// Take an organisation's own prices from LiteLLM's public table (model_prices_and_context_window.json)
    Import {
        file: PathBuf,
        /// The organisation's name
        #[arg(long)]
        organisation: String,
        /// The one provider whose models to take prices of
        #[arg(long, value_name = "NAME")]
        provider: Option<String>,
    },
}

/// Whom to talk to.
#[derive(Debug, Args)]
pub struct ChatOptions {
    /// The organisation's name; needed where there are several
    #[arg(long)]
    pub organisation: Option<String>,
    /// The agent's name; needed where the organisation has several
    #[arg(long)]
    pub agent: Option<String>,
    /// Say this, print the answer and end
    #[arg(long, value_name = "TEXT")]
    pub say: Option<String>,
}

/// Which installation is meant.
#[derive(Clone, Debug, Default, Args)]
pub struct Place {
    /// The data directory
    #[arg(long, global = true, value_name = "DIR")]
    pub data_dir: Option<PathBuf>,
    /// The configuration file [default: konstruct.toml, where there is one]
    #[arg(long, global = true, value_name = "FILE")]
    pub config: Option<PathBuf>,
}

#[cfg(test)]
mod tests {
    use clap::CommandFactory as _;

    use super::*;

    #[test]
    fn the_commands_are_consistent() {
        Cli::command().debug_assert();
    }
}
