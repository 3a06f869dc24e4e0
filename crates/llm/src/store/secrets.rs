//! Stands in for `tenancy::secrets`, with its signatures, until that has landed.

use db::TenantTx;
use infra::{Sealed, Sealer};
use kernel::{Secret, SecretId};
use uuid::Uuid;

use crate::error::Error;

pub(super) async fn put(
    tx: &mut TenantTx,
    sealer: &Sealer,
    owner: Uuid,
    name: &str,
    secret: &Secret,
) -> Result<(), Error> {
    let sealed = sealer.seal(&context(tx, owner, name), secret);
    sqlx::query!(
        "insert into secret (tenant_id, secret_id, owner_id, name, key_id, nonce, sealed) values ($1, $2, $3, $4, $5, $6, $7)
         on conflict (tenant_id, owner_id, name)
         do update set key_id = excluded.key_id, nonce = excluded.nonce, sealed = excluded.sealed, updated_at = now()",
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

pub(super) async fn get(tx: &mut TenantTx, sealer: &Sealer, owner: Uuid, name: &str) -> Result<Option<Secret>, Error> {
    let sealed = sqlx::query_as!(
        Sealed,
        "select key_id, nonce, sealed from secret where owner_id = $1 and name = $2",
        owner,
        name
    )
    .fetch_optional(&mut **tx)
    .await?;
    let opened = sealed.map(|sealed| sealer.open(&context(tx, owner, name), &sealed)).transpose();
    opened.map_err(|error| Error::Invalid(error.to_string()))
}

pub(super) async fn delete_all_of(tx: &mut TenantTx, owner: Uuid) -> Result<(), Error> {
    sqlx::query!("delete from secret where owner_id = $1", owner).execute(&mut **tx).await?;
    Ok(())
}

fn context(tx: &TenantTx, owner: Uuid, name: &str) -> Vec<u8> {
    format!("secret:{}:{owner}:{name}", tx.tenant()).into_bytes()
}
