use std::path::PathBuf;

use kernel::ErrorKind;

/// What can go wrong on the way to the database.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    #[error("database query failed")]
    Query(#[from] sqlx::Error),
    #[error("migration failed")]
    Migration(#[from] sqlx::migrate::MigrateError),
    #[error("PostgreSQL at {at} takes no connection as {user}")]
    NotReached { at: String, user: String, source: sqlx::Error },
    /// The server was given a login that row-level security does not bind.
    #[error("role {role} is too powerful to serve with: {why}")]
    PrivilegedRole { role: String, why: &'static str },
    #[error("the database's schema is at {}, this binary needs {needed}; run `konstruct migrate`", found.map_or("nothing".to_owned(), |v| v.to_string()))]
    SchemaVersion { found: Option<i64>, needed: i64 },
    #[error("PostgreSQL {found} is too old; 15 or newer is needed")]
    ServerVersion { found: String },
    #[error("no PostgreSQL to run: {needed} is needed, {} is installed; {install}", found.map_or("none".to_owned(), |v| v.to_string()))]
    NoPostgres { found: Option<u32>, needed: String, install: String },
    /// What the private PostgreSQL itself says is in the message.
    #[error("the private PostgreSQL could not {doing}: {said}")]
    Postgres { doing: &'static str, said: String },
    #[error(
        "PostgreSQL cannot run as root here, and user {user}, whom it would run as, cannot enter {}: \
         open that directory (chmod o+x), choose another data directory, or start konstruct as another user",
        dir.display()
    )]
    Unreachable { dir: PathBuf, user: u32 },
    #[error("another konstruct serves the data directory {}", data_dir.display())]
    AlreadyServed { data_dir: PathBuf },
    #[error("{} has been locked by another process for {waited_s} s", path.display())]
    LockHeld { path: PathBuf, waited_s: u64 },
    #[error("cannot use {}", path.display())]
    File { path: PathBuf, source: std::io::Error },
    #[error("{nodes} node(s) have not taken up configuration {epoch} within {waited_s} s")]
    NotInForce { epoch: i64, nodes: i64, waited_s: u64 },
}

impl Error {
    pub(crate) fn file(path: impl Into<PathBuf>, source: std::io::Error) -> Self {
        Self::File { path: path.into(), source }
    }

    pub fn kind(&self) -> ErrorKind {
        match self {
            Self::Query(sqlx::Error::RowNotFound) => ErrorKind::NotFound,
            Self::Query(error) if is_away(error) => ErrorKind::Overloaded,
            Self::Query(error) if is_unstorable(error) => ErrorKind::Invalid,
            Self::Query(error) => match error.as_database_error().map(|e| e.kind()) {
                Some(sqlx::error::ErrorKind::UniqueViolation) => ErrorKind::Conflict,
                Some(sqlx::error::ErrorKind::ForeignKeyViolation | sqlx::error::ErrorKind::CheckViolation) => {
                    ErrorKind::Invalid
                }
                _ => ErrorKind::Internal,
            },
            _ => ErrorKind::Internal,
        }
    }
}

/// Whether the server could not be reached or is going down: a moment later it may be back.
pub(crate) fn is_away(error: &sqlx::Error) -> bool {
    match error {
        sqlx::Error::PoolTimedOut | sqlx::Error::PoolClosed | sqlx::Error::Io(_) => true,
        // Class 57: admin_shutdown, crash_shutdown, cannot_connect_now.
        sqlx::Error::Database(error) => matches!(error.code().as_deref(), Some("57P01" | "57P02" | "57P03")),
        _ => false,
    }
}

/// Whether it is about a text that PostgreSQL cannot keep: one with a NUL in it, plain (22021) or within JSON (22P05).
fn is_unstorable(error: &sqlx::Error) -> bool {
    let code = error.as_database_error().and_then(|error| error.code());
    code.is_some_and(|code| matches!(&*code, "22021" | "22P05"))
}
