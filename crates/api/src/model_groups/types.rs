use chrono::{DateTime, Utc};
use kernel::ModelGroupId;
use llm::store::GroupSpec;
use llm::{Member, ModelRef, Routing, Seconds};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::extract::present;

/// Models that stand in for one another under one name.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct ModelGroup {
    #[schema(value_type = Uuid)]
    pub id: ModelGroupId,
    pub name: String,
    /// Tried in this order, unless the strategy says otherwise.
    pub models: Vec<Model>,
    /// Names of the groups tried after it.
    pub fallbacks: Vec<String>,
    pub strategy: Strategy,
    /// How often a model is asked again after its first failure; null: as often as the installation does.
    pub retries: Option<u32>,
    pub timeouts: Timeouts,
    /// Which calls another group answers first; null: none.
    pub simple: Option<Simple>,
    /// How long an answer serves everybody who asks the gateway the same, word for word; null: nobody else.
    pub cache_seconds: Option<u32>,
    pub created_at: DateTime<Utc>,
}

#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct Model {
    /// The provider's name.
    pub provider: String,
    pub model: String,
    /// Its share of the calls beside the others', with the strategy `weighted`: 0 to 1000. With 0 it is asked only after
    /// all others. Left out: the weight it has, else 1.
    #[schema(required = false)]
    pub weight: Option<u32>,
}

/// Which model of a group is asked first. Those that keep failing are asked last, whatever the strategy.
#[derive(Clone, Copy, Debug, Default, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "kebab-case")]
pub(crate) enum Strategy {
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

/// How long to wait, in seconds; what is left out is as the installation has it.
#[derive(Clone, Copy, Debug, Default, Serialize, Deserialize, ToSchema)]
#[serde(default, deny_unknown_fields)]
pub(crate) struct Timeouts {
    /// From asking a model to the first piece of its answer.
    #[schema(value_type = Option<f64>)]
    pub first_token: Option<Seconds>,
    /// Between two pieces of an answer.
    #[schema(value_type = Option<f64>)]
    pub between_tokens: Option<Seconds>,
    /// From asking a model to the end of its answer.
    #[schema(value_type = Option<f64>)]
    pub total: Option<Seconds>,
}

/// Which calls another group answers, because they are simple. Where it does not answer, the group itself does.
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct Simple {
    /// The name of the group that is asked first.
    pub group: String,
    /// The longest input, in estimated tokens, that is simple.
    pub max_input_tokens: u64,
    /// Whether a call that offers tools is simple too.
    #[serde(default)]
    pub tools: bool,
}

#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct CreateModelGroup {
    pub name: String,
    pub models: Vec<Model>,
    #[serde(default)]
    pub fallbacks: Vec<String>,
    #[serde(default)]
    pub strategy: Strategy,
    pub retries: Option<u32>,
    #[serde(default)]
    pub timeouts: Timeouts,
    pub simple: Option<Simple>,
    /// How long an answer serves everybody who asks the gateway the same, word for word; null: nobody else.
    pub cache_seconds: Option<u32>,
}

#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct ChangeModelGroup {
    pub name: Option<String>,
    pub models: Option<Vec<Model>>,
    pub fallbacks: Option<Vec<String>>,
    pub strategy: Option<Strategy>,
    /// Null: as often as the installation does.
    #[serde(default, deserialize_with = "present")]
    #[schema(value_type = Option<u32>)]
    pub retries: Option<Option<u32>>,
    /// Replaces them all.
    pub timeouts: Option<Timeouts>,
    /// Null: no calls are simple.
    #[serde(default, deserialize_with = "present")]
    #[schema(value_type = Option<Simple>)]
    pub simple: Option<Option<Simple>>,
    /// Null: no answer is kept.
    #[serde(default, deserialize_with = "present")]
    #[schema(value_type = Option<u32>)]
    pub cache_seconds: Option<Option<u32>>,
}

/// How one of a group's models does, as the node sees it that answers this.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct ModelHealth {
    pub provider: String,
    pub model: String,
    pub state: HealthState,
    /// From asking to the first token, averaged, in milliseconds; null where it has not answered lately.
    pub first_token_ms: Option<u64>,
    /// Calls under way to this model.
    pub in_flight: u32,
    /// Calls under way to its provider, whatever the model.
    pub provider_in_flight: u32,
    /// How many calls its provider is given at once.
    pub provider_limit: u32,
    /// Calls of the last five minutes.
    pub calls: u32,
    /// Those of them that failed.
    pub failures: u32,
    /// What went wrong last.
    pub last_error: Option<String>,
    pub last_error_at: Option<DateTime<Utc>>,
}

#[derive(Clone, Copy, Debug, Serialize, ToSchema)]
#[serde(rename_all = "kebab-case")]
pub(crate) enum HealthState {
    Healthy,
    /// It kept failing, and is left alone for a while.
    Open,
    /// One call tries whether it has recovered.
    HalfOpen,
}

