//! Keys in the database.

use std::sync::Arc;
use std::sync::atomic::AtomicBool;

use chrono::{DateTime, Utc};
use db::{Db, TenantTx};
use kernel::{Cursor, Page, PageRequest, ProjectId, Secret, TenantId, VirtualKeyId};
use serde::Serialize;
use sqlx::types::Uuid;
use tenancy::{Access, Permission};

use super::hash::{self, KeyHash};
use super::{Grant, Known};
use crate::error::Error;
use crate::store::{Change, Written, groups_named};
use crate::{Account, Limits};

/// How short a key may be, and how long.
const SHORTEST: usize = 20;
const LONGEST: usize = 500;
/// How much of a key is kept readable.
const SHOWN: usize = 7;
const MOST_GROUPS: usize = 100;

/// A key, without itself.
#[derive(Clone, Debug, Serialize)]
pub struct VirtualKey {
    pub id: VirtualKeyId,
    pub name: String,
    pub project: Option<ProjectId>,
    /// How it begins.
    pub prefix: String,
    pub model_groups: Vec<String>,
    pub limits: Limits,
    pub created_by: String,
    pub created_at: DateTime<Utc>,
    pub disabled_at: Option<DateTime<Utc>>,
    pub last_used_at: Option<DateTime<Utc>>,
}

/// What a key is to be.
#[derive(Clone, Debug)]
pub struct KeySpec {
    pub name: String,
    pub project: Option<ProjectId>,
    pub model_groups: Vec<String>,
    pub limits: Limits,
    pub disabled: bool,
    pub key: KeyText,
}

/// What to do with the key itself.
#[derive(Clone, Debug)]
pub enum KeyText {
    /// What stands stays; a new one is made up.
    Keep,
    Set(Secret),
}

struct Row {
    key_id: Uuid,
    name: String,
    project_id: Option<Uuid>,
    prefix: String,
    model_groups: Vec<String>,
    requests_per_minute: Option<i64>,
    tokens_per_minute: Option<i64>,
    created_by: String,
    created_at: DateTime<Utc>,
    disabled_at: Option<DateTime<Utc>>,
    last_used_at: Option<DateTime<Utc>>,
}

impl From<Row> for VirtualKey {
    fn from(row: Row) -> Self {
        Self {
            id: row.key_id.into(),
            name: row.name,
            project: row.project_id.map(ProjectId::from),
            prefix: row.prefix,
            model_groups: row.model_groups,
            limits: limits(row.requests_per_minute, row.tokens_per_minute),
            created_by: row.created_by,
            created_at: row.created_at,
            disabled_at: row.disabled_at,
            last_used_at: row.last_used_at,
        }
    }
}

/// The keys of the projects in which the caller may see them, newest first.
pub async fn list_keys(tx: &mut TenantTx, access: &Access, page: &PageRequest) -> Result<Page<VirtualKey>, Error> {
    let projects = visible(access)?;
    let rows = sqlx::query_as!(
        Row,
        "select key_id, name, project_id, prefix, model_groups, requests_per_minute, tokens_per_minute, created_by,
                created_at, disabled_at, last_used_at
         from virtual_key
         where ($1::uuid[] is null or project_id = any ($1))
           and ($2::timestamptz is null or (created_at, key_id) < ($2, $3))
         order by created_at desc, key_id desc limit $4",
        projects.as_deref(),
        page.after.map(|after| after.at),
        page.after.map(|after| after.id),
        page.fetch()
    )
    .fetch_all(&mut **tx)
    .await?;
    let keys = rows.into_iter().map(VirtualKey::from).collect();
    Ok(Page::cut(keys, page, |key| Cursor { at: key.created_at, id: key.id.as_uuid() }))
}

