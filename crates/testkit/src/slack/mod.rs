//! A fake Slack: the part of its Web API that we call, with a ledger of what was asked of it and faults on demand.
//!
//! It is held honest by the official Python SDK, which a test drives against it.

mod events;
mod methods;

use std::collections::{BTreeMap, HashMap, HashSet, VecDeque};
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use chrono::{DateTime, Utc};
use parking_lot::Mutex;
use serde_json::Value;
use tokio::net::TcpListener;

pub use events::{Said, Signer, Workspace, url_verification};

/// Who a token speaks for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Bot {
    pub team: String,
    pub app: String,
    pub user: String,
    pub bot: String,
}

impl Default for Bot {
    fn default() -> Self {
        Self { team: "T0001".into(), app: "A0001".into(), user: "U0BOT".into(), bot: "B0BOT".into() }
    }
}

/// What goes wrong with a call.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Fault {
    /// 429 with `Retry-After` in seconds; nothing takes effect.
    RateLimited { retry_after: u64 },
    /// `{"ok": false, "error": …}`; nothing takes effect.
    Refuse(String),
    /// This status with an empty body; nothing takes effect.
    Status(u16),
    /// A page of HTML with status 200; nothing takes effect.
    Html,
    /// No answer, ever; nothing takes effect.
    Hang,
    /// It takes effect, and the connection breaks before the answer is there.
    DropReply,
    /// It takes effect, and the answer never comes.
    HangAfter,
    /// It takes effect, and the answer comes late.
    Slow(Duration),
}

/// One call, in the order of arrival.
#[derive(Clone, Debug)]
pub struct Entry {
    pub at: DateTime<Utc>,
    pub method: String,
    pub token: String,
    pub arguments: BTreeMap<String, Value>,
    /// The message posted, updated or deleted, where the call took effect.
    pub ts: Option<String>,
    /// Slack's error, or the fault that was injected.
    pub error: Option<String>,
}

impl Entry {
    /// A textual argument; empty where there is none.
    pub fn argument(&self, name: &str) -> &str {
        self.arguments.get(name).and_then(Value::as_str).unwrap_or_default()
    }
}

/// A message as it stands.
#[derive(Clone, Debug, PartialEq)]
pub struct Posted {
    pub channel: String,
    pub ts: String,
    pub thread_ts: Option<String>,
    pub text: String,
    pub user: String,
    /// `None` for people.
    pub bot: Option<Bot>,
    pub username: Option<String>,
    pub metadata: Option<Value>,
    /// How often it was updated.
    pub updates: usize,
}

/// The fake. Stops when dropped.
pub struct FakeSlack {
    address: SocketAddr,
    state: Arc<State>,
    serving: tokio::task::JoinHandle<()>,
}

#[derive(Default)]
struct State {
    world: Mutex<World>,
}

#[derive(Default)]
struct World {
    /// Empty: every token is taken, as the default bot's.
    bots: HashMap<String, Bot>,
    revoked: HashSet<String>,
    /// What people are called, by their ids.
    names: HashMap<String, String>,
    /// By channel, then by `ts`.
    messages: HashMap<String, BTreeMap<String, Posted>>,
    ledger: Vec<Entry>,
    /// By method, or by channel with an `@` before it; the empty name stands for all.
    next: HashMap<String, VecDeque<Fault>>,
    always: HashMap<String, Fault>,
    stamps: events::Stamps,
}

impl FakeSlack {
    /// A fake on a free port of this machine.
    pub async fn start() -> Self {
        Self::start_on(TcpListener::bind("127.0.0.1:0").await.unwrap())
    }

    /// A fake on a listener of the caller's.
    pub fn start_on(listener: TcpListener) -> Self {
        let address = listener.local_addr().unwrap();
        let state = Arc::new(State::default());
        let app = methods::router(Arc::clone(&state));
        let listener = axum::serve::ListenerExt::tap_io(listener, |stream: &mut tokio::net::TcpStream| {
            stream.set_nodelay(true).ok();
        });
        let serving = tokio::spawn(async move {
            axum::serve(listener, app).await.unwrap();
        });
        Self { address, state, serving }
    }

    /// What a connection's `base_url` is set to.
    pub fn base_url(&self) -> String {
        format!("http://{}/api/", self.address)
    }

    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// From now on only tokens registered here are taken.
    pub fn register(&self, token: &str, bot: Bot) {
        self.state.world.lock().bots.insert(token.to_owned(), bot);
    }

