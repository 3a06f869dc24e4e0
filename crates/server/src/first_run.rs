//! The first start: something to talk to, and somebody who may log in, without any key or file.

use anyhow::Context as _;
use db::SystemTx;
use llm::store::Seed;
use rand::distr::{Distribution as _, Uniform};
use serde_json::json;
use tenancy::Identity;

use crate::config::Config;
use crate::house::House;
use crate::terminal::say;
use crate::{apply, installation};

const OWNER: &str = "owner@localhost";

/// What the first screen says about logging in.
pub(crate) enum Welcome {
    /// Everything was just made; the password is shown this once.
    New {
        password: String,
    },
    Known {
        email: String,
    },
    /// Somebody has set the installation up with `apply` and named no operator.
    NoOperator,
}

/// Makes the organisation "demo" and its owner where nobody has an account yet.
pub(crate) async fn prepare(house: &House) -> anyhow::Result<Welcome> {
    let identity = Identity::new(house.db.clone(), &house.sealer, house.clock.clone());
    if let Some(operator) = identity.first_operator().await? {
        return Ok(Welcome::Known { email: operator.email });
    }
    let mut tx = alone(house).await?;
    if has_accounts(&mut tx).await? {
        return Ok(match identity.first_operator().await? {
            Some(operator) => Welcome::Known { email: operator.email },
            None => Welcome::NoOperator,
        });
    }
    let password = password()?;
    apply::apply_text(house, "demo", &demo(&password), Seed::Demo)
        .await
        .context("cannot make the organisation demo")?;
    tx.commit().await?;
    Ok(Welcome::New { password })
}

/// Gives an installation that `apply` makes its operator. What else is in it, its documents say.
pub(crate) async fn appoint_operator(house: &House) -> anyhow::Result<Welcome> {
    let tx = alone(house).await?;
    let identity = Identity::new(house.db.clone(), &house.sealer, house.clock.clone());
    if let Some(operator) = identity.first_operator().await? {
        return Ok(Welcome::Known { email: operator.email });
    }
    let password = password()?;
    let user = json!({
        "kind": "User", "email": OWNER, "display_name": "Owner", "password": password, "operator": true,
    });
    apply::apply_text(house, "operator", &user.to_string(), Seed::Standard).await.context("cannot make an operator")?;
    tx.commit().await?;
    Ok(Welcome::New { password })
}

/// Whether anybody has an account.
pub(crate) async fn has_accounts(tx: &mut SystemTx) -> anyhow::Result<bool> {
    let found = sqlx::query_scalar!(r#"select exists (select from users) as "exists!""#);
    Ok(found.fetch_one(&mut **tx).await?)
}

/// Of several processes that begin an installation at once, one is here.
async fn alone(house: &House) -> anyhow::Result<SystemTx> {
    let mut tx = house.db.system("the first run").await?;
    sqlx::query!("select pg_advisory_xact_lock(hashtext('konstruct first run'))").execute(&mut *tx).await?;
    Ok(tx)
}

/// A password that can be read aloud: no letters that are taken for digits.
pub(crate) fn password() -> anyhow::Result<String> {
    const LETTERS: &[u8] = b"abcdefghijkmnpqrstuvwxyz23456789";
    let any = Uniform::new(0, LETTERS.len())?;
    let mut rng = rand::rng();
    let groups: Vec<String> =
        (0..5).map(|_| (0..4).map(|_| char::from(LETTERS[any.sample(&mut rng)])).collect()).collect();
    Ok(groups.join("-"))
}

impl Welcome {
    /// `url` is where the portal is, or will be.
    pub(crate) fn say(&self, config: &Config, url: &str) {
        let reset = |email: &str| format!("`konstruct user reset-password {email} {}`", installation::option(config));
        match self {
            Self::New { password } => {
                say(format!("\n  Log in at {url}\n    e-mail    {OWNER}\n    password  {password}\n"));
                say(format!("  The password is shown this once. {} makes another.\n", reset(OWNER)));
            }
            Self::Known { email } => {
                say(format!("Log in as {email}; {} makes another password.", reset(email)));
            }
            Self::NoOperator => {
                say("Nobody operates this installation: apply a User with `operator: true` and a password.");
            }
        }
    }
}

fn demo(password: &str) -> String {
    let documents = [
        json!({"kind": "Organisation", "name": "demo", "display_name": "Demo"}),
        json!({
            "kind": "User", "email": OWNER, "display_name": "Owner", "password": password, "operator": true,
            "memberships": [{"organisation": "demo", "role": "owner"}],
        }),
        json!({
            "kind": "Agent", "organisation": "demo", "name": "Mara", "icon": "🌿", "role": "Guide to Konstruct",
            "job_description": "Show new users what Konstruct does and help them to take the first steps.",
            "persona": "Friendly, calm and precise. Explains with examples and never lectures.",
            "greeting": "Hello, I am Mara. Ask me what Konstruct can do for you.",
            "tools": ["date_time", "calculator"],
        }),
        json!({
            "kind": "Connection", "organisation": "demo", "name": "web-chat", "channel": "web", "agent": "Mara",
            "settings": {"title": "Talk to Mara"},
        }),
    ];
    // JSON is YAML.
    documents.map(|document| document.to_string()).join("\n---\n")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn passwords_are_long_and_no_two_are_alike() {
        let (one, other) = (password().unwrap(), password().unwrap());
        assert_eq!(one.len(), 24);
        assert_ne!(one, other);
    }
}
