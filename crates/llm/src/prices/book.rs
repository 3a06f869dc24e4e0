use std::collections::HashMap;
use std::sync::{Arc, LazyLock};

use infra::is_private;
use url::Url;

use super::{Price, Rate, Rates, Tariff, table};
use crate::model::Wire;
use crate::usd::Usd;

static FREE: LazyLock<Arc<Price>> = LazyLock::new(|| Arc::new(Price::free()));

/// The prices that hold for one organisation: its own, else the table's.
#[derive(Clone, Debug, Default)]
pub struct PriceBook {
    /// By provider, then by model.
    own: HashMap<String, HashMap<String, Arc<Price>>>,
}

/// Where a price comes from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum PriceSource {
    /// The organisation set it.
    Own,
    /// The table of list prices.
    List,
    /// It runs on the organisation's own machines.
    Free,
}

/// Where a model runs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Place {
    /// On the organisation's own machines: nobody sends a bill.
    Home,
    Elsewhere,
}

impl Place {
    /// Whoever asks for a key may send a bill, and so may whoever is far away.
    pub(crate) fn of(wire: Wire, base: Option<&Url>, has_key: bool) -> Self {
        let near = !has_key && base.is_some_and(is_private);
        if near || wire == Wire::Builtin { Self::Home } else { Self::Elsewhere }
    }
}

/// A price that holds.
#[derive(Clone, Copy, Debug)]
pub struct Found<'a> {
    pub price: &'a Arc<Price>,
    pub source: PriceSource,
}

impl PriceBook {
    /// A book with an organisation's own prices, by the provider's name and the model's.
    pub fn new(own: impl IntoIterator<Item = (String, String, Price)>) -> Self {
        let mut book = Self::default();
        for (provider, model, price) in own {
            book.own.entry(provider).or_default().insert(model, Arc::new(price));
        }
        book
    }

    /// The price of a call, also where the model is named with a date (`-2026-01-31`, `-20260131`) or as `-latest`.
    pub fn of(&self, provider: &str, wire: Wire, place: Place, model: &str) -> Option<&Arc<Price>> {
        self.find(provider, wire, place, model).map(|found| found.price)
    }

    pub fn find(&self, provider: &str, wire: Wire, place: Place, model: &str) -> Option<Found<'_>> {
        let own = self.own.get(provider);
        let named = |model: &str| {
            let own = own.and_then(|own| own.get(model)).map(|price| (price, PriceSource::Own));
            own.or_else(|| match wire {
                Wire::Ollama | Wire::Builtin => None,
                _ => table::find(model).map(|price| (price, PriceSource::List)),
            })
        };
        let untold = || if wire == Wire::Ollama { named(&other_tag(model)?) } else { named(undated(model)?) };
        let at_home = place == Place::Home && matches!(wire, Wire::Ollama | Wire::Builtin);
        let free = || at_home.then(|| (&*FREE, PriceSource::Free));
        let found = named(model).or_else(untold).or_else(free);
        found.map(|(price, source)| Found { price, source })
    }
}

impl Price {
    fn free() -> Self {
        let rates = Rates {
            input: Rate::FREE,
            output: Rate::FREE,
            cache_read: Some(Rate::FREE),
            cache_write: Some(Rate::FREE),
            cache_write_1h: Some(Rate::FREE),
        };
        let tariff = Tariff { rates, tiers: Vec::new() };
        Self { tariff, batch: None, search: Some(Usd::ZERO), max_output: None, context: None }
    }
}

/// The other name of the same model at Ollama, which takes `llama3` for `llama3:latest`.
fn other_tag(model: &str) -> Option<String> {
    match model.rsplit_once(':') {
        Some((name, "latest")) => Some(name.to_owned()),
        Some(_) => None,
        None => Some(format!("{model}:latest")),
    }
}

