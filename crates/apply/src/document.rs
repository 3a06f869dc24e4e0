//! The documents of `apply`: reading YAML into what is wanted.
//!
//! Invariant: nothing is changed before every document of every file has been read and understood.

use std::collections::BTreeMap;
use std::fmt;

use kernel::Secret;
use llm::budgets::Period;
use llm::{Limits, Usd};
use serde::de::DeserializeOwned;
use serde::{Deserialize, Deserializer};
use serde_json::{Map, Value as Json};
use serde_norway::{Mapping, Value};

use agents::AgentConfig;
use llm::prices::Rate;
use llm::store::GroupSpec;
use llm::{Member, ModelRef, Routing};

use crate::Error;
use crate::error::invalid;

/// One thing that is wanted. In the order in which they are made: later kinds refer to earlier ones.
#[derive(Debug)]
pub(crate) enum Wanted {
    Organisation(OrganisationDocument),
    Project(ProjectDocument),
    User(UserDocument),
    ChannelApp(ChannelAppDocument),
    Provider(ProviderDocument),
    ModelGroup(ModelGroupDocument),
    Price(PriceDocument),
    VirtualKey(VirtualKeyDocument),
    Agent(Box<AgentDocument>),
    Connection(ConnectionDocument),
}

/// A document that has been understood.
#[derive(Debug)]
pub struct Document {
    pub(crate) wanted: Wanted,
    /// Where it stands, for messages.
    pub(crate) place: String,
    source: Source,
}

/// A document as it was read, variables filled in; it may hold secrets.
struct Source(Value);

impl fmt::Debug for Source {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("..")
    }
}

impl Document {
    /// Whether it makes somebody the operator of the installation.
    pub fn names_operator(&self) -> bool {
        matches!(&self.wanted, Wanted::User(user) if user.operator)
    }

    /// Where it stands: its file, number and line.
    pub fn place(&self) -> &str {
        &self.place
    }

    /// For another process, which [`understand`]s it.
    pub fn to_json(&self) -> Result<Json, Error> {
        serde_json::to_value(&self.source.0).map_err(|error| Error::Invalid(format!("{}: {error}", self.place)))
    }
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct OrganisationDocument {
    pub name: String,
    pub display_name: Option<String>,
    pub status: Option<Status>,
    pub weight: Option<i32>,
    pub max_running: Option<i32>,
    pub budget: Option<BudgetDocument>,
}

/// What calls of models may cost. Where it is left out, what stands stays, but a virtual key's goes.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct BudgetDocument {
    pub usd: Usd,
    pub period: Period,
}

