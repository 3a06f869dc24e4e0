//! What a model group says about how its models are asked.

use std::time::Duration;

use serde::{Deserialize, Serialize};

use crate::error::Error;
use crate::model::ModelRef;

/// A week, in seconds.
const MAX_CACHE: u32 = 7 * 24 * 3600;
/// The most models of one group.
const MAX_MODELS: usize = 64;
const MAX_WEIGHT: u32 = 1_000;
const MAX_RETRIES: u32 = 10;

/// A model of a group.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Member {
    #[serde(flatten)]
    pub model: ModelRef,
    /// Its share of the calls beside the others', with the strategy [`Strategy::Weighted`]. With 0 it is asked only
    /// after all others.
    #[serde(default = "one")]
    pub weight: u32,
}

/// How the models of a group take turns.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Routing {
    pub strategy: Strategy,
    /// How often a model is asked again after its first failure; `None`: as often as the installation does.
    pub retries: Option<u32>,
    pub timeouts: Timeouts,
    pub simple: Option<Simple>,
    /// How long an answer serves everybody who asks the gateway the same, word for word; `None`: nobody else.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub cache_seconds: Option<u32>,
}

/// Which model of a group is asked first. Those that keep failing are asked last, whatever the strategy.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Strategy {
    /// As they are listed.
    #[default]
    Ordered,
    /// By chance, each as often as its weight says.
    Weighted,
    /// Of two taken by chance the one that begins its answers sooner, given how many it is at.
    Latency,
    /// The cheapest; those whose price is not known last.
    Cost,
    /// The one with the fewest calls under way.
    LeastBusy,
}

/// How long to wait, where not as long as the installation does.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Timeouts {
    /// From asking a model to the first piece of its answer.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub first_token: Option<Seconds>,
    /// Between two pieces of an answer.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub between_tokens: Option<Seconds>,
    /// From asking a model to the end of its answer.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub total: Option<Seconds>,
}

/// Which calls another group answers, because they are simple. Where it does not answer, the group itself does.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Simple {
    /// The group that is asked first.
    pub group: String,
    /// The longest input, in estimated tokens, that is simple.
    pub max_input_tokens: u64,
    /// Whether a call that offers tools is simple too.
    #[serde(default)]
    pub tools: bool,
}

/// A time between a hundredth of a second and an hour, written as a number of seconds.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "f64", into = "f64")]
pub struct Seconds(Duration);

impl Routing {
    pub(crate) fn check(&self, group: &str, models: &[Member]) -> Result<(), Error> {
        let invalid = |why: String| Err(Error::Invalid(format!("the model group `{group}`: {why}")));
        if models.len() > MAX_MODELS {
            return invalid(format!("at most {MAX_MODELS} models, not {}", models.len()));
        }
        if let Some(heavy) = models.iter().find(|member| member.weight > MAX_WEIGHT) {
            return invalid(format!("a weight is at most {MAX_WEIGHT}, not {}", heavy.weight));
        }
        if !models.is_empty() && models.iter().all(|member| member.weight == 0) {
            return invalid("at least one model has a weight above 0".to_owned());
        }
        if let Some(retries) = self.retries.filter(|retries| *retries > MAX_RETRIES) {
            return invalid(format!("at most {MAX_RETRIES} retries, not {retries}"));
        }
        if let Some(seconds) = self.cache_seconds.filter(|seconds| !(1..=MAX_CACHE).contains(seconds)) {
            return invalid(format!("cache_seconds is between 1 and {MAX_CACHE}, not {seconds}"));
        }
        match &self.simple {
            Some(simple) if simple.max_input_tokens == 0 => invalid("simple.max_input_tokens is at least 1".to_owned()),
            _ => Ok(()),
        }
    }
}

impl Simple {
    pub(crate) fn covers(&self, input_tokens: u64, tools: bool) -> bool {
        input_tokens <= self.max_input_tokens && (self.tools || !tools)
    }
}

impl Member {
    pub fn new(model: ModelRef) -> Self {
        Self { model, weight: one() }
    }
}

impl Seconds {
    pub const fn duration(self) -> Duration {
        self.0
    }
}

impl TryFrom<f64> for Seconds {
    type Error = &'static str;

    fn try_from(seconds: f64) -> Result<Self, Self::Error> {
        if (0.01..=3600.0).contains(&seconds) {
            return Ok(Self(Duration::from_secs_f64(seconds)));
        }
        Err("a time-out is a number of seconds between 0.01 and 3600")
    }
}

impl From<Seconds> for f64 {
    fn from(seconds: Seconds) -> Self {
        seconds.0.as_secs_f64()
    }
}

impl Strategy {
    pub const ALL: [Self; 5] = [Self::Ordered, Self::Weighted, Self::Latency, Self::Cost, Self::LeastBusy];
}

fn one() -> u32 {
    1
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::*;

    fn member(weight: u32) -> Member {
        Member { weight, ..Member::new(ModelRef { provider: "p".into(), model: "m".into() }) }
    }

    fn why(routing: Value, weights: &[u32]) -> String {
        let models: Vec<Member> = weights.iter().copied().map(member).collect();
        match serde_json::from_value::<Routing>(routing) {
            Ok(routing) => routing.check("g", &models).map_or_else(|error| error.to_string(), |()| String::new()),
            Err(error) => error.to_string(),
        }
    }

    #[test]
    fn what_makes_no_sense_is_told() {
        assert_eq!(why(json!({}), &[1]), "");
        assert_eq!(why(json!({}), &[]), "", "it may consist of fallbacks alone");
        for (routing, weights, told) in [
            (
                json!({"strategy": "fastest"}),
                &[1][..],
                "unknown variant `fastest`, expected one of `ordered`, `weighted`",
            ),
            (json!({"retries": 11}), &[1], "at most 10 retries, not 11"),
            (json!({"timeouts": {"first_token": 0}}), &[1], "a number of seconds between 0.01 and 3600"),
            (json!({"timeouts": {"connect": 1}}), &[1], "unknown field `connect`"),
            (
                json!({"simple": {"group": "fast", "max_input_tokens": 0}}),
                &[1],
                "simple.max_input_tokens is at least 1",
            ),
            (json!({"simple": {"group": "fast"}}), &[1], "missing field `max_input_tokens`"),
            (json!({}), &[0, 0], "at least one model has a weight above 0"),
            (json!({}), &[1, 1001], "a weight is at most 1000, not 1001"),
            (json!({}), &[1; 65], "at most 64 models, not 65"),
        ] {
            let said = why(routing, weights);
            assert!(said.contains(told), "{said}");
        }
    }

    #[test]
    fn short_work_without_tools_is_simple() {
        let simple = Simple { group: "fast".into(), max_input_tokens: 500, tools: false };
        assert!(simple.covers(500, false) && !simple.covers(501, false) && !simple.covers(1, true));
        assert!(Simple { tools: true, ..simple }.covers(1, true));
    }

    #[test]
    fn a_stored_model_without_a_weight_has_the_usual_one() {
        let stored: Member = serde_json::from_value(json!({"provider": "p", "model": "m"})).unwrap();
        assert_eq!(stored, member(1));
        assert_eq!(serde_json::to_value(member(3)).unwrap(), json!({"provider": "p", "model": "m", "weight": 3}));
    }
}
