use std::collections::BTreeMap;
use std::io;
use std::sync::Arc;

use axum::Router;
use axum::body::Body;
use axum::extract::{Path, RawQuery, Request, State as Shared};
use axum::http::{StatusCode, header};
use axum::response::{IntoResponse as _, Response};
use axum::routing::any;
use bytes::Bytes;
use futures::stream;
use serde_json::{Value, json};

use super::{Bot, Entry, Fault, Posted, State, World};

type Arguments = BTreeMap<String, Value>;
/// What is answered beside `ok`, and the message it is about; or Slack's error.
type Answer = Result<(Value, Option<String>), &'static str>;

/// Slack cuts longer posts off; for updates it has a smaller limit, and refuses.
const POST_LIMIT: usize = 40_000;
const UPDATE_LIMIT: usize = 4_000;

pub(super) fn router(state: Arc<State>) -> Router {
    Router::new().route("/api/{method}", any(call)).with_state(state)
}

async fn call(
    Shared(state): Shared<Arc<State>>,
    Path(method): Path<String>,
    RawQuery(query): RawQuery,
    request: Request,
) -> Response {
    let (parts, body) = request.into_parts();
    let header = |name| parts.headers.get(name).and_then(|value| value.to_str().ok()).unwrap_or_default();
    let content_type = header(header::CONTENT_TYPE);
    let bearer = header(header::AUTHORIZATION).strip_prefix("Bearer ").unwrap_or_default().to_owned();
    let Ok(body) = axum::body::to_bytes(body, 4 << 20).await else {
        return StatusCode::PAYLOAD_TOO_LARGE.into_response();
    };
    let Some(mut arguments) = arguments(query.as_deref(), content_type, &body) else {
        return axum::Json(json!({"ok": false, "error": "invalid_json"})).into_response();
    };
    let token = match arguments.remove("token") {
        Some(Value::String(token)) if bearer.is_empty() => token,
        _ => bearer,
    };
    let (fault, answer) = {
        let mut world = state.world.lock();
        let fault = world.fault(&method, text(&arguments, "channel").unwrap_or_default());
        let answer = match &fault {
            None | Some(Fault::DropReply | Fault::HangAfter | Fault::Slow(_)) => {
                world.bot(&token).and_then(|bot| act(&mut world, &bot, &method, &arguments))
            }
            Some(_) => Err("injected"),
        };
        let (ts, error) = match &answer {
            Ok((_, ts)) => (ts.clone(), fault.as_ref().map(|fault| format!("{fault:?}"))),
            Err(error) => {
                (None, Some(fault.as_ref().map_or_else(|| (*error).to_owned(), |fault| format!("{fault:?}"))))
            }
        };
        let at = kernel::Clock::system().now();
        world.ledger.push(Entry { at, method, token, arguments, ts, error });
        (fault, answer)
    };
    respond(fault, answer).await
}

/// Slack takes arguments from the query, a form, or JSON.
fn arguments(query: Option<&str>, content_type: &str, body: &Bytes) -> Option<Arguments> {
    let mut arguments = Arguments::new();
    let mut form = |text: &[u8]| {
        let pairs = url::form_urlencoded::parse(text);
        arguments.extend(pairs.map(|(name, value)| (name.into_owned(), Value::String(value.into_owned()))));
    };
    form(query.unwrap_or_default().as_bytes());
    if content_type.starts_with("application/x-www-form-urlencoded") {
        form(body);
    } else if content_type.starts_with("application/json") && !body.is_empty() {
        match serde_json::from_slice(body).ok()? {
            Value::Object(object) => arguments.extend(object),
            _ => return None,
        }
    }
    Some(arguments)
}

