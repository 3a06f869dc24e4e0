use infra::Egress;
use serde::Deserialize;

use super::installation::Installation;
use super::names;
use super::wire::{self, CallError, Caller};
use crate::Connection;
use crate::registry::Check;

/// What `auth.test` tells (docs.slack.dev/reference/methods/auth.test).
#[derive(Deserialize)]
struct AuthTest {
    #[serde(default)]
    team: String,
    #[serde(default)]
    team_id: String,
    #[serde(default)]
    enterprise_id: Option<String>,
    #[serde(default)]
    user: String,
    #[serde(default)]
    user_id: String,
}

/// Tries the connection for real and says in words what is right and what is not.
pub(super) async fn check(egress: &Egress, installation: &Installation, connection: &Connection) -> Vec<Check> {
    let mut checks = Vec::new();
    match &installation.caller {
        None => checks.push(Check::failed("bot_token", "no bot token is set; paste the one that begins with xoxb-")),
        Some(caller) => {
            let answer: Result<AuthTest, CallError> =
                wire::post(egress, caller, "auth.test", &serde_json::json!({})).await;
            match answer {
                Err(error) => checks.push(Check::failed("bot_token", error.to_string())),
                Ok(known) => {
                    compare(&mut checks, installation, &known);
                    checks.push(people(egress, caller, &known.user_id).await);
                }
            }
        }
    }
    checks.push(match connection.hint() {
        Some(hint) => Check::failed("events", hint),
        None if connection.last_event_at.is_some() => {
            Check::passed("events", "deliveries arrive and their signature is right")
        }
        None => Check::failed(
            "events",
            "nothing signed with this secret has arrived yet; enter the events URL in the app's Event Subscriptions, \
             then mention the bot in a channel it is a member of",
        ),
    });
    checks
}

/// Whether people's names can be looked up; the bot's own stands for them.
async fn people(egress: &Egress, caller: &Caller, user: &str) -> Check {
    match names::ask(egress, caller, user).await {
        Ok(_) => Check::passed("names", "people are known by their names"),
        Err(CallError::Refused { code }) if code == "missing_scope" => Check::failed(
            "names",
            "people are known by their ids: the app lacks the scope users:read; everything else works without it. Add \
             it and install the app again",
        ),
        Err(error) => Check::failed("names", format!("people's names cannot be looked up: {error}")),
    }
}

fn compare(checks: &mut Vec<Check>, installation: &Installation, known: &AuthTest) {
    checks.push(Check::passed("bot_token", format!("Slack knows it as {} in {}", known.user, known.team)));
    let workspace = &installation.workspace;
    checks.push(if *workspace == known.team_id || Some(workspace) == known.enterprise_id.as_ref() {
        Check::passed("workspace", workspace.clone())
    } else {
        let detail = format!("the token belongs to {}, but the connection names {workspace}", known.team_id);
        Check::failed("workspace", detail)
    });
    if let Some(bot) = installation.settings.bot_user_id.as_ref().filter(|bot| **bot != known.user_id) {
        let detail = format!("the bot is {}, but the settings name {bot}", known.user_id);
        checks.push(Check::failed("bot_user", detail));
    }
}
