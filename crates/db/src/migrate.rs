use sqlx::postgres::{PgConnectOptions, PgConnection};
use sqlx::{Connection as _, Executor as _};

use crate::Error;

static MIGRATIONS: sqlx::migrate::Migrator = sqlx::migrate!();

/// Makes the three roles where they are missing and brings the schema to this binary's version.
///
/// `admin` logs in as a role that may create roles and owns the database (the superuser of the embedded server).
/// Everything is made as `konstruct_owner`, which cannot log in. Several nodes may call it at once.
pub async fn migrate(admin: &PgConnectOptions) -> Result<(), Error> {
    let mut conn = PgConnection::connect_with(admin).await?;
    conn.execute(include_str!("roles.sql")).await?;
    conn.execute("set role konstruct_owner").await?;
    MIGRATIONS.run(&mut conn).await?;
    conn.close().await?;
    Ok(())
}

/// A short name of the schema this binary brings: it differs as soon as any migration does.
pub fn schema_fingerprint() -> String {
    // FNV-1a over the migrations' checksums.
    let bytes = MIGRATIONS.iter().flat_map(|migration| migration.checksum.iter());
    let hash =
        bytes.fold(0xcbf2_9ce4_8422_2325_u64, |hash, byte| (hash ^ u64::from(*byte)).wrapping_mul(0x100_0000_01b3));
    format!("{hash:016x}")
}