impl ChangeModelGroup {
    /// What the group is to be, given what it is.
    pub(crate) fn onto(self, old: llm::store::ModelGroup) -> GroupSpec {
        let weight = |model: &ModelRef| old.models.iter().find(|member| member.model == *model).map(|it| it.weight);
        let keep_weight = |model: Model| {
            let given = model.weight;
            let member = Member::from(model);
            Member { weight: given.or(weight(&member.model)).unwrap_or(member.weight), ..member }
        };
        GroupSpec {
            models: match self.models {
                Some(models) => models.into_iter().map(keep_weight).collect(),
                None => old.models.clone(),
            },
            name: self.name.unwrap_or(old.name),
            fallbacks: self.fallbacks.unwrap_or(old.fallbacks),
            routing: Routing {
                strategy: self.strategy.map_or(old.routing.strategy, Into::into),
                retries: self.retries.unwrap_or(old.routing.retries),
                timeouts: self.timeouts.map_or(old.routing.timeouts, Into::into),
                simple: self.simple.map_or(old.routing.simple, |simple| simple.map(Into::into)),
                cache_seconds: self.cache_seconds.unwrap_or(old.routing.cache_seconds),
            },
        }
    }
}

impl From<CreateModelGroup> for GroupSpec {
    fn from(new: CreateModelGroup) -> Self {
        let models = new.models.into_iter().map(Member::from).collect();
        let routing = Routing {
            strategy: new.strategy.into(),
            retries: new.retries,
            timeouts: new.timeouts.into(),
            simple: new.simple.map(Into::into),
            cache_seconds: new.cache_seconds,
        };
        Self { name: new.name, models, fallbacks: new.fallbacks, routing }
    }
}

impl From<llm::store::ModelGroup> for ModelGroup {
    fn from(found: llm::store::ModelGroup) -> Self {
        let Routing { strategy, retries, timeouts, simple, cache_seconds } = found.routing;
        Self {
            id: found.id,
            name: found.name,
            models: found.models.into_iter().map(Model::from).collect(),
            fallbacks: found.fallbacks,
            strategy: strategy.into(),
            retries,
            timeouts: timeouts.into(),
            simple: simple.map(Into::into),
            cache_seconds,
            created_at: found.created_at,
        }
    }
}

impl From<llm::TargetHealth> for ModelHealth {
    fn from(health: llm::TargetHealth) -> Self {
        let (last_error_at, last_error) = health.last_error.unzip();
        Self {
            provider: health.model.provider,
            model: health.model.model,
            state: match health.state {
                llm::BreakerState::Closed => HealthState::Healthy,
                llm::BreakerState::Open => HealthState::Open,
                llm::BreakerState::HalfOpen => HealthState::HalfOpen,
            },
            first_token_ms: health.first_token.map(|latency| u64::try_from(latency.as_millis()).unwrap_or(u64::MAX)),
            in_flight: health.in_flight,
            provider_in_flight: health.upstream_in_flight,
            provider_limit: health.limit,
            calls: health.calls,
            failures: health.failures,
            last_error,
            last_error_at,
        }
    }
}

impl From<Model> for Member {
    fn from(model: Model) -> Self {
        let member = Self::new(ModelRef { provider: model.provider, model: model.model });
        Self { weight: model.weight.unwrap_or(member.weight), ..member }
    }
}

impl From<Member> for Model {
    fn from(member: Member) -> Self {
        let ModelRef { provider, model } = member.model;
        Self { provider, model, weight: Some(member.weight) }
    }
}

impl From<Strategy> for llm::Strategy {
    fn from(strategy: Strategy) -> Self {
        match strategy {
            Strategy::Ordered => Self::Ordered,
            Strategy::Weighted => Self::Weighted,
            Strategy::Latency => Self::Latency,
            Strategy::Cost => Self::Cost,
            Strategy::LeastBusy => Self::LeastBusy,
        }
    }
}

impl From<llm::Strategy> for Strategy {
    fn from(strategy: llm::Strategy) -> Self {
        match strategy {
            llm::Strategy::Ordered => Self::Ordered,
            llm::Strategy::Weighted => Self::Weighted,
            llm::Strategy::Latency => Self::Latency,
            llm::Strategy::Cost => Self::Cost,
            llm::Strategy::LeastBusy => Self::LeastBusy,
        }
    }
}

impl From<Timeouts> for llm::Timeouts {
    fn from(Timeouts { first_token, between_tokens, total }: Timeouts) -> Self {
        Self { first_token, between_tokens, total }
    }
}

impl From<llm::Timeouts> for Timeouts {
    fn from(llm::Timeouts { first_token, between_tokens, total }: llm::Timeouts) -> Self {
        Self { first_token, between_tokens, total }
    }
}

impl From<Simple> for llm::Simple {
    fn from(Simple { group, max_input_tokens, tools }: Simple) -> Self {
        Self { group, max_input_tokens, tools }
    }
}

impl From<llm::Simple> for Simple {
    fn from(llm::Simple { group, max_input_tokens, tools }: llm::Simple) -> Self {
        Self { group, max_input_tokens, tools }
    }
}
