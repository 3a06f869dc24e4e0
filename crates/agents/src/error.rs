use kernel::ErrorKind;

#[derive(Debug, thiserror::Error)]
pub enum Error {
    #[error("the agents' store failed")]
    Store(#[from] db::Error),
    #[error("the engine's store failed")]
    Engine(#[from] durable::Error),
    #[error("the channels' store failed")]
    Channels(#[from] channels::Error),
    #[error("the models' store failed")]
    Models(#[from] llm::Error),
    /// A field of an agent's configuration cannot be right.
    #[error("{field}: {problem}")]
    Invalid { field: &'static str, problem: String },
    #[error("no such agent")]
    NoAgent,
    #[error("the agent has no version {0}")]
    NoVersion(i32),
    #[error("an agent named \"{0}\" exists in this project already")]
    NameTaken(String),
    #[error("the agent still answers on {0}; give that connection to another agent first")]
    InUse(String),
    /// What is stored does not read as what this binary writes.
    #[error("the stored configuration of an agent cannot be read")]
    Unreadable(#[source] serde_json::Error),
}

impl Error {
    pub fn kind(&self) -> ErrorKind {
        match self {
            Self::Store(error) => error.kind(),
            Self::Engine(error) => error.kind(),
            Self::Channels(error) => error.kind(),
            Self::Models(error) => error.kind(),
            Self::Invalid { .. } => ErrorKind::Invalid,
            Self::NoAgent | Self::NoVersion(_) => ErrorKind::NotFound,
            Self::NameTaken(_) | Self::InUse(_) => ErrorKind::Conflict,
            Self::Unreadable(_) => ErrorKind::Internal,
        }
    }
}

impl From<sqlx::Error> for Error {
    fn from(error: sqlx::Error) -> Self {
        Self::Store(error.into())
    }
}
