use anyhow::Context as _;

use crate::config::Config;
use crate::exit::Misconfigured;
use crate::terminal::say;
use crate::{house, installation};

/// `konstruct migrate`: brings the configured database, or the private one, to this version's schema.
pub(crate) async fn migrate(config: &Config) -> anyhow::Result<()> {
    if config.database.url.is_none() {
        installation::require(config)?;
    }
    if let Some(embedded) = house::start_embedded(config).await? {
        let done = db::migrate(&embedded.admin()).await;
        embedded.stop().await?;
        done?;
    } else {
        let url = config.database.admin_url.as_deref();
        let url =
            url.context("database.admin_url is needed to migrate a database of your own").context(Misconfigured)?;
        db::migrate(&house::connect_options("database.admin_url", url)?).await?;
    }
    say("The database is at this version's schema.");
    Ok(())
}
