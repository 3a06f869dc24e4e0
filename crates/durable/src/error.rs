use kernel::ErrorKind;

#[derive(Debug, thiserror::Error)]
pub enum Error {
    #[error("the engine's store failed")]
    Store(#[from] db::Error),
    /// The database will never take this item (a NUL in a text, a number out of range).
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
        // Class 22 is "data exception": the data is at fault, not the database.
        match error.as_database_error() {
            Some(refusal) if refusal.code().is_some_and(|code| code.starts_with("22")) => {
                Self::Refused { reason: refusal.message().to_owned() }
            }
            _ => Self::Store(error.into()),
        }
    }
}