/// The projects whose keys the caller may see; `None`: all, and those of the organisation.
fn visible(access: &Access) -> Result<Option<Vec<Uuid>>, Error> {
    if access.can(Permission::KeysRead, None) {
        return Ok(None);
    }
    let granted = access.projects().unwrap_or_default();
    let seen: Vec<_> = granted.into_iter().filter(|project| access.can(Permission::KeysRead, Some(*project))).collect();
    if seen.is_empty() {
        access.require(Permission::KeysRead, None).map_err(Error::Access)?;
    }
    Ok(Some(seen.into_iter().map(ProjectId::as_uuid).collect()))
}

/// A key that the caller may do this with. One that they may not even see is not told apart from one that is not there.
pub async fn find_key(
    tx: &mut TenantTx,
    access: &Access,
    permission: Permission,
    id: VirtualKeyId,
) -> Result<VirtualKey, Error> {
    let found = sqlx::query_as!(
        Row,
        "select key_id, name, project_id, prefix, model_groups, requests_per_minute, tokens_per_minute, created_by,
                created_at, disabled_at, last_used_at
         from virtual_key where key_id = $1",
        id.as_uuid()
    )
    .fetch_optional(&mut **tx)
    .await?;
    let found = found.map(VirtualKey::from).ok_or(Error::NotFound("virtual key"))?;
    if access.projects().is_some() && !access.can(Permission::KeysRead, found.project) {
        return Err(Error::NotFound("virtual key"));
    }
    access.require(permission, found.project).map_err(Error::Access)?;
    Ok(found)
}

pub async fn find_key_by_name(tx: &mut TenantTx, name: &str) -> Result<Option<VirtualKey>, Error> {
    let found = sqlx::query_as!(
        Row,
        "select key_id, name, project_id, prefix, model_groups, requests_per_minute, tokens_per_minute, created_by,
                created_at, disabled_at, last_used_at
         from virtual_key where name = $1",
        name
    )
    .fetch_optional(&mut **tx)
    .await?;
    Ok(found.map(VirtualKey::from))
}

/// Makes the key of this name what `spec` says. A new key is answered with itself where it was made up: the only time
/// that it is shown.
pub async fn upsert_key(
    tx: &mut TenantTx,
    access: &Access,
    spec: &KeySpec,
) -> Result<(Written<VirtualKeyId>, Option<Secret>), Error> {
    if let Some(standing) = find_key_by_name(tx, &spec.name).await? {
        return Ok((update_key(tx, access, standing.id, spec).await?, None));
    }
    access.require(Permission::KeysWrite, spec.project).map_err(Error::Access)?;
    check(tx, spec).await?;
    let (key, made_up) = match &spec.key {
        KeyText::Set(key) => (key.clone(), None),
        KeyText::Keep => {
            let key = generate();
            (key.clone(), Some(key))
        }
    };
    let (id, hash) = (VirtualKeyId::new(), KeyHash::of(&key));
    let (requests, tokens) = columns(&spec.limits);
    let inserted = sqlx::query!(
        "insert into virtual_key (tenant_id, key_id, name, project_id, prefix, key_hash, model_groups,
                                  requests_per_minute, tokens_per_minute, created_by, disabled_at)
         values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, case when $11 then now() end)
         on conflict (key_hash) do nothing",
        tx.tenant().as_uuid(),
        id.as_uuid(),
        spec.name,
        spec.project.map(ProjectId::as_uuid),
        prefix(&key),
        hash.as_bytes(),
        &spec.model_groups,
        requests,
        tokens,
        access.actor.to_string(),
        spec.disabled
    )
    .execute(&mut **tx)
    .await?;
    if inserted.rows_affected() == 0 {
        return Err(Error::KeyTaken);
    }
    Ok((Written::new(tx, id, Change::Created).await?, made_up))
}