#[derive(Clone, Copy, Debug, Deserialize)]
#[serde(rename_all = "lowercase")]
pub(crate) enum Status {
    Active,
    Suspended,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct ProjectDocument {
    pub organisation: String,
    pub name: String,
    pub budget: Option<BudgetDocument>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct UserDocument {
    pub email: String,
    pub display_name: Option<String>,
    /// Where left out, the account keeps the password it has.
    pub password: Option<Secret>,
    #[serde(default)]
    pub memberships: Vec<MembershipDocument>,
    /// Makes them run the installation. It is not taken from them by leaving it out.
    #[serde(default)]
    pub operator: bool,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct MembershipDocument {
    pub organisation: String,
    pub project: Option<String>,
    pub role: String,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct ChannelAppDocument {
    pub channel: String,
    pub app_id: String,
    pub secrets: BTreeMap<String, Secret>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct ProviderDocument {
    pub organisation: String,
    pub name: String,
    pub wire: String,
    #[serde(default)]
    pub base_url: String,
    /// Where left out, the provider keeps the key it has.
    pub api_key: Option<Secret>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct ModelGroupDocument {
    pub organisation: String,
    pub name: String,
    #[serde(default)]
    pub models: Vec<ModelDocument>,
    #[serde(default)]
    pub fallbacks: Vec<String>,
    #[serde(default)]
    pub strategy: llm::Strategy,
    pub retries: Option<u32>,
    #[serde(default)]
    pub timeouts: llm::Timeouts,
    pub simple: Option<llm::Simple>,
    pub cache_seconds: Option<u32>,
}

impl ModelGroupDocument {
    /// The group it describes.
    pub(crate) fn spec(&self) -> GroupSpec {
        let member = |it: &ModelDocument| {
            let member = Member::new(ModelRef { provider: it.provider.clone(), model: it.model.clone() });
            Member { weight: it.weight.unwrap_or(member.weight), ..member }
        };
        let Self { strategy, retries, timeouts, cache_seconds, .. } = *self;
        GroupSpec {
            name: self.name.clone(),
            models: self.models.iter().map(member).collect(),
            fallbacks: self.fallbacks.clone(),
            routing: Routing { strategy, retries, timeouts, simple: self.simple.clone(), cache_seconds },
        }
    }
}

/// In USD per million tokens.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct PriceDocument {
    pub organisation: String,
    pub provider: String,
    pub model: String,
    pub input_per_million: Rate,
    pub output_per_million: Rate,
    /// As the prompt's other tokens where left out.
    pub cache_read_per_million: Option<Rate>,
    /// As the prompt's other tokens where left out.
    pub cache_write_per_million: Option<Rate>,
    pub max_output_tokens: Option<u64>,
    pub context_tokens: Option<u64>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct ModelDocument {
    pub provider: String,
    pub model: String,
    pub weight: Option<u32>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct VirtualKeyDocument {
    pub organisation: String,
    /// Whose calls it makes; the organisation's where it is left out.
    pub project: Option<String>,
    pub name: String,
    /// Where left out, the key stays the one it is; a new one is made up.
    pub key: Option<Secret>,
    /// Where left out, as the next two: what stands stays, so that nobody opens again what was closed by hand.
    pub model_groups: Option<Vec<String>>,
    pub limits: Option<Limits>,
    pub disabled: Option<bool>,
    /// Where left out, the key has none.
    pub budget: Option<BudgetDocument>,
}

/// The agent's configuration stands beside its name, not under a key of its own.
#[derive(Debug)]
pub(crate) struct AgentDocument {
    pub organisation: String,
    pub project: String,
    pub name: String,
    pub budget: Option<BudgetDocument>,
    pub config: AgentConfig,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct ConnectionDocument {
    pub organisation: String,
    #[serde(default = "first_project")]
    pub project: String,
    pub name: String,
    pub channel: String,
    pub agent: String,
    /// Left out where the channel has no installations of its own, as the web chat.
    pub external_id: Option<String>,
    pub app_id: Option<String>,
    #[serde(default)]
    pub settings: Map<String, Json>,
    #[serde(default)]
    pub secrets: BTreeMap<String, Secret>,
    #[serde(default = "yes")]
    pub enabled: bool,
}

impl<'de> Deserialize<'de> for AgentDocument {
    /// By hand: serde cannot refuse unknown fields of a flattened struct.
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        use serde::de::Error as _;

        let mut fields = Mapping::deserialize(deserializer)?;
        let mut text = |field: &'static str| match fields.remove(field) {
            None => Ok(None),
            Some(Value::String(text)) => Ok(Some(text)),
            Some(_) => Err(D::Error::custom(format!("{field} must be a text"))),
        };
        let organisation = text("organisation")?.ok_or_else(|| D::Error::missing_field("organisation"))?;
        let project = text("project")?.unwrap_or_else(first_project);
        let name = text("name")?.ok_or_else(|| D::Error::missing_field("name"))?;
        let budget = fields.remove("budget").map(serde_norway::from_value).transpose().map_err(D::Error::custom)?;
        let config = serde_norway::from_value(Value::Mapping(fields)).map_err(D::Error::custom)?;
        Ok(Self { organisation, project, name, budget: budget.flatten(), config })
    }
}

impl fmt::Display for Wanted {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Organisation(it) => write!(f, "Organisation {}", it.name),
            Self::Project(it) => write!(f, "Project {}/{}", it.organisation, it.name),
            Self::User(it) => write!(f, "User {}", it.email),
            Self::ChannelApp(it) => write!(f, "ChannelApp {}/{}", it.channel, it.app_id),
            Self::Provider(it) => write!(f, "Provider {}/{}", it.organisation, it.name),
            Self::ModelGroup(it) => write!(f, "ModelGroup {}/{}", it.organisation, it.name),
            Self::Price(it) => write!(f, "Price {}/{}/{}", it.organisation, it.provider, it.model),
            Self::VirtualKey(it) => write!(f, "VirtualKey {}/{}", it.organisation, it.name),
            Self::Agent(it) => write!(f, "Agent {}/{}/{}", it.organisation, it.project, it.name),
            Self::Connection(it) => write!(f, "Connection {}/{}", it.organisation, it.name),
        }
    }
}

impl Wanted {
    /// The organisation that it belongs to, where it belongs to one.
    pub(crate) fn organisation(&self) -> Option<&str> {
        match self {
            Self::Project(it) => Some(&it.organisation),
            Self::Provider(it) => Some(&it.organisation),
            Self::ModelGroup(it) => Some(&it.organisation),
            Self::Price(it) => Some(&it.organisation),
            Self::VirtualKey(it) => Some(&it.organisation),
            Self::Agent(it) => Some(&it.organisation),
            Self::Connection(it) => Some(&it.organisation),
            Self::Organisation(_) | Self::User(_) | Self::ChannelApp(_) => None,
        }
    }

    /// Its kind's place in the order of making.
    pub(crate) const fn rank(&self) -> u8 {
        match self {
            Self::Organisation(_) => 0,
            Self::Project(_) => 1,
            Self::User(_) => 2,
            Self::ChannelApp(_) => 3,
            Self::Provider(_) => 4,
            Self::ModelGroup(_) => 5,
            Self::Price(_) => 6,
            Self::VirtualKey(_) => 6,
            Self::Agent(_) => 7,
            Self::Connection(_) => 8,
        }
    }
}

/// Reads a file's documents; `variable` looks the environment up. Empty documents are passed over.
pub fn read(file: &str, text: &str, variable: &dyn Fn(&str) -> Option<String>) -> Result<Vec<Document>, Error> {
    let mut documents = Vec::new();
    for (at, (value, begins)) in serde_norway::Deserializer::from_str(text).zip(beginnings(text)).enumerate() {
        let number = at + 1;
        let value = Value::deserialize(value);
        let mut value = value.map_err(|error| Error::Invalid(format!("{file}, document {number}: {error}")))?;
        if value.is_null() {
            continue;
        }
        let place = format!("{file}, document {number}, line {}", begins + 1);
        let understood = fill_in(&mut value, variable).and_then(|()| of_value(place, value));
        documents.push(understood.map_err(|problem| {
            let line = line_of(text, begins, &problem);
            Error::Invalid(format!("{file}, document {number}, line {line}: {problem}"))
        })?);
    }
    Ok(documents)
}

/// Understands a document that another process has read.
pub fn understand(place: String, document: &Json) -> Result<Document, Error> {
    let value = serde_norway::to_value(document).map_err(|error| Error::Invalid(error.to_string()));
    value.and_then(|value| of_value(place.clone(), value)).map_err(|error| error.at(place))
}

fn of_value(place: String, value: Value) -> Result<Document, Error> {
    let source = Source(value.clone());
    Ok(Document { wanted: wanted(value)?, place, source })
}

fn wanted(mut value: Value) -> Result<Wanted, Error> {
    let Some(fields) = value.as_mapping_mut() else {
        return invalid("a document must be a mapping that begins with `kind:`");
    };
    let kind = match fields.remove("kind") {
        Some(Value::String(kind)) => kind,
        Some(_) => return invalid("`kind` must be a text"),
        None => return invalid("`kind` is missing"),
    };
    let wanted = match kind.as_str() {
        "Organisation" => read_as(value).map(Wanted::Organisation),
        "Project" => read_as(value).map(Wanted::Project),
        "User" => read_as(value).map(Wanted::User),
        "ChannelApp" => read_as(value).map(Wanted::ChannelApp),
        "Provider" => read_as(value).map(Wanted::Provider),
        "ModelGroup" => return model_group(value),
        "Price" => read_as(value).map(Wanted::Price),
        "VirtualKey" => read_as(value).map(Wanted::VirtualKey),
        "Agent" => read_as(value).map(|agent| Wanted::Agent(Box::new(agent))),
        "Connection" => read_as(value).map(Wanted::Connection),
        _ => {
            return invalid(format!(
                "unknown kind `{kind}`, expected one of Organisation, Project, User, ChannelApp, Provider, \
                 ModelGroup, Price, VirtualKey, Agent, Connection"
            ));
        }
    };
    wanted.map_err(|problem| Error::Invalid(format!("{kind}: {problem}")))
}

/// Groups are put in order before anybody's rights are asked for: how much that takes is bounded here.
fn model_group(value: Value) -> Result<Wanted, Error> {
    let group: ModelGroupDocument =
        read_as(value).map_err(|problem| Error::Invalid(format!("ModelGroup: {problem}")))?;
    llm::store::check_fallbacks(&group.fallbacks)?;
    Ok(Wanted::ModelGroup(group))
}

fn read_as<T: DeserializeOwned>(value: Value) -> Result<T, serde_norway::Error> {
    serde_norway::from_value(value)
}

/// Puts variables into texts: `${NAME}`; `$${` stands for `${` itself. Keys, numbers and switches are left alone.
fn fill_in(value: &mut Value, variable: &dyn Fn(&str) -> Option<String>) -> Result<(), Error> {
    match value {
        Value::String(text) if text.contains("${") => {
            *text = expand(text, variable)?;
            Ok(())
        }
        Value::Sequence(items) => items.iter_mut().try_for_each(|item| fill_in(item, variable)),
        Value::Mapping(fields) => fields.values_mut().try_for_each(|field| fill_in(field, variable)),
        _ => Ok(()),
    }
}

fn expand(text: &str, variable: &dyn Fn(&str) -> Option<String>) -> Result<String, Error> {
    let mut expanded = String::with_capacity(text.len());
    let mut rest = text;
    while let Some(at) = rest.find("${") {
        let (before, from) = rest.split_at(at);
        if let Some(before) = before.strip_suffix('$') {
            expanded.push_str(before);
            expanded.push_str("${");
            rest = &from[2..];
            continue;
        }
        expanded.push_str(before);
        let Some((name, after)) = from[2..].split_once('}') else { return invalid("`${` without `}` in a text") };
        let Some(found) = variable(name) else {
            return invalid(format!("the environment variable {name} is not set"));
        };
        expanded.push_str(&found);
        rest = after;
    }
    expanded.push_str(rest);
    Ok(expanded)
}

/// The line (from 0) at which each document begins: the first one with content after a `---`.
fn beginnings(text: &str) -> impl Iterator<Item = usize> {
    let lines: Vec<&str> = text.lines().collect();
    let blank = |line: &&str| line.trim().is_empty() || line.trim_start().starts_with('#') || line.starts_with('%');
    let first_content = |from: usize| from + lines[from..].iter().take_while(|line| blank(line)).count();
    let separators = lines.iter().enumerate().filter(|(_, line)| **line == "---" || line.starts_with("--- "));
    let after: Vec<usize> = separators.map(|(at, _)| first_content(at + 1)).collect();
    let implicit = first_content(0);
    // What stands before the first separator is a document of its own, unless nothing does.
    let opens_with_separator = lines.get(implicit).is_none_or(|line| line.starts_with("---"));
    (!opens_with_separator).then_some(implicit).into_iter().chain(after).chain(std::iter::repeat(lines.len()))
}

/// The line (from 1) of what a problem speaks of: that of the field it names, else that of the document.
fn line_of(text: &str, begins: usize, problem: &Error) -> usize {
    let said = problem.to_string();
    let named = said.split('`').nth(1).filter(|_| said.contains("unknown field") || said.contains("unknown kind"));
    let found = named.and_then(|name| {
        let inside = text.lines().enumerate().skip(begins).take_while(|(_, line)| !line.starts_with("---"));
        inside.into_iter().find(|(_, line)| line.contains(&format!("{name}:")) || line.ends_with(name))
    });
    found.map_or(begins, |(at, _)| at) + 1
}

fn first_project() -> String {
    tenancy::organisations::FIRST_PROJECT.to_owned()
}

const fn yes() -> bool {
    true
}

#[cfg(test)]
mod tests {
    use super::*;

    fn all(text: &str) -> Result<Vec<Document>, String> {
        let variable = |name: &str| (name == "KEY").then(|| "s3cret: [1]".to_owned());
        read("f.yaml", text, &variable).map_err(|error| error.to_string())
    }

    #[test]
    fn documents_are_read_and_variables_stand_in_texts_only() {
        let documents = all("\
# installation
---
kind: Organisation
name: acme   # also creates the project
---
---
kind: Provider
organisation: acme
name: scripted
wire: openai-chat
base_url: http://127.0.0.1:9001/$${v}/${KEY}
api_key: ${KEY}
---
kind: Agent
organisation: acme
name: Mara
role: Support specialist
limits: {max_steps: 3}
")
        .unwrap();
        assert_eq!(
            documents.iter().map(|document| document.wanted.to_string()).collect::<Vec<_>>(),
            ["Organisation acme", "Provider acme/scripted", "Agent acme/default/Mara"]
        );
        let Wanted::Provider(provider) = &documents[1].wanted else { panic!() };
        assert_eq!(provider.api_key.as_ref().unwrap().expose(), "s3cret: [1]");
        assert_eq!(provider.base_url, "http://127.0.0.1:9001/${v}/s3cret: [1]");
        let Wanted::Agent(agent) = &documents[2].wanted else { panic!() };
        assert_eq!(agent.config.limits.max_steps, 3);
        assert_eq!(documents[2].place, "f.yaml, document 4, line 14");
    }

    #[test]
    fn what_is_not_understood_is_named_with_its_document_and_line() {
        let too_many = format!("kind: ModelGroup\norganisation: a\nname: g\nfallbacks: [{}]\n", ["x"; 17].join(", "));
        for (text, expected) in [
            (
                "kind: Organisation\nname: a\n---\nkind: Provider\norganisation: a\nbas_url: x\nname: p\nwire: w\n",
                "f.yaml, document 2, line 6: Provider: unknown field `bas_url`",
            ),
            ("kind: Organisatio\nname: a\n", "f.yaml, document 1, line 1: unknown kind `Organisatio`"),
            (
                "kind: Agent\norganisation: a\nname: M\n\npersonna: x\n",
                "f.yaml, document 1, line 5: Agent: unknown field `personna`",
            ),
            ("\nkind: Agent\norganisation: a\n", "f.yaml, document 1, line 2: Agent: missing field `name`"),
            ("kind: Organisation\nname: ${NOPE}\n", "the environment variable NOPE is not set"),
            ("kind: Organisation\nname: [\n", "f.yaml, document 1"),
            (&too_many, "f.yaml, document 1, line 1: a model group has at most 16 fallbacks, not 17"),
            ("- a\n", "a document must be a mapping"),
            ("name: a\n", "`kind` is missing"),
        ] {
            let error = all(text).unwrap_err();
            assert!(error.contains(expected), "{error}");
        }
    }

    #[test]
    fn secrets_are_not_shown() {
        let documents = all("kind: User\nemail: a@b.c\npassword: hunter22\n").unwrap();
        assert!(!format!("{documents:?}").contains("hunter22"));
    }
}
