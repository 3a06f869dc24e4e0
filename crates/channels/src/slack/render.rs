//! A model's Markdown as Slack's mrkdwn: pure.
//!
//! Invariant: nothing a model writes can call a channel or a person: `&`, `<` and `>` are escaped before anything
//! of ours is put between brackets.

use super::split::{FENCE, PART_LIMIT, split};

/// Three backticks that are none to Slack: a space of no width between them.
const BROKEN_FENCE: &str = "``\u{200b}`";

/// The posts that say `markdown`: at least one, none empty.
pub(crate) fn posts(markdown: &str) -> Vec<String> {
    let parts = split(&mrkdwn(markdown), PART_LIMIT);
    if parts.is_empty() { vec!["…".to_owned()] } else { parts }
}

/// Translates Markdown to mrkdwn.
pub(crate) fn mrkdwn(markdown: &str) -> String {
    let mut out = String::with_capacity(markdown.len() + markdown.len() / 8);
    let mut fence: Option<String> = None;
    for line in markdown.lines() {
        if !out.is_empty() {
            out.push('\n');
        }
        match (&fence, fence_of(line)) {
            (None, Some(marker)) => {
                fence = Some(marker);
                out.push_str(FENCE);
            }
            (Some(open), _) if closes(line, open) => {
                fence = None;
                out.push_str(FENCE);
            }
            (Some(_), _) => out.push_str(&escape(line).replace(FENCE, BROKEN_FENCE)),
            (None, None) => push_block_line(&mut out, line),
        }
    }
    if fence.is_some() {
        out.push('\n');
        out.push_str(FENCE);
    }
    out
}

/// The marker of the code block that `line` opens: three or more backticks or tildes, an info string behind them.
fn fence_of(line: &str) -> Option<String> {
    let text = line.trim_start();
    let first = text.chars().next().filter(|c| matches!(c, '`' | '~'))?;
    let length = text.chars().take_while(|c| *c == first).count();
    let info = &text[length..];
    (length >= 3 && !info.contains('`')).then(|| text[..length].to_owned())
}

fn closes(line: &str, open: &str) -> bool {
    let text = line.trim();
    text.starts_with(open) && text.chars().all(|c| open.starts_with(c))
}

/// A line outside code: headings, list items and quotes have their own form, then comes what stands within.
fn push_block_line(out: &mut String, line: &str) {
    let text = line.trim_start();
    let indent = &line[..line.len() - text.len()];
    let hashes = text.bytes().take_while(|b| *b == b'#').count();
    if (1..=6).contains(&hashes) && text[hashes..].starts_with(' ') {
        let title = text[hashes..].trim().trim_end_matches('#').trim_end().replace("**", "");
        if title.is_empty() {
            return;
        }
        out.push('*');
        push_inline(out, &title);
        out.push('*');
        return;
    }
    out.push_str(indent);
    for bullet in ["- ", "* ", "+ "] {
        if let Some(item) = text.strip_prefix(bullet).filter(|item| !is_rule(item, text)) {
            out.push_str("• ");
            let item = item.strip_prefix("[ ] ").map_or_else(
                || item.strip_prefix("[x] ").map_or_else(|| item.to_owned(), |done| format!("☑ {done}")),
                |open| format!("☐ {open}"),
            );
            push_inline(out, &item);
            return;
        }
    }
    if let Some(quoted) = text.strip_prefix('>') {
        out.push('>');
        push_inline(out, quoted);
        return;
    }
    push_inline(out, text);
}

/// Whether the line is a rule (`- - -`), not a list item.
fn is_rule(item: &str, line: &str) -> bool {
    let mark = line.chars().next();
    item.chars().any(|c| Some(c) == mark) && line.chars().all(|c| Some(c) == mark || c == ' ')
}

/// Emphasis, code and links within a line.
fn push_inline(out: &mut String, text: &str) {
    let mut rest = text;
    let mut before: Option<char> = None;
    while let Some(first) = rest.chars().next() {
        let taken = code(rest)
            .or_else(|| escaped(rest))
            .or_else(|| link(rest))
            .or_else(|| emphasis(rest, before))
            .unwrap_or_else(|| (escape(&rest[..first.len_utf8()]), first.len_utf8()));
        out.push_str(&taken.0);
        before = rest[..taken.1].chars().next_back();
        rest = &rest[taken.1..];
    }
}