/// Makes this key what `spec` says, its name included.
pub async fn update_key(
    tx: &mut TenantTx,
    access: &Access,
    id: VirtualKeyId,
    spec: &KeySpec,
) -> Result<Written<VirtualKeyId>, Error> {
    let old = find_key(tx, access, Permission::KeysWrite, id).await?;
    // It may move only between projects in which the caller may make keys.
    access.require(Permission::KeysWrite, spec.project).map_err(Error::Access)?;
    let new_key = match &spec.key {
        KeyText::Set(key) if !stands(tx, id, KeyHash::of(key)).await? => Some(key),
        _ => None,
    };
    let was = (&old.name, old.project, &old.model_groups, old.limits, old.disabled_at.is_some());
    if new_key.is_none() && was == (&spec.name, spec.project, &spec.model_groups, spec.limits, spec.disabled) {
        return Written::new(tx, id, Change::Unchanged).await;
    }
    check(tx, spec).await?;
    if let Some(key) = new_key {
        replace(tx, id, key).await?;
    }
    let (requests, tokens) = columns(&spec.limits);
    sqlx::query!(
        "update virtual_key set name = $2, project_id = $3, model_groups = $4, requests_per_minute = $5,
                                tokens_per_minute = $6, disabled_at = case when $7 then coalesce(disabled_at, now()) end
         where key_id = $1",
        id.as_uuid(),
        spec.name,
        spec.project.map(ProjectId::as_uuid),
        &spec.model_groups,
        requests,
        tokens,
        spec.disabled
    )
    .execute(&mut **tx)
    .await?;
    Written::new(tx, id, Change::Updated).await
}

/// Answers the configuration epoch to wait for.
pub async fn delete_key(tx: &mut TenantTx, access: &Access, id: VirtualKeyId) -> Result<i64, Error> {
    find_key(tx, access, Permission::KeysWrite, id).await?;
    sqlx::query!("delete from virtual_key where key_id = $1", id.as_uuid()).execute(&mut **tx).await?;
    Ok(db::bump_config_epoch(tx).await?)
}

/// A key that nobody guesses.
pub fn generate() -> Secret {
    hash::random()
}

/// Refuses keys that are guessed, or that do not pass through a header.
pub fn check_text(key: &Secret) -> Result<(), Error> {
    let text = key.expose();
    if !(SHORTEST..=LONGEST).contains(&text.len()) || !text.bytes().all(|byte| byte.is_ascii_graphic()) {
        let rule = format!("a key has {SHORTEST} to {LONGEST} printable characters without spaces");
        return Err(Error::Invalid(rule));
    }
    Ok(())
}

/// Keys follow the new name of a model group.
pub(crate) async fn rename_group(tx: &mut TenantTx, old: &str, new: &str) -> Result<(), Error> {
    sqlx::query!(
        "update virtual_key set model_groups = array_replace(model_groups, $1, $2) where $1 = any (model_groups)",
        old,
        new
    )
    .execute(&mut **tx)
    .await?;
    Ok(())
}

/// A key that names this model group.
pub(crate) async fn find_group_user(tx: &mut TenantTx, group: &str) -> Result<Option<String>, Error> {
    let found =
        sqlx::query_scalar!("select name from virtual_key where $1 = any (model_groups) order by name limit 1", group);
    Ok(found.fetch_optional(&mut **tx).await?)
}

/// What is known of the key with this hash, over all organisations; `None`: nobody has it.
pub(super) async fn find_by_hash(db: &Db, hash: KeyHash) -> Result<Option<Known>, Error> {
    let mut conn = db.system_statement().await?;
    let found = sqlx::query!(
        r#"select k.tenant_id, k.key_id, k.name, k.project_id, k.model_groups, k.requests_per_minute,
                  k.tokens_per_minute, k.disabled_at is not null as "disabled!", o.status
           from virtual_key k join organisation o using (tenant_id) where k.key_hash = $1"#,
        hash.as_bytes()
    )
    .fetch_optional(&mut *conn)
    .await?;
    Ok(found.map(|row| match (row.disabled, row.status.as_str()) {
        (true, _) => Known::Disabled,
        (false, "active") => Known::Grant(Arc::new(Grant {
            account: Account {
                project: row.project_id.map(ProjectId::from),
                key: Some(row.key_id.into()),
                ..Account::of(TenantId::from(row.tenant_id))
            },
            name: row.name,
            groups: row.model_groups,
            limits: limits(row.requests_per_minute, row.tokens_per_minute),
            used: AtomicBool::new(false),
        })),
        _ => Known::Suspended,
    }))
}

