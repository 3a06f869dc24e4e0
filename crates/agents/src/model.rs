use chrono::{DateTime, Utc};
use kernel::{AgentId, ProjectId};
use rust_decimal::Decimal;
use rust_decimal::prelude::ToPrimitive as _;
use serde::{Deserialize, Serialize, Serializer};

use crate::tools::Tools;
use crate::{Error, prompt};

/// What a person designs: everything about an agent but its name. Stored as a draft and, unchanging, as versions.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(default, deny_unknown_fields)]
pub struct AgentConfig {
    /// An emoji, or the address of a picture.
    pub icon: String,
    pub role: String,
    pub job_description: String,
    /// What is to be delivered, and what is not.
    pub statement_of_work: String,
    /// Character and tone; empty: professional and warm.
    pub persona: String,
    /// Instructions to the model; `{{agent.name}}`, `{{agent.role}}`, `{{organisation}}` and `{{date}}` are filled in.
    pub system_prompt: String,
    pub rules: Vec<String>,
    /// What a web chat shows before anybody has written.
    pub greeting: String,
    /// The languages it answers in, most wanted first; empty: the sender's own.
    pub languages: Vec<String>,
    pub model_group: String,
    /// Names from the catalogue of tools.
    pub tools: Vec<String>,
    pub limits: Limits,
}

/// What one turn may spend.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(default, deny_unknown_fields)]
pub struct Limits {
    /// How often the model may be asked.
    pub max_steps: u32,
    /// The length of one answer of the model, in tokens.
    pub max_output_tokens: u32,
    /// Tokens read and written over all steps; `null`: no bound.
    pub max_total_tokens: Option<u64>,
    /// In US dollars; calls whose price is not known count as free. `null`: no bound.
    #[serde(serialize_with = "as_number")]
    #[schema(value_type = Option<f64>)]
    pub max_cost_usd: Option<Decimal>,
    /// Within the 60 seconds in which a sender is told something.
    pub max_seconds: u32,
}

impl Default for AgentConfig {
    fn default() -> Self {
        Self {
            icon: String::new(),
            role: String::new(),
            job_description: String::new(),
            statement_of_work: String::new(),
            persona: String::new(),
            system_prompt: String::new(),
            rules: Vec::new(),
            greeting: String::new(),
            languages: Vec::new(),
            model_group: "quality".to_owned(),
            tools: Vec::new(),
            limits: Limits::default(),
        }
    }
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            max_steps: 8,
            max_output_tokens: 4096,
            max_total_tokens: Some(200_000),
            max_cost_usd: Some(Decimal::ONE),
            max_seconds: 50,
        }
    }
}

/// The most characters of one text field, and of all of them together: a prompt has to fit a model's window.
const MAX_TEXT: usize = 20_000;
const MAX_PROMPT: usize = 60_000;

impl AgentConfig {
    /// Says what is wrong with the configuration, if anything is, in words for whoever wrote it.
    pub fn validate(&self, tools: &Tools) -> Result<(), Error> {
        self.validate_texts()?;
        for name in &self.tools {
            if tools.find(name).is_none() {
                let known: Vec<_> = tools.iter().map(|tool| tool.name()).collect();
                return invalid("tools", format!("there is no tool \"{name}\"; there are {}", known.join(", ")));
            }
        }
        if let Some(twice) = first_repeated(&self.tools) {
            return invalid("tools", format!("\"{twice}\" is named twice"));
        }
        if self.model_group.trim().is_empty() {
            return invalid("model_group", "name the model group that answers, \"quality\" for instance");
        }
        self.limits.validate()
    }

    fn validate_texts(&self) -> Result<(), Error> {
        let texts = [
            ("icon", self.icon.as_str(), 500),
            ("role", &self.role, 200),
            ("job_description", &self.job_description, MAX_TEXT),
            ("statement_of_work", &self.statement_of_work, MAX_TEXT),
            ("persona", &self.persona, MAX_TEXT),
            ("system_prompt", &self.system_prompt, MAX_TEXT),
            ("greeting", &self.greeting, 2_000),
            ("model_group", &self.model_group, 63),
        ];
        let rules = self.rules.iter().map(|rule| ("rules", rule.as_str(), 2_000));
        let languages = self.languages.iter().map(|language| ("languages", language.as_str(), 60));
        let mut total = 0;
        for (field, text, most) in texts.into_iter().chain(rules).chain(languages) {
            let length = text.chars().count();
            total += length;
            if length > most {
                return invalid(field, format!("it has {length} characters; at most {most} are taken"));
            }
        }
        if self.rules.iter().chain(&self.languages).any(|line| line.trim().is_empty()) {
            return invalid("rules", "an entry of rules or languages is empty");
        }
        if total > MAX_PROMPT {
            return invalid("system_prompt", format!("all texts together have {total} characters; {MAX_PROMPT} fit"));
        }
        prompt::check_variables(&self.system_prompt)
            .map_err(|problem| Error::Invalid { field: "system_prompt", problem })
    }
}

