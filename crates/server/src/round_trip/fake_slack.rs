//! Just enough of Slack's Web API to see one answer arrive.

use std::sync::Arc;
use std::time::Instant;

use anyhow::Context as _;
use axum::extract::{Path, State};
use axum::routing::post;
use axum::{Json, Router, body::Bytes};
use serde_json::{Value, json};
use tokio::net::TcpListener;
use tokio::sync::mpsc;
use tokio_util::sync::DropGuard;

/// A call that the server made.
pub(super) struct Called {
    pub at: Instant,
    pub method: String,
    pub text: String,
}

/// Listens on loopback as long as it lives.
pub(super) struct FakeSlack {
    pub base_url: String,
    pub calls: mpsc::Receiver<Called>,
    _stop: DropGuard,
}

impl FakeSlack {
    pub(super) async fn start() -> anyhow::Result<Self> {
        let listener = TcpListener::bind("127.0.0.1:0").await.context("cannot listen on loopback")?;
        let base_url = format!("http://{}/api/", listener.local_addr()?);
        let (calls, received) = mpsc::channel(64);
        let router = Router::new().route("/api/{method}", post(answer).get(answer)).with_state(Arc::new(calls));
        let stop = tokio_util::sync::CancellationToken::new();
        let stopped = stop.clone().cancelled_owned();
        tokio::spawn(async move { axum::serve(listener, router).with_graceful_shutdown(stopped).await });
        Ok(Self { base_url, calls: received, _stop: stop.drop_guard() })
    }
}

async fn answer(
    State(calls): State<Arc<mpsc::Sender<Called>>>,
    Path(method): Path<String>,
    body: Bytes,
) -> Json<Value> {
    let sent: Value = serde_json::from_slice(&body).unwrap_or_default();
    let text = sent["text"].as_str().unwrap_or_default().to_owned();
    let channel = sent["channel"].clone();
    let reply = match method.as_str() {
        "chat.postMessage" | "chat.update" => json!({"ok": true, "channel": channel, "ts": "1700000000.000200"}),
        "conversations.replies" => json!({"ok": true, "messages": [], "has_more": false}),
        _ => json!({"ok": true, "user_id": super::BOT_USER, "team_id": super::WORKSPACE}),
    };
    calls.send(Called { at: Instant::now(), method, text }).await.ok();
    Json(reply)
}
