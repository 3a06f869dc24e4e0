//! Secrets of organisations: what connections and providers need to speak for them. They go in and are used, and are
//! never shown again.

use std::collections::HashMap;

use db::TenantTx;
use infra::Sealer;
use kernel::Secret;
use uuid::Uuid;

use crate::Error;
use crate::store::secret::{delete_secrets, find_secret, list_secret_names, upsert_secret};

/// Stores the secret `name` of `owner` (a connection, a provider), in place of an earlier one.
pub async fn put(tx: &mut TenantTx, sealer: &Sealer, owner: Uuid, name: &str, secret: &Secret) -> Result<(), Error> {
    let sealed = sealer.seal(&context(tx, owner, name), secret);
    upsert_secret(tx, owner, name, &sealed).await
}

/// The secret itself, for the call that needs it.
pub async fn get(tx: &mut TenantTx, sealer: &Sealer, owner: Uuid, name: &str) -> Result<Option<Secret>, Error> {
    match find_secret(tx, owner, name).await? {
        Some(sealed) => Ok(Some(sealer.open(&context(tx, owner, name), &sealed)?)),
        None => Ok(None),
    }
}

/// Which secrets these owners have, by name.
pub async fn names(tx: &mut TenantTx, owners: &[Uuid]) -> Result<HashMap<Uuid, Vec<String>>, Error> {
    let mut names = HashMap::<_, Vec<_>>::new();
    for (owner, name) in list_secret_names(tx, owners).await? {
        names.entry(owner).or_default().push(name);
    }
    Ok(names)
}

/// Deletes one secret; whether there was one.
pub async fn delete(tx: &mut TenantTx, owner: Uuid, name: &str) -> Result<bool, Error> {
    Ok(delete_secrets(tx, owner, Some(name)).await? > 0)
}

/// Deletes what `owner` has; to be called where the owner is deleted, which the database does not know.
pub async fn delete_all_of(tx: &mut TenantTx, owner: Uuid) -> Result<(), Error> {
    delete_secrets(tx, owner, None).await?;
    Ok(())
}

/// Binds the sealed bytes to their row: moved to another tenant, owner or name they do not open.
fn context(tx: &TenantTx, owner: Uuid, name: &str) -> Vec<u8> {
    format!("secret:{}:{owner}:{name}", tx.tenant()).into_bytes()
}
