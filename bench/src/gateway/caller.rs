//! A client of a gateway: one kept-alive connection with `TCP_NODELAY`, acknowledgements as the kernel sends them.

use std::time::{Duration, Instant};

use anyhow::{Context as _, Result, ensure};
use bytes::Bytes;
use http::{HeaderName, HeaderValue, Request, header};
use http_body_util::{BodyExt as _, Full};
use hyper::client::conn::http1::{self, SendRequest};
use hyper_util::rt::TokioIo;
use serde_json::{Value, json};
use tokio::net::TcpStream;

/// The pieces of text in every stream.
pub(crate) const CHUNKS: usize = 50;

/// Nanoseconds by the machine's clock: what the mock writes, this client reads.
#[expect(clippy::disallowed_methods, reason = "a benchmark takes its times from the machine")]
pub(crate) fn stamp() -> u64 {
    let since = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).unwrap_or_default();
    since.as_nanos() as u64
}

/// Where a gateway takes chats, and what it wants to see.
#[derive(Clone, Debug)]
pub(crate) struct Door {
    pub(crate) port: u16,
    pub(crate) path: String,
    pub(crate) headers: Vec<(&'static str, String)>,
    pub(crate) model: String,
}

/// A chat, ready to be sent many times.
#[derive(Clone, Debug)]
pub(crate) struct Question {
    path: String,
    headers: Vec<(HeaderName, HeaderValue)>,
    body: Bytes,
    streams: bool,
}

impl Door {
    pub(crate) fn question(&self, words: &str, streams: bool) -> Result<Question> {
        self.question_to(&self.model, words, streams)
    }

    pub(crate) fn question_to(&self, model: &str, words: &str, streams: bool) -> Result<Question> {
        let mut body = json!({"model": model, "max_tokens": 7, "messages": [{"role": "user", "content": words}]});
        if streams {
            body["stream"] = Value::Bool(true);
        }
        let mut headers = vec![
            (header::HOST, HeaderValue::from_static("127.0.0.1")),
            (header::CONTENT_TYPE, HeaderValue::from_static("application/json")),
        ];
        for (name, value) in &self.headers {
            headers.push((HeaderName::from_static(name), HeaderValue::from_str(value)?));
        }
        Ok(Question { path: self.path.clone(), headers, body: body.to_string().into(), streams })
    }
}

/// An answer as it came in.
pub(crate) struct Heard {
    pub(crate) status: u16,
    /// Until the first piece of text; of an answer in one piece, until all of it.
    pub(crate) first: Duration,
    pub(crate) total: Duration,
    /// From the mock's write of a piece to this client's read, one a piece.
    pub(crate) delays: Vec<Duration>,
    /// From one piece to the next.
    pub(crate) gaps: Vec<Duration>,
    /// The beginning of the body.
    pub(crate) text: String,
}

impl Heard {
    /// Positive and whole.
    pub(crate) fn is_whole(&self, question: &Question) -> bool {
        self.status == 200 && (!question.streams || self.delays.len() == CHUNKS)
    }
}

pub(crate) struct Caller {
    port: u16,
    sender: Option<SendRequest<Full<Bytes>>>,
}

impl Caller {
    pub(crate) async fn connect(port: u16) -> Result<Self> {
        let mut caller = Self { port, sender: None };
        caller.sender().await?;
        Ok(caller)
    }

    /// Asks, and reads the answer to its end.
    pub(crate) async fn ask(&mut self, question: &Question) -> Result<Heard> {
        self.ask_for(question, usize::MAX).await
    }

    /// Asks, and hangs up after so many pieces of text.
    pub(crate) async fn ask_for(&mut self, question: &Question, pieces: usize) -> Result<Heard> {
        let mut request = Request::post(&question.path);
        for (name, value) in &question.headers {
            request = request.header(name, value);
        }
        let request = request.body(Full::new(question.body.clone()))?;
        let sender = self.sender().await?;
        let sent = Instant::now();
        let mut response = sender.send_request(request).await?;
        let mut reader = Reader::default();
        while let Some(frame) = response.body_mut().frame().await {
            if let Some(bytes) = frame?.data_ref() {
                reader.take(bytes, question.streams);
            }
            if reader.delays.len() >= pieces {
                self.sender = None;
                break;
            }
        }
        let total = sent.elapsed();
        let first = reader.first.map_or(total, |first| first.duration_since(sent));
        let status = response.status().as_u16();
        let text = String::from_utf8_lossy(&reader.head).into_owned();
        Ok(Heard { status, first, total, delays: reader.delays, gaps: reader.gaps, text })
    }

    /// The connection, made anew where the other side has closed it.
    async fn sender(&mut self) -> Result<&mut SendRequest<Full<Bytes>>> {
        let ready = match &mut self.sender {
            Some(sender) => sender.ready().await.is_ok(),
            None => false,
        };
        if !ready {
            let socket = TcpStream::connect(("127.0.0.1", self.port)).await?;
            socket.set_nodelay(true)?;
            let (sender, connection) = http1::handshake(TokioIo::new(socket)).await?;
            tokio::spawn(connection);
            self.sender = Some(sender);
        }
        self.sender.as_mut().context("a connection")
    }
}

/// Finds the stamps `@nanoseconds@` in what comes in.
#[derive(Default)]
struct Reader {
    rest: Vec<u8>,
    head: Vec<u8>,
    first: Option<Instant>,
    last: Option<Instant>,
    delays: Vec<Duration>,
    gaps: Vec<Duration>,
}

impl Reader {
    fn take(&mut self, bytes: &[u8], streams: bool) {
        let room = 2000_usize.saturating_sub(self.head.len());
        self.head.extend_from_slice(&bytes[..bytes.len().min(room)]);
        if !streams {
            return;
        }
        let (now, clock) = (Instant::now(), stamp());
        self.rest.extend_from_slice(bytes);
        let mut read = 0;
        while let Some((nanos, end)) = next_stamp(&self.rest[read..]) {
            read += end;
            self.first.get_or_insert(now);
            self.delays.push(Duration::from_nanos(clock.saturating_sub(nanos)));
            self.gaps.extend(self.last.replace(now).map(|last| now - last));
        }
        self.rest.drain(..read);
    }
}

/// The first whole stamp, and where it ends.
fn next_stamp(bytes: &[u8]) -> Option<(u64, usize)> {
    let from = bytes.iter().position(|byte| *byte == b'@')? + 1;
    let length = bytes[from..].iter().position(|byte| *byte == b'@')?;
    let digits = std::str::from_utf8(&bytes[from..from + length]).ok()?;
    Some((digits.parse().unwrap_or(0), from + length + 1))
}

/// Asks once and expects a whole answer, so that a side that cannot answer is told of before it is measured.
pub(crate) async fn try_once(port: u16, question: &Question) -> Result<()> {
    let heard = Caller::connect(port).await?.ask(question).await?;
    let words: String = heard.text.chars().take(200).collect();
    ensure!(heard.is_whole(question), "status {}, {} pieces: {words}", heard.status, heard.delays.len());
    Ok(())
}
