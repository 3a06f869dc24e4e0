//! The engine on a real PostgreSQL, with a program and a channel that keep books.
#![expect(clippy::unwrap_used, clippy::panic, reason = "a test fails by panicking")]

mod acks;
mod nodes;
mod replies;
mod runs;
mod world;
