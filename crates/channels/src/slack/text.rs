//! Slack's own markup, read: what people typed as the agent should see it.

/// What was said, as plain text: mentions of `bots` taken out, references and entities decoded.
pub(crate) fn plain(text: &str, bots: &[&str]) -> String {
    let mut out = String::with_capacity(text.len());
    let mut rest = text;
    while let Some((before, inner, after)) = next_reference(rest) {
        out.push_str(before);
        match inner.strip_prefix('@').map(|user| user.split('|').next().unwrap_or_default()) {
            Some(user) if bots.contains(&user) => {}
            _ => out.push_str(&reference(inner)),
        }
        rest = after;
    }
    out.push_str(rest);
    if out.contains('&') {
        out = out.replace("&lt;", "<").replace("&gt;", ">").replace("&amp;", "&");
    }
    out.trim().trim_start_matches([',', ':']).trim_start().to_owned()
}

/// The first `<…>`, with what stands before and behind it.
fn next_reference(text: &str) -> Option<(&str, &str, &str)> {
    let (before, rest) = text.split_once('<')?;
    let (inner, after) = rest.split_once('>')?;
    Some((before, inner, after))
}

/// What stands between `<` and `>`, for a reader: a link, a person, a channel or a call.
fn reference(inner: &str) -> String {
    let (target, label) = inner.split_once('|').map_or((inner, None), |(target, label)| (target, Some(label)));
    let label = label.filter(|label| !label.is_empty());
    if let Some(name) = target.strip_prefix(['@', '!']) {
        return format!("@{}", label.map_or(name, |label| label.trim_start_matches('@')));
    }
    if let Some(name) = target.strip_prefix('#') {
        return format!("#{}", label.unwrap_or(name));
    }
    let target = target.trim_start_matches("mailto:").trim_start_matches("tel:");
    match label {
        Some(label) if !target.ends_with(label) => format!("{label} ({target})"),
        _ => target.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn text_is_decoded_for_a_reader() {
        for (slack, expected) in [
            ("<@UBOT> hello", "hello"),
            ("<@UBOT>, hello", "hello"),
            ("hello <@UBOT>", "hello"),
            ("ask <@U2>", "ask @U2"),
            ("ask <@U2|sam>", "ask @sam"),
            ("a &lt;b&gt; &amp;amp; c", "a <b> &amp; c"),
            ("see <https://a.test/x?y=1&amp;z=2>", "see https://a.test/x?y=1&z=2"),
            ("see <https://a.test|the site>", "see the site (https://a.test)"),
            ("see <https://a.test|a.test>", "see https://a.test"),
            ("write <mailto:a@b.test|a@b.test>", "write a@b.test"),
            ("in <#C1|general> or <#C2>", "in #general or #C2"),
            ("<!channel> hi <!subteam^S1|@team>", "@channel hi @team"),
            ("1 < 2", "1 < 2"),
            ("<", "<"),
            ("", ""),
        ] {
            assert_eq!(plain(slack, &["UBOT"]), expected, "{slack}");
        }
    }
}
