//! Server-sent events (HTML standard, section 9.2.6), as far as model providers use them.
//!
//! Works on bytes: what an event says is checked to be UTF-8 by whoever parses it, so that a character cut in two by
//! the network is whole again before anyone looks at it.

use crate::lines::{Lines, TooLong};

/// One event.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Event<'a> {
    /// Empty where the server named none.
    pub(crate) name: &'a [u8],
    pub(crate) data: &'a [u8],
}

#[derive(Debug)]
pub(crate) struct SseParser {
    lines: Lines,
    open: Open,
    max: usize,
}

/// The event whose lines are coming in.
#[derive(Debug, Default)]
struct Open {
    name: Vec<u8>,
    data: Vec<u8>,
    has_data: bool,
    /// A byte order mark may stand before the very first line.
    past_first_line: bool,
}

impl SseParser {
    /// `max`: the most bytes one event may hold.
    pub(crate) fn new(max: usize) -> Self {
        Self { lines: Lines::new(max), open: Open::default(), max }
    }

    /// Hands each event that `bytes` complete to `take`.
    pub(crate) fn feed<E: From<TooLong>>(
        &mut self,
        bytes: &[u8],
        mut take: impl FnMut(Event<'_>) -> Result<(), E>,
    ) -> Result<(), E> {
        let Self { lines, open, max } = self;
        lines.feed(bytes, |line| open.line(line, *max, &mut take))
    }

    /// Hands out an event that the server sent whole but for the empty line that ought to end it.
    pub(crate) fn finish<E: From<TooLong>>(
        &mut self,
        mut take: impl FnMut(Event<'_>) -> Result<(), E>,
    ) -> Result<(), E> {
        let rest = self.lines.rest();
        self.open.line(&rest, self.max, &mut take)?;
        self.open.line(b"", self.max, &mut take)
    }
}

impl Open {
    fn line<E: From<TooLong>>(
        &mut self,
        mut line: &[u8],
        max: usize,
        take: &mut impl FnMut(Event<'_>) -> Result<(), E>,
    ) -> Result<(), E> {
        if !std::mem::replace(&mut self.past_first_line, true) {
            line = line.strip_prefix("\u{feff}".as_bytes()).unwrap_or(line);
        }
        if line.is_empty() {
            let result = if self.has_data { take(Event { name: &self.name, data: &self.data }) } else { Ok(()) };
            self.name.clear();
            self.data.clear();
            self.has_data = false;
            return result;
        }
        let colon = line.iter().position(|byte| *byte == b':').unwrap_or(line.len());
        let value = line.get(colon + 1..).unwrap_or_default();
        let value = value.strip_prefix(b" ").unwrap_or(value);
        match &line[..colon] {
            b"data" => {
                if self.data.len() + value.len() > max {
                    return Err(TooLong.into());
                }
                if std::mem::replace(&mut self.has_data, true) {
                    self.data.push(b'\n');
                }
                self.data.extend_from_slice(value);
            }
            b"event" => self.name = value.to_vec(),
            // A comment has no field name; `id` and `retry` mean nothing to a call that is not resumed.
            _ => {}
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn events(pieces: &[&[u8]]) -> Vec<(String, String)> {
        let (mut parser, mut found) = (SseParser::new(1000), Vec::new());
        let mut take = |event: Event<'_>| {
            let text = |bytes: &[u8]| String::from_utf8(bytes.to_vec()).unwrap();
            found.push((text(event.name), text(event.data)));
            Ok::<_, TooLong>(())
        };
        for piece in pieces {
            parser.feed(piece, &mut take).unwrap();
        }
        parser.finish(&mut take).unwrap();
        found
    }

    fn pair(name: &str, data: &str) -> (String, String) {
        (name.to_owned(), data.to_owned())
    }

    #[test]
    fn names_comments_and_data_over_several_lines_are_read() {
        let stream = b"\xef\xbb\xbf: hello\n\nevent: ping\ndata: {}\n\ndata:a\ndata: b\nid: 7\nretry: 1\nunknown\n\ndata: [DONE]\n\n";
        assert_eq!(events(&[stream]), [pair("ping", "{}"), pair("", "a\nb"), pair("", "[DONE]")]);
    }

    #[test]
    fn an_event_without_data_is_none_and_its_name_does_not_stick() {
        assert_eq!(events(&[b"event: a\n\ndata: x\n\n"]), [pair("", "x")]);
    }

    #[test]
    fn a_last_event_without_its_empty_line_is_handed_out_at_the_end() {
        assert_eq!(events(&[b"data: a\n\ndata: [DONE]"]), [pair("", "a"), pair("", "[DONE]")]);
    }

    #[test]
    fn an_event_beyond_the_limit_is_refused_also_over_many_lines() {
        let mut parser = SseParser::new(10);
        let result = parser.feed(b"data: 12345\ndata: 123456\n", |_| Ok::<_, TooLong>(()));
        assert_eq!(result, Err(TooLong));
    }

    proptest! {
        #[test]
        fn where_the_bytes_are_cut_makes_no_difference(
            lines in prop::collection::vec(prop::sample::select(vec![
                "data: {\"text\":\"äöü 🦀\"}", "data:x", "event: ping", ": comment", "", "", "garbage", "id: 1",
            ]), 0..20),
            ends in prop::collection::vec(prop::sample::select(vec!["\n", "\r\n", "\r"]), 20),
            cuts in prop::collection::vec(0..400_usize, 0..8),
        ) {
            let stream: Vec<u8> = lines.iter().zip(&ends).flat_map(|(line, end)| [*line, *end].concat().into_bytes()).collect();
            let mut cuts: Vec<usize> = cuts.into_iter().map(|at| at.min(stream.len())).collect();
            cuts.extend([0, stream.len()]);
            cuts.sort_unstable();
            let pieces: Vec<&[u8]> = cuts.windows(2).map(|pair| &stream[pair[0]..pair[1]]).collect();
            prop_assert_eq!(events(&pieces), events(&[&stream]));
        }

        #[test]
        fn no_bytes_upset_the_parser(bytes in prop::collection::vec(any::<u8>(), 0..200)) {
            let mut parser = SseParser::new(50);
            let _ = parser.feed(&bytes, |_| Ok::<_, TooLong>(()));
            let _ = parser.finish(|_| Ok::<_, TooLong>(()));
        }
    }
}
