//! The HTTP API, through the real process: who may call what, and in which shape answers and refusals come.

mod auth;
mod configuration;
mod coverage;
mod events;
mod models;
mod problems;
mod schema;
pub mod world;
