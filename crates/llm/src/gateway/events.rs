//! A provider's stream on its way to a client who speaks the same protocol: passed on event by event as it came, with
//! an eye on what it says of usage and of its end.
//!
//! Invariant: only whole events are passed on, so that a stream that breaks off can be ended with one of our own.

use bytes::{Bytes, BytesMut};
use memchr::memmem;
use serde::de::IgnoredAny;

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
        let is_whole = |data: &[u8]| data == b"[DONE]" || serde_json::from_slice::<IgnoredAny>(data).is_ok();
        if !data(&rest).is_some_and(is_whole) {
            return Bytes::new();
        }
        let mut whole = BytesMut::from(rest.trim_ascii_end());
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
    /// Bytes of events so far.
    pub(crate) bytes: u64,
    events: u64,
    /// The model has said why it stopped.
    stopped: bool,
    /// The protocol's own end has come.
    ended: bool,
    error: Option<Fault>,
    told_error: bool,
}

impl Watch {
    pub(crate) fn new(wire: Wire, withhold_usage: bool) -> Self {
        Self {
            wire,
            withhold_usage,
            usage: None,
            bytes: 0,
            events: 0,
            stopped: false,
            ended: false,
            error: None,
            told_error: false,
        }
    }

    /// Looks at whole events; answers what of them is for the client.
    pub(crate) fn look(&mut self, events: Bytes) -> Result<Bytes, Fault> {
        if std::str::from_utf8(&events).is_err() {
            return Err(Fault::Garbage("invalid UTF-8".to_owned()));
        }
        self.bytes += events.len() as u64;
        self.events += memmem::find_iter(&events, b"data:").count() as u64;
        let marks = Marks::of(self.wire);
        self.stopped |= marks.stop.iter().any(|mark| contains(&events, mark));
        self.ended |= marks.end.iter().any(|mark| begins_a_line(&events, mark));
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

    /// Whether no error has come.
    pub(crate) fn is_sound(&self) -> bool {
        self.error.is_none() && !self.told_error
    }

    /// What the stream lacks to be whole for the protocol's clients, although its answer is.
    pub(crate) fn missing_end(&self) -> Option<&'static [u8]> {
        (self.stopped && !self.ended && self.wire == Wire::OpenaiChat).then_some(b"data: [DONE]\n\n")
    }

    /// About how many bytes of text have come: most events hold a token.
    pub(crate) fn content(&self) -> u64 {
        self.events * 4
    }

    /// Whether the client has been passed an error of the provider's.
    pub(crate) fn told_error(&self) -> bool {
        self.told_error
    }

    /// The error that the provider told, if it did and nobody has asked before.
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
                self.told_error = true;
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
                end: &[
                    "event: message_stop",
                    "event:message_stop",
                    "data: {\"type\":\"message_stop\"",
                    "data: {\"type\": \"message_stop\"",
                ],
                error: &["event: error", "\"type\":\"error\"", "\"type\": \"error\""],
            },
            Wire::OpenaiResponses => Self {
                stop: &[],
                end: &[
                    "event: response.completed",
                    "event:response.completed",
                    "event: response.incomplete",
                    "event:response.incomplete",
                    "data: {\"type\":\"response.completed\"",
                    "data: {\"type\":\"response.incomplete\"",
                ],
                error: &["event: error", "event: response.failed", "\"error\":{", "\"error\": {"],
            },
            _ => Self {
                stop: &["\"finish_reason\":\"", "\"finish_reason\": \""],
                end: &["data: [DONE]", "data:[DONE]"],
                error: &["\"error\":{", "\"error\": {"],
            },
        }
    }
}

