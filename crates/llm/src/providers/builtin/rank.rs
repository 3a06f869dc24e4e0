//! Which sections fit a question: BM25 over stemmed words.

use std::collections::{HashMap, HashSet};

use super::library::Section;
use super::table::{self, Line};

/// How much a word's repetition counts, and how much a section's length (the usual values).
const K1: f64 = 1.2;
const B: f64 = 0.75;
/// A word of the heading counts as often as this.
const HEADING: u32 = 3;
/// At least this part of the question's weight must be found in a section.
const ENOUGH: f64 = 0.34;
/// A section is quoted beside the best one where it fits at least this well, as a part of the best one's score.
const BESIDE: f64 = 0.7;

const STOP_WORDS: [&str; 64] = [
    "a", "about", "all", "am", "an", "and", "any", "are", "as", "at", "be", "been", "but", "by", "can", "could", "did",
    "do", "does", "for", "from", "get", "had", "has", "have", "how", "i", "if", "in", "into", "is", "it", "its", "let",
    "many", "may", "me", "much", "my", "no", "not", "of", "on", "or", "our", "please", "should", "so", "than", "that",
    "the", "there", "this", "to", "us", "was", "we", "what", "when", "will", "with", "within", "you", "your",
];

/// The words of a text, in lower case.
pub(super) fn words(text: &str) -> impl Iterator<Item = String> + '_ {
    text.split(|c: char| !c.is_alphanumeric()).filter(|word| !word.is_empty()).map(str::to_lowercase)
}

/// How often each term stands in one section.
type Bag = HashMap<String, u32>;

/// At most `count` sections that fit, the best first; earlier ones first among equals.
pub(super) fn best<'s, 'a>(sections: &'s [Section<'a>], question: &str, count: usize) -> Vec<&'s Section<'a>> {
    let bags: Vec<Bag> = sections.iter().map(bag).collect();
    let average = bags.iter().map(length).sum::<f64>() / (bags.len().max(1) as f64);
    let asked: HashSet<String> = terms(question).collect();
    let weigh = |term: String| {
        let weight = rarity(&term, &bags);
        (term, weight)
    };
    let mut weights: Vec<(String, f64)> = asked.into_iter().map(weigh).collect();
    // Sorted, so that sums of floating-point numbers come out the same each time.
    weights.sort_by(|a, b| a.0.cmp(&b.0));
    let scores = bags.iter().enumerate().filter_map(|(at, bag)| Some((score(bag, &weights, average)?, at)));
    let mut scored: Vec<(f64, usize)> = scores.collect();
    scored.sort_by(|a, b| b.0.total_cmp(&a.0).then(a.1.cmp(&b.1)));
    let threshold = scored.first().map_or(0.0, |(score, _)| score * BESIDE);
    scored.into_iter().take_while(|(score, _)| *score >= threshold).take(count).map(|(_, at)| &sections[at]).collect()
}

/// `None` where too little of the question is found.
fn score(bag: &Bag, weights: &[(String, f64)], average: f64) -> Option<f64> {
    let norm = K1 * (1.0 - B + B * length(bag) / average.max(1.0));
    let (mut score, mut found) = (0.0, 0.0);
    for (term, weight) in weights {
        if let Some(times) = bag.get(term).map(|times| f64::from(*times)) {
            found += weight;
            score += weight * times * (K1 + 1.0) / (times + norm);
        }
    }
    let total: f64 = weights.iter().map(|(_, weight)| weight).sum();
    (found > 0.0 && found >= total * ENOUGH).then_some(score)
}

/// How much finding a term says; one that no section has weighs most.
fn rarity(term: &str, bags: &[Bag]) -> f64 {
    let having = bags.iter().filter(|bag| bag.contains_key(term)).count() as f64;
    (1.0 + (bags.len() as f64 - having + 0.5) / (having + 0.5)).ln()
}

fn bag(section: &Section<'_>) -> Bag {
    let mut bag = Bag::new();
    let lines = table::lines(section.text);
    for line in &lines {
        if let Line::Prose(prose) = line {
            terms(prose).for_each(|term| *bag.entry(term).or_default() += 1);
        }
    }
    // What a table says again and again it says once: prose comes first.
    for line in &lines {
        if let Line::Head(cells) | Line::Row(cells) = line {
            cells.iter().flat_map(|cell| terms(cell)).for_each(|term| _ = bag.entry(term).or_insert(1));
        }
    }
    for term in terms(section.heading) {
        *bag.entry(term).or_default() += HEADING;
    }
    bag
}

fn length(bag: &Bag) -> f64 {
    f64::from(bag.values().sum::<u32>())
}

/// The words that say what a text is about: a bare number stands in any text.
fn terms(text: &str) -> impl Iterator<Item = String> + '_ {
    let says = |word: &String| word.contains(char::is_alphabetic) && !STOP_WORDS.contains(&word.as_str());
    words(text).filter(says).map(|word| stem(&word).to_owned())
}

/// Takes the commonest English endings off, where enough of the word is left.
fn stem(word: &str) -> &str {
    for ending in ["ations", "ation", "ions", "ion", "ings", "ing", "ies", "ied", "ed", "es", "s", "e", "y"] {
        if let Some(stem) = word.strip_suffix(ending).filter(|stem| stem.chars().count() >= 2) {
            return stem;
        }
    }
    word
}

#[cfg(test)]
mod tests {
    use super::super::library::sections;
    use super::*;

    #[test]
    fn forms_of_a_word_are_one_term() {
        for (a, b) in [
            ("connect", "connecting"),
            ("connections", "connect"),
            ("cost", "costs"),
            ("company", "companies"),
            ("use", "using"),
        ] {
            assert_eq!(stem(a), stem(b), "{a} {b}");
        }
    }

    #[test]
    fn the_rarer_word_decides_and_one_common_word_is_not_enough() {
        let text = "# Refunds\nAn order can be refunded.\n# Delivery\nAn order arrives in a week.\n\
                    # Gift cards\nAn order may be a gift.";
        let all = sections("Shop", text, None);
        let titles = |question| -> Vec<String> {
            best(&all, question, 2).iter().map(|section| section.title.to_string()).collect()
        };
        assert_eq!(titles("How do I get an order refunded?"), ["Shop: Refunds"]);
        assert_eq!(titles("order velociraptors overnight express"), Vec::<String>::new());
    }

    #[test]
    fn numbers_find_nothing_and_prose_is_preferred_to_tables() {
        let text = "# At a glance\n| plan | price | price later |\n|---|---|---|\n| price 1 | price 10 | price 20 |\n\
                    # In words\nThe price of a plan is per month, and a price is never raised.\n# Limits\n10 at once.";
        let all = sections("Shop", text, None);
        let first = |question| best(&all, question, 1).first().map(|section| section.title.to_string());
        assert_eq!(first("price"), Some("Shop: In words".into()));
        assert_eq!(first("10"), None);
        assert_eq!(first("10 or 20?"), None);
    }
}
