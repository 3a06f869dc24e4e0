use kernel::ErrorKind;

/// What can go wrong between a channel and the engine.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// It cannot be read as a delivery of this channel; which part is said to nobody but the log.
    #[error("malformed delivery: {0}")]
    Malformed(&'static str),
    /// No connection is meant by it.
    #[error("no such connection")]
    NotFound,
    /// No secret verifies it.
    #[error("the signature is missing, too old, or not made with the app's signing secret")]
    Unverified,
    #[error("the visitor's token is not valid here, or not any more")]
    NotVisitor,
    /// It is verified, and its connection or organisation takes nothing at present.
    #[error("{0}")]
    Refused(&'static str),
    /// What is configured cannot be right; for whoever configures it.
    #[error("{0}")]
    Invalid(String),
    /// No call to the address that was written would be made; why.
    #[error("settings.base_url: {0}")]
    OutOfReach(&'static str),
    /// Something of that name, or a claim of that installation, stands already.
    #[error("{0}")]
    Conflict(String),
    /// Only the operator may do that.
    #[error("{0}")]
    Forbidden(&'static str),
    /// Deliveries come before the engine has started.
    #[error("the engine has not started yet")]
    NotReady,
    #[error("the engine did not take it")]
    Engine(#[from] durable::Error),
    #[error("the channels' store failed")]
    Store(#[from] db::Error),
    #[error("a secret cannot be read or stored")]
    Secret(#[from] tenancy::Error),
    #[error("a secret cannot be used")]
    Sealer(#[from] infra::SealerError),
}

impl Error {
    pub fn kind(&self) -> ErrorKind {
        match self {
            Self::Malformed(_) | Self::Invalid(_) => ErrorKind::Invalid,
            Self::OutOfReach(_) => ErrorKind::Refused,
            Self::NotFound => ErrorKind::NotFound,
            Self::Unverified | Self::NotVisitor => ErrorKind::Unauthenticated,
            Self::Refused(_) | Self::Forbidden(_) => ErrorKind::Forbidden,
            Self::Conflict(_) => ErrorKind::Conflict,
            Self::NotReady => ErrorKind::Overloaded,
            Self::Engine(error) => error.kind(),
            Self::Store(error) => error.kind(),
            Self::Secret(error) => error.kind(),
            Self::Sealer(error) => error.kind(),
        }
    }
}

impl From<sqlx::Error> for Error {
    fn from(error: sqlx::Error) -> Self {
        Self::Store(error.into())
    }
}
