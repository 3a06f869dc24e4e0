//! In which order things can be made: kind after kind, and among model groups those that others name first.

use std::collections::{BTreeSet, HashMap};

use crate::document::{Document, Wanted};

/// What a model group's turn depends on.
#[derive(Clone, Copy)]
pub(crate) struct Group<'a> {
    pub organisation: &'a str,
    pub name: &'a str,
    pub fallbacks: &'a [String],
    /// The group that answers its simple calls.
    pub simple: Option<&'a str>,
}

/// Puts documents in the order in which they can be applied, wherever they stand in their files.
pub(crate) fn in_order(documents: Vec<Document>) -> Vec<Document> {
    let mut documents = behind_their_fallbacks(documents, |document| match &document.wanted {
        Wanted::ModelGroup(it) => {
            let simple = it.simple.as_ref().map(|simple| simple.group.as_str());
            Some(Group { organisation: &it.organisation, name: &it.name, fallbacks: &it.fallbacks, simple })
        }
        _ => None,
    });
    documents.sort_by_key(|document| document.wanted.rank());
    documents
}

/// Puts each group behind those that it falls back to, and leaves the order otherwise as it is. Those that fall back
/// to each other stay as they stand.
pub(crate) fn behind_their_fallbacks<T>(items: Vec<T>, group: impl Fn(&T) -> Option<Group<'_>>) -> Vec<T> {
    let order = turns(&needs(items.iter().map(group).collect()));
    let mut items: Vec<_> = items.into_iter().map(Some).collect();
    order.into_iter().filter_map(|turn| items[turn].take()).collect()
}

/// For each group the places of those that it names.
fn needs(groups: Vec<Option<Group<'_>>>) -> Vec<Vec<usize>> {
    let mut places = HashMap::new();
    for (place, group) in groups.iter().enumerate() {
        if let Some(group) = group {
            places.entry((group.organisation, group.name)).or_insert(place);
        }
    }
    let of = |group: Group<'_>| {
        let named = group.fallbacks.iter().map(String::as_str).chain(group.simple);
        named.filter_map(|name| places.get(&(group.organisation, name)).copied()).collect()
    };
    groups.into_iter().map(|group| group.map(of).unwrap_or_default()).collect()
}

/// The places in an order in which each comes after what it needs (Kahn's algorithm, always with the first that is
/// free). Its time grows with the needs, not with the square of the places.
fn turns(needs: &[Vec<usize>]) -> Vec<usize> {
    let mut open: Vec<usize> = needs.iter().map(Vec::len).collect();
    let mut needed_by = vec![Vec::new(); needs.len()];
    for (one, needed) in needs.iter().enumerate() {
        needed.iter().for_each(|other| needed_by[*other].push(one));
    }
    let mut left: BTreeSet<usize> = (0..needs.len()).collect();
    let mut free: BTreeSet<usize> = left.iter().copied().filter(|one| open[*one] == 0).collect();
    let mut order = Vec::with_capacity(needs.len());
    // Where none is free, all that are left stand in circles or behind one: the first of them begins.
    while let Some(one) = free.pop_first().or_else(|| left.first().copied()) {
        left.remove(&one);
        order.push(one);
        for other in &needed_by[one] {
            open[*other] -= 1;
            if open[*other] == 0 && left.contains(other) {
                free.insert(*other);
            }
        }
    }
    order
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::understand;

    #[test]
    fn what_is_needed_comes_first_and_circles_are_left_alone() {
        let order = |needs: [&[usize]; 3]| turns(&needs.map(<[usize]>::to_vec));
        assert_eq!(order([&[], &[], &[]]), [0, 1, 2]);
        assert_eq!(order([&[1], &[2], &[]]), [2, 1, 0]);
        assert_eq!(order([&[2], &[], &[]]), [1, 2, 0]);
        assert_eq!(order([&[1], &[0], &[]]), [2, 0, 1]);
        assert_eq!(order([&[0, 1], &[1], &[0, 2]]), [0, 1, 2]);
    }

    #[test]
    fn a_thousand_groups_in_reverse_order_each_with_all_the_fallbacks_it_may_have_are_put_in_order() {
        const GROUPS: usize = 1000;
        let documents = (0..GROUPS).map(|at| {
            let behind = at + 1..GROUPS.min(at + 1 + llm::store::MAX_FALLBACKS);
            let fallbacks: Vec<_> = behind.map(|other| format!("g{other}")).collect();
            let group = json!({"kind": "ModelGroup", "organisation": "acme", "name": format!("g{at}"),
                "models": [{"provider": "p", "model": "m"}], "fallbacks": fallbacks});
            understand(format!("document {at}"), &group).unwrap()
        });
        let last = json!({"kind": "Project", "organisation": "acme", "name": "first of all"});
        let documents = documents.chain([understand("last".to_owned(), &last).unwrap()]).collect();
        let ordered: Vec<_> = in_order(documents).iter().map(|document| document.place.clone()).collect();
        let reversed = (0..GROUPS).rev().map(|at| format!("document {at}"));
        assert_eq!(ordered, ["last".to_owned()].into_iter().chain(reversed).collect::<Vec<_>>());
    }

    #[test]
    fn groups_of_one_name_in_two_organisations_are_not_mixed_up() {
        let group = |organisation: &str, name: &str, fallbacks: &[&str]| {
            let group =
                json!({"kind": "ModelGroup", "organisation": organisation, "name": name, "fallbacks": fallbacks});
            understand(format!("{organisation}/{name}"), &group).unwrap()
        };
        let documents = vec![group("acme", "a", &["b"]), group("rival", "b", &[]), group("acme", "b", &[])];
        let ordered: Vec<_> = in_order(documents).iter().map(|document| document.place.clone()).collect();
        assert_eq!(ordered, ["rival/b", "acme/b", "acme/a"]);
    }
}
