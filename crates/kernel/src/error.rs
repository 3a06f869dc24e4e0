/// What a caller can do about an error. Every crate's own error answers `kind()`; the API turns it into a status.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ErrorKind {
    /// No such thing, or it belongs to somebody else: the two are not told apart.
    NotFound,
    /// It stands already, or has changed meanwhile.
    Conflict,
    /// What was sent cannot be right; the message says why, for the sender.
    Invalid,
    /// It could be right elsewhere, and this installation does not permit it; the message says why, for the sender.
    Refused,
    /// Who asks is not known.
    Unauthenticated,
    /// Who asks is known and may not.
    Forbidden,
    RateLimited,
    /// Too much work is waiting; come back later.
    Overloaded,
    /// A service outside failed.
    Upstream,
    /// Ours to mend; the sender learns only a request id.
    Internal,
}
