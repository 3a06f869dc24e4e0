//! LiteLLM's public table of prices (`model_prices_and_context_window.json`), read into an organisation's own.

use std::collections::BTreeSet;

use rust_decimal::Decimal;
use serde_json::{Map, Value};

use super::{Price, Rate, Rates, Tariff, Tier};
use crate::usd::Usd;

/// What a provider's calls can be for; images, speech and the like are not counted in tokens alone.
const MODES: [&str; 5] = ["chat", "completion", "responses", "embedding", "rerank"];

/// A price that was understood.
#[derive(Debug, PartialEq)]
pub struct Imported {
    /// The organisation's provider.
    pub provider: String,
    pub model: String,
    pub price: Price,
}

/// An entry that was not taken, and why.
#[derive(Debug, PartialEq, Eq)]
pub struct Skipped {
    pub entry: String,
    pub why: &'static str,
}

/// Reads the table. `provider` says which of the organisation's providers serves what LiteLLM calls that vendor.
pub fn import_litellm(
    table: &Map<String, Value>,
    provider: impl Fn(&str) -> Option<String>,
) -> (Vec<Imported>, Vec<Skipped>) {
    let (mut taken, mut skipped, mut seen) = (Vec::new(), Vec::new(), BTreeSet::new());
    for (name, entry) in table.iter().filter(|(name, _)| *name != "sample_spec") {
        let mut skip = |why| skipped.push(Skipped { entry: name.clone(), why });
        let vendor = entry["litellm_provider"].as_str().unwrap_or_default();
        let Some(provider) = provider(vendor) else {
            skip("of a vendor that the organisation has no provider for");
            continue;
        };
        let model = name.strip_prefix(vendor).and_then(|rest| rest.strip_prefix('/')).unwrap_or(name);
        let price = match read(entry) {
            Ok(price) => price,
            Err(why) => {
                skip(why);
                continue;
            }
        };
        if seen.insert((provider.clone(), model.to_owned())) {
            taken.push(Imported { provider, model: model.to_owned(), price });
        } else {
            skip("named twice");
        }
    }
    (taken, skipped)
}

fn read(entry: &Value) -> Result<Price, &'static str> {
    if !MODES.contains(&entry["mode"].as_str().unwrap_or_default()) {
        return Err("not counted in tokens");
    }
    let tariff = tariff(entry, "").ok_or("without a price of tokens")?;
    let search = usd(&entry["input_cost_per_query"]).map(Usd::ceil);
    // A price of nothing is what the table has where it knows none, but for rerankers, which are paid by the search.
    if search.is_none() && tariff.rates.input == Rate::FREE && tariff.rates.output == Rate::FREE {
        return Err("without a price of tokens");
    }
    Ok(Price {
        batch: self::tariff(entry, "_batches"),
        tariff,
        search,
        max_output: entry["max_output_tokens"].as_u64(),
        context: entry["max_input_tokens"].as_u64(),
    })
}

/// `suffix`: empty, or `_batches`.
fn tariff(entry: &Value, suffix: &str) -> Option<Tariff> {
    let rates = rates(entry, "", suffix)?;
    let mut tiers: Vec<Tier> = bounds(entry)
        .filter_map(|thousands| {
            let rates = self::rates(entry, &format!("_above_{thousands}k_tokens"), suffix)?;
            Some(Tier { above: thousands * 1000, rates })
        })
        .collect();
    tiers.sort_by_key(|tier| tier.above);
    Some(Tariff { rates, tiers })
}

/// `input_cost_per_token_above_200k_tokens`: 200.
fn bounds(entry: &Value) -> impl Iterator<Item = u64> {
    let fields = entry.as_object().into_iter().flat_map(Map::keys);
    fields.filter_map(|field| field.strip_prefix("input_cost_per_token_above_")?.strip_suffix("k_tokens")?.parse().ok())
}

fn rates(entry: &Value, tier: &str, suffix: &str) -> Option<Rates> {
    let rate = |field: &str| per_million(&entry[format!("{field}{tier}{suffix}")]);
    // What is written into a cache for nothing is not written at a price of its own.
    let cached = |field: &str| rate(field).filter(|rate| *rate != Rate::FREE);
    Some(Rates {
        input: rate("input_cost_per_token")?,
        // A tier or a batch that says nothing of it takes what is usual; a model that never does writes nothing (embeddings).
        output: rate("output_cost_per_token")
            .or_else(|| per_million(&entry["output_cost_per_token"]))
            .unwrap_or(Rate::FREE),
        cache_read: cached("cache_read_input_token_cost"),
        cache_write: cached("cache_creation_input_token_cost"),
        cache_write_1h: cached("cache_creation_input_token_cost_above_1hr"),
    })
}

