use kernel::ErrorKind;

/// What can go wrong on the way to the database.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    #[error("database query failed")]
    Query(#[from] sqlx::Error),
    #[error("migration failed")]
    Migration(#[from] sqlx::migrate::MigrateError),
    /// The server was given a login that row-level security does not bind.
    #[error("role {role} is too powerful to serve with: {why}")]
    PrivilegedRole { role: String, why: &'static str },
    #[error("database schema is at {found:?}, this binary needs {needed}; run `konstruct migrate`")]
    SchemaVersion { found: Option<i64>, needed: i64 },
    #[error("PostgreSQL {found} is too old; 15 or newer is needed")]
    ServerVersion { found: String },
    #[error("{nodes} node(s) have not taken up configuration {epoch} within {waited_s} s")]
    NotInForce { epoch: i64, nodes: i64, waited_s: u64 },
}

impl Error {
    pub fn kind(&self) -> ErrorKind {
        match self {
            Self::Query(sqlx::Error::RowNotFound) => ErrorKind::NotFound,
            Self::Query(sqlx::Error::PoolTimedOut) => ErrorKind::Overloaded,
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
