//! All SQL of the channels.

pub mod amendment;
pub mod channel_app;
pub mod connection;
pub mod contact;
pub mod conversation;
pub(crate) mod message;
pub(crate) mod route;

/// A pattern that finds `words` anywhere, letter case aside: what `ilike` would read as wildcards is taken literally.
fn pattern(words: &str) -> String {
    let mut pattern = String::with_capacity(words.len() + 2);
    pattern.push('%');
    for c in words.chars() {
        if matches!(c, '%' | '_' | '\\') {
            pattern.push('\\');
        }
        pattern.push(c);
    }
    pattern.push('%');
    pattern
}

#[cfg(test)]
mod tests {
    #[test]
    fn wildcards_are_searched_for_literally() {
        assert_eq!(super::pattern(r"50%_off\x"), r"%50\%\_off\\x%");
    }
}
