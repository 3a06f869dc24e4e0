//! In which order things can be made: kind after kind, and among model groups those that others fall back to first.

use crate::document::{Document, Wanted};

/// Puts documents in the order in which they can be applied, wherever they stand in their files.
pub(crate) fn in_order(mut documents: Vec<Document>) -> Vec<Document> {
    documents.sort_by_key(|document| document.wanted.rank());
    by_need(documents, |one, other| match (&one.wanted, &other.wanted) {
        (Wanted::ModelGroup(one), Wanted::ModelGroup(other)) => {
            one.organisation == other.organisation && one.fallbacks.contains(&other.name)
        }
        _ => false,
    })
}

/// Puts each behind those that it needs, and leaves the order otherwise as it is. Those that need each other stay as
/// they stand.
pub(crate) fn by_need<T>(mut items: Vec<T>, needs: impl Fn(&T, &T) -> bool) -> Vec<T> {
    let mut ordered = Vec::with_capacity(items.len());
    while !items.is_empty() {
        let free = items.iter().position(|one| !items.iter().any(|other| needs(one, other)));
        ordered.push(items.remove(free.unwrap_or_default()));
    }
    ordered
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_needed_comes_first_and_circles_are_left_alone() {
        let needs = |pairs: &'static [(char, char)]| move |one: &char, other: &char| pairs.contains(&(*one, *other));
        let order = |items: &str, pairs| by_need(items.chars().collect(), needs(pairs)).iter().collect::<String>();
        assert_eq!(order("abc", &[]), "abc");
        assert_eq!(order("abc", &[('a', 'b'), ('b', 'c')]), "cba");
        assert_eq!(order("abc", &[('a', 'c')]), "bca");
        assert_eq!(order("abc", &[('a', 'b'), ('b', 'a')]), "cab");
    }
}
