//! Looks through the catalogue for holes in the walls between tenants: what `doctor` runs and the tests demand.
//!
//! The rules are DESIGN section 5's. Everything that differs from them stands in [`lists`] with its reason; what stands
//! neither in the rules nor there is a [`Breach`].
//!
//! Invariant: a table, policy, grant, key, view, function or role nobody has thought of is a breach, not an oversight.

mod grants;
mod keys;
mod lists;
mod powers;
mod tables;

use std::fmt;

use sqlx::PgConnection;

use crate::Error;

/// A hole: what it is in, and what is wrong with it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Breach {
    pub object: String,
    pub fault: String,
}

impl fmt::Display for Breach {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.object, self.fault)
    }
}

/// Every hole there is. `admin` may read the whole catalogue; nothing is changed.
pub async fn inspect(admin: &mut PgConnection) -> Result<Vec<Breach>, Error> {
    let mut breaches = Vec::new();
    breaches.extend(tables::unknown(admin).await?);
    breaches.extend(tables::unwalled(admin).await?);
    breaches.extend(tables::policies(admin).await?);
    breaches.extend(tables::other_relations(admin).await?);
    breaches.extend(grants::on_tables(admin).await?);
    breaches.extend(grants::on_global_tables(admin).await?);
    breaches.extend(grants::reading_what_system_may_not(admin).await?);
    breaches.extend(keys::references(admin).await?);
    breaches.extend(keys::references_over_the_wall(admin).await?);
    breaches.extend(keys::unique_indexes(admin).await?);
    breaches.extend(powers::roles(admin).await?);
    breaches.extend(powers::functions(admin).await?);
    breaches.extend(powers::settings(admin).await?);
    breaches.extend(powers::server_version(admin).await?);
    Ok(breaches)
}
