//! Cuts what is rendered into posts: pure.
//!
//! Invariant: no part is longer than the limit, none ends inside a code block that it does not close, and all of the
//! text is there.

/// The most UTF-16 units of one post. Slack advises 4,000 characters and refuses to update beyond that.
pub(crate) const PART_LIMIT: usize = 3_900;

/// What opens and closes a code block, on a line of its own.
pub(crate) const FENCE: &str = "```";

/// Cuts `text` into parts of at most `limit` UTF-16 units: between paragraphs where that leaves a good part, else
/// between lines, else between words. A code block that is cut is closed and opened again.
pub(crate) fn split(text: &str, limit: usize) -> Vec<String> {
    let mut parts = Parts { limit, done: Vec::new(), part: String::new(), units: 0, fenced: false, paragraph: 0 };
    for line in text.lines() {
        if line.trim() == FENCE {
            parts.toggle_fence();
        } else {
            // Room for the fences that a cut may need, and for the line break.
            for piece in pieces(line, limit - 2 * (FENCE.len() + 1) - 1) {
                parts.push_line(piece);
            }
        }
    }
    parts.finish()
}

struct Parts {
    limit: usize,
    done: Vec<String>,
    part: String,
    units: usize,
    fenced: bool,
    /// Where the last paragraph of `part` begins.
    paragraph: usize,
}

impl Parts {
    fn push_line(&mut self, line: &str) {
        let reserve = if self.fenced { FENCE.len() + 1 } else { 0 };
        let needed = 1 + units(line) + reserve;
        if self.units + needed > self.limit {
            self.cut(needed);
        }
        self.append(line);
        if line.trim().is_empty() && !self.fenced {
            self.paragraph = self.part.len();
        }
    }

    fn toggle_fence(&mut self) {
        // A block is not opened where hardly any of it would fit.
        let room = if self.fenced { 0 } else { self.limit / 8 };
        let needed = 1 + FENCE.len() + room;
        if self.units + needed > self.limit {
            self.cut(needed);
        }
        self.append(FENCE);
        self.fenced = !self.fenced;
        self.paragraph = 0;
    }

    fn append(&mut self, line: &str) {
        if !self.part.is_empty() {
            self.part.push('\n');
            self.units += 1;
        }
        self.part.push_str(line);
        self.units += units(line);
    }

    /// Ends the part, so that `needed` more units fit into the next.
    fn cut(&mut self, needed: usize) {
        let mut carried = String::new();
        if self.fenced {
            self.append(FENCE);
            FENCE.clone_into(&mut carried);
        } else if self.paragraph > self.part.len() / 2 && units(&self.part[self.paragraph..]) + needed <= self.limit {
            carried = self.part.split_off(self.paragraph).trim_start_matches('\n').to_owned();
        }
        let part = std::mem::replace(&mut self.part, carried);
        self.units = units(&self.part);
        self.paragraph = 0;
        self.keep(part);
    }

    fn finish(mut self) -> Vec<String> {
        if self.fenced {
            self.append(FENCE);
        }
        let last = std::mem::take(&mut self.part);
        self.keep(last);
        self.done
    }

    fn keep(&mut self, part: String) {
        if !part.trim().is_empty() {
            self.done.push(part.trim_end().to_owned());
        }
    }
}

fn units(text: &str) -> usize {
    text.chars().map(char::len_utf16).sum()
}

/// `line` in pieces of at most `limit` units, cut behind spaces where there are any, never inside `<…>` or `&…;`.
fn pieces(line: &str, limit: usize) -> Vec<&str> {
    let mut pieces = Vec::new();
    let mut rest = line;
    while units(rest) > limit {
        let at = cut_before(rest, limit);
        pieces.push(&rest[..at]);
        rest = &rest[at..];
    }
    pieces.push(rest);
    pieces
}

fn cut_before(text: &str, limit: usize) -> usize {
    let (mut used, mut end, mut space, mut safe) = (0, 0, 0, 0);
    let mut inside: Option<char> = None;
    for (at, c) in text.char_indices() {
        used += c.len_utf16();
        if used > limit {
            break;
        }
        end = at + c.len_utf8();
        inside = match (inside, c) {
            (None, '<') => Some('>'),
            (None, '&') => Some(';'),
            (Some(close), c) if c == close => None,
            (Some(';'), c) if !c.is_ascii_alphanumeric() => None,
            (inside, _) => inside,
        };
        if inside.is_none() {
            safe = end;
            if c.is_whitespace() {
                space = end;
            }
        }
    }
    [space, safe].into_iter().find(|cut| *cut > end / 2).unwrap_or(if safe > 0 { safe } else { end })
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn a_short_text_is_one_part() {
        assert_eq!(split("hello\n\nworld", PART_LIMIT), ["hello\n\nworld"]);
        assert!(split("", PART_LIMIT).is_empty());
    }

    #[test]
    fn paragraphs_stay_whole_where_they_can() {
        let (first, second) = ("a ".repeat(30), "b ".repeat(30));
        let text = format!("{}\n\n{}", first.trim_end(), second.trim_end());
        assert_eq!(split(&text, 100), [first.trim_end(), second.trim_end()]);
    }

    #[test]
    fn a_code_block_is_closed_and_opened_again() {
        let code: Vec<String> = (0..20).map(|n| format!("    line {n}")).collect();
        let parts = split(&format!("```\n{}\n```", code.join("\n")), 100);
        assert!(parts.len() > 1);
        let lines: Vec<&str> = parts.iter().flat_map(|part| part.lines()).filter(|line| *line != FENCE).collect();
        assert_eq!(lines, code);
        assert!(parts.iter().all(|part| part.starts_with("```\n") && part.ends_with("\n```")));
    }

    #[test]
    fn a_link_is_not_torn() {
        let link = "<https://a.test/some/long/path|with a label>";
        let text = format!("{} {link} {}", "word ".repeat(15), "word ".repeat(30));
        assert!(split(&text, 100).iter().any(|part| part.contains(link)));
    }

    fn visible(text: &str) -> String {
        text.lines()
            .filter(|line| line.trim() != FENCE)
            .flat_map(str::chars)
            .filter(|c| !c.is_whitespace() && *c != '`')
            .collect()
    }

    proptest! {
        #[test]
        fn parts_are_within_the_limit_whole_and_balanced(
            text in "([a-z <>&;😀é]{0,40}\n|\n```\n|\n|[a-z]{150}){0,40}",
            limit in 60_usize..400,
        ) {
            let parts = split(&text, limit);
            prop_assert_eq!(visible(&parts.join("\n")), visible(&text));
            for part in &parts {
                prop_assert!(units(part) <= limit, "{} > {}: {}", units(part), limit, part);
                prop_assert!(!part.trim().is_empty());
                prop_assert_eq!(part.lines().filter(|line| line.trim() == FENCE).count() % 2, 0, "{}", part);
            }
        }
    }
}
