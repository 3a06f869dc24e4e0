use std::time::Duration;

use async_trait::async_trait;
use serde_json::Value;

use crate::Run;

/// One kind of run: an agent's turn, for instance. It is called anew after a crash and finds its steps recorded, so
/// it must ask for the same steps in the same order as long as their recorded results are the same.
#[async_trait]
pub trait Program: Send + Sync + 'static {
    /// What arrivals call it by.
    fn name(&self) -> &'static str;

    /// Does the work. Every effect and every decision that could come out differently belongs into [`Run::step`].
    async fn run(&self, run: &mut Run) -> Result<Outcome, Failure>;

    /// What to tell whoever waits when the run is given up (it kept failing or kept taking the process down).
    fn notice(&self) -> &'static str;
}

/// How a run ended well.
#[derive(Clone, Debug)]
pub enum Outcome {
    /// With an answer.
    Reply {
        text: String,
        /// What the channel needs beside the text (buttons, attachments), and what the portal shows.
        body: Value,
    },
    /// With an honest word that it could not be done; the run counts as failed, the sender is told.
    Notice { text: String, reason: String },
    /// Without anything to say; a placeholder is taken away again.
    Silence,
}

/// Why a run stops before its end. Losing the lane is not told to the program: it is dropped.
#[derive(Debug)]
pub enum Failure {
    /// Worth trying again, from the journal, after a while (a default with back-off where `None`).
    Retry { reason: String, after: Option<Duration> },
    /// Never going to work.
    Fatal { reason: String },
    /// The engine stops the run: the lease is gone, or the process is shutting down. Programs pass it on.
    Stopped,
}
