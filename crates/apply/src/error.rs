use kernel::ErrorKind;

/// Why documents were not applied.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// Which document it is about; its own words say where it stands.
    #[error("{place}")]
    At {
        place: String,
        #[source]
        error: Box<Self>,
    },
    #[error("{0}")]
    Invalid(String),
    /// Only the operator may apply that.
    #[error("{0}")]
    Forbidden(String),
    #[error(transparent)]
    Agents(#[from] agents::Error),
    #[error(transparent)]
    Channels(#[from] channels::Error),
    #[error(transparent)]
    Models(#[from] llm::Error),
    #[error(transparent)]
    Tenancy(#[from] tenancy::Error),
    #[error("the store failed")]
    Store(#[from] db::Error),
}

impl Error {
    pub fn kind(&self) -> ErrorKind {
        match self {
            Self::At { error, .. } => error.kind(),
            Self::Invalid(_) => ErrorKind::Invalid,
            Self::Forbidden(_) => ErrorKind::Forbidden,
            Self::Agents(error) => error.kind(),
            Self::Channels(error) => error.kind(),
            Self::Models(error) => error.kind(),
            Self::Tenancy(error) => error.kind(),
            Self::Store(error) => error.kind(),
        }
    }

    pub(crate) fn at(self, place: String) -> Self {
        Self::At { place, error: Box::new(self) }
    }
}

pub(crate) fn invalid<T>(problem: impl Into<String>) -> Result<T, Error> {
    Err(Error::Invalid(problem.into()))
}
