//! Slack over the HTTP Events API: deliveries verified, decided and normalised; replies posted into their thread.

mod decide;
mod envelope;
mod render;
mod settings;
mod split;
mod text;
mod verify;
mod wire;

pub use settings::SlackSettings;
pub use verify::SlackHeaders;
