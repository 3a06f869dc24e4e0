use db::{SystemTx, TenantTx};
use kernel::TenantId;

use crate::{Error, PermissionSet, Role};

/// Makes the built-in roles' rows of a new organisation.
pub(crate) async fn insert_built_in_roles(tx: &mut SystemTx, tenant: TenantId) -> Result<(), Error> {
    let names = Role::ALL.map(|role| role.name().to_owned());
    sqlx::query!("insert into role (tenant_id, name) select $1, unnest($2::text[])", tenant.as_uuid(), &names)
        .execute(&mut **tx)
        .await?;
    Ok(())
}

/// What a role gives, with all it inherits; `None` where the organisation has no such role.
pub(crate) async fn find_role(tx: &mut TenantTx, name: &str) -> Result<Option<PermissionSet>, Error> {
    let chain = sqlx::query!(
        r#"with recursive chain as (
               select name, inherits, grants, 0 as depth from role where tenant_id = $1 and name = $2
               union all
               select r.name, r.inherits, r.grants, c.depth + 1
               from chain c join role r on r.tenant_id = $1 and r.name = c.inherits where c.depth < 8)
           select name as "name!", grants as "grants!" from chain"#,
        tx.tenant().as_uuid(),
        name
    )
    .fetch_all(&mut **tx)
    .await?;
    if chain.is_empty() {
        return Ok(None);
    }
    let rights = chain.iter().map(|row| PermissionSet::of_row(&row.name, &row.grants));
    Ok(Some(rights.fold(PermissionSet::default(), PermissionSet::union)))
}
