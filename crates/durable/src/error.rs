use kernel::ErrorKind;

#[derive(Debug, thiserror::Error)]
pub enum Error {
    #[error("the engine's store failed")]
    Store(#[from] db::Error),
    #[error("too many messages are waiting to be stored")]
    Overloaded,
    #[error("the engine is shutting down")]
    ShuttingDown,
}

impl Error {
    pub fn kind(&self) -> ErrorKind {
        match self {
            Self::Store(error) => error.kind(),
            Self::Overloaded | Self::ShuttingDown => ErrorKind::Overloaded,
        }
    }
}

impl From<sqlx::Error> for Error {
    fn from(error: sqlx::Error) -> Self {
        Self::Store(error.into())
    }
}
