//! Cuts a stream of bytes into lines, whichever way it was cut before.

/// A line grew beyond its limit.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct TooLong;

/// Ends lines at LF, CR LF and CR, as server-sent events ask for; NDJSON ends them at LF alone, which this covers
/// (a bare CR cannot stand inside JSON but as white space).
#[derive(Debug)]
pub(crate) struct Lines {
    /// The line begun in earlier bytes.
    begun: Vec<u8>,
    max: usize,
    /// The last byte was a CR that ended a line: an LF right after it belongs to it.
    after_cr: bool,
}

impl Lines {
    pub(crate) const fn new(max: usize) -> Self {
        Self { begun: Vec::new(), max, after_cr: false }
    }

    /// Hands each line that `bytes` completes to `take`, without its end.
    pub(crate) fn feed<E: From<TooLong>>(
        &mut self,
        mut bytes: &[u8],
        mut take: impl FnMut(&[u8]) -> Result<(), E>,
    ) -> Result<(), E> {
        if self.after_cr && !bytes.is_empty() {
            self.after_cr = false;
            bytes = bytes.strip_prefix(b"\n").unwrap_or(bytes);
        }
        while let Some(end) = bytes.iter().position(|byte| matches!(byte, b'\n' | b'\r')) {
            let (line, rest) = (&bytes[..end], &bytes[end + 1..]);
            self.check(line)?;
            if self.begun.is_empty() {
                take(line)?;
            } else {
                self.begun.extend_from_slice(line);
                let whole = std::mem::take(&mut self.begun);
                take(&whole)?;
            }
            self.after_cr = bytes[end] == b'\r' && rest.is_empty();
            bytes = if bytes[end] == b'\r' { rest.strip_prefix(b"\n").unwrap_or(rest) } else { rest };
        }
        self.check(bytes)?;
        self.begun.extend_from_slice(bytes);
        Ok(())
    }

    /// What was begun and never ended.
    pub(crate) fn rest(&mut self) -> Vec<u8> {
        std::mem::take(&mut self.begun)
    }

    fn check(&self, more: &[u8]) -> Result<(), TooLong> {
        if self.begun.len() + more.len() > self.max { Err(TooLong) } else { Ok(()) }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn cut(pieces: &[&[u8]], max: usize) -> Result<(Vec<Vec<u8>>, Vec<u8>), TooLong> {
        let (mut lines, mut found) = (Lines::new(max), Vec::new());
        for piece in pieces {
            lines.feed(piece, |line| {
                found.push(line.to_vec());
                Ok::<_, TooLong>(())
            })?;
        }
        Ok((found, lines.rest()))
    }

    #[test]
    fn all_three_line_ends_are_known_also_where_they_are_cut_apart() {
        let (lines, rest) = cut(&[b"a\nb\r\nc\rd\r", b"\n\ne"], 10).unwrap();
        assert_eq!(lines, [&b"a"[..], b"b", b"c", b"d", b""]);
        assert_eq!(rest, b"e");
    }

    #[test]
    fn a_line_without_an_end_is_given_up_at_the_limit() {
        assert_eq!(cut(&[b"12345", b"678"], 7), Err(TooLong));
        assert!(cut(&[b"12345", b"67"], 7).is_ok());
    }

    proptest! {
        #[test]
        fn where_the_bytes_are_cut_makes_no_difference(
            bytes in prop::collection::vec(prop::sample::select(b"ab\r\n".to_vec()), 0..60),
            cuts in prop::collection::vec(0..60_usize, 0..6),
        ) {
            let mut cuts: Vec<usize> = cuts.into_iter().map(|at| at.min(bytes.len())).collect();
            cuts.extend([0, bytes.len()]);
            cuts.sort_unstable();
            let pieces: Vec<&[u8]> = cuts.windows(2).map(|pair| &bytes[pair[0]..pair[1]]).collect();
            prop_assert_eq!(cut(&pieces, 100), cut(&[&bytes], 100));
        }
    }
}
