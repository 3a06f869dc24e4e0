//! What calls cost: a small table of our own (`prices.json`, with its sources and date).
//!
//! Invariant: what is not known is `None`, never 0; only models that run on the organisation's own machines cost 0.

use std::collections::HashMap;
use std::sync::LazyLock;

use rust_decimal::Decimal;
use serde::Deserialize;

use crate::model::{TokenUsage, Wire};

static TABLE: LazyLock<HashMap<(Wire, String), Price>> =
    LazyLock::new(|| parse(include_str!("prices.json")).unwrap_or_default());

#[derive(Deserialize)]
struct File {
    models: Vec<Row>,
}

#[derive(Deserialize)]
struct Row {
    wire: Wire,
    model: String,
    #[serde(flatten)]
    price: Price,
}

#[derive(Deserialize)]
struct Price {
    #[serde(flatten)]
    rates: Rates,
    /// The rates of calls with a long prompt.
    long: Option<Long>,
}

#[derive(Deserialize)]
struct Long {
    /// Tokens of the prompt, the cache's included.
    above: u64,
    #[serde(flatten)]
    rates: Rates,
}

/// USD per million tokens.
#[derive(Deserialize)]
struct Rates {
    input: Decimal,
    output: Decimal,
    cache_read: Option<Decimal>,
    cache_write: Option<Decimal>,
}

/// What a call cost, in USD.
pub(crate) fn cost(wire: Wire, model: &str, usage: Option<TokenUsage>) -> Option<Decimal> {
    match wire {
        Wire::Ollama | Wire::Builtin => Some(Decimal::ZERO),
        Wire::OpenaiChat | Wire::Anthropic => find(wire, model)?.cost(&usage?),
    }
}

impl Price {
    fn cost(&self, usage: &TokenUsage) -> Option<Decimal> {
        match &self.long {
            Some(long) if usage.prompt() > long.above => long.rates.cost(usage),
            _ => self.rates.cost(usage),
        }
    }
}

impl Rates {
    fn cost(&self, usage: &TokenUsage) -> Option<Decimal> {
        let parts = [
            (usage.input, Some(self.input)),
            (usage.cache_read, self.cache_read),
            (usage.cache_write, self.cache_write),
            (usage.output, Some(self.output)),
        ];
        let mut sum = Decimal::ZERO;
        for (tokens, rate) in parts.into_iter().filter(|(tokens, _)| *tokens > 0) {
            sum = sum.checked_add(Decimal::from(tokens).checked_mul(rate?)?)?;
        }
        Some((sum / Decimal::ONE_THOUSAND / Decimal::ONE_THOUSAND).normalize())
    }
}

/// The price of the model, also where it is named with a date (`-2026-01-31`, `-20260131`) or as `-latest`.
fn find(wire: Wire, model: &str) -> Option<&'static Price> {
    let known = |model: &str| TABLE.get(&(wire, model.to_owned()));
    known(model).or_else(|| known(undated(model)?))
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

fn parse(file: &str) -> Result<HashMap<(Wire, String), Price>, serde_json::Error> {
    let file: File = serde_json::from_str(file)?;
    Ok(file.models.into_iter().map(|row| ((row.wire, row.model), row.price)).collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn usage(input: u64, cache_read: u64, cache_write: u64, output: u64) -> Option<TokenUsage> {
        Some(TokenUsage { input, cache_read, cache_write, output, reasoning: 0 })
    }

    fn dollars(text: &str) -> Option<Decimal> {
        Some(text.parse().unwrap())
    }

    #[test]
    fn the_table_can_be_read_and_names_each_model_once() {
        let rows = serde_json::from_str::<File>(include_str!("prices.json")).unwrap().models.len();
        assert!(rows >= 30);
        assert_eq!(TABLE.len(), rows);
    }

    #[test]
    fn cached_tokens_have_prices_of_their_own() {
        let cost = cost(Wire::Anthropic, "claude-sonnet-4-6", usage(1_000, 10_000, 2_000, 500));
        assert_eq!(cost, dollars("0.021"), "0.003 + 0.003 + 0.0075 + 0.0075");
    }

    #[test]
    fn a_long_prompt_has_prices_of_its_own_for_the_whole_call() {
        let gpt = |input, cached| cost(Wire::OpenaiChat, "gpt-5.4", usage(input, cached, 0, 1_000));
        assert_eq!(gpt(272_000, 0), dollars("0.695"));
        assert_eq!(gpt(272_000, 1), dollars("1.3825005"));
    }

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
        assert_eq!(cost(Wire::OpenaiChat, "gpt-4o-2024-11-20", usage(1_000_000, 0, 0, 0)), dollars("2.5"));
    }

    #[test]
    fn what_is_not_known_has_no_cost_and_what_runs_at_home_costs_nothing() {
        assert_eq!(cost(Wire::OpenaiChat, "scripted-1", usage(1, 0, 0, 1)), None);
        assert_eq!(cost(Wire::OpenaiChat, "gpt-5.4", None), None);
        assert_eq!(cost(Wire::Anthropic, "claude-fable-5-2", usage(1, 1, 0, 1)), None, "its cache has no known price");
        assert_eq!(cost(Wire::Ollama, "anything", None), dollars("0"));
        assert_eq!(cost(Wire::Builtin, "quotes", usage(1, 0, 0, 1)), dollars("0"));
    }
}
