use std::collections::HashMap;

use chrono::{DateTime, Utc};
use db::TenantTx;
use kernel::ModelGroupId;
use sqlx::types::{Json, Uuid};

use super::{Change, Written, check_name, list_providers};
use crate::error::Error;
use crate::group::{Member, Routing};
use crate::{budgets, keys};

/// The most groups that one group falls back to.
pub const MAX_FALLBACKS: usize = 16;

/// Models under one name that agents use.
#[derive(Clone, Debug)]
pub struct ModelGroup {
    pub id: ModelGroupId,
    pub name: String,
    pub models: Vec<Member>,
    /// Names of the groups asked after it.
    pub fallbacks: Vec<String>,
    pub routing: Routing,
    pub created_at: DateTime<Utc>,
}

/// What a group is to be.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct GroupSpec {
    pub name: String,
    pub models: Vec<Member>,
    pub fallbacks: Vec<String>,
    pub routing: Routing,
}

struct Row {
    group_id: Uuid,
    name: String,
    models: Json<Vec<Member>>,
    fallbacks: Vec<String>,
    routing: Json<Routing>,
    created_at: DateTime<Utc>,
}

impl From<Row> for ModelGroup {
    fn from(row: Row) -> Self {
        Self {
            id: row.group_id.into(),
            name: row.name,
            models: row.models.0,
            fallbacks: row.fallbacks,
            routing: row.routing.0,
            created_at: row.created_at,
        }
    }
}

/// All groups, by name.
pub async fn list_groups(tx: &mut TenantTx) -> Result<Vec<ModelGroup>, Error> {
    let rows = sqlx::query_as!(
        Row,
        r#"select group_id, name, models as "models: Json<Vec<Member>>", fallbacks,
                  routing as "routing: Json<Routing>", created_at
           from model_group order by name"#
    )
    .fetch_all(&mut **tx)
    .await?;
    Ok(rows.into_iter().map(ModelGroup::from).collect())
}

pub async fn find_group(tx: &mut TenantTx, id: ModelGroupId) -> Result<ModelGroup, Error> {
    let found = sqlx::query_as!(
        Row,
        r#"select group_id, name, models as "models: Json<Vec<Member>>", fallbacks,
                  routing as "routing: Json<Routing>", created_at
           from model_group where group_id = $1"#,
        id.as_uuid()
    )
    .fetch_optional(&mut **tx)
    .await?;
    found.map(ModelGroup::from).ok_or(Error::NotFound("model group"))
}

/// The ids of those of these groups that stand, by their names.
pub async fn groups_named(tx: &mut TenantTx, names: &[String]) -> Result<HashMap<String, ModelGroupId>, Error> {
    let rows = sqlx::query!("select name, group_id from model_group where name = any ($1)", names)
        .fetch_all(&mut **tx)
        .await?;
    Ok(rows.into_iter().map(|row| (row.name, row.group_id.into())).collect())
}

/// Makes the group of this name what `spec` says. Its providers and fallbacks must exist.
pub async fn upsert_group(tx: &mut TenantTx, spec: &GroupSpec) -> Result<Written<ModelGroupId>, Error> {
    let found = groups_named(tx, std::slice::from_ref(&spec.name)).await?.into_values().next();
    match found {
        Some(id) => update_group(tx, id, spec).await,
        None => {
            check(tx, spec).await?;
            let id = ModelGroupId::new();
            sqlx::query!(
                "insert into model_group (tenant_id, group_id, name, models, fallbacks, routing)
                 values ($1, $2, $3, $4, $5, $6)",
                tx.tenant().as_uuid(),
                id.as_uuid(),
                spec.name,
                Json(&spec.models) as _,
                &spec.fallbacks,
                Json(&spec.routing) as _
            )
            .execute(&mut **tx)
            .await?;
            Written::new(tx, id, Change::Created).await
        }
    }
}

