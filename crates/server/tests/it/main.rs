//! The product's tests against a real PostgreSQL, and through the real `konstruct` process: one file an area.
#![expect(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "a test fails by panicking")]
#![expect(unreachable_pub, reason = "the areas of one binary share what they need")]

mod api;
mod apply;
mod apply_remote;
mod cli;
mod coding_agents;
mod desk;
mod faults;
mod gateway;
mod gateway_sdks;
mod identity;
mod invitations;
mod roles;
mod slack;
mod slack_sdk;
mod turn;
mod virtual_keys;
mod walls;
