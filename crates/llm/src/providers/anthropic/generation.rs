//! What a model takes, by its name: Anthropic's newer models are told how hard to try instead of how to choose.

use crate::request::{Effort, Thinking};

/// The least that a model may be given to think.
const LEAST_BUDGET: u32 = 1024;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Generation {
    /// Thinks as it sees fit and refuses a budget, as well as `temperature` and the like: from 4.7 on.
    pub(super) adapts: bool,
    /// Cannot be kept from thinking.
    always_thinks: bool,
    /// Can be held to a JSON Schema: from 4.5 on.
    pub(super) keeps_to_schemas: bool,
}

/// How a request says how much to think.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Mode {
    /// As the model is used to.
    Unsaid,
    Off,
    Budget(u32),
    Adaptive(&'static str),
}

impl Generation {
    pub(super) fn of(model: &str) -> Self {
        let is_claude = model.contains("claude");
        let version = version(model);
        // A name without a number is newer than the numbers known here; who is not Claude speaks the older way.
        let since = |least| is_claude && version.is_none_or(|version| version >= least);
        Self {
            adapts: since((4, 7)),
            always_thinks: is_claude && ["fable", "mythos"].iter().any(|name| model.contains(name)),
            keeps_to_schemas: since((4, 5)),
        }
    }

    /// `limit`: the tokens that thoughts and answer may have together, where the request says so. A budget is made to fit
    /// into it rather than the limit to grow: it is what the answer may cost.
    pub(super) fn mode(self, thinking: Option<Thinking>, limit: Option<u32>) -> Mode {
        let Some(thinking) = thinking else { return Mode::Unsaid };
        if self.adapts {
            return match thinking {
                Thinking::Off if self.always_thinks => Mode::Unsaid,
                Thinking::Off => Mode::Off,
                Thinking::Effort(Effort::Minimal | Effort::Low) | Thinking::Tokens(0..=2_048) => Mode::Adaptive("low"),
                Thinking::Effort(Effort::Medium) | Thinking::Tokens(2_049..=8_192) => Mode::Adaptive("medium"),
                Thinking::Effort(Effort::High) | Thinking::Tokens(8_193..) => Mode::Adaptive("high"),
                Thinking::Effort(Effort::Highest) => Mode::Adaptive("xhigh"),
            };
        }
        let budget = match thinking {
            // Older models do not think unless they are told to, and the oldest refuse the word.
            Thinking::Off => return Mode::Unsaid,
            Thinking::Effort(Effort::Minimal) => LEAST_BUDGET,
            Thinking::Effort(Effort::Low) => 2_048,
            Thinking::Effort(Effort::Medium) => 8_192,
            Thinking::Effort(Effort::High) => 16_384,
            Thinking::Effort(Effort::Highest) => 31_999,
            Thinking::Tokens(budget) => budget.max(LEAST_BUDGET),
        };
        match limit {
            Some(limit) if budget >= limit => match limit / 2 {
                LEAST_BUDGET.. => Mode::Budget(limit / 2),
                _ => Mode::Unsaid,
            },
            _ => Mode::Budget(budget),
        }
    }
}

/// The first one or two numbers within a name, as in `claude-3-7-sonnet-20250219` and `claude-opus-4-20250514`. What has
/// more than two digits is a date.
fn version(model: &str) -> Option<(u32, u32)> {
    let mut parts = model.split(['-', '.', '@', ':', '/']).skip_while(|part| small(part).is_none());
    let major = small(parts.next()?)?;
    Some((major, parts.next().and_then(small).unwrap_or(0)))
}

fn small(part: &str) -> Option<u32> {
    part.parse().ok().filter(|_| part.len() <= 2)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn models_are_told_apart_by_their_names() {
        for (model, adapts, keeps_to_schemas) in [
            ("claude-3-7-sonnet-20250219", false, false),
            ("claude-opus-4-20250514", false, false),
            ("claude-haiku-4-5-20251001", false, true),
            ("claude-sonnet-4-6", false, true),
            ("claude-opus-4-7", true, true),
            ("claude-sonnet-5", true, true),
            ("claude-mythos-preview", true, true),
            ("anthropic/claude-sonnet-4.5", false, true),
            ("deepseek-chat", false, false),
            ("kimi-k2-thinking", false, false),
        ] {
            let generation = Generation::of(model);
            assert_eq!((generation.adapts, generation.keeps_to_schemas), (adapts, keeps_to_schemas), "{model}");
        }
    }

    #[test]
    fn how_much_to_think_is_said_as_each_model_takes_it() {
        let mode = |model, thinking, limit| Generation::of(model).mode(Some(thinking), limit);
        let (old, new) = ("claude-sonnet-4-5", "claude-sonnet-5");
        for (model, thinking, limit, want) in [
            (old, Thinking::Off, None, Mode::Unsaid),
            (old, Thinking::Tokens(100), None, Mode::Budget(1_024)),
            (old, Thinking::Tokens(4_000), Some(8_000), Mode::Budget(4_000)),
            (old, Thinking::Effort(Effort::High), None, Mode::Budget(16_384)),
            (old, Thinking::Effort(Effort::High), Some(4_096), Mode::Budget(2_048)),
            (old, Thinking::Effort(Effort::High), Some(512), Mode::Unsaid),
            (new, Thinking::Off, None, Mode::Off),
            ("claude-fable-5", Thinking::Off, None, Mode::Unsaid),
            (new, Thinking::Effort(Effort::Highest), Some(512), Mode::Adaptive("xhigh")),
            (new, Thinking::Tokens(10_000), None, Mode::Adaptive("high")),
        ] {
            assert_eq!(mode(model, thinking, limit), want, "{model} {thinking:?} {limit:?}");
        }
        assert_eq!(Generation::of(new).mode(None, None), Mode::Unsaid);
    }
}
