//! `konstruct usage`: what an organisation's model calls came to.

use std::time::Duration;

use anyhow::{Context as _, bail, ensure};
use chrono::{DateTime, TimeDelta};
use http::Method;
use infra::{Reach, Timeouts};
use kernel::TenantId;
use llm::Usd;
use llm::usage::{By, Figures, Span, Sums};
use serde_json::{Value, json};

use crate::cli::{Grouping, UsageOptions};
use crate::config::Config;
use crate::house::House;
use crate::serve::Running;
use crate::terminal::say;

const CALL: Timeouts = Timeouts::within(Duration::from_secs(15));

/// Prints the settled totals. What the server that serves this data directory keeps in memory is written down first.
pub(crate) async fn usage(config: &Config, options: UsageOptions) -> anyhow::Result<()> {
    let server = Running::find(config).await?;
    let house = House::open(config).await?;
    let told = tell(&house, server.as_deref(), &options).await;
    house.close().await?;
    told
}

async fn tell(house: &House, server: Option<&str>, options: &UsageOptions) -> anyhow::Result<()> {
    if let Some(server) = server {
        settle(house, server).await?;
    }
    let span = Span {
        since: options.since.unwrap_or(DateTime::UNIX_EPOCH),
        until: options.until.unwrap_or(house.clock.now() + TimeDelta::hours(1)),
    };
    let mut tx = house.db.tenant(organisation(house, &options.organisation).await?).await?;
    let spent = llm::usage::spent(&mut tx, span, options.by.map(Into::into)).await?;
    let reserved = llm::usage::reserved(&mut tx).await?;
    if options.json {
        let mut told = as_json(&spent.total.sums);
        told["reserved_usd"] = dollars(reserved);
        if options.by.is_some() {
            told["groups"] = spent.groups.iter().map(group_as_json).collect();
        }
        say(told.to_string());
        return Ok(());
    }
    for group in &spent.groups {
        say(format!("{}: {}", if group.name.is_empty() { "none" } else { &group.name }, in_words(&group.sums)));
    }
    say(format!("{}; {reserved} USD are reserved for calls under way", in_words(&spent.total.sums)));
    Ok(())
}

/// Has the server write down what it keeps in memory.
async fn settle(house: &House, server: &str) -> anyhow::Result<()> {
    let url = format!("{server}{}", api::FLUSH_PATH).parse().context("the server's address")?;
    let secret = api::local_secret(&house.sealer);
    let call = house.egress.request(Method::POST, &url, Reach::Private)?.bearer(&secret);
    let answer = house.egress.send(call, CALL).await.with_context(|| format!("no server answers at {server}"))?;
    ensure!(answer.status().is_success(), "the server could not write down the latest calls: {}", answer.status());
    Ok(())
}

pub(crate) async fn organisation(house: &House, name: &str) -> anyhow::Result<TenantId> {
    let mut tx = house.db.system("an organisation by its name").await?;
    let found = tenancy::organisations::find_by_name(&mut tx, name).await?;
    tx.commit().await?;
    match found {
        Some(found) => Ok(found.id),
        None => bail!("there is no organisation \"{name}\""),
    }
}

fn as_json(sums: &Sums) -> Value {
    json!({
        "requests": sums.requests,
        "failed": sums.failed,
        "refused": sums.refused,
        "aborted": sums.aborted,
        "cached": sums.cached,
        "cost_unknown": sums.cost_unknown,
        "input_tokens": sums.input_tokens,
        "output_tokens": sums.output_tokens,
        "cost_usd": dollars(sums.cost),
    })
}

fn group_as_json(group: &Figures) -> Value {
    let mut told = as_json(&group.sums);
    told["name"] = group.name.as_str().into();
    told
}

/// A number, with all its digits.
fn dollars(amount: Usd) -> Value {
    serde_json::from_str(&amount.to_string()).unwrap_or_default()
}

fn in_words(sums: &Sums) -> String {
    let Sums { requests, input_tokens, output_tokens, cost, cost_unknown, .. } = sums;
    let unknown = match cost_unknown {
        0 => String::new(),
        unknown => format!(" and what {unknown} of them cost is not known"),
    };
    format!("{requests} requests, {input_tokens} tokens in, {output_tokens} out, {cost} USD{unknown}")
}

impl From<Grouping> for By {
    fn from(by: Grouping) -> Self {
        match by {
            Grouping::Model => Self::Model,
            Grouping::Provider => Self::Provider,
            Grouping::Agent => Self::Agent,
            Grouping::Project => Self::Project,
            Grouping::Key => Self::Key,
        }
    }
}
