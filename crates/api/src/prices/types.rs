use kernel::PriceId;
use llm::prices::{self, InUse, Rate, Rates, Row};
use llm::store::{OwnPrice, PriceSpec};
use rust_decimal::Decimal;
use rust_decimal::prelude::ToPrimitive as _;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::problem::Problem;

/// What a model's calls cost, in USD per million tokens.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct Price {
    /// null: a list price.
    #[schema(value_type = Option<Uuid>)]
    pub id: Option<PriceId>,
    pub source: PriceSource,
    /// The organisation's provider; null: a list price, which holds for every provider.
    pub provider: Option<String>,
    /// Who makes the model; null: a price of the organisation's own.
    pub vendor: Option<String>,
    pub model: String,
    #[serde(flatten)]
    pub rates: TokenRates,
    /// The rates of calls with a long prompt.
    pub tiers: Vec<Tier>,
    /// USD for one search of a reranker.
    pub search: Option<f64>,
    pub max_output_tokens: Option<u64>,
    pub context_tokens: Option<u64>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub(crate) enum PriceSource {
    Own,
    List,
}

#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct TokenRates {
    pub input_per_million: f64,
    /// Reasoning included.
    pub output_per_million: f64,
    /// null: not known.
    pub cache_read_per_million: Option<f64>,
    pub cache_write_per_million: Option<f64>,
    pub cache_write_1h_per_million: Option<f64>,
}

#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct Tier {
    /// Holds for the whole call where its prompt has more tokens than this.
    pub above: u64,
    #[serde(flatten)]
    pub rates: TokenRates,
}

/// What holds for a model that is used.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct PriceInUse {
    /// The provider's name.
    pub provider: String,
    pub model: String,
    pub source: UsedPriceSource,
    /// The organisation's own price for exactly this model; null: it has none.
    #[schema(value_type = Option<Uuid>)]
    pub id: Option<PriceId>,
    /// null: not known.
    pub rates: Option<TokenRates>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub(crate) enum UsedPriceSource {
    Own,
    List,
    /// It runs on the organisation's own machines.
    Free,
    /// What its calls cost is not known.
    Unknown,
}

#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct SetPrice {
    /// The provider's name.
    pub provider: String,
    pub model: String,
    #[schema(value_type = f64)]
    pub input_per_million: Decimal,
    #[schema(value_type = f64)]
    pub output_per_million: Decimal,
    /// As the prompt's other tokens where left out.
    #[schema(value_type = Option<f64>)]
    pub cache_read_per_million: Option<Decimal>,
    /// As the prompt's other tokens where left out.
    #[schema(value_type = Option<f64>)]
    pub cache_write_per_million: Option<Decimal>,
    pub max_output_tokens: Option<u64>,
    pub context_tokens: Option<u64>,
}

impl SetPrice {
    pub(crate) fn spec(self) -> Result<PriceSpec, Problem> {
        let refused = || Problem::invalid("a million tokens cost 0 to 1,000,000 USD, with six decimals at most");
        let rate = |usd: Decimal| Rate::per_million(usd).ok_or_else(refused);
        Ok(PriceSpec {
            provider: self.provider,
            model: self.model,
            input_per_million: rate(self.input_per_million)?,
            output_per_million: rate(self.output_per_million)?,
            cache_read_per_million: self.cache_read_per_million.map(rate).transpose()?,
            cache_write_per_million: self.cache_write_per_million.map(rate).transpose()?,
            max_output_tokens: self.max_output_tokens,
            context_tokens: self.context_tokens,
        })
    }
}

impl Price {
    pub(crate) fn own(own: &OwnPrice) -> Self {
        let found = Self::of(&own.price, &own.model);
        Self { id: Some(own.id), source: PriceSource::Own, provider: Some(own.provider.clone()), ..found }
    }

    pub(crate) fn listed(row: &Row) -> Self {
        Self { vendor: Some(row.vendor.clone()), ..Self::of(&row.price, &row.model) }
    }

    fn of(price: &llm::prices::Price, model: &str) -> Self {
        Self {
            id: None,
            source: PriceSource::List,
            provider: None,
            vendor: None,
            model: model.to_owned(),
            rates: TokenRates::from(price.rates()),
            tiers: price.tiers().map(|(above, rates)| Tier { above, rates: rates.into() }).collect(),
            search: price.search().and_then(|usd| usd.to_decimal().to_f64()),
            max_output_tokens: price.max_output,
            context_tokens: price.context,
        }
    }
}

impl From<InUse> for PriceInUse {
    fn from(found: InUse) -> Self {
        let source = match found.price.as_ref().map(|(_, source)| source) {
            Some(prices::PriceSource::Own) => UsedPriceSource::Own,
            Some(prices::PriceSource::List) => UsedPriceSource::List,
            Some(prices::PriceSource::Free) => UsedPriceSource::Free,
            None => UsedPriceSource::Unknown,
        };
        let rates = found.price.map(|(price, _)| TokenRates::from(price.rates()));
        Self { provider: found.provider, model: found.model, source, id: found.own, rates }
    }
}

impl From<&Rates> for TokenRates {
    fn from(rates: &Rates) -> Self {
        let usd = |rate: Rate| rate.to_decimal().to_f64().unwrap_or_default();
        Self {
            input_per_million: usd(rates.input),
            output_per_million: usd(rates.output),
            cache_read_per_million: rates.cache_read.map(usd),
            cache_write_per_million: rates.cache_write.map(usd),
            cache_write_1h_per_million: rates.cache_write_1h.map(usd),
        }
    }
}