    /// Calls with this token are refused with `token_revoked` from now on.
    pub fn revoke(&self, token: &str) {
        self.state.world.lock().revoked.insert(token.to_owned());
    }

    /// The token works again.
    pub fn restore(&self, token: &str) {
        self.state.world.lock().revoked.remove(token);
    }

    /// What `users.info` says the user is called from now on; without it, "name of" the id.
    pub fn call_user(&self, user: &str, name: &str) {
        self.state.world.lock().names.insert(user.to_owned(), name.to_owned());
    }

    /// The next call of `method` (of any, where empty) goes wrong like this; several queue up.
    pub fn fail_next(&self, method: &str, fault: Fault) {
        self.state.world.lock().next.entry(method.to_owned()).or_default().push_back(fault);
    }

    /// Every call of `method` (of any, where empty) goes wrong like this, or no more.
    pub fn fail_always(&self, method: &str, fault: Option<Fault>) {
        let mut world = self.state.world.lock();
        match fault {
            Some(fault) => world.always.insert(method.to_owned(), fault),
            None => world.always.remove(method),
        };
    }

    /// Every call about `channel` goes wrong like this, or no more.
    pub fn fail_in(&self, channel: &str, fault: Option<Fault>) {
        self.fail_always(&format!("@{channel}"), fault);
    }

    /// Puts down what a person said, so that threads have a beginning.
    pub fn hear(&self, said: &Said) {
        let posted = Posted {
            channel: said.channel.clone(),
            ts: said.ts.clone(),
            thread_ts: said.thread_ts.clone(),
            text: said.text.clone(),
            user: said.user.clone(),
            bot: None,
            username: None,
            metadata: None,
            updates: 0,
        };
        self.state.world.lock().put(posted);
    }

    /// Every call so far.
    pub fn ledger(&self) -> Vec<Entry> {
        self.state.world.lock().ledger.clone()
    }

    /// Every call so far of one method.
    pub fn calls(&self, method: &str) -> Vec<Entry> {
        self.state.world.lock().ledger.iter().filter(|entry| entry.method == method).cloned().collect()
    }

    /// How many calls there were, without copying them.
    pub fn count(&self) -> usize {
        self.state.world.lock().ledger.len()
    }

    /// What our bots have standing in the thread that begins with `thread_ts`, oldest first.
    pub fn replies(&self, channel: &str, thread_ts: &str) -> Vec<Posted> {
        let world = self.state.world.lock();
        let messages = world.messages.get(channel).into_iter().flat_map(BTreeMap::values);
        messages.filter(|m| m.bot.is_some() && m.thread_ts.as_deref() == Some(thread_ts)).cloned().collect()
    }

    /// Every message that stands anywhere, by channel and then oldest first.
    pub fn messages(&self) -> Vec<Posted> {
        let world = self.state.world.lock();
        world.messages.values().flat_map(BTreeMap::values).cloned().collect()
    }

    /// Forgets messages and ledger; tokens and faults stay.
    pub fn clear(&self) {
        let mut world = self.state.world.lock();
        world.messages.clear();
        world.ledger.clear();
    }
}

impl Drop for FakeSlack {
    fn drop(&mut self) {
        self.serving.abort();
    }
}

impl World {
    fn put(&mut self, posted: Posted) {
        self.messages.entry(posted.channel.clone()).or_default().insert(posted.ts.clone(), posted);
    }

    /// Whose token it is, or Slack's error.
    fn bot(&self, token: &str) -> Result<Bot, &'static str> {
        if token.is_empty() {
            return Err("not_authed");
        }
        if self.revoked.contains(token) {
            return Err("token_revoked");
        }
        match self.bots.get(token) {
            Some(bot) => Ok(bot.clone()),
            None if self.bots.is_empty() => Ok(Bot::default()),
            None => Err("invalid_auth"),
        }
    }

    fn fault(&mut self, method: &str, channel: &str) -> Option<Fault> {
        for name in [method, ""] {
            if let Some(fault) = self.next.get_mut(name).and_then(VecDeque::pop_front) {
                return Some(fault);
            }
        }
        if self.always.is_empty() {
            return None;
        }
        let place = format!("@{channel}");
        [method, &place, ""].into_iter().find_map(|name| self.always.get(name)).cloned()
    }
}