fn undated(model: &str) -> Option<&str> {
    if let Some(stem) = model.strip_suffix("-latest") {
        return Some(stem);
    }
    let stem = model.trim_end_matches(|c: char| c.is_ascii_digit() || c == '-');
    let digits = |text: &str| text.chars().filter(char::is_ascii_digit).count();
    // The last eight digits are the date, whatever digits the name itself ends with.
    let cut = model.char_indices().rev().filter(|(_, c)| c.is_ascii_digit()).nth(7).map(|(at, _)| at)?;
    let date = &model[cut..];
    let dated = cut > stem.len() && digits(date) == 8 && matches!(date.len(), 8 | 10);
    dated.then(|| model[..cut].strip_suffix('-')).flatten()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn dated_names_are_known_and_names_that_only_look_dated_are_not() {
        for (model, want) in [
            ("gpt-4o-2024-11-20", Some("gpt-4o")),
            ("claude-haiku-4-5-20251001", Some("claude-haiku-4-5")),
            ("claude-3-5-haiku-latest", Some("claude-3-5-haiku")),
            ("claude-opus-4-20250514", Some("claude-opus-4")),
            ("gpt-4o", None),
            ("20251001", None),
            ("", None),
        ] {
            assert_eq!(undated(model), want, "{model}");
        }
    }

    #[test]
    fn an_organisations_own_price_comes_before_the_table_for_that_provider_alone() {
        let dear = Price::of(Rates { input: Rate::per_million(1000.into()).unwrap(), ..Rates::default() });
        let book = PriceBook::new([("azure".to_owned(), "gpt-4o".to_owned(), dear.clone())]);
        let source =
            |provider, model| book.find(provider, Wire::OpenaiChat, Place::Elsewhere, model).map(|found| found.source);
        assert_eq!(
            book.of("azure", Wire::OpenaiChat, Place::Elsewhere, "gpt-4o-2024-11-20").map(|price| &**price),
            Some(&dear)
        );
        assert_eq!(source("azure", "gpt-4o"), Some(PriceSource::Own));
        assert_eq!(source("openai", "gpt-4o"), Some(PriceSource::List));
        assert_eq!(source("openai", "scripted-1"), None);
    }

    #[test]
    fn what_runs_at_home_is_free_unless_the_organisation_says_otherwise() {
        let priced = Price::of(Rates::default());
        let book = PriceBook::new([("gpu".to_owned(), "llama3.2".to_owned(), priced)]);
        let source = |provider| book.find(provider, Wire::Ollama, Place::Home, "llama3.2").map(|found| found.source);
        assert_eq!((source("gpu"), source("ollama")), (Some(PriceSource::Own), Some(PriceSource::Free)));
        assert_eq!(
            book.find("ollama", Wire::Ollama, Place::Home, "gpt-4o").map(|found| found.source),
            Some(PriceSource::Free)
        );
    }

    #[test]
    fn what_runs_elsewhere_is_not_free_whatever_protocol_it_speaks() {
        let book = PriceBook::default();
        assert_eq!(book.of("ollama-cloud", Wire::Ollama, Place::Elsewhere, "gpt-oss:120b"), None);
    }

    #[test]
    fn ollamas_models_have_their_price_with_their_tag_and_without() {
        let priced = || Price::of(Rates::default());
        let own = [("gpu", "llama3"), ("gpu", "qwen:latest"), ("gpu", "gemma:7b")];
        let book = PriceBook::new(own.map(|(provider, model)| (provider.to_owned(), model.to_owned(), priced())));
        let source = |model| book.find("gpu", Wire::Ollama, Place::Home, model).map(|found| found.source);
        for own in ["llama3", "llama3:latest", "qwen", "qwen:latest", "gemma:7b"] {
            assert_eq!(source(own), Some(PriceSource::Own), "{own}");
        }
        assert_eq!((source("llama3:8b"), source("gemma")), (Some(PriceSource::Free), Some(PriceSource::Free)));
    }
}