fn per_million(value: &Value) -> Option<Rate> {
    // What a binary fraction adds to a decimal one is cut off.
    let usd = usd(value)?.checked_mul(Decimal::from(1_000_000))?.round_dp(6);
    Rate::per_million(usd)
}

fn usd(value: &Value) -> Option<Decimal> {
    let text = value.as_number()?.to_string();
    Decimal::from_scientific(&text).or_else(|_| text.parse()).ok().filter(|usd| !usd.is_sign_negative())
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn import(table: Value) -> (Vec<Imported>, Vec<Skipped>) {
        let vendors = |vendor: &str| matches!(vendor, "openai" | "gemini" | "cohere").then(|| format!("my-{vendor}"));
        import_litellm(table.as_object().unwrap(), vendors)
    }

    #[test]
    fn rates_tiers_batches_and_limits_are_taken() {
        let (taken, skipped) = import(json!({
            "sample_spec": {"litellm_provider": "openai"},
            "gemini/gemini-x": {
                "litellm_provider": "gemini", "mode": "chat", "max_output_tokens": 65536, "max_input_tokens": 1048576,
                "input_cost_per_token": 1.25e-06, "output_cost_per_token": 1e-05,
                "cache_read_input_token_cost": 1.25e-07,
                "input_cost_per_token_above_200k_tokens": 2.5e-06, "output_cost_per_token_above_200k_tokens": 1.5e-05,
                "input_cost_per_token_batches": 6.25e-07, "output_cost_per_token_batches": 5e-06
            }
        }));
        assert_eq!(skipped, []);
        let [Imported { provider, model, price }] = &taken[..] else { panic!("{taken:?}") };
        assert_eq!((provider.as_str(), model.as_str()), ("my-gemini", "gemini-x"));
        let want = json!({
            "input": "1.25", "output": "10", "cache_read": "0.125",
            "tiers": [{"above": 200000, "input": "2.5", "output": "15"}],
            "batch": {"input": "0.625", "output": "5"}, "max_output": 65536, "context": 1048576
        });
        assert_eq!(serde_json::to_value(price).unwrap(), want);
    }

    #[test]
    fn a_tier_that_says_nothing_of_output_takes_the_usual_price_for_it() {
        let (taken, _) = import(json!({"x": {"litellm_provider": "openai", "mode": "chat",
            "input_cost_per_token": 1e-06, "output_cost_per_token": 4e-06,
            "input_cost_per_token_above_200k_tokens": 2e-06}}));
        let price = serde_json::to_value(&taken[0].price).unwrap();
        assert_eq!(price["tiers"], json!([{"above": 200000, "input": "2", "output": "4"}]));
    }

    #[test]
    fn a_reranker_has_a_price_of_searches() {
        let entry = json!({"litellm_provider": "cohere", "mode": "rerank", "input_cost_per_query": 0.002,
            "input_cost_per_token": 0.0, "output_cost_per_token": 0.0});
        let (taken, _) = import(json!({"rerank-v3.5": entry}));
        assert_eq!(serde_json::to_value(&taken[0].price).unwrap()["search"], json!("0.002"));
    }

    #[test]
    fn what_is_not_taken_is_told_with_its_reason() {
        let (taken, skipped) = import(json!({
            "dall-e-3": {"litellm_provider": "openai", "mode": "image_generation"},
            "groq/llama": {"litellm_provider": "groq", "mode": "chat", "input_cost_per_token": 1e-07},
            "unpriced": {"litellm_provider": "openai", "mode": "chat", "input_cost_per_token": 0.0},
            "openai/x": {"litellm_provider": "openai", "mode": "chat", "input_cost_per_token": 1e-07},
            "x": {"litellm_provider": "openai", "mode": "chat", "input_cost_per_token": 2e-07}
        }));
        assert_eq!(taken.len(), 1);
        let mut why: Vec<_> = skipped.iter().map(|skipped| (skipped.entry.as_str(), skipped.why)).collect();
        why.sort_unstable();
        assert_eq!(
            why,
            [
                ("dall-e-3", "not counted in tokens"),
                ("groq/llama", "of a vendor that the organisation has no provider for"),
                ("unpriced", "without a price of tokens"),
                ("x", "named twice"),
            ]
        );
    }
}