/// Writes down that these keys were used.
pub(super) async fn note_uses(db: &Db, used: &[Arc<Grant>]) -> Result<(), Error> {
    if used.is_empty() {
        return Ok(());
    }
    let tenants: Vec<_> = used.iter().map(|grant| grant.account.tenant.as_uuid()).collect();
    let keys: Vec<_> = used.iter().filter_map(|grant| grant.account.key).map(VirtualKeyId::as_uuid).collect();
    let mut conn = db.system_statement().await?;
    sqlx::query!(
        "update virtual_key k set last_used_at = now() from unnest($1::uuid[], $2::uuid[]) as used (tenant_id, key_id)
         where k.tenant_id = used.tenant_id and k.key_id = used.key_id",
        &tenants,
        &keys
    )
    .execute(&mut *conn)
    .await?;
    Ok(())
}

/// Whether this key is the one with this hash already.
async fn stands(tx: &mut TenantTx, id: VirtualKeyId, hash: KeyHash) -> Result<bool, Error> {
    let stands = sqlx::query_scalar!(
        r#"select exists (select from virtual_key where key_id = $1 and key_hash = $2) as "stands!""#,
        id.as_uuid(),
        hash.as_bytes()
    );
    Ok(stands.fetch_one(&mut **tx).await?)
}

async fn replace(tx: &mut TenantTx, id: VirtualKeyId, key: &Secret) -> Result<(), Error> {
    let hash = KeyHash::of(key);
    let replaced = sqlx::query!(
        "update virtual_key set key_hash = $2, prefix = $3 where key_id = $1",
        id.as_uuid(),
        hash.as_bytes(),
        prefix(key)
    );
    match replaced.execute(&mut **tx).await {
        Err(sqlx::Error::Database(error)) if error.constraint() == Some("virtual_key_key_hash_key") => {
            Err(Error::KeyTaken)
        }
        done => Ok(done.map(drop)?),
    }
}

async fn check(tx: &mut TenantTx, spec: &KeySpec) -> Result<(), Error> {
    if spec.name.trim().is_empty() || spec.name.chars().count() > 100 {
        return Err(Error::Invalid("a key's name has 1 to 100 characters".to_owned()));
    }
    if let KeyText::Set(key) = &spec.key {
        check_text(key)?;
    }
    if spec.model_groups.len() > MOST_GROUPS {
        return Err(Error::Invalid(format!("a key names at most {MOST_GROUPS} model groups")));
    }
    if [spec.limits.requests_per_minute, spec.limits.tokens_per_minute].contains(&Some(0)) {
        return Err(Error::Invalid("a limit is at least 1 a minute; leave it out for none".to_owned()));
    }
    let standing = groups_named(tx, &spec.model_groups).await?;
    match spec.model_groups.iter().find(|name| !standing.contains_key(*name)) {
        Some(unknown) => Err(Error::Invalid(format!("there is no model group `{unknown}`"))),
        None => Ok(()),
    }
}

fn prefix(key: &Secret) -> &str {
    key.expose().get(..SHOWN).unwrap_or_default()
}

fn limits(requests: Option<i64>, tokens: Option<i64>) -> Limits {
    let limit = |stored: Option<i64>| stored.and_then(|limit| u64::try_from(limit).ok());
    Limits { requests_per_minute: limit(requests), tokens_per_minute: limit(tokens) }
}

fn columns(limits: &Limits) -> (Option<i64>, Option<i64>) {
    let column = |limit: Option<u64>| limit.map(|limit| i64::try_from(limit).unwrap_or(i64::MAX));
    (column(limits.requests_per_minute), column(limits.tokens_per_minute))
}
