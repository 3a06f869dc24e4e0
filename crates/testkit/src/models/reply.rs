use std::time::Duration;

use serde_json::{Value, json};

/// What the server does with one call.
#[derive(Clone, Debug)]
pub enum Reply {
    /// It answers, streaming where it was asked to.
    Say(Say),
    Fail(Fault),
}

/// An answer.
#[derive(Clone, Debug)]
pub struct Say {
    /// What the model thinks before it answers; empty: nothing.
    pub thinking: String,
    pub text: String,
    pub tools: Vec<ToolUse>,
    /// Of the whole prompt.
    pub input_tokens: u64,
    /// Those of the prompt that the provider had in its cache.
    pub cached_tokens: u64,
    /// All that was written, thoughts included.
    pub output_tokens: u64,
    /// Those of the output that are thoughts.
    pub reasoning_tokens: u64,
    pub ending: Ending,
    /// Into how many pieces the text is cut.
    pub chunks: usize,
    /// The pause before each piece.
    pub pace: Duration,
    /// Answers in one piece though asked to stream.
    pub never_streams: bool,
    /// What is wrong with the answer, where something is.
    pub flaw: Option<Flaw>,
}

/// Why the model stops.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Ending {
    /// It has said everything, or waits for its tools.
    #[default]
    Natural,
    /// It ran into the limit of output tokens.
    Length,
    /// The provider's content policy ended it.
    Filtered,
}

/// A tool the model wants called.
#[derive(Clone, Debug)]
pub struct ToolUse {
    /// `None`: the server leaves it out.
    pub id: Option<String>,
    pub name: String,
    /// JSON text.
    pub arguments: String,
}

/// Oddities of answers that are otherwise whole.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Flaw {
    /// Every piece of a stream comes twice.
    DuplicateChunks,
    /// The usage chunk has `"choices": null` rather than an empty list.
    NullChoices,
    /// Nothing is said of usage.
    NoUsage,
    /// A byte in the middle of the text is no UTF-8.
    InvalidUtf8,
    /// The stream breaks off in the middle.
    Half,
    /// The stream falls silent in the middle, and the connection stays open.
    Stall,
    /// The stream ends in the middle of an event, as if all were said.
    TruncatedEvent,
    /// Pieces of one answer bear different ids, and all its tool calls the same one.
    WrongIds,
    /// An error in the protocol's own form comes in mid-stream.
    ErrorInStream,
    /// The text never ends.
    Endless,
}

/// Failures that bring no answer at all.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Fault {
    /// 429; `retry_after` is the header's value.
    TooManyRequests { retry_after: Option<String> },
    /// 429 because the credit is used up.
    Quota,
    /// Any other status, with an error in the protocol's form that repeats the caller's key.
    Status(u16),
    /// This status with this JSON.
    Refusal(u16, Vec<u8>),
    /// A web page with status 200.
    Html,
    /// Headers never come.
    Hang,
    /// Status 200 and an empty body.
    Nothing,
    /// The connection closes instead of an answer.
    HangUp,
    /// Comments without end keep the connection alive, no event ever comes.
    Comments,
    /// 307 to another address.
    Redirect(String),
    /// This body with status 200.
    Body { content_type: &'static str, body: Vec<u8> },
}

impl Reply {
    pub fn say(text: impl Into<String>) -> Self {
        Self::Say(Say::text(text))
    }

    /// Calls one tool.
    pub fn call(name: &str, arguments: &Value) -> Self {
        Self::calls([(name, arguments)])
    }

    /// Calls several tools at once, with ids `call_0`, `call_1`…
    pub fn calls<'a>(tools: impl IntoIterator<Item = (&'a str, &'a Value)>) -> Self {
        let tools = tools.into_iter().enumerate().map(|(n, (name, arguments))| ToolUse {
            id: Some(format!("call_{n}")),
            name: name.to_owned(),
            arguments: arguments.to_string(),
        });
        Self::Say(Say { tools: tools.collect(), ..Say::text("") })
    }

    /// Thinks, then answers.
    pub fn think(thinking: impl Into<String>, text: impl Into<String>) -> Self {
        Self::Say(Say { thinking: thinking.into(), reasoning_tokens: 3, ..Say::text(text) })
    }

    /// Half of what would have been an answer, or otherwise flawed.
    pub fn flawed(text: impl Into<String>, flaw: Flaw) -> Self {
        Self::Say(Say { flaw: Some(flaw), ..Say::text(text) })
    }

    pub fn fail(fault: Fault) -> Self {
        Self::Fail(fault)
    }

    pub fn too_many_requests(retry_after: Option<&str>) -> Self {
        Self::Fail(Fault::TooManyRequests { retry_after: retry_after.map(str::to_owned) })
    }

    pub fn status(status: u16) -> Self {
        Self::Fail(Fault::Status(status))
    }

    /// A call of `name` whose one argument has this many characters.
    pub fn giant_call(name: &str, characters: usize) -> Self {
        Self::call(name, &json!({ "text": "x".repeat(characters) }))
    }
}

impl Say {
    pub fn text(text: impl Into<String>) -> Self {
        Self {
            thinking: String::new(),
            text: text.into(),
            tools: Vec::new(),
            input_tokens: 11,
            cached_tokens: 0,
            output_tokens: 7,
            reasoning_tokens: 0,
            ending: Ending::Natural,
            chunks: 3,
            pace: Duration::ZERO,
            never_streams: false,
            flaw: None,
        }
    }
}

impl From<Say> for Reply {
    fn from(say: Say) -> Self {
        Self::Say(say)
    }
}
