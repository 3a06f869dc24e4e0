//! Texts, cut into sections that can be quoted.

use std::borrow::Cow;

use super::table;

/// The most characters of one section that are quoted.
const LONGEST: usize = 900;

/// The product's own documents.
const OWN: [(&str, &str); 7] = [
    ("What Konstruct is", include_str!("../../../../../docs/overview.md")),
    ("Quick start", include_str!("../../../../../docs/quick-start.md")),
    ("Connect Slack", include_str!("../../../../../docs/connect-slack.md")),
    ("Members and roles", include_str!("../../../../../docs/members.md")),
    ("Models", include_str!("../../../../../docs/models.md")),
    ("What is exactly once, and what is not", include_str!("../../../../../docs/guarantees.md")),
    ("Add a channel, a provider, a tool", include_str!("../../../../../docs/extending.md")),
];

/// A part of a document under a heading of its own.
#[derive(Debug, Clone)]
pub(super) struct Section<'a> {
    /// Of the document, with the section's own heading behind it.
    pub(super) title: Cow<'a, str>,
    /// The section's own heading; the document's title before the first.
    pub(super) heading: &'a str,
    pub(super) text: &'a str,
    url: Option<&'a str>,
}

impl<'a> Section<'a> {
    fn new(title: &'a str, heading: Option<&'a str>, text: &'a str, url: Option<&'a str>) -> Self {
        match heading.filter(|heading| !heading.is_empty() && *heading != title) {
            Some(heading) => Self { title: Cow::Owned(format!("{title}: {heading}")), heading, text, url },
            None => Self { title: Cow::Borrowed(title), heading: title, text, url },
        }
    }

    /// The section as a quotation in Markdown.
    pub(super) fn quote(&self) -> String {
        let mut text = table::as_lists(self.text);
        if let Some((end, _)) = text.char_indices().nth(LONGEST) {
            text.truncate(text[..end].rfind(char::is_whitespace).unwrap_or(end));
            text.push('…');
        }
        let quoted: Vec<String> = text.lines().map(|line| format!("> {line}").trim_end().to_owned()).collect();
        let source = self.url.map(|url| format!(" ({url})")).unwrap_or_default();
        format!("**{}**{source}\n{}", self.title, quoted.join("\n"))
    }
}

pub(super) fn own_documents() -> Vec<Section<'static>> {
    OWN.iter().flat_map(|(title, text)| sections(title, text, None)).collect()
}

/// Cuts a text at its Markdown headings, and long sections at their paragraphs.
pub(super) fn sections<'a>(title: &'a str, text: &'a str, url: Option<&'a str>) -> Vec<Section<'a>> {
    let mut found = Vec::new();
    let (mut fenced, mut heading, mut start, mut at) = (false, None, 0, 0);
    for line in text.split_inclusive('\n') {
        fenced ^= line.trim_start().starts_with("```");
        if !fenced && let Some(next) = line.strip_prefix('#') {
            push(&mut found, Section::new(title, heading, &text[start..at], url));
            (heading, start) = (Some(next.trim_start_matches('#').trim()), at + line.len());
        }
        at += line.len();
    }
    push(&mut found, Section::new(title, heading, &text[start..], url));
    found
}

fn push<'a>(found: &mut Vec<Section<'a>>, section: Section<'a>) {
    let mut text = section.text.trim();
    while !text.is_empty() {
        // Cut where a paragraph ends, else it stays one piece.
        let end = text.char_indices().nth(LONGEST).and_then(|(most, _)| text[..most].rfind("\n\n"));
        let (part, rest) = text.split_at(end.unwrap_or(text.len()));
        found.push(Section { text: part.trim(), ..section.clone() });
        text = rest.trim();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn documents_are_cut_at_headings_but_not_inside_code() {
        let text = "# Guide\nIntro.\n\n## Install\n```sh\n# not a heading\nmake\n```\n## Empty\n";
        let found = sections("Guide", text, None);
        let titles: Vec<&str> = found.iter().map(|section| section.title.as_ref()).collect();
        assert_eq!(titles, ["Guide", "Guide: Install"]);
        assert!(found[1].text.contains("# not a heading"));
    }

    #[test]
    fn long_texts_are_cut_at_paragraphs_and_long_quotes_at_words() {
        let text = format!("{}\n\n{}", "one ".repeat(150), "two ".repeat(500));
        let found = sections("T", &text, Some("https://example.org"));
        assert_eq!(found.len(), 2);
        let quote = found[1].quote();
        assert!(quote.starts_with("**T** (https://example.org)\n> two"), "{quote}");
        assert!(quote.ends_with("two…") && quote.chars().count() < 1000);
    }

    #[test]
    fn there_are_documents_of_our_own() {
        assert!(own_documents().len() > 5);
    }
}
