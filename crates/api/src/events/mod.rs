//! Live events of one conversation, for the portal and for web visitors (server-sent events, WHATWG HTML 9.2).
//!
//! A reader first subscribes, then is told what it missed, then what happens. `id` is `{seq}.{0|1}`: the message
//! numbered `seq`, or the answer to it once that is final. What a reader may have been told before is told again
//! where that cannot be excluded; it replaces by `seq` and direction.
//!
//! Invariant: a stream is bounded in memory and ends soon after its reader's right to it.

mod feed;
mod progress;

use std::convert::Infallible;
use std::time::Duration;

use axum::http::{HeaderMap, HeaderName};
use axum::response::sse::{Event, KeepAlive, Sse};
use axum::response::{IntoResponse as _, Response};
use futures::{StreamExt as _, stream};
use tokio::sync::mpsc;

use crate::problem::Problem;

pub(crate) use feed::{Feed, StillAllowed};
pub(crate) use progress::EventId;

const PING: Duration = Duration::from_secs(15);
const RETRY: Duration = Duration::from_secs(1);
/// Events a slow reader may be behind.
const BEHIND: usize = 32;

/// Answers with the feed's events until its reader leaves, may no longer read, or the server ends.
pub(crate) fn respond(feed: Feed) -> Result<Response, Problem> {
    let slot = feed.slot()?;
    let (tx, rx) = mpsc::channel(BEHIND);
    tokio::spawn(async move {
        feed.run(tx).await;
        drop(slot);
    });
    let greeting = stream::iter([Event::default().retry(RETRY)]);
    let events = greeting.chain(stream::unfold(rx, |mut rx| async move { Some((rx.recv().await?, rx)) }));
    let body = Sse::new(events.map(Ok::<_, Infallible>)).keep_alive(KeepAlive::new().interval(PING).text("ping"));
    Ok(([(HeaderName::from_static("x-accel-buffering"), "no")], body).into_response())
}

/// The last event that the reader has seen, as it says itself; garbage counts as nothing.
pub(crate) fn last_event_id(headers: &HeaderMap) -> Option<EventId> {
    headers.get("last-event-id")?.to_str().ok()?.parse().ok()
}
