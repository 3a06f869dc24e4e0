//! Configuration: `konstruct.toml`, overridden by `KONSTRUCT_*` (double underscore for nesting), overridden by flags.
//!
//! Invariant: every key stands in [`KEYS`] with its default and what it does; a key that does not is an error.

mod keys;
mod load;
mod reference;

use std::net::SocketAddr;
use std::path::PathBuf;

use serde::{Deserialize, Serialize};
use url::Url;

pub(crate) use load::{Sources, load};
pub(crate) use reference::reference;

/// Everything that can be configured.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub(crate) struct Config {
    pub data_dir: PathBuf,
    pub listen: SocketAddr,
    pub public_url: Option<Url>,
    pub roles: Vec<Role>,
    pub log: String,
    pub log_format: LogFormat,
    pub master_key_file: Option<PathBuf>,
    pub tls: TlsConfig,
    pub database: DatabaseConfig,
    pub egress: EgressConfig,
    pub metrics: MetricsConfig,
    pub engine: EngineConfig,
    pub usage: UsageConfig,
}

/// What a node does.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, clap::ValueEnum)]
#[serde(rename_all = "lowercase")]
pub enum Role {
    /// Everything
    All,
    /// Takes deliveries of channels
    Gateway,
    /// Runs turns and sends replies
    Worker,
    /// Serves the REST API and the portal
    Api,
    /// Answers programs that ask the pool of models
    Llm,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub(crate) enum LogFormat {
    Text,
    Json,
}

#[derive(Clone, Debug, Default, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub(crate) struct TlsConfig {
    pub cert_file: Option<PathBuf>,
    pub key_file: Option<PathBuf>,
}

#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub(crate) struct DatabaseConfig {
    pub url: Option<String>,
    pub system_url: Option<String>,
    pub admin_url: Option<String>,
    pub max_connections: u32,
}

#[derive(Clone, Debug, Default, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub(crate) struct EgressConfig {
    pub allow_private: bool,
}

#[derive(Clone, Debug, Default, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub(crate) struct MetricsConfig {
    pub listen: Option<SocketAddr>,
}

#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub(crate) struct EngineConfig {
    pub max_running: usize,
}

#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub(crate) struct UsageConfig {
    pub keep_days: u32,
}

impl Default for UsageConfig {
    fn default() -> Self {
        Self { keep_days: 90 }
    }
}

impl Default for Config {
    fn default() -> Self {
        Self {
            data_dir: PathBuf::from("konstruct-data"),
            listen: SocketAddr::from(([127, 0, 0, 1], 8080)),
            public_url: None,
            roles: vec![Role::All],
            log: "info".to_owned(),
            log_format: LogFormat::Text,
            master_key_file: None,
            tls: TlsConfig::default(),
            database: DatabaseConfig::default(),
            egress: EgressConfig::default(),
            metrics: MetricsConfig::default(),
            engine: EngineConfig::default(),
            usage: UsageConfig::default(),
        }
    }
}

impl Default for DatabaseConfig {
    fn default() -> Self {
        Self { url: None, system_url: None, admin_url: None, max_connections: 10 }
    }
}

impl Default for EngineConfig {
    fn default() -> Self {
        Self { max_running: 256 }
    }
}

impl Config {
    pub(crate) fn has_role(&self, role: Role) -> bool {
        self.roles.contains(&Role::All) || self.roles.contains(&role)
    }

    pub(crate) fn master_key_file(&self) -> PathBuf {
        self.master_key_file.clone().unwrap_or_else(|| self.data_dir.join("master.key"))
    }

    /// The address people and channels reach the server at.
    pub(crate) fn public_url(&self) -> String {
        match &self.public_url {
            Some(url) => url.as_str().trim_end_matches('/').to_owned(),
            None => {
                let scheme = if self.tls.cert_file.is_some() { "https" } else { "http" };
                format!("{scheme}://{}", self.listen)
            }
        }
    }
}
