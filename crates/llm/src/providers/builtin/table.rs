//! Markdown's tables, which are made for looking at and not for quoting.

/// A line of a text, by what it is.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Line<'a> {
    Prose(&'a str),
    /// The names of a table's columns.
    Head(Vec<&'a str>),
    /// What a table says, by column.
    Row(Vec<&'a str>),
}

/// The lines of `text`, without those that only draw.
pub(super) fn lines(text: &str) -> Vec<Line<'_>> {
    let (mut found, mut fenced, mut within) = (Vec::new(), false, false);
    let mut rest = text.lines().peekable();
    while let Some(line) = rest.next() {
        fenced ^= line.trim_start().starts_with("```");
        let heads = !fenced && line.contains('|') && rest.peek().is_some_and(|next| draws(next));
        within = heads || within && !fenced && line.contains('|');
        found.push(match (heads, within) {
            (true, _) => {
                rest.next();
                Line::Head(cells(line))
            }
            (_, true) => Line::Row(cells(line)),
            _ => Line::Prose(line),
        });
    }
    found
}

/// The text with each row of its tables as an item of a list: "- a: b", or "- a (second: b; third: c)".
pub(super) fn as_lists(text: &str) -> String {
    let (mut written, mut head) = (Vec::new(), Vec::new());
    for line in lines(text) {
        match line {
            Line::Prose(prose) => written.push(prose.to_owned()),
            Line::Head(names) => head = names,
            Line::Row(cells) => written.push(item(&head, &cells)),
        }
    }
    written.join("\n")
}

fn item(head: &[&str], cells: &[&str]) -> String {
    match cells {
        [] => String::new(),
        [only] => format!("- {only}"),
        [name, value] => format!("- {name}: {value}"),
        [name, rest @ ..] => {
            let columns = head.get(1..).unwrap_or_default();
            let said = rest.iter().enumerate().filter(|(_, cell)| !cell.is_empty());
            let said: Vec<String> = said
                .map(|(at, cell)| match columns.get(at) {
                    Some(column) if !column.is_empty() => format!("{column}: {cell}"),
                    _ => (*cell).to_owned(),
                })
                .collect();
            format!("- {name} ({})", said.join("; "))
        }
    }
}

/// Whether the line is the one between a table's head and its rows.
fn draws(line: &str) -> bool {
    line.contains('-') && line.contains('|') && line.chars().all(|c| matches!(c, '|' | '-' | ':' | ' '))
}

/// The cells of a row: a bar within code or behind a backslash is none.
fn cells(line: &str) -> Vec<&str> {
    let line = line.trim();
    let line = line.strip_prefix('|').unwrap_or(line);
    let line = line.strip_suffix('|').filter(|line| !line.ends_with('\\')).unwrap_or(line);
    let (mut cells, mut start, mut code, mut before) = (Vec::new(), 0, false, ' ');
    for (at, c) in line.char_indices() {
        code ^= c == '`';
        if c == '|' && !code && before != '\\' {
            cells.push(line[start..at].trim());
            start = at + 1;
        }
        before = c;
    }
    cells.push(line[start..].trim());
    cells
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_table_is_said_as_a_list() {
        let text = "Before.\n\n| field | where |\n|---|:--:|\n| app id | **Basic Information** |\n| `a|b` | x \\| y |\n\nAfter | all.";
        let said = "Before.\n\n- app id: **Basic Information**\n- `a|b`: x \\| y\n\nAfter | all.";
        assert_eq!(as_lists(text), said);
        let wide = "| a | b | c |\n|-|-|-|\n| 1 | 2 | |\n| 3 | 4 | 5 | 6 |";
        assert_eq!(as_lists(wide), "- 1 (b: 2)\n- 3 (b: 4; c: 5; 6)");
    }

    #[test]
    fn what_only_looks_like_a_table_stays() {
        for text in ["a | b\nc | d", "```sh\n| a |\n|---|\ncat x | wc\n```", "---\n| a |", "no bars\n---", ""] {
            assert_eq!(as_lists(text), text.trim_end_matches('\n'));
        }
    }
}
