use chrono::{DateTime, Utc};
use kernel::ModelGroupId;
use llm::ModelRef;
use llm::store::GroupSpec;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

/// Models that stand in for one another under one name.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct ModelGroup {
    #[schema(value_type = Uuid)]
    pub id: ModelGroupId,
    pub name: String,
    /// Tried in this order.
    pub models: Vec<Model>,
    /// Names of the groups tried after it.
    pub fallbacks: Vec<String>,
    pub created_at: DateTime<Utc>,
}

#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct Model {
    /// The provider's name.
    pub provider: String,
    pub model: String,
}

#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct CreateModelGroup {
    pub name: String,
    pub models: Vec<Model>,
    #[serde(default)]
    pub fallbacks: Vec<String>,
}

#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct ChangeModelGroup {
    pub name: Option<String>,
    pub models: Option<Vec<Model>>,
    pub fallbacks: Option<Vec<String>>,
}

impl ChangeModelGroup {
    /// What the group is to be, given what it is.
    pub(crate) fn onto(self, old: llm::store::ModelGroup) -> GroupSpec {
        GroupSpec {
            name: self.name.unwrap_or(old.name),
            models: self.models.map_or(old.models, |models| models.into_iter().map(ModelRef::from).collect()),
            fallbacks: self.fallbacks.unwrap_or(old.fallbacks),
        }
    }
}

impl From<CreateModelGroup> for GroupSpec {
    fn from(new: CreateModelGroup) -> Self {
        let models = new.models.into_iter().map(ModelRef::from).collect();
        Self { name: new.name, models, fallbacks: new.fallbacks }
    }
}

impl From<llm::store::ModelGroup> for ModelGroup {
    fn from(found: llm::store::ModelGroup) -> Self {
        let show = |model: ModelRef| Model { provider: model.provider, model: model.model };
        Self {
            id: found.id,
            name: found.name,
            models: found.models.into_iter().map(show).collect(),
            fallbacks: found.fallbacks,
            created_at: found.created_at,
        }
    }
}

impl From<Model> for ModelRef {
    fn from(model: Model) -> Self {
        Self { provider: model.provider, model: model.model }
    }
}
