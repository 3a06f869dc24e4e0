//! The model server of the gateway's benchmarks, a process of its own beside the load generator: an answer of 400 bytes,
//! or a stream of 50 chunks, at once or paced.
//!
//! How it answers is said in the question, in square brackets, or by the first part of the path.

use std::convert::Infallible;
use std::io::{Read as _, Write as _};
use std::process::{Child, ChildStdin, Command, Stdio};
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use anyhow::{Context as _, Result};
use axum::body::Body;
use bytes::Bytes;
use futures::{StreamExt as _, stream};
use http::{Request, Response, StatusCode, header};
use hyper::body::Incoming;
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper_util::rt::TokioIo;
use tokio::net::{TcpListener, TcpStream};
use tokio::time::sleep;

use super::caller::{CHUNKS, stamp};
use crate::load::Wire;

/// Between two chunks of a paced stream.
pub(crate) const PACE: Duration = Duration::from_millis(10);
/// Before the answer of a slow model.
const SLOW: Duration = Duration::from_millis(200);
/// The length of an answer in one piece.
const ANSWER: usize = 400;
/// Of this process.
static COUNT: AtomicU64 = AtomicU64::new(0);
const LARGEST_QUESTION: usize = 8 << 20;

/// A running mock; it ends when dropped, or with this process.
pub(crate) struct Mock {
    pub(crate) port: u16,
    child: Child,
    _leash: ChildStdin,
}

impl Mock {
    pub(crate) fn start() -> Result<Self> {
        let mut child = Command::new(std::env::current_exe()?)
            .arg("mock")
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .context("cannot start the mock")?;
        let leash = child.stdin.take().context("a pipe")?;
        let mut said = child.stdout.take().context("a pipe")?;
        let mut port = [0; 2];
        said.read_exact(&mut port).context("the mock names no port")?;
        Ok(Self { port: u16::from_be_bytes(port), child, _leash: leash })
    }

    /// The base URL, as clients of OpenAI want it.
    pub(crate) fn url(&self) -> String {
        format!("http://127.0.0.1:{}/v1", self.port)
    }

    /// The base URL under which every answer takes 200 ms.
    pub(crate) fn slow_url(&self) -> String {
        format!("http://127.0.0.1:{}/slow/v1", self.port)
    }

    /// How many questions it was asked so far.
    pub(crate) async fn count(&self) -> Result<u64> {
        let mut wire = Wire::connect(self.port).await?;
        let answer = wire.ask(b"GET /count HTTP/1.1\r\nhost: 127.0.0.1\r\n\r\n").await?;
        Ok(std::str::from_utf8(answer.body)?.parse()?)
    }
}

impl Drop for Mock {
    fn drop(&mut self) {
        self.child.kill().ok();
        self.child.wait().ok();
    }
}

/// `bench mock`: tells its port, serves until its standard input ends.
pub(crate) async fn serve() -> Result<()> {
    let listener = TcpListener::bind("127.0.0.1:0").await?;
    std::io::stdout().write_all(&listener.local_addr()?.port().to_be_bytes())?;
    std::io::stdout().flush()?;
    std::thread::spawn(|| {
        std::io::stdin().read_to_end(&mut Vec::new()).ok();
        std::process::exit(0);
    });
    loop {
        let (socket, _) = listener.accept().await?;
        tokio::spawn(connection(socket));
    }
}

async fn connection(socket: TcpStream) {
    socket.set_nodelay(true).ok();
    let mut server = http1::Builder::new();
    server.pipeline_flush(true);
    server.serve_connection(TokioIo::new(socket), service_fn(answer)).await.ok();
}

