//! HTTP: the REST API, where channels deliver, live events and the embedded portal.
//!
//! One folder a resource. A handler takes what its extractors prove: who calls, in which organisation or project, with
//! which permission.
//!
//! Invariant: every error of every route is problem+json; another organisation's object is 404.
//! Invariant: what may be called without a bearer stands in [`ANONYMOUS`] and nowhere else.
//! Invariant: a delivery is answered with 2xx only after its commit.

mod agents;
mod anonymous;
mod api_keys;
mod apply;
mod audit;
mod auth;
mod budgets;
mod connections;
mod conversations;
mod dead_letters;
mod events;
mod extract;
mod gateway;
mod health;
mod ingress;
mod invitations;
mod layers;
mod me;
mod members;
mod model_groups;
mod openapi;
mod operator;
mod organisations;
mod portal;
mod prices;
mod problem;
mod projects;
mod providers;
mod router;
mod runs;
mod serve;
mod state;
mod tools;
mod usage;
mod virtual_keys;

pub use anonymous::ANONYMOUS;
pub use openapi::openapi;
pub use router::{Answers, figures, router};
pub use serve::{ServeOptions, Tls, TlsError, serve};
pub use state::{AppState, Parts};
pub use usage::local::{FLUSH_PATH, local_secret};
