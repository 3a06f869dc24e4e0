use chrono::{DateTime, Utc};
use db::SystemTx;
use kernel::{ApiKeyId, PageRequest, TenantId, UserId};
use sqlx::PgConnection;

use crate::{ApiKey, Error, OrganisationStatus, PermissionSet};

/// A key about to be stored.
pub(crate) struct NewRow<'a> {
    pub(crate) tenant: TenantId,
    pub(crate) created_by: Option<UserId>,
    pub(crate) name: &'a str,
    pub(crate) prefix: &'a str,
    pub(crate) hash: &'a [u8],
    pub(crate) role: &'a str,
    pub(crate) expires_at: Option<DateTime<Utc>>,
}

struct Row {
    key_id: uuid::Uuid,
    name: String,
    prefix: String,
    role: String,
    created_by: Option<uuid::Uuid>,
    created_at: DateTime<Utc>,
    expires_at: Option<DateTime<Utc>>,
    revoked_at: Option<DateTime<Utc>>,
    last_used_at: Option<DateTime<Utc>>,
}

impl From<Row> for ApiKey {
    fn from(row: Row) -> Self {
        Self {
            id: row.key_id.into(),
            name: row.name,
            prefix: row.prefix,
            role: row.role,
            created_by: row.created_by.map(UserId::from),
            created_at: row.created_at,
            expires_at: row.expires_at,
            revoked_at: row.revoked_at,
            last_used_at: row.last_used_at,
        }
    }
}

pub(crate) async fn insert_key(tx: &mut SystemTx, new: &NewRow<'_>) -> Result<ApiKey, Error> {
    let row = sqlx::query_as!(
        Row,
        "insert into api_key (key_id, organisation_id, created_by, name, prefix, key_hash, role, expires_at)
         values ($1, $2, $3, $4, $5, $6, $7, $8)
         returning key_id, name, prefix, role, created_by, created_at, expires_at, revoked_at, last_used_at",
        ApiKeyId::new().as_uuid(),
        new.tenant.as_uuid(),
        new.created_by.map(UserId::as_uuid),
        new.name,
        new.prefix,
        new.hash,
        new.role,
        new.expires_at
    )
    .fetch_one(&mut **tx)
    .await?;
    Ok(row.into())
}

pub(crate) async fn list_keys(tx: &mut SystemTx, tenant: TenantId, page: &PageRequest) -> Result<Vec<ApiKey>, Error> {
    let rows = sqlx::query_as!(
        Row,
        "select key_id, name, prefix, role, created_by, created_at, expires_at, revoked_at, last_used_at from api_key
         where organisation_id = $1 and revoked_at is null
           and ($2::timestamptz is null or (created_at, key_id) < ($2, $3))
         order by created_at desc, key_id desc limit $4",
        tenant.as_uuid(),
        page.after.map(|after| after.at),
        page.after.map(|after| after.id),
        page.fetch()
    )
    .fetch_all(&mut **tx)
    .await?;
    Ok(rows.into_iter().map(ApiKey::from).collect())
}

pub(crate) async fn revoke_key(tx: &mut SystemTx, tenant: TenantId, id: ApiKeyId) -> Result<Option<ApiKey>, Error> {
    let row = sqlx::query_as!(
        Row,
        "update api_key set revoked_at = now() where organisation_id = $1 and key_id = $2 and revoked_at is null
         returning key_id, name, prefix, role, created_by, created_at, expires_at, revoked_at, last_used_at",
        tenant.as_uuid(),
        id.as_uuid()
    )
    .fetch_optional(&mut **tx)
    .await?;
    Ok(row.map(ApiKey::from))
}

/// The key behind a hash, where it may be used; notes the use, once a minute at most.
pub(crate) async fn find_alive_key(
    conn: &mut PgConnection,
    hash: &[u8],
) -> Result<Option<(ApiKeyId, TenantId)>, Error> {
    let found = sqlx::query!(
        "with used as (
             update api_key set last_used_at = now()
             where key_hash = $1 and revoked_at is null and (expires_at is null or expires_at > now())
               and (last_used_at is null or last_used_at < now() - interval '1 minute'))
         select key_id, organisation_id from api_key
         where key_hash = $1 and revoked_at is null and (expires_at is null or expires_at > now())",
        hash
    )
    .fetch_optional(conn)
    .await?;
    Ok(found.map(|row| (row.key_id.into(), row.organisation_id.into())))
}

/// What a key was made to do, and by whom.
pub(crate) struct KeyGrant {
    pub(crate) status: OrganisationStatus,
    pub(crate) created_by: Option<UserId>,
    pub(crate) role: String,
    pub(crate) rights: PermissionSet,
}

pub(crate) async fn find_key_grant(tx: &mut SystemTx, id: ApiKeyId) -> Result<Option<KeyGrant>, Error> {
    let rows = sqlx::query!(
        r#"with recursive granted as (
               select k.organisation_id, k.created_by, k.role, r.name, r.inherits, r.grants, 0 as depth
               from api_key k join role r on r.tenant_id = k.organisation_id and r.name = k.role
               where k.key_id = $1 and k.revoked_at is null and (k.expires_at is null or k.expires_at > now())
               union all
               select g.organisation_id, g.created_by, g.role, r.name, r.inherits, r.grants, g.depth + 1
               from granted g join role r on r.tenant_id = g.organisation_id and r.name = g.inherits
               where g.depth < 8)
           select o.status, g.created_by, g.role as "role!", g.name as "name!", g.grants as "grants!"
           from granted g join organisation o on o.tenant_id = g.organisation_id"#,
        id.as_uuid()
    )
    .fetch_all(&mut **tx)
    .await?;
    let Some(first) = rows.first() else { return Ok(None) };
    let rights = rows.iter().map(|row| PermissionSet::of_row(&row.name, &row.grants));
    Ok(Some(KeyGrant {
        status: first.status.parse().unwrap_or(OrganisationStatus::Suspended),
        created_by: first.created_by.map(UserId::from),
        role: first.role.clone(),
        rights: rights.fold(PermissionSet::default(), PermissionSet::union),
    }))
}
