use std::collections::{BTreeSet, HashMap};
use std::sync::Arc;

use db::TenantTx;
use kernel::PriceId;

use super::{Place, Price, PriceBook, PriceSource};
use crate::error::Error;
use crate::model::Wire;
use crate::pool::Upstream;
use crate::store::{self, Provider};
use crate::usage::{self, By, Span};

/// What holds for a model of a provider.
#[derive(Clone, Debug)]
pub struct InUse {
    pub provider: String,
    pub model: String,
    /// The organisation's own price for exactly this model, where it has one.
    pub own: Option<PriceId>,
    /// `None`: not known.
    pub price: Option<(Arc<Price>, PriceSource)>,
}

/// What holds for the models of the organisation's groups, for those that were called in `span`, and for those that it
/// has prices of its own for, by provider and model.
pub async fn in_use(tx: &mut TenantTx, span: Span) -> Result<Vec<InUse>, Error> {
    let own = store::list_prices(tx).await?;
    let providers = store::list_providers(tx).await?;
    let sellers: HashMap<&str, (Wire, Place)> =
        providers.iter().map(|provider| (&*provider.name, (provider.wire, place(provider)))).collect();
    let mut models = BTreeSet::new();
    for member in store::list_groups(tx).await?.into_iter().flat_map(|group| group.models) {
        models.insert((member.model.provider, member.model.model));
    }
    for called in usage::spent(tx, span, Some(By::Model)).await?.groups {
        // A provider that is gone is called no more; calls that no provider was asked for have no model.
        if let Some((provider, model)) = called.name.split_once('/').filter(|(name, _)| sellers.contains_key(name)) {
            models.insert((provider.to_owned(), model.to_owned()));
        }
    }
    let ids: HashMap<_, _> = own.iter().map(|own| ((own.provider.clone(), own.model.clone()), own.id)).collect();
    models.extend(ids.keys().cloned());
    let book = PriceBook::new(own.into_iter().map(|own| (own.provider, own.model, own.price)));
    let found = models.into_iter().map(|(provider, model)| {
        let seller = sellers.get(&*provider);
        let found = seller.and_then(|(wire, place)| book.find(&provider, *wire, *place, &model));
        let price = found.map(|found| (Arc::clone(found.price), found.source));
        InUse { own: ids.get(&(provider.clone(), model.clone())).copied(), price, provider, model }
    });
    Ok(found.collect())
}

fn place(provider: &Provider) -> Place {
    Place::of(provider.wire, Upstream::base_url(provider.wire, &provider.base_url).as_ref(), provider.has_key)
}
