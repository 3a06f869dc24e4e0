//! What calls cost.
//!
//! Invariant: what is not known is `None`, never 0; only models that run on the organisation's own machines cost 0.
//! Invariant: costs are exact: rates are whole picodollars a token, and a sum is rounded once, up to a nano-dollar.

mod book;
mod import;
mod in_use;
mod rate;
mod table;

pub use book::{Found, Place, PriceBook, PriceSource};
pub use import::{Imported, Skipped, import_litellm};
pub use in_use::{InUse, in_use};
pub use rate::Rate;
pub use table::{AS_OF, Row, listed};

use serde::{Deserialize, Serialize};

use crate::model::TokenUsage;
use crate::usd::Usd;

/// What calls of one model cost, and how long its prompts and answers may be.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Price {
    #[serde(flatten)]
    tariff: Tariff,
    /// Of calls that are handed in together and answered later.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    batch: Option<Tariff>,
    /// Of one search of a reranker, in USD.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    search: Option<Usd>,
    /// The most tokens that an answer has, reasoning included.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub max_output: Option<u64>,
    /// The most tokens that a prompt has.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub context: Option<u64>,
}

#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
struct Tariff {
    #[serde(flatten)]
    rates: Rates,
    /// In the order of their bounds.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    tiers: Vec<Tier>,
}

/// The rates of a whole call whose prompt is long.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
struct Tier {
    /// Tokens of the prompt, the cache's included.
    above: u64,
    #[serde(flatten)]
    rates: Rates,
}

/// What each kind of token costs.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Rates {
    pub input: Rate,
    /// Reasoning included.
    pub output: Rate,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub cache_read: Option<Rate>,
    /// Kept for some minutes.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub cache_write: Option<Rate>,
    /// Kept for an hour.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub cache_write_1h: Option<Rate>,
}

impl Price {
    /// A price without tiers.
    pub fn of(rates: Rates) -> Self {
        Self { tariff: Tariff { rates, tiers: Vec::new() }, ..Self::default() }
    }

    /// The same for a model whose answers and prompts have at most so many tokens.
    pub fn within(self, max_output: Option<u64>, context: Option<u64>) -> Self {
        Self { max_output, context, ..self }
    }

    /// The rates of calls with a short prompt.
    pub fn rates(&self) -> &Rates {
        &self.tariff.rates
    }

    /// The rates of calls whose prompts have more tokens than so many.
    pub fn tiers(&self) -> impl Iterator<Item = (u64, &Rates)> {
        self.tariff.tiers.iter().map(|tier| (tier.above, &tier.rates))
    }

    /// Of one search of a reranker.
    pub fn search(&self) -> Option<Usd> {
        self.search
    }

    /// Whatever a call uses, it costs nothing.
    pub fn is_free(&self) -> bool {
        let Rates { input, output, cache_read, cache_write, cache_write_1h } = self.tariff.rates;
        let cached = [cache_read, cache_write, cache_write_1h];
        self.tariff.tiers.is_empty()
            && self.search == Some(Usd::ZERO)
            && (input, output) == (Rate::FREE, Rate::FREE)
            && cached.iter().all(|rate| *rate == Some(Rate::FREE))
    }

    /// What a call cost; `None` where it used something that has no known rate.
    pub fn cost(&self, usage: &TokenUsage) -> Option<Usd> {
        Some(Rate::total(self.tariff.total(usage)?) + self.searches(usage)?)
    }

    /// What the same takes as part of a batch.
    pub fn batch_cost(&self, usage: &TokenUsage) -> Option<Usd> {
        Some(Rate::total(self.batch.as_ref()?.total(usage)?) + self.searches(usage)?)
    }

    /// No call with at most that many tokens costs more: the dearest tier that could hold, and every token of the prompt
    /// at the dearest rate that could be asked for it. A reranker's call is taken to be one search.
    pub fn bound(&self, input: u64, output: u64) -> Usd {
        let tiers = self.tariff.tiers.iter().filter(|tier| tier.above < input).map(|tier| &tier.rates);
        let most = std::iter::once(&self.tariff.rates).chain(tiers).map(|rates| rates.bound(input, output)).max();
        Rate::total(most.unwrap_or_default()) + self.search.unwrap_or_default()
    }

    fn searches(&self, usage: &TokenUsage) -> Option<Usd> {
        match (usage.searches, self.search) {
            (0, None) => Some(Usd::ZERO),
            // A reranker that does not count its searches made one.
            (searches, Some(each)) => Some(each.times(searches.max(1))),
            (_, None) => None,
        }
    }
}

impl Tariff {
    /// Picodollars.
    fn total(&self, usage: &TokenUsage) -> Option<u128> {
        let prompt = usage.prompt();
        let tier = self.tiers.iter().rev().find(|tier| prompt > tier.above);
        tier.map_or(&self.rates, |tier| &tier.rates).total(usage)
    }
}

impl Rates {
    /// Picodollars.
    fn total(&self, usage: &TokenUsage) -> Option<u128> {
        let at = |tokens: u64, rate: Option<Rate>| match tokens {
            0 => Some(0),
            _ => rate.map(|rate| rate.of(tokens)),
        };
        let hour = usage.cache_write_1h.min(usage.cache_write);
        Some(
            self.input.of(usage.input)
                + self.output.of(usage.output)
                + at(usage.cache_read, self.cache_read)?
                + at(usage.cache_write - hour, self.cache_write)?
                + at(hour, self.cache_write_1h)?,
        )
    }

    fn bound(&self, input: u64, output: u64) -> u128 {
        let others = [self.cache_read, self.cache_write, self.cache_write_1h];
        let dearest = others.into_iter().flatten().fold(self.input, Rate::max);
        dearest.of(input) + self.output.of(output)
    }
}

#[cfg(test)]
mod tests;
