//! `konstruct prices import`: an organisation's own prices out of LiteLLM's public table.

use std::collections::BTreeMap;
use std::path::Path;

use anyhow::{Context as _, bail};
use llm::prices::{Skipped, import_litellm};
use llm::store::{self, Provider};
use serde_json::{Map, Value, json};
use tenancy::{Actor, audit};

use crate::config::Config;
use crate::house::House;
use crate::terminal::say;
use crate::usage::organisation;

/// Entries of one reason that are named; of more, how many there are.
const NAMED: usize = 20;

pub(crate) async fn import(
    config: &Config,
    file: &Path,
    organisation: &str,
    provider: Option<&str>,
) -> anyhow::Result<()> {
    let name = file.display();
    let text = std::fs::read_to_string(file).with_context(|| format!("cannot read {name}"))?;
    let table: Map<String, Value> =
        serde_json::from_str(&text).with_context(|| format!("{name} is not LiteLLM's table of prices"))?;
    let house = House::open(config).await?;
    let done = take(&house, &table, organisation, provider).await;
    house.close().await?;
    done
}

async fn take(house: &House, table: &Map<String, Value>, name: &str, provider: Option<&str>) -> anyhow::Result<()> {
    let mut tx = house.db.tenant(organisation(house, name).await?).await?;
    let mut providers = store::list_providers(&mut tx).await?;
    if let Some(wanted) = provider {
        providers.retain(|provider| provider.name == wanted);
        if providers.is_empty() {
            bail!("{name} has no provider \"{wanted}\"");
        }
    }
    let serves = |vendor: &str| {
        let one = providers.iter().find(|one| serves(one, vendor, provider.is_some()));
        one.map(|one| one.name.clone())
    };
    let (taken, skipped) = import_litellm(table, serves);
    let (changed, epoch) = store::import_prices(&mut tx, &taken).await?;
    let detail = json!({"prices": taken.len(), "changed": changed});
    audit::record(&mut tx, &Actor::System, "price.import", "price", detail).await?;
    tx.commit().await?;
    db::wait_until_in_force(&house.db, epoch).await?;
    for price in &taken {
        let rates = price.price.rates();
        say(format!("= {}/{}: {} in, {} out", price.provider, price.model, rates.input, rates.output));
    }
    tell_skipped(&skipped);
    say(format!("{} prices taken ({changed} new or changed), {} entries left out", taken.len(), skipped.len()));
    Ok(())
}

/// Whether this provider serves what LiteLLM calls `vendor`: by its name, or by its protocol where it is the vendor's
/// own server, or the only one asked for.
fn serves(provider: &Provider, vendor: &str, asked_for: bool) -> bool {
    let vendor = if vendor == "cohere_chat" { "cohere" } else { vendor };
    let own = match provider.wire.as_str() {
        "openai-chat" | "openai-responses" => "openai",
        wire => wire,
    };
    provider.name == vendor || (own == vendor && (asked_for || provider.base_url.is_empty()))
}

fn tell_skipped(skipped: &[Skipped]) {
    let mut reasons: BTreeMap<&str, Vec<&str>> = BTreeMap::new();
    for Skipped { entry, why } in skipped {
        reasons.entry(why).or_default().push(entry);
    }
    for (why, entries) in reasons {
        let more = match entries.len().saturating_sub(NAMED) {
            0 => String::new(),
            more => format!(" and {more} more"),
        };
        let named = entries.into_iter().take(NAMED).collect::<Vec<_>>().join(", ");
        say(format!("- {why}: {named}{more}"));
    }
}
