use kernel::ErrorKind;

#[derive(Debug, thiserror::Error)]
pub enum Error {
    #[error("the engine's store failed")]
    Store(#[from] db::Error),
    /// The database will never take this item: its organisation is gone, for instance.
    #[error("the message cannot be stored: {reason}")]
    Refused { reason: String },
    #[error("the store took too long")]
    Slow,
    /// A flush answered for fewer items than it was given; nothing is known of this one.
    #[error("the store gave no answer for this item")]
    Lost,
    #[error("the store is failing: {reason}")]
    Unavailable { reason: String },
    #[error("too many messages are waiting")]
    Overloaded,
    #[error("the engine is shutting down")]
    ShuttingDown,
}

impl Error {
    pub fn kind(&self) -> ErrorKind {
        match self {
            Self::Store(error) => error.kind(),
            Self::Refused { .. } => ErrorKind::Invalid,
            Self::Slow | Self::Lost | Self::Unavailable { .. } | Self::Overloaded | Self::ShuttingDown => {
                ErrorKind::Overloaded
            }
        }
    }

    /// The same news for each item of a batch that failed as a whole.
    pub(crate) fn duplicate(&self) -> Self {
        match self {
            Self::Refused { reason } => Self::Refused { reason: reason.clone() },
            Self::Slow => Self::Slow,
            Self::Lost => Self::Lost,
            Self::Overloaded => Self::Overloaded,
            Self::ShuttingDown => Self::ShuttingDown,
            Self::Store(_) | Self::Unavailable { .. } => Self::Unavailable { reason: self.to_string() },
        }
    }
}

impl From<sqlx::Error> for Error {
    fn from(error: sqlx::Error) -> Self {
        // Classes 22 and 23, "data exception" and "integrity constraint violation": the data is at fault.
        match error.as_database_error() {
            Some(refusal) if refusal.code().is_some_and(|code| code.starts_with("22") || code.starts_with("23")) => {
                Self::Refused { reason: refusal.message().to_owned() }
            }
            _ => Self::Store(error.into()),
        }
    }
}
