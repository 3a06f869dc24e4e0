//! The engine on a real PostgreSQL, with a program and a channel that keep books.

mod acks;
mod replies;
mod runs;
mod world;
