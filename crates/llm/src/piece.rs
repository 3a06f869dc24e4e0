/// A piece of an answer, in the order in which its model gave it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Piece<'a> {
    /// More of the thought under way; the first begins one.
    Thought(&'a str),
    /// The whole proof of the thought before it, which ends with it.
    Signature(&'a str),
    /// A whole thought that only its own provider can read.
    Sealed(&'a str),
    Text(&'a str),
    /// A tool call begins. `call` counts from 0 within the answer; several may be under way at once.
    Call {
        call: usize,
        id: &'a str,
        name: &'a str,
    },
    /// More of a call's arguments, which together are JSON; none at all stands for `{}`.
    Arguments {
        call: usize,
        json: &'a str,
    },
}

/// Takes the pieces of an answer as they come.
pub(crate) type Sink<'a> = dyn FnMut(Piece<'_>) + Send + 'a;

impl Piece<'_> {
    /// In bytes.
    pub(crate) fn len(&self) -> u64 {
        let text = match self {
            Self::Thought(text) | Self::Signature(text) | Self::Sealed(text) | Self::Text(text) => text,
            Self::Call { name, .. } => name,
            Self::Arguments { json, .. } => json,
        };
        text.len() as u64
    }
}
