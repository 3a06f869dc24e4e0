use sqlx::postgres::{PgConnectOptions, PgConnection};
use sqlx::{Connection as _, Executor as _};

use crate::{Db, Error};

static MIGRATIONS: sqlx::migrate::Migrator = sqlx::migrate!();

/// Makes the three roles where they are missing and brings the schema to this binary's version.
///
/// `admin` logs in as a role that may create roles and owns the database (the superuser of the embedded server).
/// Everything is made as `konstruct_owner`, which cannot log in. Several nodes may call it at once.
pub async fn migrate(admin: &PgConnectOptions) -> Result<(), Error> {
    let mut conn = PgConnection::connect_with(admin).await?;
    // Held until the connection closes; roles and grants take no lock of their own.
    conn.execute("select pg_advisory_lock(hashtext('konstruct migrate'))").await?;
    conn.execute(include_str!("roles.sql")).await?;
    conn.execute("set role konstruct_owner").await?;
    MIGRATIONS.run(&mut conn).await?;
    conn.execute("grant select on _sqlx_migrations to konstruct_system").await?;
    conn.close().await?;
    Ok(())
}

/// Refuses a database that this binary's migrations have not been run on. A newer schema is let pass: migrations are
/// made so that the release before them still works.
pub async fn check_schema(db: &Db) -> Result<(), Error> {
    let needed = MIGRATIONS.iter().map(|migration| migration.version).max().unwrap_or_default();
    let mut conn = db.system_statement().await?;
    // Not checked at compile time: the table is the migrator's own.
    let found = sqlx::query_scalar::<_, Option<i64>>("select max(version) from _sqlx_migrations where success")
        .fetch_one(&mut *conn)
        .await;
    let found = match found {
        Ok(found) => found,
        // No such table, or one that no migration has opened to us.
        Err(sqlx::Error::Database(error)) if ["42P01", "42501"].contains(&error.code().as_deref().unwrap_or("")) => {
            None
        }
        Err(error) => return Err(error.into()),
    };
    if found < Some(needed) { Err(Error::SchemaVersion { found, needed }) } else { Ok(()) }
}

/// A short name of the schema this binary brings: it differs as soon as any migration does.
pub fn schema_fingerprint() -> String {
    // FNV-1a over the migrations' checksums.
    let bytes = MIGRATIONS.iter().flat_map(|migration| migration.checksum.iter());
    let hash =
        bytes.fold(0xcbf2_9ce4_8422_2325_u64, |hash, byte| (hash ^ u64::from(*byte)).wrapping_mul(0x100_0000_01b3));
    format!("{hash:016x}")
}