async fn answer(request: Request<Incoming>) -> Result<Response<Body>, Infallible> {
    if request.uri().path() == "/count" {
        return Ok(reply(StatusCode::OK, "text/plain", COUNT.load(Ordering::Relaxed).to_string().into()));
    }
    COUNT.fetch_add(1, Ordering::Relaxed);
    let slow = request.uri().path().starts_with("/slow/");
    let Ok(question) = axum::body::to_bytes(Body::new(request.into_body()), LARGEST_QUESTION).await else {
        return Ok(reply(StatusCode::BAD_REQUEST, "application/json", Body::empty()));
    };
    let says = |words: &str| question.windows(words.len()).any(|window| window == words.as_bytes());
    if slow || says("[slow]") {
        sleep(SLOW).await;
    }
    if says("[error]") {
        let error = r#"{"error":{"message":"overloaded","type":"server_error","param":null,"code":null}}"#;
        return Ok(reply(StatusCode::SERVICE_UNAVAILABLE, "application/json", error.into()));
    }
    if !says(r#""stream":true"#) && !says(r#""stream": true"#) {
        return Ok(reply(StatusCode::OK, "application/json", whole().into()));
    }
    let told = says("include_usage");
    let body = match () {
        () if says("[paced]") => paced(told),
        () if says("[cut]") => Body::from_stream(stream::iter([Ok(head()), Err(std::io::Error::other("cut"))])),
        () => Body::from_stream(stream::iter([Ok::<_, Infallible>(burst(told))])),
    };
    Ok(reply(StatusCode::OK, "text/event-stream", body))
}

fn reply(status: StatusCode, content_type: &'static str, body: Body) -> Response<Body> {
    let mut response = Response::new(body);
    *response.status_mut() = status;
    response.headers_mut().insert(header::CONTENT_TYPE, header::HeaderValue::from_static(content_type));
    response
}

/// 18 tokens in all, to a question of eleven letters and at most seven tokens for the answer.
fn whole() -> String {
    let answer = |text: &str| {
        format!(
            r#"{{"id":"chatcmpl-mock","object":"chat.completion","created":1700000000,"model":"mock-1","choices":[{{"index":0,"message":{{"role":"assistant","content":"{text}","refusal":null}},"logprobs":null,"finish_reason":"stop"}}],"usage":{{"prompt_tokens":11,"completion_tokens":7,"total_tokens":18}},"system_fingerprint":null}}"#
        )
    };
    answer(&"x".repeat(ANSWER.saturating_sub(answer("").len())))
}

fn chunk(choices: &str, rest: &str) -> String {
    format!(
        "data: {{\"id\":\"chatcmpl-mock\",\"object\":\"chat.completion.chunk\",\"created\":1700000000,\"model\":\"mock-1\",\
         \"system_fingerprint\":null,\"choices\":[{choices}]{rest}}}\n\n"
    )
}

fn delta(delta: &str, finish: &str) -> String {
    chunk(&format!(r#"{{"index":0,"delta":{{{delta}}},"logprobs":null,"finish_reason":{finish}}}"#), "")
}

fn head() -> Bytes {
    delta(r#""role":"assistant","content":"""#, "null").into()
}

/// A chunk says when it was written.
fn word(nanos: u64) -> String {
    delta(&format!(r#""content":"@{nanos}@""#), "null")
}

fn tail(told: bool) -> String {
    let usage = r#","usage":{"prompt_tokens":11,"completion_tokens":50,"total_tokens":61}"#;
    let usage = if told { chunk("", usage) } else { String::new() };
    [delta("", r#""stop""#), usage, "data: [DONE]\n\n".to_owned()].concat()
}

/// All of it in one write.
fn burst(told: bool) -> Bytes {
    let now = stamp();
    let words = (0..CHUNKS).map(|_| word(now)).collect::<String>();
    [head(), words.into(), tail(told).into()].concat().into()
}

/// A chunk every ten milliseconds.
fn paced(told: bool) -> Body {
    let words = stream::iter(0..CHUNKS).then(|_| async {
        sleep(PACE).await;
        Bytes::from(word(stamp()))
    });
    let all = stream::iter([head()]).chain(words).chain(stream::iter([Bytes::from(tail(told))]));
    Body::from_stream(all.map(Ok::<_, Infallible>))
}