async fn respond(fault: Option<Fault>, answer: Answer) -> Response {
    let body = match answer {
        Ok((mut body, _)) => {
            body["ok"] = true.into();
            body
        }
        Err(error) => json!({"ok": false, "error": error}),
    };
    match fault {
        None => axum::Json(body).into_response(),
        Some(Fault::RateLimited { retry_after }) => {
            let refusal = axum::Json(json!({"ok": false, "error": "ratelimited"}));
            (StatusCode::TOO_MANY_REQUESTS, [(header::RETRY_AFTER, retry_after.to_string())], refusal).into_response()
        }
        Some(Fault::Refuse(error)) => axum::Json(json!({"ok": false, "error": error})).into_response(),
        Some(Fault::Status(status)) => StatusCode::from_u16(status).unwrap().into_response(),
        Some(Fault::Html) => axum::response::Html("<!doctype html><title>Slack</title><p>Sorry").into_response(),
        Some(Fault::Hang | Fault::HangAfter) => std::future::pending().await,
        Some(Fault::DropReply) => {
            let broken =
                stream::iter([Ok(Bytes::from_static(b"{")), Err(io::Error::from(io::ErrorKind::ConnectionReset))]);
            Response::new(Body::from_stream(broken))
        }
        Some(Fault::Slow(by)) => {
            tokio::time::sleep(by).await;
            axum::Json(body).into_response()
        }
    }
}

fn act(world: &mut World, bot: &Bot, method: &str, arguments: &Arguments) -> Answer {
    match method {
        "auth.test" => Ok((
            json!({"url": "https://fake.slack.test/", "team": "Fake", "user": "konstruct", "team_id": bot.team,
                   "user_id": bot.user, "bot_id": bot.bot, "is_enterprise_install": false}),
            None,
        )),
        "chat.postMessage" => post(world, bot, arguments),
        "chat.update" => update(world, bot, arguments),
        "chat.delete" => delete(world, bot, arguments),
        "conversations.replies" => replies(world, arguments),
        "users.info" => {
            let user = text(arguments, "user").ok_or("user_not_found")?;
            let name = world.names.get(user).cloned().unwrap_or_else(|| format!("name of {user}"));
            let profile = json!({"real_name": name, "display_name": name, "email": format!("{user}@slack.test")});
            Ok((
                json!({"user": {"id": user, "team_id": bot.team, "name": user, "real_name": name, "tz": "Etc/UTC",
                                "is_bot": false, "deleted": false, "profile": profile}}),
                None,
            ))
        }
        _ => Err("unknown_method"),
    }
}

fn text<'a>(arguments: &'a Arguments, name: &str) -> Option<&'a str> {
    arguments.get(name).and_then(Value::as_str).filter(|text| !text.is_empty())
}

/// Metadata comes as an object, or as its JSON in a form.
fn metadata(arguments: &Arguments) -> Result<Option<Value>, &'static str> {
    let metadata = match arguments.get("metadata") {
        None | Some(Value::Null) => return Ok(None),
        Some(Value::String(text)) => serde_json::from_str(text).map_err(|_| "invalid_metadata_format")?,
        Some(metadata) => metadata.clone(),
    };
    let whole = metadata["event_type"].is_string() && metadata["event_payload"].is_object();
    if whole { Ok(Some(metadata)) } else { Err("invalid_metadata_schema") }
}

fn post(world: &mut World, bot: &Bot, arguments: &Arguments) -> Answer {
    let channel = text(arguments, "channel").ok_or("channel_not_found")?;
    let said = text(arguments, "text").ok_or("no_text")?;
    let ts = world.stamps.next();
    let posted = Posted {
        channel: channel.to_owned(),
        ts: ts.clone(),
        thread_ts: text(arguments, "thread_ts").map(str::to_owned),
        text: said.chars().take(POST_LIMIT).collect(),
        user: bot.user.clone(),
        bot: Some(bot.clone()),
        username: text(arguments, "username").map(str::to_owned),
        metadata: metadata(arguments)?,
        updates: 0,
    };
    let answer = json!({"channel": channel, "ts": ts, "message": shown(&posted, true)});
    world.put(posted);
    Ok((answer, Some(ts)))
}

