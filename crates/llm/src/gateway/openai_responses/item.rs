//! The items that an answer is made of.

use serde::Serialize;

use super::tools::Known;

/// How long a response's id is, without its prefix.
const RESPONSE_ID: usize = 32;

/// An item as far as it has come.
pub(super) struct Item {
    /// Unique within the response.
    pub(super) id: String,
    pub(super) kind: Kind,
    /// A thought's or a message's words, a call's arguments, or its free input.
    pub(super) text: String,
    pub(super) status: Status,
}

pub(super) enum Kind {
    Thought { encrypted: Option<String> },
    Message,
    Call { id: String, tool: Known },
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub(super) enum Status {
    InProgress,
    Completed,
    Incomplete,
}

/// An item as clients see it.
#[derive(Serialize)]
#[serde(tag = "type", rename_all = "snake_case")]
pub(super) enum Shown<'a> {
    Reasoning {
        id: &'a str,
        summary: Vec<Part<'a>>,
        encrypted_content: Option<&'a str>,
    },
    Message {
        id: &'a str,
        status: Status,
        role: &'static str,
        content: Vec<Part<'a>>,
    },
    FunctionCall {
        id: &'a str,
        status: Status,
        #[serde(flatten)]
        call: Called<'a>,
        arguments: &'a str,
    },
    CustomToolCall {
        id: &'a str,
        status: Status,
        #[serde(flatten)]
        call: Called<'a>,
        input: &'a str,
    },
}

#[derive(Serialize)]
pub(super) struct Called<'a> {
    call_id: &'a str,
    name: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    namespace: Option<&'a str>,
}

#[derive(Serialize)]
#[serde(tag = "type", rename_all = "snake_case")]
pub(super) enum Part<'a> {
    SummaryText { text: &'a str },
    OutputText { text: &'a str, annotations: [(); 0], logprobs: [(); 0] },
}

/// Whether an item of this id was made by us: OpenAI's own ids are longer.
pub(super) fn is_ours(id: &str) -> bool {
    let made = id.split_once('_').and_then(|(_, made)| made.split_at_checked(RESPONSE_ID));
    made.is_some_and(|(response, place)| {
        response.bytes().all(|byte| byte.is_ascii_hexdigit()) && matches!(place.len(), 1..=4)
    })
}

impl Item {
    /// The item at this place of the response `response`.
    pub(super) fn new(response: &str, place: usize, kind: Kind) -> Self {
        let prefix = match &kind {
            Kind::Thought { .. } => "rs",
            Kind::Message => "msg",
            Kind::Call { tool, .. } if tool.free => "ctc",
            Kind::Call { .. } => "fc",
        };
        Self { id: format!("{prefix}_{response}{place}"), kind, text: String::new(), status: Status::InProgress }
    }

    pub(super) fn ended(self, text: &str, status: Status) -> Self {
        Self { text: text.to_owned(), status, ..self }
    }

    /// While it is in progress it has no parts yet.
    pub(super) fn shown(&self) -> Shown<'_> {
        let Self { id, status, .. } = self;
        let (id, status) = (id.as_str(), *status);
        let text = if status == Status::InProgress { "" } else { self.text.as_str() };
        match &self.kind {
            Kind::Thought { encrypted } => Shown::Reasoning {
                id,
                summary: if text.is_empty() { Vec::new() } else { vec![Part::SummaryText { text }] },
                encrypted_content: encrypted.as_deref(),
            },
            Kind::Message => Shown::Message {
                id,
                status,
                role: "assistant",
                content: if text.is_empty() { Vec::new() } else { vec![Part::output(text)] },
            },
            Kind::Call { id: call_id, tool } => {
                let call = Called { call_id, name: &tool.name, namespace: tool.namespace.as_deref() };
                if tool.free {
                    Shown::CustomToolCall { id, status, call, input: text }
                } else {
                    Shown::FunctionCall { id, status, call, arguments: text }
                }
            }
        }
    }
}

impl<'a> Part<'a> {
    pub(super) fn output(text: &'a str) -> Self {
        Self::OutputText { text, annotations: [], logprobs: [] }
    }
}
