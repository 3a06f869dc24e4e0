use db::TenantTx;
use infra::Sealed;
use kernel::SecretId;
use uuid::Uuid;

use crate::Error;

pub(crate) async fn upsert_secret(tx: &mut TenantTx, owner: Uuid, name: &str, sealed: &Sealed) -> Result<(), Error> {
    sqlx::query!(
        "insert into secret (tenant_id, secret_id, owner_id, name, key_id, nonce, sealed)
         values ($1, $2, $3, $4, $5, $6, $7)
         on conflict (tenant_id, owner_id, name) do update set
             key_id = excluded.key_id, nonce = excluded.nonce, sealed = excluded.sealed, updated_at = now()",
        tx.tenant().as_uuid(),
        SecretId::new().as_uuid(),
        owner,
        name,
        sealed.key_id,
        sealed.nonce,
        sealed.sealed
    )
    .execute(&mut **tx)
    .await?;
    Ok(())
}

pub(crate) async fn find_secret(tx: &mut TenantTx, owner: Uuid, name: &str) -> Result<Option<Sealed>, Error> {
    let sealed = sqlx::query_as!(
        Sealed,
        "select key_id, nonce, sealed from secret where tenant_id = $1 and owner_id = $2 and name = $3",
        tx.tenant().as_uuid(),
        owner,
        name
    )
    .fetch_optional(&mut **tx)
    .await?;
    Ok(sealed)
}

pub(crate) async fn list_secret_names(tx: &mut TenantTx, owners: &[Uuid]) -> Result<Vec<(Uuid, String)>, Error> {
    let rows = sqlx::query!(
        "select owner_id, name from secret where tenant_id = $1 and owner_id = any($2) order by owner_id, name",
        tx.tenant().as_uuid(),
        owners
    )
    .fetch_all(&mut **tx)
    .await?;
    Ok(rows.into_iter().map(|row| (row.owner_id, row.name)).collect())
}

/// Deletes the secret of that name; without a name, all of the owner's.
pub(crate) async fn delete_secrets(tx: &mut TenantTx, owner: Uuid, name: Option<&str>) -> Result<u64, Error> {
    let done = sqlx::query!(
        "delete from secret where tenant_id = $1 and owner_id = $2 and ($3::text is null or name = $3)",
        tx.tenant().as_uuid(),
        owner,
        name
    )
    .execute(&mut **tx)
    .await?;
    Ok(done.rows_affected())
}
