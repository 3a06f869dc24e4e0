//! One reader's stream.

use std::time::Duration;

use axum::response::sse::Event;
use durable::{Entry, LiveEvent, Watch};
use futures::future::BoxFuture;
use kernel::{ConversationId, TenantId};
use tokio::sync::{OwnedSemaphorePermit, mpsc};
use tokio::time::{MissedTickBehavior, interval, timeout};

use super::progress::{EventId, Progress, Telling};
use crate::conversations::transcript;
use crate::conversations::types::TextDelta;
use crate::conversations::view::Audience;
use crate::problem::Problem;
use crate::state::AppState;

/// How soon a reader whose right has ended is let go.
const RECHECK: Duration = Duration::from_secs(10);
/// How long a reader may leave its events lying.
const PATIENCE: Duration = Duration::from_secs(30);
const PAGE: i64 = 100;
/// The most a reader that was long away is told; what is older it pages through.
const MOST: usize = 500;
/// What a new reader is told of the past.
const RECENT: i64 = 50;

/// Whether the reader may still read; asked again and again.
pub(crate) type StillAllowed = Box<dyn Fn() -> BoxFuture<'static, bool> + Send + Sync>;

/// What a reader is to be told, and of which conversation.
pub(crate) struct Feed {
    app: AppState,
    tenant: TenantId,
    conversation: ConversationId,
    allowed: StillAllowed,
    /// Nothing has been told yet, and the reader names nothing that it knows.
    fresh: bool,
    progress: Progress,
}

/// The reader is gone, or the stream cannot go on; the reader comes back and resumes.
struct Over;

impl Feed {
    pub(crate) fn new(
        app: AppState,
        (tenant, conversation): (TenantId, ConversationId),
        audience: Audience,
        last: Option<EventId>,
        allowed: StillAllowed,
    ) -> Self {
        let progress = Progress::new(audience, last);
        Self { app, tenant, conversation, allowed, fresh: last.is_none(), progress }
    }

    /// A place among the streams this node will hold.
    pub(super) fn slot(&self) -> Result<OwnedSemaphorePermit, Problem> {
        self.app.stream_slot().ok_or_else(Problem::overloaded)
    }

    pub(super) async fn run(mut self, tx: mpsc::Sender<Event>) {
        let app = self.app.clone();
        // Subscribed before the transcript is read: what happens meanwhile is not missed.
        let watch = app.engine.watch(self.tenant, self.conversation);
        tokio::select! {
            () = tx.closed() => {}
            () = app.shutdown.cancelled() => {}
            _ = self.tell(watch, &tx) => {}
        }
    }

    async fn tell(&mut self, mut watch: Watch, tx: &mpsc::Sender<Event>) -> Result<(), Over> {
        let mut recheck = interval(RECHECK);
        recheck.set_missed_tick_behavior(MissedTickBehavior::Delay);
        recheck.reset();
        self.catch_up(tx).await?;
        loop {
            tokio::select! {
                _ = recheck.tick() => {
                    if !(self.allowed)().await {
                        return Ok(());
                    }
                }
                event = watch.next() => match event {
                    None => return Ok(()),
                    Some(LiveEvent::Text { seq, attempt, offset, text }) => {
                        let delta = TextDelta { seq, attempt, offset: offset as u64, text };
                        send(tx, Event::default().event("text").json_data(delta)).await?;
                    }
                    Some(LiveEvent::Arrived { .. } | LiveEvent::Answered { .. } | LiveEvent::Lost) => {
                        self.catch_up(tx).await?;
                    }
                },
            }
        }
    }

    /// Tells what stands in the transcript and has not been told.
    async fn catch_up(&mut self, tx: &mpsc::Sender<Event>) -> Result<(), Over> {
        // The reader comes back and resumes; what was wrong has been logged.
        let entries = self.read().await.map_err(|_| Over)?;
        self.fresh = false;
        for Telling { id, message } in self.progress.news(&entries) {
            let event = Event::default().event("message");
            let event = match id {
                Some(id) => event.id(id.to_string()),
                None => event,
            };
            send(tx, event.json_data(message)).await?;
        }
        Ok(())
    }

    /// The end of the transcript, back to where news may stand; oldest first.
    async fn read(&self) -> Result<Vec<Entry>, Problem> {
        let from = self.progress.from();
        let page = if self.fresh { RECENT } else { PAGE };
        let mut tx = self.app.db.tenant(self.tenant).await?;
        let mut entries = transcript::read(&mut tx, self.conversation, None, page).await?;
        while !self.fresh && entries.len() < MOST {
            let Some(oldest) = entries.first().map(|entry| entry.seq).filter(|seq| *seq > from) else { break };
            let mut older = transcript::read(&mut tx, self.conversation, Some(oldest), PAGE).await?;
            if older.is_empty() {
                break;
            }
            older.append(&mut entries);
            entries = older;
        }
        entries.retain(|entry| entry.seq >= from);
        Ok(entries)
    }
}

async fn send(tx: &mpsc::Sender<Event>, event: Result<Event, axum::Error>) -> Result<(), Over> {
    let event = event.map_err(|_| Over)?;
    match timeout(PATIENCE, tx.send(event)).await {
        Ok(Ok(())) => Ok(()),
        _ => Err(Over),
    }
}
