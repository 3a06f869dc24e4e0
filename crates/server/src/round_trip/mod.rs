//! `konstruct round-trip`: proof that an installation works. One signed Slack event goes through the running server's
//! public port and the production path; the reply arrives at a fake Slack in this process. It happens in an
//! organisation of its own, which is removed afterwards.

mod fake_slack;

use std::time::{Duration, Instant};

use anyhow::{Context as _, bail};
use hmac::{Hmac, KeyInit as _, Mac as _};
use http::Method;
use infra::{Reach, Timeouts};
use llm::store::Seed;
use rand::distr::{Alphanumeric, SampleString as _};
use serde_json::json;
use sha2::Sha256;
use tokio::time::timeout;
use url::Url;

use self::fake_slack::{Called, FakeSlack};
use crate::apply;
use crate::config::Config;
use crate::house::House;
use crate::serve::Running;
use crate::terminal::say;

pub(crate) const WORKSPACE: &str = "TROUNDTRIP";
pub(crate) const BOT_USER: &str = "UROUNDTRIP";
const QUESTION: &str = "What is Konstruct?";
/// The promise: a sender is told something within a minute.
const PATIENCE: Duration = Duration::from_secs(60);

/// Sends the event to `server`, or to the server that serves the data directory, and prints what comes back.
pub(crate) async fn round_trip(config: &Config, server: Option<Url>) -> anyhow::Result<()> {
    let server = match server {
        Some(server) => server.to_string(),
        None => Running::find(config).await?.context("no server serves this data directory; start one or name it")?,
    };
    let house = House::open(config).await?;
    let name = format!("round-trip-{}", Alphanumeric.sample_string(&mut rand::rng(), 8).to_ascii_lowercase());
    let done = travel(&house, &server, &name).await;
    let removed = remove(&house, &name).await;
    house.close().await?;
    done.and(removed)
}

async fn travel(house: &House, server: &str, name: &str) -> anyhow::Result<()> {
    let mut slack = FakeSlack::start().await?;
    let signing_secret = Alphanumeric.sample_string(&mut rand::rng(), 32);
    let yaml = organisation(name, &slack.base_url, &signing_secret);
    apply::apply_text(house, "round-trip", &yaml, Seed::Demo).await?;

    let began = Instant::now();
    let took = |at: Instant| format!("{:>7.1} ms", at.duration_since(began).as_secs_f64() * 1000.0);
    let status = send(house, server, &signing_secret).await?;
    say(format!("{}  signed Slack event sent, acknowledged with {status}", took(Instant::now())));
    say(format!("            > {QUESTION}"));
    loop {
        let called = timeout(PATIENCE.saturating_sub(began.elapsed()), slack.calls.recv()).await;
        let Called { at, method, text } = called.ok().flatten().context("no answer within 60 seconds")?;
        say(format!("{}  {method}", took(at)));
        text.lines().for_each(|line| say(format!("            < {line}")));
        if method == "chat.update" && !text.is_empty() {
            return Ok(());
        }
    }
}

fn organisation(name: &str, slack: &str, signing_secret: &str) -> String {
    let documents = [
        json!({"kind": "Organisation", "name": name, "display_name": "Round trip"}),
        json!({
            "kind": "ModelGroup", "organisation": name, "name": "quality",
            "models": [{"provider": "builtin", "model": "quotes"}],
        }),
        json!({"kind": "Agent", "organisation": name, "name": "Mara", "role": "Guide"}),
        json!({
            "kind": "Connection", "organisation": name, "name": "slack", "channel": "slack", "agent": "Mara",
            "external_id": WORKSPACE,
            "settings": {"base_url": slack, "app_id": "AROUNDTRIP", "bot_user_id": BOT_USER},
            "secrets": {"signing_secret": signing_secret, "bot_token": "xoxb-round-trip"},
        }),
    ];
    // JSON is YAML.
    documents.map(|document| document.to_string()).join("\n---\n")
}

async fn send(house: &House, server: &str, signing_secret: &str) -> anyhow::Result<http::StatusCode> {
    let now = house.clock.now();
    let event = json!({
        "type": "event_callback", "token": "unused", "team_id": WORKSPACE, "api_app_id": "AROUNDTRIP",
        "event_id": format!("Ev{}", now.timestamp_micros()), "event_time": now.timestamp(),
        "event": {
            "type": "app_mention", "user": "UPERSON", "channel": "CROUNDTRIP",
            "text": format!("<@{BOT_USER}> {QUESTION}"),
            "ts": format!("{}.000100", now.timestamp()), "event_ts": format!("{}.000100", now.timestamp()),
        },
    })
    .to_string();
    let timestamp = now.timestamp().to_string();
    let mut mac = Hmac::<Sha256>::new_from_slice(signing_secret.as_bytes())?;
    mac.update(format!("v0:{timestamp}:{event}").as_bytes());
    let signature = format!("v0={}", hex::encode(mac.finalize().into_bytes()));
    let url: Url = format!("{}/channels/slack/events", server.trim_end_matches('/')).parse()?;
    let call = house
        .egress
        .request(Method::POST, &url, Reach::Private)?
        .header("content-type", "application/json")
        .header("x-slack-request-timestamp", timestamp)
        .header("x-slack-signature", signature)
        .body(event);
    let response = house.egress.send(call, Timeouts::within(Duration::from_secs(10))).await?;
    if !response.status().is_success() {
        bail!("the server answered the event with {}", response.status());
    }
    Ok(response.status())
}

async fn remove(house: &House, name: &str) -> anyhow::Result<()> {
    let mut tx = house.db.system("removing the round trip's organisation").await?;
    let found = tenancy::organisations::find_by_name(&mut tx, name).await?;
    tx.commit().await?;
    if let Some(organisation) = found {
        tenancy::organisations::delete(&house.db, &tenancy::Actor::System, organisation.id).await?;
    }
    Ok(())
}
