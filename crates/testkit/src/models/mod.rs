//! Fake model servers: one server that speaks OpenAI (chat completions, responses, embeddings), Anthropic messages,
//! Gemini, Ollama and Cohere's rerank, by path.
//!
//! What it answers is scripted: from a queue, else by a closure that sees the call. It can fail in every way a model
//! server has been seen to fail, and keeps a ledger of its own, so that a test need not believe the product.

mod call;
mod render;
mod reply;
mod server;

use std::collections::VecDeque;
use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use parking_lot::Mutex;
use tokio::net::TcpListener;
use tokio_util::sync::{CancellationToken, DropGuard};

pub use call::{Call, ModelWire, Wanted};
pub use reply::{Ending, Fault, Flaw, Reply, Say, ToolUse};

/// A running fake; it stops when dropped.
pub struct FakeModels {
    address: SocketAddr,
    script: Arc<Script>,
    _stop: DropGuard,
}

type Otherwise = dyn Fn(&Call) -> Reply + Send + Sync;

/// What the server answers, and what it was asked.
struct Script {
    queue: Mutex<VecDeque<Reply>>,
    otherwise: Mutex<Arc<Otherwise>>,
    ledger: Mutex<Vec<Call>>,
    count: AtomicU64,
    connections: AtomicU64,
    abandoned: AtomicU64,
    /// Answers with these words without looking at the call or keeping it: for benchmarks.
    quick: Option<render::Quick>,
}

impl FakeModels {
    /// A server on a free port that says "ok" until it is told otherwise.
    pub async fn start() -> Self {
        Self::serve("127.0.0.1:0", None).await
    }

    /// A server that says `text` to everybody, as fast as it can; it counts calls and does not keep them.
    pub async fn quick(address: &str, text: &str) -> Self {
        Self::serve(address, Some(render::Quick::new(text))).await
    }

    async fn serve(address: &str, quick: Option<render::Quick>) -> Self {
        let listener = TcpListener::bind(address).await.unwrap();
        let address = listener.local_addr().unwrap();
        let script = Arc::new(Script {
            queue: Mutex::default(),
            otherwise: Mutex::new(Arc::new(|_: &Call| Reply::say("ok"))),
            ledger: Mutex::default(),
            count: AtomicU64::new(0),
            connections: AtomicU64::new(0),
            abandoned: AtomicU64::new(0),
            quick,
        });
        let stop = CancellationToken::new();
        tokio::spawn(stop.clone().run_until_cancelled_owned(server::serve(
            listener,
            Arc::clone(&script),
            stop.clone(),
        )));
        Self { address, script, _stop: stop.drop_guard() }
    }

    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// The base URL to configure for `openai-chat`.
    pub fn openai_url(&self) -> String {
        format!("http://{}/v1", self.address)
    }

    /// The base URL to configure for `openai-responses`.
    pub fn responses_url(&self) -> String {
        self.openai_url()
    }

    /// The base URL to configure for `anthropic`.
    pub fn anthropic_url(&self) -> String {
        format!("http://{}", self.address)
    }

    /// The base URL to configure for `gemini`.
    pub fn gemini_url(&self) -> String {
        format!("http://{}/v1beta", self.address)
    }

    /// The base URL to configure for `ollama`.
    pub fn ollama_url(&self) -> String {
        format!("http://{}", self.address)
    }

    /// Where scripts that cannot ask this process read `calls` and `abandoned`, as JSON.
    pub fn counts_url(&self) -> String {
        format!("http://{}/counts", self.address)
    }

    /// Answers the next calls with these, in this order.
    pub fn next(&self, replies: impl IntoIterator<Item = Reply>) {
        self.script.queue.lock().extend(replies);
    }

    /// Answers the calls for which nothing is queued.
    pub fn otherwise(&self, answer: impl Fn(&Call) -> Reply + Send + Sync + 'static) {
        *self.script.otherwise.lock() = Arc::new(answer);
    }

    /// Every call so far, oldest first.
    pub fn calls(&self) -> Vec<Call> {
        self.script.ledger.lock().clone()
    }

    /// How many calls there were so far.
    pub fn count(&self) -> u64 {
        self.script.count.load(Ordering::Relaxed)
    }

    /// How many calls the caller went away from before their answer had ended.
    pub fn abandoned(&self) -> u64 {
        self.script.abandoned.load(Ordering::Relaxed)
    }

    /// How many connections were made to it so far.
    pub fn connections(&self) -> u64 {
        self.script.connections.load(Ordering::Relaxed)
    }
}

impl Script {
    fn answer(&self, call: Call) -> Reply {
        self.count.fetch_add(1, Ordering::Relaxed);
        let queued = self.queue.lock().pop_front();
        let reply = queued.unwrap_or_else(|| {
            let otherwise = Arc::clone(&self.otherwise.lock());
            otherwise(&call)
        });
        self.ledger.lock().push(call);
        reply
    }
}

#[cfg(test)]
mod tests;
