//! API keys: programs' way in. A key speaks for its organisation, with a role.
//!
//! Invariant: a key is shown once, when it is made; only its hash is kept.
//! Invariant: a key never has more rights than who made it has at the moment it is used.

use chrono::{DateTime, Utc};
use db::{Db, TenantTx};
use kernel::{ApiKeyId, Cursor, Page, PageRequest, Secret};
use serde_json::json;

use crate::identity::token;
use crate::store::{api_key, role};
use crate::{Access, Actor, ApiKey, Error, Permission, audit};

/// How every key begins, so that leaked ones are found by scanners.
pub(crate) const PREFIX: &str = "kk_";
/// How much of a key is kept readable.
const SHOWN: usize = 10;

/// Makes a key with the rights of `role`, and returns it with what it has to say: the only time it is shown.
pub async fn create(
    db: &Db,
    access: &Access,
    name: &str,
    role: &str,
    expires_at: Option<DateTime<Utc>>,
) -> Result<(ApiKey, Secret), Error> {
    access.require(Permission::KeysWrite, None)?;
    if name.trim().is_empty() || name.chars().count() > 100 {
        return Err(Error::Invalid("a key's name has 1 to 100 characters"));
    }
    let mut tx = db.tenant(access.tenant).await?;
    let rights = role::find_role(&mut tx, role).await?.ok_or(Error::Invalid("there is no such role"))?;
    access.require_covers(rights, None)?;
    let key = token::random(PREFIX);
    let row = api_key::NewRow {
        tenant: access.tenant.tenant,
        created_by: maker(db, access).await?,
        name,
        prefix: &key.expose()[..SHOWN],
        hash: &token::hash(&key),
        role,
        expires_at,
    };
    let mut system = db.system("making an API key").await?;
    let made = api_key::insert_key(&mut system, &row).await?;
    system.commit().await?;
    record(&mut tx, access, "key.create", &made).await?;
    tx.commit().await?;
    Ok((made, key))
}

/// The keys that are not revoked, newest first.
pub async fn list(db: &Db, access: &Access, page: &PageRequest) -> Result<Page<ApiKey>, Error> {
    access.require(Permission::KeysRead, None)?;
    let mut tx = db.system("an organisation's API keys").await?;
    let keys = api_key::list_keys(&mut tx, access.tenant.tenant, page).await?;
    tx.commit().await?;
    Ok(Page::cut(keys, page, |key| Cursor { at: key.created_at, id: key.id.as_uuid() }))
}

/// Revokes a key: its next request is refused.
pub async fn revoke(db: &Db, access: &Access, id: ApiKeyId) -> Result<(), Error> {
    access.require(Permission::KeysWrite, None)?;
    let mut system = db.system("revoking an API key").await?;
    let revoked = api_key::revoke_key(&mut system, access.tenant.tenant, id).await?;
    system.commit().await?;
    let revoked = revoked.ok_or(Error::NotFound("API key"))?;
    let mut tx = db.tenant(access.tenant).await?;
    record(&mut tx, access, "key.revoke", &revoked).await?;
    Ok(tx.commit().await?)
}

/// Whose rights bound the key: the user who makes it, or who made the key that makes it.
async fn maker(db: &Db, access: &Access) -> Result<Option<kernel::UserId>, Error> {
    match access.actor {
        Actor::User { user, .. } | Actor::Operator { user } => Ok(Some(user)),
        Actor::System => Ok(None),
        Actor::Key { key } => {
            let mut tx = db.system("who made an API key").await?;
            let grant = api_key::find_key_grant(&mut tx, key).await?;
            tx.commit().await?;
            Ok(grant.and_then(|grant| grant.created_by))
        }
    }
}

async fn record(tx: &mut TenantTx, access: &Access, action: &str, key: &ApiKey) -> Result<(), Error> {
    let detail = json!({ "name": key.name, "role": key.role, "prefix": key.prefix });
    audit::record(tx, &access.actor, action, &format!("key:{}", key.id), detail).await
}
