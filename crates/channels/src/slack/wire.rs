//! Calls of Slack's Web API (docs.slack.dev/apis/web-api): HTTP 200 with `{"ok": false, "error": …}` is its usual way
//! to refuse.

use std::time::Duration;

use durable::SendError;
use infra::{Effect, Egress, EgressError, Reach, Timeouts, read_limited};
use kernel::{ConnectionId, Secret};
use reqwest::header::RETRY_AFTER;
use reqwest::{Method, Response, StatusCode};
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};
use url::Url;

/// Slack answers within a second or two; beyond this it will not.
const PATIENCE: Duration = Duration::from_secs(12);
/// A page of 200 messages with their metadata stays well below.
const MAX_ANSWER: usize = 4 << 20;

/// Whose bot calls, and where.
#[derive(Clone, Debug)]
pub(crate) struct Caller {
    pub(crate) connection: ConnectionId,
    pub(crate) base_url: Url,
    pub(crate) token: Secret,
    pub(crate) reach: Reach,
}

/// Why a call brought nothing.
#[derive(Debug, thiserror::Error)]
pub(crate) enum CallError {
    /// Slack understood, and refuses.
    #[error("Slack answered {code}: {}", explain(code))]
    Refused { code: String },
    #[error("Slack asks to slow down")]
    Limited { after: Option<Duration> },
    /// Whatever answered, it was not Slack's API: a proxy's page, an outage.
    #[error("what answered with status {status} was not Slack's API")]
    Strange { status: StatusCode },
    #[error("Slack was not reached: {0}")]
    Egress(#[from] EgressError),
}

#[derive(Deserialize)]
struct Verdict {
    ok: bool,
    error: Option<String>,
}

/// Calls `method` with a JSON body.
pub(crate) async fn post<T: DeserializeOwned>(
    egress: &Egress,
    caller: &Caller,
    method: &str,
    body: &(impl Serialize + Sync),
) -> Result<T, CallError> {
    let call = egress.request(Method::POST, &url(caller, method)?, caller.reach)?;
    let call = call.label(caller.connection).bearer(&caller.token).json(body);
    read(egress.send(call, Timeouts::within(PATIENCE)).await?).await
}

/// Calls `method` with a query: the reading methods take no JSON.
pub(crate) async fn get<T: DeserializeOwned>(
    egress: &Egress,
    caller: &Caller,
    method: &str,
    query: &[(&str, &str)],
) -> Result<T, CallError> {
    let mut url = url(caller, method)?;
    url.query_pairs_mut().extend_pairs(query);
    let call = egress.request(Method::GET, &url, caller.reach)?.label(caller.connection).bearer(&caller.token);
    read(egress.send(call, Timeouts::within(PATIENCE)).await?).await
}

/// Calls a reading method for something that nobody waits for: with little patience, and with a breaker of its own, so
/// that no reply is held up by its failures.
pub(crate) async fn glance<T: DeserializeOwned>(
    egress: &Egress,
    caller: &Caller,
    method: &str,
    query: &[(&str, &str)],
    patience: Duration,
) -> Result<T, CallError> {
    let mut url = url(caller, method)?;
    url.query_pairs_mut().extend_pairs(query);
    let label = format!("{}/{method}", caller.connection);
    let call = egress.request(Method::GET, &url, caller.reach)?.label(label).bearer(&caller.token);
    read(egress.send(call, Timeouts::within(patience)).await?).await
}

fn url(caller: &Caller, method: &str) -> Result<Url, CallError> {
    caller.base_url.join(method).map_err(|_| EgressError::Refused { why: "the base URL is not one" }.into())
}

async fn read<T: DeserializeOwned>(response: Response) -> Result<T, CallError> {
    let status = response.status();
    if status == StatusCode::TOO_MANY_REQUESTS {
        let seconds = response.headers().get(RETRY_AFTER).and_then(|value| value.to_str().ok()?.trim().parse().ok());
        return Err(CallError::Limited { after: seconds.map(Duration::from_secs) });
    }
    let body = read_limited(response, MAX_ANSWER).await?;
    let strange = |_| CallError::Strange { status };
    let verdict: Verdict = serde_json::from_slice(&body).map_err(strange)?;
    match verdict.error {
        Some(code) if !verdict.ok => Err(match code.as_str() {
            "ratelimited" | "rate_limited" => CallError::Limited { after: None },
            _ => CallError::Refused { code },
        }),
        None if !verdict.ok => Err(CallError::Strange { status }),
        _ => serde_json::from_slice(&body).map_err(strange),
    }
}

/// Whether a call may be made twice without anybody noticing.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Repeat {
    /// An update, a deletion, a look.
    Harmless,
    /// A post.
    Visible,
}

