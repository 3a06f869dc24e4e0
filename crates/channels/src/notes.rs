use chrono::{DateTime, Utc};
use db::Db;
use kernel::{ConnectionId, TenantId};
use tokio::sync::mpsc;

use crate::Error;
use crate::store::{connection, route};

/// Beyond this, notes are dropped: they are about how a connection fares, never about a message.
const QUEUE: usize = 1024;

/// Takes down how connections fare, behind the back of whoever notices: no delivery waits for it.
#[derive(Clone)]
pub(crate) struct Notes {
    queue: mpsc::Sender<Note>,
}

/// What was noticed about a connection.
#[derive(Debug)]
pub(crate) struct Note {
    pub(crate) tenant: TenantId,
    pub(crate) connection: ConnectionId,
    pub(crate) at: DateTime<Utc>,
    pub(crate) news: News,
}

#[derive(Debug)]
pub(crate) enum News {
    /// A delivery was verified.
    Heard,
    /// A delivery by this app came whose signature does not fit; anybody can make one.
    Misfit { app: String },
    /// Something is wrong, in words for the organisation's people.
    Problem(String),
    /// What was wrong is not any more.
    Well,
}

impl Notes {
    pub(crate) fn start(db: Db) -> Self {
        let (queue, mut notes) = mpsc::channel::<Note>(QUEUE);
        tokio::spawn(async move {
            while let Some(note) = notes.recv().await {
                let connection = note.connection;
                if let Err(error) = write(&db, note).await {
                    tracing::warn!(%connection, %error, "cannot note how a connection fares");
                }
            }
        });
        Self { queue }
    }

    pub(crate) fn take(&self, note: Note) {
        if self.queue.try_send(note).is_err() {
            tracing::debug!("too many notes on connections; one is dropped");
        }
    }
}

async fn write(db: &Db, note: Note) -> Result<(), Error> {
    let mut tx = db.tenant(note.tenant).await?;
    match note.news {
        News::Heard => {
            connection::set_last_event(&mut tx, note.connection, note.at).await?;
            route::set_verified(&mut tx, note.connection, note.at).await?;
        }
        News::Misfit { app } => {
            if connection::set_misfit(&mut tx, note.connection, &app, note.at).await? {
                let (tenant, connection) = (note.tenant, note.connection);
                tracing::warn!(%tenant, %connection, app, "a delivery's signature does not fit the signing secret");
            }
        }
        News::Problem(problem) => connection::set_problem(&mut tx, note.connection, Some(&problem), note.at).await?,
        News::Well => connection::set_problem(&mut tx, note.connection, None, note.at).await?,
    }
    Ok(tx.commit().await?)
}
