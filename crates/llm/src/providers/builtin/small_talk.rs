//! What people say without asking about anything.

use super::rank::words;

const GREETINGS: [&str; 15] = [
    "hello",
    "hi",
    "hey",
    "hiya",
    "howdy",
    "greetings",
    "good",
    "morning",
    "afternoon",
    "evening",
    "hallo",
    "moin",
    "servus",
    "bonjour",
    "hola",
];
const THANKS: [&str; 5] = ["thanks", "thank", "danke", "merci", "gracias"];
const BESIDE_THANKS: [&str; 7] = ["you", "so", "very", "much", "a", "lot", "again"];
const BEINGS: [&str; 11] =
    ["ai", "bot", "robot", "human", "person", "machine", "computer", "chatbot", "llm", "model", "real"];

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum SmallTalk {
    /// Also "what can you do?".
    Greeting,
    Thanks,
    /// "Are you an AI?" in its many forms.
    WhatAreYou,
}

impl SmallTalk {
    pub(super) fn of(question: &str) -> Option<Self> {
        let said: Vec<String> = words(question).collect();
        let said: Vec<&str> = said.iter().map(String::as_str).collect();
        let has = |list: &[&str]| said.iter().any(|word| list.contains(word));
        let of_you = has(&["you", "u"]) && has(&["are", "r"]);
        if of_you && said.len() <= 12 && (has(&BEINGS) || has(&["who", "what"]) && said.len() <= 4) {
            return Some(Self::WhatAreYou);
        }
        if has(&["what", "how"]) && has(&["can", "could"]) && has(&["you"]) && has(&["do", "help"]) && said.len() <= 9 {
            return Some(Self::Greeting);
        }
        if has(&THANKS) && said.iter().all(|word| THANKS.contains(word) || BESIDE_THANKS.contains(word)) {
            return Some(Self::Thanks);
        }
        // A name may stand beside a greeting; a question may not.
        let greets = said.first().is_some_and(|first| GREETINGS.contains(first));
        (greets && said.len() <= 4 && !question.contains('?') && said != ["good"]).then_some(Self::Greeting)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn small_talk_is_told_from_questions() {
        for (said, want) in [
            ("Hello", Some(SmallTalk::Greeting)),
            ("hi Mara!", Some(SmallTalk::Greeting)),
            ("Good morning", Some(SmallTalk::Greeting)),
            ("hi, what does a call cost?", None),
            ("Are you an AI?", Some(SmallTalk::WhatAreYou)),
            ("wait, are you a real person or a bot?", Some(SmallTalk::WhatAreYou)),
            ("Who are you?", Some(SmallTalk::WhatAreYou)),
            ("what are you", Some(SmallTalk::WhatAreYou)),
            ("What are your opening hours?", None),
            ("hello mara, what can you help me with?", Some(SmallTalk::Greeting)),
            ("What can you do?", Some(SmallTalk::Greeting)),
            ("What can I do with a workflow?", None),
            ("Thank you so much!", Some(SmallTalk::Thanks)),
            ("thanks, and what about Ollama", None),
            ("", None),
        ] {
            assert_eq!(SmallTalk::of(said), want, "{said}");
        }
    }
}
