use chrono::{DateTime, Utc};
use kernel::{ProjectId, Secret, VirtualKeyId};
use llm::keys::{self, KeySpec, KeyText};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

/// A key for the gateway of model calls.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct VirtualKey {
    #[schema(value_type = Uuid)]
    pub id: VirtualKeyId,
    pub name: String,
    /// Whose calls it makes; null: the organisation's.
    #[schema(value_type = Option<Uuid>)]
    pub project_id: Option<ProjectId>,
    /// How the key begins, to tell keys apart.
    pub prefix: String,
    /// Names of the model groups it may ask; none: all.
    pub model_groups: Vec<String>,
    pub limits: KeyLimits,
    /// `user:<id>`, `key:<id>`, `operator:<id>` or `system`.
    pub created_by: String,
    pub created_at: DateTime<Utc>,
    /// Since when it opens nothing; null: it does.
    pub disabled_at: Option<DateTime<Utc>>,
    /// To about a minute.
    pub last_used_at: Option<DateTime<Utc>>,
}

/// How often a key may call in a minute, and how many tokens it may use; null: as often and as many as it likes.
#[derive(Clone, Copy, Debug, Default, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct KeyLimits {
    #[schema(minimum = 1)]
    pub requests_per_minute: Option<u64>,
    #[schema(minimum = 1)]
    pub tokens_per_minute: Option<u64>,
}

#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct CreatedVirtualKey {
    /// The key itself, where it was made up: shown here and never again.
    pub key: Option<String>,
    #[serde(flatten)]
    pub virtual_key: VirtualKey,
}

#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct CreateVirtualKey {
    pub name: String,
    /// At least 20 characters; where it is left out, one is made up.
    #[schema(value_type = Option<String>)]
    pub key: Option<Secret>,
    #[schema(value_type = Option<Uuid>)]
    pub project_id: Option<ProjectId>,
    #[serde(default)]
    pub model_groups: Vec<String>,
    #[serde(default)]
    pub limits: KeyLimits,
}

#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct ChangeVirtualKey {
    pub name: Option<String>,
    /// Another key in its place; the old one opens nothing from then on.
    #[schema(value_type = Option<String>)]
    pub key: Option<Secret>,
    pub model_groups: Option<Vec<String>>,
    /// Both at once: one that is left out is none.
    pub limits: Option<KeyLimits>,
    pub disabled: Option<bool>,
}

impl ChangeVirtualKey {
    /// What the key is to be, given what it is.
    pub(crate) fn onto(self, old: keys::VirtualKey) -> KeySpec {
        KeySpec {
            name: self.name.unwrap_or(old.name),
            project: old.project,
            model_groups: self.model_groups.unwrap_or(old.model_groups),
            limits: self.limits.map_or(old.limits, KeyLimits::into),
            disabled: self.disabled.unwrap_or(old.disabled_at.is_some()),
            key: self.key.map_or(KeyText::Keep, KeyText::Set),
        }
    }
}

impl From<CreateVirtualKey> for KeySpec {
    fn from(new: CreateVirtualKey) -> Self {
        Self {
            name: new.name,
            project: new.project_id,
            model_groups: new.model_groups,
            limits: new.limits.into(),
            disabled: false,
            key: new.key.map_or(KeyText::Keep, KeyText::Set),
        }
    }
}

impl From<keys::VirtualKey> for VirtualKey {
    fn from(found: keys::VirtualKey) -> Self {
        let llm::Limits { requests_per_minute, tokens_per_minute } = found.limits;
        Self {
            id: found.id,
            name: found.name,
            project_id: found.project,
            prefix: found.prefix,
            model_groups: found.model_groups,
            limits: KeyLimits { requests_per_minute, tokens_per_minute },
            created_by: found.created_by,
            created_at: found.created_at,
            disabled_at: found.disabled_at,
            last_used_at: found.last_used_at,
        }
    }
}

impl From<KeyLimits> for llm::Limits {
    fn from(limits: KeyLimits) -> Self {
        Self { requests_per_minute: limits.requests_per_minute, tokens_per_minute: limits.tokens_per_minute }
    }
}
