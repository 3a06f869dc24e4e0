//! What tests stand on: a PostgreSQL that is thrown away, the real `konstruct` process, and fake servers for the outside.
//!
//! Invariant: nothing here is linked into the product; it is a dev-dependency alone.
#![expect(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "a test fails by panicking")]

mod app;
mod cluster;
mod eventually;
pub mod faults;
pub mod harness;
mod http;
pub mod models;
mod nodes;
pub mod slack;

pub use app::{AppOptions, Database, Session, TestApp, free_port};
pub use cluster::{TestDb, private_cluster};
pub use eventually::{eventually, eventually_some};
pub use http::http_client;
pub use nodes::Nodes;
