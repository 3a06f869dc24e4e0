//! Slack over the HTTP Events API: deliveries verified, decided and normalised; replies posted into their thread.

mod decide;
mod envelope;
mod render;
mod split;
mod text;
mod verify;

pub use verify::SlackHeaders;