impl Limits {
    fn validate(&self) -> Result<(), Error> {
        within("limits.max_steps", u64::from(self.max_steps), 1, 50)?;
        within("limits.max_output_tokens", u64::from(self.max_output_tokens), 16, 128_000)?;
        within("limits.max_total_tokens", self.max_total_tokens.unwrap_or(100), 100, 10_000_000)?;
        within("limits.max_seconds", u64::from(self.max_seconds), 1, 55)?;
        match self.max_cost_usd {
            Some(most) if most <= Decimal::ZERO => invalid("limits.max_cost_usd", "it must be more than 0"),
            _ => Ok(()),
        }
    }
}

/// An agent as the designer shows it.
#[derive(Clone, Debug)]
pub struct Agent {
    pub id: AgentId,
    pub project: ProjectId,
    pub name: String,
    /// The next version.
    pub draft: AgentConfig,
    pub draft_updated_at: DateTime<Utc>,
    /// What conversations get; `None` while it was never published.
    pub published: Option<AgentVersion>,
    pub created_at: DateTime<Utc>,
}

impl Agent {
    /// Whether publishing would change anything.
    pub fn changed(&self) -> bool {
        self.published.as_ref().is_none_or(|version| version.config != self.draft)
    }
}

/// A published state of an agent; it never changes.
#[derive(Clone, Debug)]
pub struct AgentVersion {
    pub version: i32,
    pub config: AgentConfig,
    /// The actor, as the audit log writes it.
    pub published_by: String,
    pub published_at: DateTime<Utc>,
}

/// What is needed to make an agent.
#[derive(Clone, Debug)]
pub struct NewAgent {
    pub project: ProjectId,
    pub name: String,
    pub draft: AgentConfig,
}

/// Says what is wrong with an agent's name, if anything is.
pub(crate) fn validate_name(name: &str) -> Result<(), Error> {
    let length = name.chars().count();
    if name.trim() != name || name.chars().any(char::is_control) {
        return invalid("name", "it may not begin or end with a space or hold control characters");
    }
    within("name", length as u64, 1, 100)
}

fn within(field: &'static str, value: u64, least: u64, most: u64) -> Result<(), Error> {
    if (least..=most).contains(&value) {
        return Ok(());
    }
    let what = if field == "name" { "its length" } else { "it" };
    invalid(field, format!("{what} must be between {least} and {most}, not {value}"))
}

fn invalid<T>(field: &'static str, problem: impl Into<String>) -> Result<T, Error> {
    Err(Error::Invalid { field, problem: problem.into() })
}

fn as_number<S: Serializer>(amount: &Option<Decimal>, serializer: S) -> Result<S::Ok, S::Error> {
    amount.and_then(|amount| amount.to_f64()).serialize(serializer)
}

fn first_repeated(names: &[String]) -> Option<&String> {
    names.iter().enumerate().find(|(at, name)| names[..*at].contains(name)).map(|(_, name)| name)
}

#[cfg(test)]
mod tests {
    use kernel::Clock;

    use super::*;

    fn problem(change: impl FnOnce(&mut AgentConfig)) -> String {
        let mut config = AgentConfig::default();
        change(&mut config);
        config.validate(&Tools::builtin(Clock::system())).map_or_else(|e| e.to_string(), |()| "fine".to_owned())
    }

    #[test]
    fn a_problem_names_its_field_and_what_would_be_right() {
        assert_eq!(problem(|_| ()), "fine");
        assert_eq!(
            problem(|c| c.tools = vec!["calc".to_owned()]),
            "tools: there is no tool \"calc\"; there are date_time, calculator"
        );
        assert_eq!(
            problem(|c| c.tools = vec!["calculator".to_owned(), "calculator".to_owned()]),
            "tools: \"calculator\" is named twice"
        );
        assert_eq!(problem(|c| c.limits.max_steps = 0), "limits.max_steps: it must be between 1 and 50, not 0");
        assert_eq!(
            problem(|c| c.limits.max_cost_usd = Some(Decimal::ZERO)),
            "limits.max_cost_usd: it must be more than 0"
        );
        assert_eq!(
            problem(|c| c.system_prompt = "Hi {{user}}".to_owned()),
            "system_prompt: there is no variable {{user}}; there are {{agent.name}}, {{agent.role}}, {{organisation}}, {{date}}"
        );
        assert_eq!(problem(|c| c.role = "x".repeat(201)), "role: it has 201 characters; at most 200 are taken");
    }

    #[test]
    fn an_unknown_field_is_refused_and_a_missing_one_has_its_default() {
        assert!(serde_json::from_str::<AgentConfig>(r#"{"rol": "x"}"#).unwrap_err().to_string().contains("rol"));
        let config: AgentConfig = serde_json::from_str(r#"{"limits": {"max_cost_usd": 0.5}}"#).unwrap();
        assert_eq!(config.model_group, "quality");
        assert_eq!(config.limits, Limits { max_cost_usd: Some(Decimal::new(5, 1)), ..Limits::default() });
        let stored = serde_json::to_value(&config).unwrap();
        assert_eq!(stored["limits"]["max_cost_usd"], 0.5);
        assert_eq!(serde_json::from_value::<AgentConfig>(stored).unwrap(), config);
    }

    #[test]
    fn a_name_is_short_and_clean() {
        assert!(validate_name("Mara").is_ok());
        assert!(validate_name("").is_err());
        assert!(validate_name(" Mara").is_err());
        assert!(validate_name("Ma\nra").is_err());
    }
}
