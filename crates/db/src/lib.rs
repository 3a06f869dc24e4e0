//! The way to PostgreSQL: pools, transactions that belong to a tenant, migrations and the embedded server.
//!
//! Invariant: [`Db::tenant`] is the only way to a tenant's rows; a transaction it opens sees that tenant and no other,
//! because the database says so. [`Db::system`] needs a reason and stays in routing, the engine and identity.
//! Invariant: the pools are private; no transaction is open across a network call.

mod config_epoch;
pub mod embedded;
mod error;
mod migrate;
mod partitions;
mod pools;
mod tx;
pub mod walls;

pub use config_epoch::{bump_config_epoch, config_epoch, confirm_config_epoch, wait_until_in_force};
pub use error::Error;
pub use migrate::{check_schema, migrate, schema_fingerprint};
pub use partitions::keep_partitions;
pub use pools::{Db, DbOptions, RESTED};
pub use tx::{SystemTx, TenantTx};