/// What the engine is to make of a failed call.
pub(crate) fn send_error(error: &CallError, repeat: Repeat) -> SendError {
    let reason = error.to_string();
    let unknown = |reason| match repeat {
        Repeat::Harmless => SendError::Retry { reason, after: None },
        Repeat::Visible => SendError::Ambiguous { reason },
    };
    match error {
        CallError::Limited { after } => SendError::Retry { reason, after: *after },
        CallError::Refused { code } => match kind_of(code) {
            Refusal::Revoked => SendError::Permanent { reason, revoked: true },
            Refusal::Gone => SendError::Gone { reason },
            Refusal::Passing => SendError::Retry { reason, after: None },
            Refusal::HalfDone => unknown(reason),
            Refusal::Final => SendError::Permanent { reason, revoked: false },
        },
        // A 4xx of a proxy or a wrong address: nothing came through.
        CallError::Strange { status } if status.is_client_error() => SendError::Retry { reason, after: None },
        CallError::Strange { .. } => unknown(reason),
        CallError::Egress(EgressError::Refused { .. } | EgressError::Invalid(_)) => {
            SendError::Permanent { reason, revoked: false }
        }
        CallError::Egress(EgressError::BreakerOpen { retry_after }) => {
            SendError::Retry { reason, after: Some(*retry_after) }
        }
        CallError::Egress(error) => match error.had_effect() {
            Effect::No => SendError::Retry { reason, after: None },
            Effect::Maybe => unknown(reason),
        },
    }
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Refusal {
    Revoked,
    Gone,
    Passing,
    HalfDone,
    Final,
}

fn kind_of(code: &str) -> Refusal {
    match code {
        "invalid_auth" | "not_authed" | "token_revoked" | "token_expired" | "account_inactive" | "app_uninstalled" => {
            Refusal::Revoked
        }
        "message_not_found" | "cant_update_message" | "edit_window_closed" => Refusal::Gone,
        "service_unavailable"
        | "request_timeout"
        | "team_added_to_org"
        | "accesslimited"
        | "external_channel_migrating" => Refusal::Passing,
        // Slack: "some aspect of the operation may have succeeded before the error was raised".
        "internal_error" | "fatal_error" => Refusal::HalfDone,
        _ => Refusal::Final,
    }
}

/// What a refusal means and what to do about it, for the organisation's people.
pub(crate) fn explain(code: &str) -> &'static str {
    match code {
        "invalid_auth" | "not_authed" => {
            "the bot token is not one of this workspace; copy it from OAuth & Permissions again"
        }
        "token_revoked" => {
            "the bot token was taken back; install the app to the workspace again and paste the new token"
        }
        "token_expired" => "the bot token has expired; install the app to the workspace again and paste the new token",
        "account_inactive" | "app_uninstalled" => {
            "the app was removed from the workspace; install it again and paste the new token"
        }
        "missing_scope" | "no_permission" => {
            "the app lacks a scope; add the scopes of the guide, then install the app again"
        }
        "channel_not_found" => "the bot cannot see that channel",
        "not_in_channel" => "the bot is not a member of that channel; invite it",
        "is_archived" => "the channel is archived",
        "thread_not_found" => "the thread is gone",
        "message_not_found" => "the message is gone",
        "cant_update_message" | "edit_window_closed" => "the message cannot be changed any more",
        "msg_too_long" => "the text is longer than Slack takes",
        "restricted_action" | "restricted_action_thread_only_channel" | "restricted_action_read_only_channel" => {
            "the workspace does not let the bot post there"
        }
        "internal_error" | "fatal_error" | "service_unavailable" => "Slack has trouble of its own",
        _ => "see Slack's page of the method",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn word(error: &SendError) -> &'static str {
        match error {
            SendError::Retry { .. } => "retry",
            SendError::Ambiguous { .. } => "ambiguous",
            SendError::Gone { .. } => "gone",
            SendError::Permanent { revoked: true, .. } => "revoked",
            SendError::Permanent { revoked: false, .. } => "permanent",
        }
    }

    #[test]
    fn every_failure_says_what_to_do_next() {
        let refused = |code: &str| CallError::Refused { code: code.to_owned() };
        let strange = |status| CallError::Strange { status: StatusCode::from_u16(status).unwrap() };
        let timeout = || CallError::Egress(EgressError::Timeout { what: "it" });
        let open = || CallError::Egress(EgressError::BreakerOpen { retry_after: Duration::from_secs(1) });
        for (error, post, update) in [
            (CallError::Limited { after: None }, "retry", "retry"),
            (refused("token_revoked"), "revoked", "revoked"),
            (refused("account_inactive"), "revoked", "revoked"),
            (refused("invalid_auth"), "revoked", "revoked"),
            (refused("token_expired"), "revoked", "revoked"),
            (refused("channel_not_found"), "permanent", "permanent"),
            (refused("not_in_channel"), "permanent", "permanent"),
            (refused("is_archived"), "permanent", "permanent"),
            (refused("never_heard_of"), "permanent", "permanent"),
            (refused("message_not_found"), "gone", "gone"),
            (refused("cant_update_message"), "gone", "gone"),
            (refused("edit_window_closed"), "gone", "gone"),
            (refused("service_unavailable"), "retry", "retry"),
            (refused("internal_error"), "ambiguous", "retry"),
            (refused("fatal_error"), "ambiguous", "retry"),
            (strange(200), "ambiguous", "retry"),
            (strange(500), "ambiguous", "retry"),
            (strange(503), "ambiguous", "retry"),
            (strange(404), "retry", "retry"),
            (timeout(), "ambiguous", "retry"),
            (open(), "retry", "retry"),
            (CallError::Egress(EgressError::Refused { why: "private" }), "permanent", "permanent"),
        ] {
            assert_eq!(word(&send_error(&error, Repeat::Visible)), post, "posting: {error}");
            assert_eq!(word(&send_error(&error, Repeat::Harmless)), update, "updating: {error}");
        }
    }

    #[test]
    fn the_channels_own_word_on_when_is_passed_on() {
        let after = Some(Duration::from_secs(7));
        let error = send_error(&CallError::Limited { after }, Repeat::Visible);
        assert!(matches!(error, SendError::Retry { after: given, .. } if given == after));
    }
}