/// `` `code` ``, with as many backticks as it was opened with.
fn code(text: &str) -> Option<(String, usize)> {
    let ticks = text.bytes().take_while(|b| *b == b'`').count();
    if ticks == 0 {
        return None;
    }
    let body = near(&text[ticks..]);
    let marker = &text[..ticks];
    let end = body.match_indices(marker).map(|(at, _)| at).find(|at| !body[at + ticks..].starts_with('`'));
    match end.filter(|end| *end > 0) {
        Some(end) => {
            // Slack's code has no way to hold a backtick.
            let inner = escape(body[..end].trim()).replace('`', "'");
            Some((format!("`{inner}`"), ticks * 2 + end))
        }
        None => Some((marker.replace(FENCE, BROKEN_FENCE), ticks)),
    }
}

/// As far ahead as a closing mark is looked for, so that a hostile line costs no more than its length.
fn near(text: &str) -> &str {
    &text[..text.floor_char_boundary(2_000)]
}

/// A backslash before punctuation takes its meaning away.
fn escaped(text: &str) -> Option<(String, usize)> {
    let next = text.strip_prefix('\\')?.chars().next().filter(char::is_ascii_punctuation)?;
    Some((escape(&text[1..=next.len_utf8()]), 1 + next.len_utf8()))
}

/// `[label](url)`, `![alt](url)` and `<url>`.
fn link(text: &str) -> Option<(String, usize)> {
    if let Some(inner) = text.strip_prefix('<') {
        let (url, _) = near(inner).split_once('>')?;
        return is_url(url).then(|| (format!("<{}>", escape(url)), url.len() + 2));
    }
    let image = usize::from(text.starts_with("!["));
    let body = near(text[image..].strip_prefix('[')?);
    let close = body.find("](")?;
    let (label, behind) = (&body[..close], &body[close + 2..]);
    if label.contains('\n') || label.contains('[') {
        return None;
    }
    let end = closing_bracket(behind)?;
    let target = behind[..end].trim();
    let url = target.split_whitespace().next().unwrap_or_default().trim_matches(['<', '>']);
    if !is_url(url) {
        return None;
    }
    let label = escape(&label.replace("**", "")).replace('|', "¦");
    let url = escape(url).replace('|', "%7C");
    let shown = if label.trim().is_empty() { format!("<{url}>") } else { format!("<{url}|{label}>") };
    Some((shown, image + 1 + close + 2 + end + 1))
}

/// Where the bracket closes that was opened before `text`; a URL may hold pairs of its own.
fn closing_bracket(text: &str) -> Option<usize> {
    let mut depth = 0_usize;
    for (at, c) in text.char_indices() {
        match c {
            '(' => depth += 1,
            ')' if depth == 0 => return Some(at),
            ')' => depth -= 1,
            _ => {}
        }
    }
    None
}

fn is_url(text: &str) -> bool {
    ["https://", "http://", "mailto:"].iter().any(|scheme| text.len() > scheme.len() && text.starts_with(scheme))
        && !text.contains(|c: char| c.is_whitespace() || c == '<' || c == '>')
}

/// `**bold**`, `__bold__`, `*italics*`, `_italics_`, `***both***` and `~~struck~~`.
fn emphasis(text: &str, before: Option<char>) -> Option<(String, usize)> {
    const MARKS: [(&str, &str, &str); 6] =
        [("***", "*_", "_*"), ("**", "*", "*"), ("__", "*", "*"), ("~~", "~", "~"), ("*", "_", "_"), ("_", "_", "_")];
    let (mark, open, close) = MARKS.into_iter().find(|(mark, ..)| text.starts_with(mark))?;
    let literal = Some((mark.to_owned(), mark.len()));
    // `snake_case` and `2*3` are no emphasis.
    if before.is_some_and(char::is_alphanumeric) {
        return literal;
    }
    let body = near(&text[mark.len()..]);
    let end = body.match_indices(mark).map(|(at, _)| at).find(|&at| {
        let (inner, behind) = (&body[..at], &body[at + mark.len()..]);
        let flanked = !inner.ends_with(char::is_whitespace) && !behind.starts_with(char::is_alphanumeric);
        flanked && !(mark.len() == 1 && (behind.starts_with(mark) || inner.ends_with(mark)))
    });
    match end.filter(|end| *end > 0 && !body.starts_with(char::is_whitespace)) {
        Some(end) => {
            let mut inner = String::new();
            push_inline(&mut inner, &body[..end]);
            Some((format!("{open}{inner}{close}"), mark.len() * 2 + end))
        }
        None => literal,
    }
}

