//! All SQL of the engine. The batched statements take their items as arrays and are one transaction each.
//!
//! Invariant: rows of `lane` are locked in the order of their key, and before rows of `outbox`; `inbox_dedup` comes
//! before both. With that order no two statements can wait for each other.

mod ack;
mod claim;
mod finish;
mod journal;
mod node;
mod outbox;
mod views;

pub(crate) use ack::{Ack, AckItem, Acked, engaged};
pub(crate) use claim::{claim, give_back, owned_lanes, ready_tenants, release, suspend};
pub(crate) use finish::{Ended, EndedReply, Finish, FinishItem};
pub(crate) use journal::{JournalItem, JournalWriter, load_input, load_journal, owns};
pub(crate) use node::{ShareRow, bury_the_dead, heartbeat, leave, register, shares};
pub(crate) use outbox::{
    ClaimedReply, Mark, MarkKind, Marked, Marks, claim_due, earlier_unposted, load_answer, owned_replies, reclaim_own,
    resend, standing,
};
pub use views::{
    DeadLetter, Entry, EntryReply, ReplyState, RunStatus, RunView, StepView, dismiss_dead_letter, find_run,
    has_dead_letter, list_dead_letters, replay_dead_letter, transcript,
};

use db::Db;
use sqlx::{Connection as _, PgConnection};
use tokio::time::Instant;

use crate::Error;

/// The connection that a task keeps for itself, made anew after a failure.
pub(crate) struct OwnConnection {
    db: Db,
    conn: Option<PgConnection>,
    used: Instant,
}

impl OwnConnection {
    pub(crate) fn new(db: Db) -> Self {
        Self { db, conn: None, used: Instant::now() }
    }

    /// Takes the connection out: only [`OwnConnection::check`] keeps it, so that one whose statement was given up (a
    /// time-out, a cancelled task) is never used again.
    pub(crate) async fn get(&mut self) -> Result<PgConnection, Error> {
        if let Some(mut conn) = self.conn.take()
            && (self.used.elapsed() < db::RESTED || conn.ping().await.is_ok())
        {
            return Ok(conn);
        }
        Ok(self.db.own_connection().await?)
    }

    /// Keeps the connection unless the failure may have broken it.
    pub(crate) fn check<T>(&mut self, conn: PgConnection, result: Result<T, sqlx::Error>) -> Result<T, Error> {
        if result.as_ref().err().is_none_or(|error| error.as_database_error().is_some()) {
            self.conn = Some(conn);
            self.used = Instant::now();
        }
        Ok(result?)
    }
}

/// A JSON text as PostgreSQL takes it: it has no NUL in a string.
pub(crate) fn storable_json(value: &impl serde::Serialize) -> Result<String, Error> {
    let text = serde_json::to_string(value).map_err(|error| Error::Refused { reason: error.to_string() })?;
    Ok(if text.contains("\\u0000") { text.replace("\\u0000", "\\ufffd") } else { text })
}

/// A text as PostgreSQL takes it.
pub(crate) fn storable_text(text: String) -> String {
    if text.contains('\0') { text.replace('\0', "\u{fffd}") } else { text }
}