/// A line's end within a text would be escaped, so this is no text of the model's.
fn begins_a_line(events: &[u8], mark: &str) -> bool {
    memmem::find_iter(events, mark.as_bytes()).any(|at| at == 0 || events[at - 1] == b'\n')
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

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::fault::Verdict;

    const CHAT: &str = "data: {\"choices\":[{\"delta\":{\"role\":\"assistant\",\"content\":\"\"},\"finish_reason\":null}],\"usage\":null}\n\n\
                        : a comment\n\n\
                        data: {\"choices\":[{\"delta\":{\"content\":\"say \\\"usage\\\":{1} ü🦀\"},\"finish_reason\":null}]}\n\n\
                        data: {\"choices\":[{\"delta\":{},\"finish_reason\":\"stop\"}],\"usage\":null}\n\n\
                        data: {\"choices\":[],\"usage\":{\"prompt_tokens\":30,\"completion_tokens\":9}}\n\n\
                        data: [DONE]\n\n";
    const USAGE: &str = "data: {\"choices\":[],\"usage\":{\"prompt_tokens\":30,\"completion_tokens\":9}}\n\n";

    /// What the client gets of `stream`, cut at `cuts`, with the watch that looked on.
    fn pass(wire: Wire, stream: &[u8], withhold: bool, cuts: &[usize]) -> Result<(String, Watch), Fault> {
        let (mut cutter, mut watch, mut out) = (Cutter::default(), Watch::new(wire, withhold), Vec::new());
        let mut cuts: Vec<usize> = cuts.iter().map(|at| (*at).min(stream.len())).collect();
        cuts.extend([0, stream.len()]);
        cuts.sort_unstable();
        for pair in cuts.windows(2) {
            let events = cutter.feed(Bytes::copy_from_slice(&stream[pair[0]..pair[1]]))?;
            out.extend_from_slice(&watch.look(events)?);
        }
        let rest = cutter.finish();
        out.extend_from_slice(&watch.look(rest)?);
        Ok((String::from_utf8(out).unwrap(), watch))
    }

    #[test]
    fn a_stream_passes_as_it_came_and_its_usage_is_read_off() {
        let (out, watch) = pass(Wire::OpenaiChat, CHAT.as_bytes(), false, &[]).unwrap();
        assert_eq!(out, CHAT);
        assert_eq!(watch.usage, Some(TokenUsage { input: 30, output: 9, ..TokenUsage::default() }));
        assert!(watch.ended() && watch.missing_end().is_none());
    }

    #[test]
    fn usage_that_the_client_did_not_ask_for_is_withheld_and_nothing_else() {
        let (out, watch) = pass(Wire::OpenaiChat, CHAT.as_bytes(), true, &[]).unwrap();
        assert_eq!(out, CHAT.replace(USAGE, ""));
        assert_eq!(watch.usage.map(|usage| usage.output), Some(9));
    }

    #[test]
    fn anthropics_totals_are_followed_to_the_last() {
        let stream = "event: message_start\ndata: {\"type\":\"message_start\",\"message\":{\"usage\":{\"input_tokens\":12,\"cache_read_input_tokens\":100,\"output_tokens\":1}}}\n\n\
                      event: message_delta\ndata: {\"type\":\"message_delta\",\"delta\":{\"stop_reason\":\"end_turn\"},\"usage\":{\"output_tokens\":9}}\n\n\
                      event: message_stop\ndata: {\"type\":\"message_stop\"}\n\n";
        let (out, watch) = pass(Wire::Anthropic, stream.as_bytes(), false, &[]).unwrap();
        let usage = TokenUsage { input: 12, cache_read: 100, output: 9, ..TokenUsage::default() };
        assert_eq!((out.as_str(), watch.usage, watch.ended()), (stream, Some(usage), true));
    }

    #[test]
    fn a_responses_end_and_error_are_known_by_their_names() {
        let begun = "event: response.created\ndata: {\"type\":\"response.created\",\"response\":{\"error\":null,\"usage\":null}}\n\n";
        let completed = "event: response.completed\ndata: {\"type\":\"response.completed\",\"response\":{\"error\":null,\"usage\":{\"input_tokens\":30,\"output_tokens\":9}}}\n\n";
        let failed = "event: response.failed\ndata: {\"type\":\"response.failed\",\"response\":{\"error\":{\"code\":\"server_error\",\"message\":\"boom\"}}}\n\n";
        let looked = |end: &str| pass(Wire::OpenaiResponses, format!("{begun}{end}").as_bytes(), true, &[]).unwrap().1;
        assert!(!looked("").ended());
        let mut whole = looked(completed);
        let usage = Some(TokenUsage { input: 30, output: 9, ..TokenUsage::default() });
        assert_eq!((whole.ended(), whole.usage, whole.error()), (true, usage, None));
        assert!(looked(failed).error().is_some());
    }

    #[test]
    fn an_end_is_told_from_a_stream_that_breaks_off() {
        let cut = |at: &str| pass(Wire::OpenaiChat, &CHAT.as_bytes()[..CHAT.find(at).unwrap()], false, &[]).unwrap();
        let (out, watch) = cut("data: [DONE]");
        assert_eq!((watch.ended(), watch.missing_end()), (false, Some(&b"data: [DONE]\n\n"[..])));
        assert!(out.ends_with("}\n\n"));
        let (out, watch) = cut("ü🦀");
        assert!(!watch.ended() && watch.missing_end().is_none());
        assert!(out.ends_with(": a comment\n\n"), "half an event is not passed on: {out}");
    }

    #[test]
    fn a_model_that_writes_about_streams_does_not_end_its_own() {
        let chat = "data: {\"choices\":[{\"delta\":{\"content\":\"data: [DONE]\"},\"finish_reason\":null}]}\n\n";
        let anthropic = "event: content_block_delta\ndata: {\"type\":\"content_block_delta\",\"delta\":{\"text\":\"event: message_stop\"}}\n\n";
        for (wire, stream) in [(Wire::OpenaiChat, chat), (Wire::Anthropic, anthropic)] {
            assert!(!pass(wire, stream.as_bytes(), true, &[]).unwrap().1.ended(), "{wire}");
        }
    }

    #[test]
    fn an_error_in_mid_stream_passes_and_is_known() {
        let chat = "data: {\"choices\":[]}\n\ndata: {\"error\":{\"message\":\"boom\",\"type\":\"server_error\"}}\n\n";
        let anthropic = "event: error\ndata: {\"type\":\"error\",\"error\":{\"type\":\"overloaded_error\",\"message\":\"boom\"}}\n\n";
        for (wire, stream) in [(Wire::OpenaiChat, chat), (Wire::Anthropic, anthropic)] {
            let (out, mut watch) = pass(wire, stream.as_bytes(), true, &[]).unwrap();
            assert_eq!(out, stream);
            let fault = Fault::Reported { words: "boom".into(), verdict: Verdict::Retry { after: None } };
            assert_eq!((watch.error(), watch.told_error()), (Some(fault), true), "{wire}");
        }
        let quoted = "data: {\"choices\":[{\"delta\":{\"content\":\"{\\\"error\\\":{}}\"}}]}\n\n";
        assert!(pass(Wire::OpenaiChat, quoted.as_bytes(), true, &[]).unwrap().1.error().is_none());
    }

    #[test]
    fn what_is_no_text_or_has_no_end_is_given_up() {
        assert!(matches!(pass(Wire::OpenaiChat, b"data: \xff\n\n", true, &[]), Err(Fault::Garbage(_))));
        let mut cutter = Cutter::default();
        let endless = Bytes::from(vec![b'x'; 1 << 20]);
        assert!((0..8).any(|_| cutter.feed(endless.clone()) == Err(Fault::TooLarge)));
    }

    proptest! {
        #[test]
        fn where_the_bytes_are_cut_makes_no_difference(
            crlf in any::<bool>(),
            withhold in any::<bool>(),
            cuts in prop::collection::vec(0..700_usize, 0..8),
        ) {
            let stream = if crlf { CHAT.replace('\n', "\r\n") } else { CHAT.to_owned() };
            let whole = pass(Wire::OpenaiChat, stream.as_bytes(), withhold, &[]).unwrap();
            let pieces = pass(Wire::OpenaiChat, stream.as_bytes(), withhold, &cuts).unwrap();
            prop_assert_eq!(&whole.0, &pieces.0);
            prop_assert_eq!(whole.1.usage, pieces.1.usage);
            prop_assert_eq!(whole.1.ended(), pieces.1.ended());
        }
    }
}