/// Slack's three entities.
pub(crate) fn escape(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for c in text.chars() {
        match c {
            '&' => out.push_str("&amp;"),
            '<' => out.push_str("&lt;"),
            '>' => out.push_str("&gt;"),
            c => out.push(c),
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn markdown_becomes_mrkdwn() {
        for (markdown, expected) in [
            ("plain", "plain"),
            ("**bold** and __bold__", "*bold* and *bold*"),
            ("*it* and _it_", "_it_ and _it_"),
            ("***both***", "*_both_*"),
            ("**bold *and it* here**", "*bold _and it_ here*"),
            ("~~gone~~", "~gone~"),
            ("snake_case_name and 2*3*4", "snake_case_name and 2*3*4"),
            ("a * b * c", "a * b * c"),
            ("**open", "**open"),
            ("# Title", "*Title*"),
            ("### A **bold** title ##", "*A bold title*"),
            ("#hashtag", "#hashtag"),
            ("- one\n* two\n  + three", "• one\n• two\n  • three"),
            ("- [ ] open\n- [x] done", "• ☐ open\n• ☑ done"),
            ("1. one\n2. two", "1. one\n2. two"),
            ("---\n* * *", "---\n* * *"),
            ("> quoted *text*", "> quoted _text_"),
            ("[label](https://a.test/x)", "<https://a.test/x|label>"),
            ("[w](https://a.test/x_(y)?a=1&b=2)", "<https://a.test/x_(y)?a=1&amp;b=2|w>"),
            ("![alt](https://a.test/i.png \"t\")", "<https://a.test/i.png|alt>"),
            ("<https://a.test>", "<https://a.test>"),
            ("[evil](javascript:alert)", "[evil](javascript:alert)"),
            ("[a](b) [c]", "[a](b) [c]"),
            ("x < y && y > z", "x &lt; y &amp;&amp; y &gt; z"),
            ("<!channel> <@U1>", "&lt;!channel&gt; &lt;@U1&gt;"),
            ("`a<b` and ``a`b``", "`a&lt;b` and `a'b`"),
            ("`**not bold**`", "`**not bold**`"),
            ("\\*literal\\*", "*literal*"),
            ("```rust\nlet a = &**b;\n```", "```\nlet a = &amp;**b;\n```"),
            ("~~~\n# no title\n~~~", "```\n# no title\n```"),
            ("````\n```\n````", "```\n``\u{200b}`\n```"),
            ("```\nopen", "```\nopen\n```"),
            ("say ``` here", "say ``\u{200b}` here"),
        ] {
            assert_eq!(mrkdwn(markdown), expected, "{markdown}");
        }
    }

    #[test]
    fn an_empty_answer_is_still_a_post() {
        assert_eq!(posts(" \n "), ["…"]);
    }

    #[test]
    fn a_hostile_line_is_done_soon() {
        for piece in ["*a ", "[", "<", "`", "**_", "[](", "~~ a"] {
            mrkdwn(&piece.repeat(20_000));
        }
    }

    fn letters(text: &str) -> String {
        text.chars().filter(|c| c.is_alphanumeric()).collect()
    }

    proptest! {
        #[test]
        fn no_word_is_lost(markdown in "([a-zA-Z0-9 *_#`\\n-]|```\\n){0,300}") {
            // What stands behind an opening fence is the name of a language, which Slack would show.
            let kept: String = markdown.split('\n')
                .map(|line| if fence_of(line).is_some() { "" } else { line }).collect();
            prop_assert_eq!(letters(&posts(&markdown).concat()), letters(&kept));
        }

        #[test]
        fn nothing_but_links_stands_between_brackets(markdown in "\\PC{0,200}|[<>!@#a\\[\\](){}:/.*_` \\n-]{0,200}") {
            let shown = mrkdwn(&markdown);
            for (at, _) in shown.match_indices('<') {
                prop_assert!(["http://", "https://", "mailto:"].iter().any(|s| shown[at + 1..].starts_with(s)), "{}", shown);
            }
        }
    }
}
