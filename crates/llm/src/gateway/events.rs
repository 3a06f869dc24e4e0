//! A provider's stream on its way to a client who speaks the same protocol: passed on event by event as it came, with
//! an eye on what it says of usage and of its end.
//!
//! Invariant: only whole events are passed on, so that a stream that breaks off can be ended with one of our own.

use bytes::{Bytes, BytesMut};
use memchr::memmem;

use crate::fault::Fault;
use crate::model::{TokenUsage, Wire};
use crate::providers::{ErrorBody, MAX_EVENT, adapter};

/// Holds back what is not a whole event yet.
#[derive(Default)]
pub(crate) struct Cutter {
    begun: BytesMut,
}

impl Cutter {
    /// All events that `bytes` complete, one after the other; empty where there is none.
    pub(crate) fn feed(&mut self, bytes: Bytes) -> Result<Bytes, Fault> {
        if !self.begun.is_empty() {
            self.begun.extend_from_slice(&bytes);
            let end = end_of_events(&self.begun);
            let whole = self.begun.split_to(end).freeze();
            return if self.begun.len() > MAX_EVENT { Err(Fault::TooLarge) } else { Ok(whole) };
        }
        let end = end_of_events(&bytes);
        self.begun.extend_from_slice(&bytes[end..]);
        if self.begun.len() > MAX_EVENT { Err(Fault::TooLarge) } else { Ok(bytes.slice(..end)) }
    }

    /// What is left once the stream has ended: a last event that lacks its empty line, if it is whole JSON.
    pub(crate) fn finish(&mut self) -> Bytes {
        let rest = std::mem::take(&mut self.begun).freeze();
        let data = rest.trim_ascii_end();
        let ended = data.ends_with(b"}") || data.ends_with(b"[DONE]");
        if !ended {
            return Bytes::new();
        }
        let mut whole = BytesMut::from(data);
        whole.extend_from_slice(b"\n\n");
        whole.freeze()
    }
}

/// Behind the last empty line.
fn end_of_events(bytes: &[u8]) -> usize {
    let after = |end: &[u8]| memmem::rfind(bytes, end).map_or(0, |at| at + end.len());
    after(b"\n\n").max(after(b"\r\n\r\n"))
}

/// What a stream has told so far.
pub(crate) struct Watch {
    wire: Wire,
    /// Keep an event that tells the usage and nothing else from the client.
    withhold_usage: bool,
    pub(crate) usage: Option<TokenUsage>,
    /// Bytes of events: what is left to guess by where a stream ends without its usage.
    pub(crate) bytes: u64,
    /// The model has said why it stopped.
    stopped: bool,
    /// The protocol's own end has come.
    ended: bool,
    error: Option<Fault>,
}

impl Watch {
    pub(crate) fn new(wire: Wire, withhold_usage: bool) -> Self {
        Self { wire, withhold_usage, usage: None, bytes: 0, stopped: false, ended: false, error: None }
    }

    /// Looks at whole events; answers what of them is for the client.
    pub(crate) fn look(&mut self, events: Bytes) -> Result<Bytes, Fault> {
        if std::str::from_utf8(&events).is_err() {
            return Err(Fault::Garbage("invalid UTF-8".to_owned()));
        }
        self.bytes += events.len() as u64;
        let marks = Marks::of(self.wire);
        self.stopped |= marks.stop.iter().any(|mark| contains(&events, mark));
        self.ended |= marks.end.iter().any(|mark| contains(&events, mark));
        if marks.error.iter().any(|mark| contains(&events, mark)) {
            self.note_error(&events);
        }
        if !tells_usage(&events) {
            return Ok(events);
        }
        Ok(self.take_usage(events))
    }

    /// Whether the protocol's end has come, or what may pass for it.
    pub(crate) fn ended(&self) -> bool {
        self.ended
    }

    /// What the stream lacks to be whole for the protocol's clients, although its answer is.
    pub(crate) fn missing_end(&self) -> Option<&'static [u8]> {
        (self.stopped && !self.ended && self.wire == Wire::OpenaiChat).then_some(b"data: [DONE]\n\n")
    }

    /// The error that the provider told, if it did.
    pub(crate) fn error(&mut self) -> Option<Fault> {
        self.error.take()
    }

    fn take_usage(&mut self, events: Bytes) -> Bytes {
        let mut kept: Option<BytesMut> = None;
        let mut from = 0;
        while from < events.len() {
            let end = next_event(&events, from);
            let event = &events[from..end];
            let mut hide = false;
            if tells_usage(event)
                && let Some(data) = data(event)
            {
                let only_usage = adapter(self.wire).count(data, &mut self.usage);
                hide = only_usage && self.withhold_usage;
            }
            if hide {
                kept.get_or_insert_with(|| BytesMut::from(&events[..from]));
            } else if let Some(kept) = &mut kept {
                kept.extend_from_slice(event);
            }
            from = end;
        }
        kept.map_or(events, BytesMut::freeze)
    }

    fn note_error(&mut self, events: &[u8]) {
        let mut from = 0;
        while from < events.len() {
            let end = next_event(events, from);
            let told = data(&events[from..end]).and_then(|data| serde_json::from_slice::<serde_json::Value>(data).ok());
            from = end;
            let Some(told) = told else { continue };
            let error = [&told["error"], &told["response"]["error"]].into_iter().find(|error| error.is_object());
            let plain = (told["type"] == "error").then_some(&told);
            if let Some(error) = error.or(plain).and_then(ErrorBody::read) {
                self.error = Some(error.into_fault());
            }
        }
    }
}

/// What stands in the events of a protocol where they say something about the whole.
struct Marks {
    stop: &'static [&'static str],
    end: &'static [&'static str],
    error: &'static [&'static str],
}

impl Marks {
    fn of(wire: Wire) -> Self {
        match wire {
            Wire::Anthropic => Self {
                stop: &[],
                end: &["event: message_stop", "\"type\":\"message_stop\"", "\"type\": \"message_stop\""],
                error: &["event: error", "\"type\":\"error\"", "\"type\": \"error\""],
            },
            _ => Self {
                stop: &["\"finish_reason\":\"", "\"finish_reason\": \""],
                end: &["data: [DONE]", "data:[DONE]"],
                error: &["\"error\":{", "\"error\": {"],
            },
        }
    }
}

fn contains(events: &[u8], mark: &str) -> bool {
    memmem::find(events, mark.as_bytes()).is_some()
}

/// Within a text the quotes would be escaped, so this is a field.
fn tells_usage(events: &[u8]) -> bool {
    memmem::find_iter(events, b"\"usage\"").any(|at| {
        let value = events[at + 7..].trim_ascii_start();
        value.first() == Some(&b':') && value[1..].trim_ascii_start().first() == Some(&b'{')
    })
}

/// Where the event that begins at `from` ends.
fn next_event(events: &[u8], from: usize) -> usize {
    let rest = &events[from..];
    let after = |end: &[u8]| memmem::find(rest, end).map(|at| from + at + end.len());
    match (after(b"\n\n"), after(b"\r\n\r\n")) {
        (Some(lf), Some(crlf)) => lf.min(crlf),
        (Some(end), None) | (None, Some(end)) => end,
        (None, None) => events.len(),
    }
}

/// The data of an event that has one line of it.
fn data(event: &[u8]) -> Option<&[u8]> {
    event.split(|byte| *byte == b'\n').find_map(|line| Some(line.strip_prefix(b"data:")?.trim_ascii()))
}
