//! The walls between tenants, proved from the catalogue: no table is named here, so that none can be forgotten.
//!
//! The catalogue pass looks for holes in what the schema says; the behaviour pass tries, as the tenant next door, to
//! read, change, take and refer to every table's rows; the mutation pass breaks each wall in turn and demands that
//! the other two notice.

mod behaviour;
mod catalogue;
mod mutation;
mod schema;
mod seed;

use sqlx::postgres::PgConnection;
use sqlx::{AssertSqlSafe, Connection as _, Executor as _};
use testkit::TestDb;

/// A migrated database and the superuser's connection to it.
async fn migrated() -> (TestDb, PgConnection) {
    let database = TestDb::new().await;
    let admin = PgConnection::connect_with(&database.admin()).await.unwrap();
    (database, admin)
}

/// A statement put together from names of the catalogue.
async fn run(conn: &mut PgConnection, statement: impl Into<String>) -> Result<u64, sqlx::Error> {
    let statement = statement.into();
    conn.execute(AssertSqlSafe(statement)).await.map(|done| done.rows_affected())
}
