//! The outside world in the load generator's process: a model server that answers at once, and a Slack that knows which
//! answers are awaited.
//!
//! Not the testkit's fakes: those keep a ledger of everything and a mind of their own, which costs more CPU than the
//! generator may take from the measured side. Both sides of a comparison talk to these.

use std::collections::HashMap;
use std::sync::Arc;
use std::time::{Duration, Instant};

use anyhow::Result;
use parking_lot::Mutex;
use serde::Deserialize;
use serde_json::{Value, json};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::mpsc;

use crate::load::{Wire, answer};

/// What the model says; a post that holds it is the answer.
const ANSWER: &str = "Order 4711 left our warehouse this morning and arrives tomorrow before noon.";

/// Both servers. They end with the runtime.
pub(crate) struct Outside {
    port: u16,
    board: Arc<Mutex<Board>>,
}

/// What was posted.
#[derive(Default)]
struct Board {
    /// When the event of each unanswered thread was sent.
    awaited: HashMap<String, Instant>,
    /// The thread of each placeholder, by its own `ts`.
    placeholders: HashMap<String, String>,
    last_ts: u64,
    counts: Counts,
    /// Where answers are told of: how long after its event each came.
    told: Option<mpsc::UnboundedSender<Duration>>,
}

/// How often each thing happened.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Counts {
    pub(crate) model_calls: u64,
    pub(crate) placeholders: u64,
    pub(crate) answers: u64,
    /// An answer to a thread that has one, or that nobody began.
    pub(crate) surplus: u64,
}

#[derive(Deserialize)]
struct Post {
    #[serde(default)]
    text: String,
    thread_ts: Option<String>,
    ts: Option<String>,
}

impl Outside {
    pub(crate) async fn start() -> Result<Self> {
        let listener = TcpListener::bind("127.0.0.1:0").await?;
        let port = listener.local_addr()?.port();
        let board = Arc::new(Mutex::new(Board::default()));
        tokio::spawn(accept(listener, Arc::clone(&board)));
        Ok(Self { port, board })
    }

    pub(crate) fn model_url(&self) -> String {
        format!("http://127.0.0.1:{}/v1", self.port)
    }

    pub(crate) fn slack_url(&self) -> String {
        format!("http://127.0.0.1:{}/api/", self.port)
    }

    /// From now on answers are told of here.
    pub(crate) fn listen(&self) -> mpsc::UnboundedReceiver<Duration> {
        let (told, hears) = mpsc::unbounded_channel();
        self.board.lock().told = Some(told);
        hears
    }

    /// The event that begins this thread is being sent now.
    pub(crate) fn await_answer(&self, thread_ts: &str) {
        self.board.lock().awaited.insert(thread_ts.to_owned(), Instant::now());
    }

    /// Threads without their answer.
    pub(crate) fn unanswered(&self) -> usize {
        self.board.lock().awaited.len()
    }

    pub(crate) fn counts(&self) -> Counts {
        self.board.lock().counts
    }
}

async fn accept(listener: TcpListener, board: Arc<Mutex<Board>>) {
    let quick = Arc::new(Quick::new());
    while let Ok((stream, _)) = listener.accept().await {
        let (board, quick) = (Arc::clone(&board), Arc::clone(&quick));
        tokio::spawn(async move { serve(stream, &board, &quick).await.ok() });
    }
}

async fn serve(stream: TcpStream, board: &Mutex<Board>, quick: &Quick) -> Result<()> {
    let mut wire = Wire::over(stream)?;
    while let Some(message) = wire.read().await? {
        let rendered;
        let answer = match message.path().rsplit('/').next().unwrap_or_default() {
            "completions" => {
                board.lock().counts.model_calls += 1;
                if streams(message.body) { &quick.stream } else { &quick.whole }
            }
            "chat.postMessage" | "chat.update" => {
                rendered = board.lock().post(&serde_json::from_slice(message.body)?);
                &rendered
            }
            "auth.test" => &quick.auth,
            _ => &quick.unknown,
        };
        wire.write(answer).await?;
    }
    Ok(())
}

impl Board {
    /// Takes a post or an update, and answers it.
    fn post(&mut self, post: &Post) -> Vec<u8> {
        let last = post.text.contains(ANSWER);
        let ts = match &post.ts {
            Some(ts) => ts.clone(),
            None => {
                self.last_ts += 1;
                format!("2000000000.{:06}", self.last_ts)
            }
        };
        if last {
            let thread = post.thread_ts.clone().or_else(|| self.placeholders.remove(&ts));
            match thread.and_then(|thread| self.awaited.remove(&thread)) {
                Some(sent) => {
                    self.counts.answers += 1;
                    if let Some(told) = &self.told {
                        told.send(sent.elapsed()).ok();
                    }
                }
                None => self.counts.surplus += 1,
            }
        } else if let Some(thread) = &post.thread_ts {
            self.counts.placeholders += 1;
            self.placeholders.insert(ts.clone(), thread.clone());
        }
        answer("application/json", &format!(r#"{{"ok":true,"channel":"C0","ts":"{ts}","message":{{"ts":"{ts}"}}}}"#))
    }
}

/// Whether a call of the model asks for a stream.
fn streams(body: &[u8]) -> bool {
    #[derive(Deserialize)]
    struct Asked {
        #[serde(default)]
        stream: bool,
    }
    serde_json::from_slice(body).is_ok_and(|asked: Asked| asked.stream)
}

/// Answers that never change.
struct Quick {
    stream: Vec<u8>,
    whole: Vec<u8>,
    auth: Vec<u8>,
    unknown: Vec<u8>,
}

impl Quick {
    fn new() -> Self {
        let json = |value: &Value| answer("application/json", &value.to_string());
        let usage = json!({"prompt_tokens": 400, "completion_tokens": 18, "total_tokens": 418});
        let whole = json!({"id": "chatcmpl-1", "object": "chat.completion", "created": 1, "model": "scripted-1",
            "choices": [{"index": 0, "finish_reason": "stop", "message": {"role": "assistant", "content": ANSWER}}],
            "usage": usage});
        Self {
            stream: answer("text/event-stream", &stream(&usage)),
            whole: json(&whole),
            auth: json(&json!({"ok": true, "team_id": crate::events::TEAM, "user_id": crate::events::BOT_USER,
                               "bot_id": "B0BOT", "url": "https://fake.slack.test/", "team": "Fake", "user": "konstruct"})),
            unknown: json(&json!({"ok": false, "error": "unknown_method"})),
        }
    }
}

/// The answer in eight pieces and the usage.
fn stream(usage: &Value) -> String {
    let event = |choices: Value, usage: &Value| {
        let chunk = json!({"id": "chatcmpl-1", "object": "chat.completion.chunk", "created": 1, "model": "scripted-1",
                           "choices": choices, "usage": usage});
        format!("data: {chunk}\n\n")
    };
    let delta = |delta: Value, finish: Value| {
        event(json!([{"index": 0, "delta": delta, "finish_reason": finish}]), &Value::Null)
    };
    let letters: Vec<char> = ANSWER.chars().collect();
    let pieces = letters.chunks(letters.len().div_ceil(8)).map(|piece| piece.iter().collect::<String>());
    let mut text = delta(json!({"role": "assistant", "content": ""}), Value::Null);
    text.extend(pieces.map(|piece| delta(json!({"content": piece}), Value::Null)));
    text += &delta(json!({}), json!("stop"));
    text += &event(json!([]), usage);
    text + "data: [DONE]\n\n"
}