fn update(world: &mut World, bot: &Bot, arguments: &Arguments) -> Answer {
    let said = text(arguments, "text").ok_or("no_text")?.to_owned();
    if said.chars().count() > UPDATE_LIMIT {
        return Err("msg_too_long");
    }
    let metadata = metadata(arguments)?;
    let posted = standing(world, arguments)?;
    if posted.bot.as_ref() != Some(bot) {
        return Err("cant_update_message");
    }
    posted.text = said;
    posted.metadata = metadata.or(posted.metadata.take());
    posted.updates += 1;
    let (channel, ts) = (posted.channel.clone(), posted.ts.clone());
    Ok((json!({"channel": channel, "ts": ts, "text": posted.text, "message": shown(posted, true)}), Some(ts)))
}

fn delete(world: &mut World, bot: &Bot, arguments: &Arguments) -> Answer {
    let posted = standing(world, arguments)?;
    if posted.bot.as_ref() != Some(bot) {
        return Err("cant_delete_message");
    }
    let (channel, ts) = (posted.channel.clone(), posted.ts.clone());
    if let Some(messages) = world.messages.get_mut(&channel) {
        messages.remove(&ts);
    }
    Ok((json!({"channel": channel, "ts": ts}), Some(ts)))
}

fn standing<'a>(world: &'a mut World, arguments: &Arguments) -> Result<&'a mut Posted, &'static str> {
    let channel = text(arguments, "channel").ok_or("channel_not_found")?;
    let ts = text(arguments, "ts").ok_or("message_not_found")?;
    world.messages.get_mut(channel).and_then(|messages| messages.get_mut(ts)).ok_or("message_not_found")
}

fn replies(world: &World, arguments: &Arguments) -> Answer {
    let channel = text(arguments, "channel").ok_or("channel_not_found")?;
    let thread = text(arguments, "ts").ok_or("thread_not_found")?;
    let flag = |name: &str| {
        matches!(arguments.get(name), Some(Value::Bool(true))) || matches!(text(arguments, name), Some("1" | "true"))
    };
    let number =
        |name: &str| text(arguments, name).map(str::to_owned).or_else(|| arguments.get(name).map(Value::to_string));
    let limit: usize = number("limit").and_then(|limit| limit.parse().ok()).unwrap_or(1000).clamp(1, 1000);
    let inclusive = flag("inclusive");
    let within = |ts: &str| {
        text(arguments, "oldest").is_none_or(|oldest| ts > oldest || inclusive && ts == oldest)
            && text(arguments, "latest").is_none_or(|latest| ts < latest || inclusive && ts == latest)
            && text(arguments, "cursor").is_none_or(|cursor| ts > cursor)
    };
    let all = world.messages.get(channel).into_iter().flat_map(BTreeMap::values);
    let mut of_thread =
        all.filter(|m| m.ts == thread || m.thread_ts.as_deref() == Some(thread)).filter(|m| within(&m.ts)).peekable();
    let mut page: Vec<Value> = Vec::new();
    let mut last = "";
    while page.len() < limit {
        let Some(message) = of_thread.next() else { break };
        page.push(shown(message, flag("include_all_metadata")));
        last = &message.ts;
    }
    let more = of_thread.peek().is_some();
    let cursor = if more { last } else { "" };
    Ok((json!({"messages": page, "has_more": more, "response_metadata": {"next_cursor": cursor}}), None))
}

/// A message as Slack shows it.
fn shown(posted: &Posted, with_metadata: bool) -> Value {
    let mut message = json!({"type": "message", "user": posted.user, "text": posted.text, "ts": posted.ts});
    if let Some(thread_ts) = &posted.thread_ts {
        message["thread_ts"] = thread_ts.as_str().into();
    }
    if let Some(bot) = &posted.bot {
        message["bot_id"] = bot.bot.as_str().into();
        message["app_id"] = bot.app.as_str().into();
        message["team"] = bot.team.as_str().into();
    }
    if let Some(username) = &posted.username {
        message["username"] = username.as_str().into();
    }
    if let Some(metadata) = posted.metadata.as_ref().filter(|_| with_metadata) {
        message["metadata"] = metadata.clone();
    }
    message
}
