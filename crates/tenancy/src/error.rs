use std::time::Duration;

use kernel::ErrorKind;

use crate::Permission;

/// Why an invitation cannot be accepted.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Lapse {
    #[error("this invitation has been used")]
    Accepted,
    #[error("this invitation was revoked; ask whoever sent it for a new one")]
    Revoked,
    #[error("this invitation has expired; ask whoever sent it for a new one")]
    Expired,
    #[error("the organisation is suspended; nobody can join it at present")]
    Suspended,
    #[error("whoever sent this invitation may not give this role any more; ask them for a new one")]
    Void,
}

/// What can go wrong in this crate. The texts are for whoever called.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    #[error("the store failed")]
    Store(#[from] db::Error),
    /// Not there, or another organisation's.
    #[error("no such {0}")]
    NotFound(&'static str),
    #[error("{0}")]
    Conflict(&'static str),
    #[error("{0}")]
    Invalid(&'static str),
    #[error("{0}")]
    Unauthenticated(&'static str),
    #[error("this takes the permission {}", .0.name())]
    Forbidden(Permission),
    #[error("only the operator of the installation may do this")]
    NotOperator,
    #[error("{0}")]
    Lapsed(#[from] Lapse),
    #[error("a role cannot be given by somebody who has less")]
    AboveOwnRole,
    #[error("the organisation is suspended: it can be read, not changed")]
    Suspended,
    #[error("too many attempts; try again in {} s", .retry_after.as_secs().max(1))]
    RateLimited { retry_after: Duration },
    #[error("the sealed secret cannot be used")]
    Sealer(#[from] infra::SealerError),
    #[error("the access token cannot be made")]
    Token(#[from] jsonwebtoken::errors::Error),
    #[error("the password cannot be hashed: {0}")]
    Hash(argon2::password_hash::Error),
    #[error("a task was cut off")]
    Task(#[from] tokio::task::JoinError),
}

impl Error {
    pub fn kind(&self) -> ErrorKind {
        match self {
            Self::Store(error) => error.kind(),
            Self::NotFound(_) => ErrorKind::NotFound,
            Self::Conflict(_) | Self::Lapsed(_) => ErrorKind::Conflict,
            Self::Invalid(_) => ErrorKind::Invalid,
            Self::Unauthenticated(_) => ErrorKind::Unauthenticated,
            Self::Forbidden(_) | Self::NotOperator | Self::AboveOwnRole | Self::Suspended => ErrorKind::Forbidden,
            Self::RateLimited { .. } => ErrorKind::RateLimited,
            Self::Sealer(_) | Self::Token(_) | Self::Hash(_) | Self::Task(_) => ErrorKind::Internal,
        }
    }

    /// Names what stands already, where the database refused a second one.
    pub(crate) fn or_taken(self, what: &'static str) -> Self {
        if matches!(&self, Self::Store(error) if error.kind() == ErrorKind::Conflict) {
            return Self::Conflict(what);
        }
        self
    }
}

impl From<sqlx::Error> for Error {
    fn from(error: sqlx::Error) -> Self {
        Self::Store(error.into())
    }
}