/// Makes this group what `spec` says, its name included; groups that name it follow the new name.
pub async fn update_group(
    tx: &mut TenantTx,
    id: ModelGroupId,
    spec: &GroupSpec,
) -> Result<Written<ModelGroupId>, Error> {
    let old = find_group(tx, id).await?;
    if old.spec() == *spec {
        return Written::new(tx, id, Change::Unchanged).await;
    }
    check(tx, spec).await?;
    sqlx::query!(
        "update model_group set name = $2, models = $3, fallbacks = $4, routing = $5 where group_id = $1",
        id.as_uuid(),
        spec.name,
        Json(&spec.models) as _,
        &spec.fallbacks,
        Json(&spec.routing) as _
    )
    .execute(&mut **tx)
    .await?;
    if old.name != spec.name {
        sqlx::query!(
            "update model_group set
                 fallbacks = array_replace(fallbacks, $1, $2),
                 routing = case when routing #>> '{simple,group}' = $1
                     then jsonb_set(routing, '{simple,group}', to_jsonb($2::text)) else routing end
             where $1 = any (fallbacks) or routing #>> '{simple,group}' = $1",
            old.name,
            spec.name
        )
        .execute(&mut **tx)
        .await?;
        keys::rename_group(tx, &old.name, &spec.name).await?;
        budgets::rename_group(tx, &old.name, &spec.name).await?;
    }
    Written::new(tx, id, Change::Updated).await
}

/// Refused while another group, a key or a budget names it. Answers the configuration epoch to wait for.
pub async fn delete_group(tx: &mut TenantTx, id: ModelGroupId) -> Result<i64, Error> {
    let groups = list_groups(tx).await?;
    let Some(group) = groups.iter().find(|group| group.id == id) else { return Err(Error::NotFound("model group")) };
    if let Some(user) =
        groups.iter().find(|other| other.id != id && other.spec().leans_on().any(|name| name == group.name))
    {
        let by = format!("the model group `{}`", user.name);
        return Err(Error::InUse { what: "model group", name: group.name.clone(), by });
    }
    let user = match keys::find_group_user(tx, &group.name).await? {
        Some(key) => Some(format!("the virtual key `{key}`")),
        None => budgets::is_fallback(tx, &group.name).await?.then(|| "a budget".to_owned()),
    };
    if let Some(by) = user {
        return Err(Error::InUse { what: "model group", name: group.name.clone(), by });
    }
    sqlx::query!("delete from model_group where group_id = $1", id.as_uuid()).execute(&mut **tx).await?;
    Ok(db::bump_config_epoch(tx).await?)
}

/// Refuses more than [`MAX_FALLBACKS`].
pub fn check_fallbacks(fallbacks: &[String]) -> Result<(), Error> {
    match fallbacks.len() {
        0..=MAX_FALLBACKS => Ok(()),
        many => Err(Error::Invalid(format!("a model group has at most {MAX_FALLBACKS} fallbacks, not {many}"))),
    }
}

async fn check(tx: &mut TenantTx, spec: &GroupSpec) -> Result<(), Error> {
    check_name(&spec.name)?;
    check_fallbacks(&spec.fallbacks)?;
    if spec.models.is_empty() && spec.fallbacks.is_empty() {
        return Err(Error::Invalid(format!("the model group `{}` names no models", spec.name)));
    }
    let providers: Vec<_> = list_providers(tx).await?.into_iter().map(|provider| provider.name).collect();
    spec.routing.check(&spec.name, &spec.models)?;
    for Member { model, .. } in &spec.models {
        if !providers.contains(&model.provider) {
            let known = providers.join(", ");
            return Err(Error::Invalid(format!("there is no provider `{}`; there are {known}", model.provider)));
        }
        if model.model.trim().is_empty() || model.model.len() > 200 {
            return Err(Error::Invalid("a model's name has 1 to 200 characters".to_owned()));
        }
    }
    let leans_on: Vec<String> = spec.leans_on().map(str::to_owned).collect();
    let standing = groups_named(tx, &leans_on).await?;
    match leans_on.iter().find(|name| **name == spec.name || !standing.contains_key(*name)) {
        Some(name) if *name == spec.name => {
            Err(Error::Invalid(format!("the model group `{name}` cannot fall back to itself")))
        }
        Some(name) => {
            let known: Vec<_> = list_groups(tx).await?.into_iter().map(|group| group.name).collect();
            let known = known.join(", ");
            Err(Error::Invalid(format!("there is no model group `{name}` to fall back to; there are {known}")))
        }
        None => Ok(()),
    }
}

impl GroupSpec {
    /// The groups that must stand before this one can.
    pub fn leans_on(&self) -> impl Iterator<Item = &str> {
        let simple = self.routing.simple.iter().map(|simple| simple.group.as_str());
        self.fallbacks.iter().map(String::as_str).chain(simple)
    }
}

impl ModelGroup {
    /// What would make it again.
    pub fn spec(&self) -> GroupSpec {
        let Self { name, models, fallbacks, routing, .. } = self.clone();
        GroupSpec { name, models, fallbacks, routing }
    }
}
