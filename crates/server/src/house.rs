//! The parts that every command needs: the database, the master key and the way out.

use std::sync::Arc;

use agents::tools::Tools;
use anyhow::{Context as _, bail};
use apply::Workshop;
use channels::{Channels, ChannelsOptions};
use db::Db;
use db::embedded::Embedded;
use infra::{ConfigEpoch, Egress, EgressOptions, Sealer};
use kernel::Clock;
use sqlx::postgres::PgConnectOptions;
use tenancy::Identity;

use crate::config::Config;
use crate::exit::Misconfigured;
use crate::first_run;

/// An installation, opened.
#[derive(Clone)]
pub(crate) struct House {
    pub db: Db,
    pub sealer: Sealer,
    pub egress: Egress,
    pub clock: Clock,
    /// The private PostgreSQL, where there is no other.
    pub embedded: Option<Arc<Embedded>>,
}

impl House {
    /// Connects to the configured database, or to the private one, which is started and brought to this version's
    /// schema where need be.
    pub(crate) async fn open(config: &Config) -> anyhow::Result<Self> {
        infra::install_tls_provider();
        let embedded = start_embedded(config).await?;
        let options = match &embedded {
            Some(embedded) => {
                db::migrate(&embedded.admin()).await.context("cannot bring the database to this version's schema")?;
                embedded.options(config.database.max_connections)
            }
            None => external(config)?,
        };
        let db = Db::connect(options).await.context("cannot use the database")?;
        db::check_schema(&db).await?;
        refuse_to_replace_key(config, &db).await?;
        let sealer = Sealer::load_or_create(&config.master_key_file()).context("cannot use the master key")?;
        let egress = EgressOptions { allow_private: config.egress.allow_private, ..EgressOptions::default() };
        let egress = Egress::new(egress).context("cannot make outbound connections")?;
        Ok(Self { db, sealer, egress, clock: Clock::system(), embedded })
    }

    /// The channels, which act upon `config_epoch`.
    pub(crate) fn channels(&self, config_epoch: ConfigEpoch) -> Channels {
        Channels::new(ChannelsOptions {
            db: self.db.clone(),
            egress: self.egress.clone(),
            sealer: self.sealer.clone(),
            config_epoch,
            clock: self.clock.clone(),
        })
    }

    /// What documents are applied with.
    pub(crate) fn workshop(&self, channels: Channels) -> Workshop {
        Workshop {
            db: self.db.clone(),
            sealer: self.sealer.clone(),
            egress: self.egress.clone(),
            identity: Identity::new(self.db.clone(), &self.sealer, self.clock.clone()),
            channels,
            tools: Tools::builtin(self.clock.clone()),
        }
    }

    /// Gives everything back; the private PostgreSQL stops when nobody else uses it.
    pub(crate) async fn close(self) -> anyhow::Result<()> {
        self.db.close().await;
        match self.embedded {
            Some(embedded) => embedded.stop().await.context("the private PostgreSQL did not stop"),
            None => Ok(()),
        }
    }
}

/// A new key beside a database that is in use would leave every secret in it unreadable.
async fn refuse_to_replace_key(config: &Config, db: &Db) -> anyhow::Result<()> {
    let key = config.master_key_file();
    if !key.exists() && first_run::has_accounts(&mut db.system("whether the database is in use").await?).await? {
        bail!(
            "the master key file {} is missing and the database is in use: put back the file it came with",
            key.display()
        );
    }
    Ok(())
}

/// Starts or joins the private PostgreSQL, unless another is configured.
pub(crate) async fn start_embedded(config: &Config) -> anyhow::Result<Option<Arc<Embedded>>> {
    if config.database.url.is_some() {
        return Ok(None);
    }
    let embedded = Embedded::start_or_adopt(&config.data_dir).await.context("cannot run the private PostgreSQL")?;
    Ok(Some(Arc::new(embedded)))
}

/// Reads one of the database URLs.
pub(crate) fn connect_options(key: &'static str, url: &str) -> anyhow::Result<PgConnectOptions> {
    // The URL holds a password: sqlx's message does not repeat it.
    url.parse::<PgConnectOptions>().with_context(|| format!("{key} is not a PostgreSQL URL")).context(Misconfigured)
}

fn external(config: &Config) -> anyhow::Result<db::DbOptions> {
    let database = &config.database;
    Ok(db::DbOptions {
        app: connect_options("database.url", database.url.as_deref().unwrap_or_default())?,
        system: connect_options("database.system_url", database.system_url.as_deref().unwrap_or_default())?,
        max_connections: database.max_connections,
    })
}
