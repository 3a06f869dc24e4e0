//! Channels on a real PostgreSQL and a real engine, with a fake Slack and a program that echoes.
#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

mod connections;
mod deliveries;
mod people;
mod replies;
mod squatters;
mod web;
mod world;
