//! The offline model: no network, no key, no sentences of its own. It quotes the sections that fit the question best
//! and says that this is what it does.
//!
//! Invariant: the same question over the same texts gets the same answer; every answer says what it comes from.

mod library;
mod rank;
mod small_talk;
mod table;

use self::library::{Section, own_documents, sections};
use self::small_talk::SmallTalk;
use super::{Adapter, Call, Door, Endpoint};
use crate::draft::Answer;
use crate::fault::Fault;
use crate::model::{Stop, TokenUsage};
use crate::request::ChatRequest;

/// The most sections one answer quotes.
const QUOTES: usize = 2;

const CONNECT: &str = "To have this answered in full sentences, connect a real model: in the portal under Models, \
                       give the provider Anthropic or OpenAI its API key, or run Ollama on this machine.";

pub(super) struct Builtin;

impl Adapter for Builtin {
    fn default_base_url(&self) -> &'static str {
        "builtin://here"
    }

    fn models_path(&self) -> Option<&'static str> {
        None
    }

    fn door(&self, _: &Endpoint<'_>) -> Result<Door, Fault> {
        Err(Fault::Misconfigured("it answers in this process".to_owned()))
    }

    fn call(&self, _: &Endpoint<'_>, request: &ChatRequest) -> Result<Call, Fault> {
        let (text, usage) = (answer(request), Some(TokenUsage::default()));
        Ok(Call::Here(Answer { thoughts: Vec::new(), text, tool_calls: Vec::new(), stop: Stop::End, usage }))
    }
}

fn answer(request: &ChatRequest) -> String {
    let question = &*request.question();
    match SmallTalk::of(question) {
        Some(SmallTalk::Greeting) => format!(
            "Hello! Konstruct's built-in offline model answers here: I look for the passages that fit your question \
             and quote them. Ask me, for instance, what Konstruct is. {CONNECT}"
        ),
        Some(SmallTalk::Thanks) => "You are welcome. (Konstruct's built-in offline model answers here.)".to_owned(),
        Some(SmallTalk::WhatAreYou) => format!(
            "Yes, I am an AI, not a person: you are talking to Konstruct's built-in offline model. It is a simple one: \
             it cannot write answers of its own and quotes documents instead. {CONNECT}"
        ),
        None if request.sources.is_empty() => quote(&own_documents(), question, "Konstruct's own documentation"),
        None => {
            let given = request.sources.iter();
            let texts: Vec<Section<'_>> =
                given.flat_map(|source| sections(&source.title, &source.text, source.url.as_deref())).collect();
            quote(&texts, question, "the documents I was given")
        }
    }
}

/// `whose`: what the texts are, for the reader.
fn quote(texts: &[Section<'_>], question: &str, whose: &str) -> String {
    let found = rank::best(texts, question, QUOTES);
    if found.is_empty() {
        return format!(
            "I found nothing in {whose} that fits your question. I am Konstruct's built-in offline model: I can only \
             quote documents. {CONNECT}"
        );
    }
    let quotes: Vec<String> = found.into_iter().map(Section::quote).collect();
    let quotes = quotes.join("\n\n");
    format!(
        "I am Konstruct's built-in offline model and quote {whose} rather than write an answer of my own:\n\n\
         {quotes}\n\n{CONNECT}"
    )
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::request::{ChatMessage, Source};

    fn ask(question: &str, sources: &[(&str, &str)]) -> String {
        let source = |(title, text): &(&str, &str)| Source { title: (*title).into(), text: (*text).into(), url: None };
        answer(&ChatRequest {
            messages: vec![ChatMessage::user(question)],
            sources: sources.iter().map(source).collect(),
            ..ChatRequest::default()
        })
    }

    #[test]
    fn a_question_about_konstruct_is_answered_from_its_own_documents() {
        let text = ask("How do I connect Ollama?", &[]);
        assert!(text.contains("built-in offline model") && text.contains("ollama pull"), "{text}");
        assert!(text.contains("Use a local model with Ollama"), "{text}");
        assert_eq!(text, ask("How do I connect Ollama?", &[]));
        assert!(ask("What is Konstruct?", &[]).contains("AI employees"));
        assert!(ask("How can I connect Slack?", &[]).contains("**Connect Slack"));
        assert!(ask("what does a call cost?", &[]).contains("What a call costs"));
    }

    #[test]
    fn given_texts_are_quoted_and_nothing_else() {
        let sources = [("Returns", "Goods may be returned within 30 days."), ("Shipping", "We ship on weekdays only.")];
        let text = ask("Within how many days can I return goods?", &sources);
        assert!(text.contains("> Goods may be returned within 30 days.") && text.contains("Returns"), "{text}");
        assert!(!text.contains("weekdays"), "{text}");
        assert!(!ask("How do I connect Ollama?", &sources).contains("ollama pull"));
    }

    #[test]
    fn tables_are_quoted_as_lists() {
        let text = ask("Where does Slack show the signing secret?", &[]);
        assert!(text.contains("> - app id, signing secret: **Basic Information**"), "{text}");
        for question in ["Connect Slack", "What is Konstruct?", "what does a call cost?", "which models are there?"] {
            let text = ask(question, &[]);
            assert!(!text.contains("> |") && !text.contains("|--"), "{text}");
        }
    }

    #[test]
    fn it_says_so_where_nothing_fits() {
        for question in
            ["What is the airspeed of an unladen swallow?", "", "???", "the of and", "17 * 24?", "1 2 3 4 5"]
        {
            let text = ask(question, &[]);
            assert!(text.contains("found nothing") && text.contains("offline model"), "{question}: {text}");
        }
    }

    #[test]
    fn it_greets_and_is_honest_about_what_it_is() {
        assert!(ask("Hello", &[]).starts_with("Hello!"));
        assert!(ask("Are you an AI?", &[("T", "You are a human.")]).starts_with("Yes, I am an AI"));
        assert!(ask("Thank you!", &[]).starts_with("You are welcome"));
    }
}
