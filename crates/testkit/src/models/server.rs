use std::collections::VecDeque;
use std::io;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

use axum::body::Body;
use axum::http::{Request, Response, StatusCode, header};
use bytes::Bytes;
use futures::{Stream, stream};
use hyper::body::Incoming;
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper_util::rt::TokioIo;
use serde_json::Value;
use tokio::net::{TcpListener, TcpStream};
use tokio::time::sleep;
use tokio_util::sync::CancellationToken;

use super::Script;
use super::call::{Call, Wanted, read_path};
use super::render::{Piece, content_type, error_body, pieces, whole};
use super::reply::{Fault, Reply, Say};

const MAX_BODY: usize = 64 << 20;

pub(super) async fn serve(listener: TcpListener, script: Arc<Script>, stop: CancellationToken) {
    while let Ok((socket, _)) = listener.accept().await {
        script.connections.fetch_add(1, Ordering::Relaxed);
        tokio::spawn(stop.clone().run_until_cancelled_owned(connection(socket, Arc::clone(&script))));
    }
}

async fn connection(socket: TcpStream, script: Arc<Script>) {
    // Without it a stream of small pieces waits for the peer's acknowledgements.
    let _ = socket.set_nodelay(true);
    let service = service_fn(move |request| answer(Arc::clone(&script), request));
    // An error is a peer that went away, or a fault that we played.
    let _ = http1::Builder::new().serve_connection(TokioIo::new(socket), service).await;
}

/// An error closes the connection without an answer.
async fn answer(script: Arc<Script>, request: Request<Incoming>) -> Result<Response<Body>, io::Error> {
    let (head, body) = request.into_parts();
    let body = axum::body::to_bytes(Body::new(body), MAX_BODY).await.map_err(io::Error::other)?;
    if head.uri.path() == "/counts" {
        let [calls, abandoned] = [&script.count, &script.abandoned].map(|count| count.load(Ordering::Relaxed));
        let counts = serde_json::json!({"calls": calls, "abandoned": abandoned});
        return Ok(plain(StatusCode::OK, "application/json", counts.to_string()));
    }
    let Some((wire, wanted)) = read_path(head.uri.path(), &head.headers) else {
        return Ok(plain(StatusCode::NOT_FOUND, "text/plain", "no such path"));
    };
    if let Some(quick) = &script.quick {
        script.count.fetch_add(1, Ordering::Relaxed);
        return Ok(plain(StatusCode::OK, content_type(wire, true), quick.body(wire)));
    }
    let body = serde_json::from_slice(&body).unwrap_or(Value::Null);
    let call = Call { wire, wanted, path: head.uri.path().to_owned(), headers: head.headers, body };
    let answering = Answering { script: Arc::clone(&script), ended: false };
    match script.answer(call.clone()) {
        Reply::Say(say) => Ok(said(&call, &say, answering)),
        Reply::Fail(fault) => failed(&call, fault, answering).await,
    }
}

/// A call whose answer is under way. Dropped before its end: the caller went away.
struct Answering {
    script: Arc<Script>,
    ended: bool,
}

impl Answering {
    fn end(mut self) {
        self.ended = true;
    }
}

impl Drop for Answering {
    fn drop(&mut self) {
        if !self.ended {
            self.script.abandoned.fetch_add(1, Ordering::Relaxed);
        }
    }
}

fn said(call: &Call, say: &Say, answering: Answering) -> Response<Body> {
    if say.never_streams || !call.streams() || call.wanted != Wanted::Answer {
        answering.end();
        return plain(StatusCode::OK, content_type(call.wire, false), whole(call, say).to_string());
    }
    let body = Body::from_stream(play(pieces(call, say), answering));
    plain(StatusCode::OK, content_type(call.wire, true), body)
}

async fn failed(call: &Call, fault: Fault, answering: Answering) -> Result<Response<Body>, io::Error> {
    if let Fault::Hang = fault {
        return std::future::pending().await;
    }
    if let Fault::Comments = fault {
        let comments = play(vec![Piece::Forever(Bytes::from_static(b": still there\n\n"))], answering);
        return Ok(plain(StatusCode::OK, content_type(call.wire, true), Body::from_stream(comments)));
    }
    answering.end();
    let error = |status: StatusCode, kind: &str, message: &str| {
        let body = error_body(call.wire, status.as_u16(), kind, message);
        plain(status, content_type(call.wire, false), body.to_string())
    };
    Ok(match fault {
        Fault::TooManyRequests { retry_after } => {
            let mut response = error(StatusCode::TOO_MANY_REQUESTS, "rate_limit_error", "too many requests");
            if let Some(after) = retry_after {
                response.headers_mut().insert(header::RETRY_AFTER, after.parse().unwrap());
            }
            response
        }
        Fault::Quota => error(StatusCode::TOO_MANY_REQUESTS, "insufficient_quota", "You exceeded your current quota."),
        Fault::Status(status) => {
            let message = format!("the fake answers {status} to the key {}", call.key().unwrap_or("(none)"));
            error(StatusCode::from_u16(status).unwrap(), "fake_error", &message)
        }
        Fault::Refusal(status, body) => plain(StatusCode::from_u16(status).unwrap(), "application/json", body),
        Fault::Html => plain(StatusCode::OK, "text/html", "<!doctype html><title>Welcome to nginx!</title>"),
        Fault::Nothing => plain(StatusCode::OK, content_type(call.wire, true), Body::empty()),
        Fault::HangUp => return Err(io::Error::other("hanging up")),
        Fault::Hang | Fault::Comments => unreachable!("these have no end"),
        Fault::Redirect(to) => {
            let mut response = plain(StatusCode::TEMPORARY_REDIRECT, "text/plain", Body::empty());
            response.headers_mut().insert(header::LOCATION, to.parse().unwrap());
            response
        }
        Fault::Body { content_type, body } => plain(StatusCode::OK, content_type, body),
    })
}

fn plain(status: StatusCode, content_type: &'static str, body: impl Into<Body>) -> Response<Body> {
    let mut response = Response::new(body.into());
    *response.status_mut() = status;
    response.headers_mut().insert(header::CONTENT_TYPE, header::HeaderValue::from_static(content_type));
    response
}

/// A body that plays `pieces`. With the last of them the answer has ended.
fn play(pieces: Vec<Piece>, answering: Answering) -> impl Stream<Item = Result<Bytes, io::Error>> + Send + 'static {
    stream::unfold((VecDeque::from(pieces), answering), |(mut pieces, mut answering)| async move {
        loop {
            let piece = pieces.pop_front()?;
            answering.ended = pieces.is_empty() && !matches!(piece, Piece::Silence | Piece::Forever(_));
            let item = match piece {
                Piece::Bytes(bytes) => Ok(bytes),
                Piece::Pause(pause) => {
                    sleep(pause).await;
                    continue;
                }
                Piece::Silence => std::future::pending().await,
                Piece::Break => {
                    // So that what was said before has left.
                    sleep(Duration::from_millis(5)).await;
                    Err(io::Error::other("breaking off"))
                }
                Piece::Forever(bytes) => {
                    sleep(Duration::from_millis(5)).await;
                    pieces.push_front(Piece::Forever(bytes.clone()));
                    Ok(bytes)
                }
            };
            return Some((item, (pieces, answering)));
        }
    })
}
