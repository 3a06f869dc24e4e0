//! What OpenAI itself takes and what the servers do that speak like it: the two part ways beyond the basics.

use crate::request::{Effort, Thinking};

#[derive(Clone, Copy, PartialEq, Eq)]
pub(in crate::providers) enum Dialect {
    /// OpenAI's own models that think before they speak, of the o series or numbered from 5 on.
    Thinking(Series),
    /// OpenAI's own others.
    Plain,
    /// A server that speaks like OpenAI.
    Other,
}

#[derive(Clone, Copy, PartialEq, Eq)]
pub(in crate::providers) enum Series {
    O,
    /// GPT-5 and what came after it, by its minor version.
    Gpt5(u32),
    Later,
}

impl Dialect {
    pub(in crate::providers) fn of(host: Option<&str>, model: &str) -> Self {
        if host != Some("api.openai.com") {
            return Self::Other;
        }
        // A model of one's own is named `ft:gpt-…:organisation::id`.
        let name = model.strip_prefix("ft:").unwrap_or(model);
        match name.strip_prefix("gpt-") {
            // What ChatGPT itself speaks with: it does not think.
            Some(_) if name.contains("-chat") => Self::Plain,
            Some(version) => match number(version) {
                Some((5, rest)) => {
                    let minor = rest.strip_prefix('.').and_then(number).map_or(0, |(minor, _)| minor);
                    Self::Thinking(Series::Gpt5(minor))
                }
                Some((6.., _)) => Self::Thinking(Series::Later),
                _ => Self::Plain,
            },
            None if name.strip_prefix('o').and_then(number).is_some() => Self::Thinking(Series::O),
            None => Self::Plain,
        }
    }

    /// OpenAI's newer models refuse `max_tokens`; other servers know nothing else.
    pub(in crate::providers) fn knows_max_completion_tokens(self) -> bool {
        self != Self::Other
    }

    /// Models that think choose their tokens themselves and refuse to be told how.
    pub(in crate::providers) fn takes_sampling(self) -> bool {
        !matches!(self, Self::Thinking(_))
    }

    /// What OpenAI itself refuses and servers that speak like it understand: `top_k`, and thoughts in the history.
    pub(in crate::providers) fn takes_more_than_openai(self) -> bool {
        self == Self::Other
    }

    /// The value of `reasoning_effort`. What a model does not know comes to the nearest that it does.
    pub(in crate::providers) fn effort(self, thinking: Thinking) -> Option<&'static str> {
        let series = match self {
            Self::Plain => return None,
            Self::Thinking(series) => Some(series),
            Self::Other => None,
        };
        let effort = match thinking {
            Thinking::Off => {
                return match series {
                    Some(Series::Gpt5(0)) => Some("minimal"),
                    Some(Series::Gpt5(_) | Series::Later) => Some("none"),
                    Some(Series::O) | None => None,
                };
            }
            Thinking::Effort(effort) => effort,
            Thinking::Tokens(0..=2_048) => Effort::Low,
            Thinking::Tokens(2_049..=8_192) => Effort::Medium,
            Thinking::Tokens(8_193..) => Effort::High,
        };
        Some(match (effort, series) {
            (Effort::Minimal, Some(Series::Gpt5(0))) => "minimal",
            (Effort::Minimal | Effort::Low, _) => "low",
            (Effort::Medium, _) => "medium",
            (Effort::Highest, Some(Series::Gpt5(2..) | Series::Later)) => "xhigh",
            (Effort::High | Effort::Highest, _) => "high",
        })
    }
}

/// The number that `text` begins with, and what follows it.
fn number(text: &str) -> Option<(u32, &str)> {
    let end = text.find(|c: char| !c.is_ascii_digit()).unwrap_or(text.len());
    Some((text[..end].parse().ok()?, &text[end..]))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn models_are_told_apart_by_their_names() {
        let of = |model| Dialect::of(Some("api.openai.com"), model);
        for (model, series) in [
            ("gpt-5", Series::Gpt5(0)),
            ("gpt-5-mini-2025-08-07", Series::Gpt5(0)),
            ("gpt-5.4-mini", Series::Gpt5(4)),
            ("ft:gpt-5.1:acme::x", Series::Gpt5(1)),
            ("gpt-6", Series::Later),
            ("o3", Series::O),
            ("o4-mini", Series::O),
        ] {
            assert!(of(model) == Dialect::Thinking(series), "{model}");
        }
        for model in ["gpt-4o", "gpt-4.1-mini", "gpt-5-chat-latest", "omni-moderation-latest", "davinci-002", ""] {
            assert!(of(model) == Dialect::Plain, "{model}");
        }
        assert!(Dialect::of(Some("localhost"), "gpt-5") == Dialect::Other);
    }

    #[test]
    fn an_effort_that_a_model_does_not_know_comes_to_the_nearest() {
        let openai = |model| Dialect::of(Some("api.openai.com"), model);
        let (highest, minimal) = (Thinking::Effort(Effort::Highest), Thinking::Effort(Effort::Minimal));
        for (dialect, thinking, want) in [
            (openai("gpt-5"), Thinking::Off, Some("minimal")),
            (openai("gpt-5.1"), Thinking::Off, Some("none")),
            (openai("o3"), Thinking::Off, None),
            (openai("gpt-5"), minimal, Some("minimal")),
            (openai("gpt-5.1"), minimal, Some("low")),
            (openai("gpt-5.1"), highest, Some("high")),
            (openai("gpt-5.4"), highest, Some("xhigh")),
            (openai("gpt-5.4"), Thinking::Tokens(4_000), Some("medium")),
            (openai("gpt-4o"), highest, None),
            (Dialect::Other, highest, Some("high")),
            (Dialect::Other, Thinking::Off, None),
        ] {
            assert_eq!(dialect.effort(thinking), want);
        }
    }
}
