use db::TenantTx;
use kernel::ProjectId;
use llm::budgets::{Scope, set_budget};
use llm::keys::{KeySpec, KeyText, find_key_by_name, upsert_key};
use llm::store;
use tenancy::{Access, Permission};

use crate::document::{BudgetDocument, VirtualKeyDocument};
use crate::models::record;
use crate::report::Change;
use crate::{Error, Workshop, find_project};

impl Workshop {
    /// A key that was made up is told with the change: the only time that it is shown.
    pub(crate) async fn virtual_key(
        &self,
        tx: &mut TenantTx,
        access: &Access,
        wanted: &VirtualKeyDocument,
    ) -> Result<Change, Error> {
        let project: Option<ProjectId> = match &wanted.project {
            Some(name) => Some(find_project(tx, access, Permission::KeysWrite, name).await?),
            None => None,
        };
        let standing = find_key_by_name(tx, &wanted.name).await?;
        let standing = standing.as_ref();
        let spec = KeySpec {
            name: wanted.name.clone(),
            project,
            model_groups: match (&wanted.model_groups, standing) {
                (Some(groups), _) => groups.clone(),
                (None, standing) => standing.map(|key| key.model_groups.clone()).unwrap_or_default(),
            },
            limits: wanted.limits.or(standing.map(|key| key.limits)).unwrap_or_default(),
            disabled: wanted.disabled.unwrap_or_else(|| standing.is_some_and(|key| key.disabled_at.is_some())),
            key: wanted.key.clone().map_or(KeyText::Keep, KeyText::Set),
        };
        let (written, made_up) = upsert_key(tx, access, &spec).await?;
        if written.change != store::Change::Unchanged {
            record(tx, access, "virtual_key", written.change, (&written.id.to_string(), &wanted.name)).await?;
        }
        let wanted = wanted.budget.as_ref().map(|budget| (budget.usd, budget.period));
        let budget = set_budget(tx, access, Scope::Key(written.id), wanted).await?;
        Ok(match (Change::from(written.change), made_up) {
            (Change::Created, Some(key)) => Change::CreatedWithKey(key),
            (change, _) => change.with_budget(budget),
        })
    }

    /// What a document says of the budget of the thing that it is about. Where it says nothing, what stands stays.
    pub(crate) async fn budget(
        &self,
        tx: &mut TenantTx,
        access: &Access,
        scope: Scope,
        wanted: Option<&BudgetDocument>,
    ) -> Result<store::Change, Error> {
        match wanted {
            None => Ok(store::Change::Unchanged),
            Some(budget) => Ok(set_budget(tx, access, scope, Some((budget.usd, budget.period))).await?),
        }
    }
}
