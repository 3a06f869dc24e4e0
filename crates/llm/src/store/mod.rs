//! Providers and model groups in the database.
//!
//! Invariant: whatever changes what a model call would do takes the next configuration epoch in the same transaction;
//! after its commit the caller waits with [`db::wait_until_in_force`].

mod group;
mod price;
mod provider;
mod seed;

use db::{Db, TenantTx};
use infra::Sealer;
use kernel::TenantCtx;
use std::sync::Arc;

pub use group::{
    GroupSpec, MAX_FALLBACKS, ModelGroup, check_fallbacks, delete_group, find_group, groups_named, list_groups,
    update_group, upsert_group,
};
pub use price::{
    MAX_PRICES, OwnPrice, PriceSpec, check_price, delete_price, find_price, import_prices, list_prices, upsert_price,
};
pub use provider::{
    KeyChange, Provider, ProviderSpec, check_reach, delete_provider, find_provider, list_providers, update_provider,
    upsert_provider,
};
pub use seed::{Seed, seed_defaults, seed_where_bare};

use crate::error::Error;
use crate::pool::{Catalogue, Group, Watch};

/// What a writer did.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Written<Id> {
    pub id: Id,
    pub change: Change,
    /// The configuration epoch to wait for; `None` where nothing changed.
    pub epoch: Option<i64>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Change {
    Created,
    Updated,
    Unchanged,
}

/// Everything a call needs of an organisation's configuration, keys included.
pub(crate) async fn load_catalogue(
    db: &Db,
    sealer: &Sealer,
    watch: &Watch,
    tenant: TenantCtx,
) -> Result<Arc<Catalogue>, Error> {
    let mut tx = db.tenant(tenant).await?;
    let upstreams = provider::load_upstreams(&mut tx, sealer, watch).await?;
    let groups = list_groups(&mut tx).await?.into_iter();
    let groups = groups.map(|group| {
        let routing = Arc::new(group.routing);
        (group.name, Group { models: group.models, fallbacks: group.fallbacks, routing })
    });
    let prices = price::load_prices(&mut tx).await?;
    Ok(Arc::new(Catalogue::new(upstreams, groups.collect(), prices)))
}

impl<Id> Written<Id> {
    pub(crate) async fn new(tx: &mut TenantTx, id: Id, change: Change) -> Result<Self, Error> {
        let epoch = match change {
            Change::Unchanged => None,
            Change::Created | Change::Updated => Some(db::bump_config_epoch(tx).await?),
        };
        Ok(Self { id, change, epoch })
    }
}

/// Names stand in URLs, files and in `provider/model`.
fn check_name(name: &str) -> Result<(), Error> {
    let plain = |c: char| c.is_ascii_alphanumeric() || matches!(c, '.' | '_' | '-');
    let good = name.len() <= 63 && name.chars().all(plain) && name.starts_with(|c: char| c.is_ascii_alphanumeric());
    if good {
        return Ok(());
    }
    Err(Error::Invalid(format!(
        "`{name}` is no name: up to 63 letters, digits, dots, underscores and hyphens, beginning with a letter or digit"
    )))
}
