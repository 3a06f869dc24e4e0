//! The private PostgreSQL of a single machine: a child process, its cluster and its socket inside the data directory.
//!
//! ```text
//! <data dir>/serve.lock            held by the one `konstruct serve` of the directory
//! <data dir>/postgres/start.lock   held while somebody starts or stops the postmaster
//! <data dir>/postgres/users.lock   shared by everybody who uses it; the last one stops it
//! <data dir>/postgres/cluster/     PostgreSQL's own files
//! <data dir>/postgres/run/         the socket, 0700; a directory under the system's temporary one where the path is long
//! <data dir>/postgres/log          what PostgreSQL says
//! ```
//!
//! Invariant: at most one postmaster per data directory, whoever starts, kills or restarts servers around it.
//! Invariant: it listens on no network address, and only the socket's owner reaches the socket.
//! Invariant: a server killed with SIGKILL leaves the postmaster running and every lock free; the next one adopts it.

mod account;
mod binaries;
mod cluster;
mod lock;
mod postmaster;

use std::path::{Path, PathBuf};
use std::time::Duration;

use sqlx::postgres::{PgConnectOptions, PgSslMode};
use sqlx::{Connection as _, PgConnection};
use tokio::sync::Mutex;
use tokio_util::sync::CancellationToken;

pub use binaries::BinDir;
pub use cluster::{Cluster, Durability};
pub use lock::{DataDirLock, FileLock};
pub use postmaster::Postmaster;

use crate::{DbOptions, Error};

/// The product's database within the cluster.
const DATABASE: &str = "konstruct";
/// How long starting, stopping or somebody else's doing so may take: crash recovery of a busy cluster included.
const START_PATIENCE: Duration = Duration::from_secs(120);
const CHECK_EVERY: Duration = Duration::from_millis(250);

/// A running private PostgreSQL, used by this process.
#[derive(Debug)]
pub struct Embedded {
    cluster: Cluster,
    postmaster: Mutex<Postmaster>,
    start_lock: PathBuf,
    users_lock: PathBuf,
    /// Held (shared) as long as this process needs the postmaster.
    user: std::sync::Mutex<Option<FileLock>>,
}

impl Embedded {
    /// Whether `data_dir` holds a cluster; nothing is made.
    pub fn stands(data_dir: &Path) -> bool {
        data_dir.join("postgres/cluster/PG_VERSION").exists()
    }

    /// Uses the postmaster of `data_dir` where one runs, else starts one, making the cluster and the database first
    /// where they are missing. Processes that do so at once wait for each other.
    pub async fn start_or_adopt(data_dir: &Path) -> Result<Self, Error> {
        let home = data_dir.join("postgres");
        let (start_lock, users_lock) = (home.join("start.lock"), home.join("users.lock"));
        lock::create_private_dir(&home)?;
        let starting = FileLock::exclusive(&start_lock, START_PATIENCE).await?;
        let user = FileLock::shared(&users_lock, START_PATIENCE).await?;
        let cluster = Cluster::open(&home, Durability::Safe).await?;
        let postmaster = Postmaster::start_or_adopt(&cluster, START_PATIENCE).await?;
        create_database(&cluster.connect("postgres", "postgres")).await?;
        drop(starting);
        Ok(Self {
            cluster,
            postmaster: Mutex::new(postmaster),
            start_lock,
            users_lock,
            user: std::sync::Mutex::new(Some(user)),
        })
    }

    /// The superuser's login, for migrations and `doctor`.
    pub fn admin(&self) -> PgConnectOptions {
        self.cluster.connect("postgres", DATABASE)
    }

    /// The two logins the server works with.
    pub fn options(&self, max_connections: u32) -> DbOptions {
        DbOptions {
            app: self.cluster.connect("konstruct_app", DATABASE),
            system: self.cluster.connect("konstruct_system", DATABASE),
            max_connections,
        }
    }

    /// The postmaster's process id, for `doctor` and for measuring its memory.
    pub async fn pid(&self) -> i32 {
        self.postmaster.lock().await.pid()
    }

    /// Starts the postmaster again whenever it has died, until `stop` is cancelled. What waits on the database
    /// meanwhile fails and is tried again by its own callers.
    pub async fn supervise(&self, stop: CancellationToken) {
        while stop.run_until_cancelled(tokio::time::sleep(CHECK_EVERY)).await.is_some() {
            let mut postmaster = self.postmaster.lock().await;
            if postmaster.is_running() {
                continue;
            }
            if self.is_given_up() {
                return;
            }
            tracing::error!(pid = postmaster.pid(), "PostgreSQL has died, starting it again");
            match self.restart().await {
                Ok(started) => *postmaster = started,
                Err(error) => {
                    tracing::error!(error = &error as &dyn std::error::Error, "PostgreSQL does not start");
                    tokio::time::sleep(Duration::from_secs(1)).await;
                }
            }
        }
    }

    /// Gives the postmaster up: where nobody else uses it, it is shut down in an orderly way.
    pub async fn stop(&self) -> Result<(), Error> {
        let _starting = FileLock::exclusive(&self.start_lock, START_PATIENCE).await?;
        if let Ok(mut user) = self.user.lock() {
            user.take();
        }
        match FileLock::try_exclusive(&self.users_lock)? {
            Some(_nobody_else) => self.postmaster.lock().await.stop().await,
            None => Ok(()),
        }
    }

    /// Whether `stop` has been called: then nobody starts it again.
    fn is_given_up(&self) -> bool {
        self.user.lock().is_ok_and(|user| user.is_none())
    }

    async fn restart(&self) -> Result<Postmaster, Error> {
        let _starting = FileLock::exclusive(&self.start_lock, START_PATIENCE).await?;
        Postmaster::start_or_adopt(&self.cluster, START_PATIENCE).await
    }
}

/// A login over the socket in `socket_dir`; nothing of it comes from the environment.
fn connect_options(socket_dir: &Path, role: &str, database: &str) -> PgConnectOptions {
    PgConnectOptions::new_without_pgpass()
        .host("localhost")
        .port(cluster::PORT)
        .socket(socket_dir)
        .username(role)
        .database(database)
        .ssl_mode(PgSslMode::Disable)
}

async fn create_database(maintenance: &PgConnectOptions) -> Result<(), Error> {
    let mut conn = PgConnection::connect_with(maintenance).await?;
    let stands = sqlx::query_scalar!(r#"select exists (select from pg_database where datname = $1) as "e!""#, DATABASE)
        .fetch_one(&mut conn)
        .await?;
    if !stands {
        sqlx::raw_sql("create database konstruct").execute(&mut conn).await?;
    }
    conn.close().await?;
    Ok(())
}
