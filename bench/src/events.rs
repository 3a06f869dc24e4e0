//! Signed deliveries of Slack's Events API, made ahead of the measurement.

use chrono::Utc;
use testkit::slack::{Signer, Workspace};

use crate::load;
use crate::seed::Seed;

pub(crate) const TEAM: &str = "T0001";
pub(crate) const APP: &str = "A0001";
pub(crate) const BOT_USER: &str = "U0BOT";
pub(crate) const SIGNING_SECRET: &str = "8f742231b10e8888abcd99yyyzzz85a5";

/// Something of the length that people write to assistants.
const QUESTIONS: [&str; 4] = [
    "could you tell me what the status of order 4711 is, and when the second parcel will arrive?",
    "please summarise what we agreed with the customer yesterday, in three sentences at most.",
    "how do I reset the password of an account whose owner has left the company?",
    "is the invoice of last month paid already? The customer asks for a copy with the new address.",
];

/// A delivery, and the thread its answer will stand in.
pub(crate) struct Delivery {
    pub(crate) thread_ts: String,
    pub(crate) request: Vec<u8>,
}

/// Makes the events of one workspace: each is a mention that begins a thread.
pub(crate) struct Events {
    workspace: Workspace,
    signer: Signer,
    seed: Seed,
}

impl Events {
    pub(crate) fn new(seed: u64) -> Self {
        let workspace = Workspace::new(TEAM, APP, BOT_USER);
        Self { workspace, signer: Signer::new(SIGNING_SECRET), seed: Seed::new(seed) }
    }

    /// Signed with the present time, which holds for five minutes.
    #[expect(clippy::disallowed_methods, reason = "the outside world has a clock of its own")]
    pub(crate) fn deliveries(&mut self, count: usize) -> Vec<Delivery> {
        let now = Utc::now().timestamp();
        (0..count).map(|_| self.delivery(now)).collect()
    }

    pub(crate) fn requests(&mut self, count: usize) -> Vec<Vec<u8>> {
        self.deliveries(count).into_iter().map(|delivery| delivery.request).collect()
    }

    fn delivery(&mut self, now: i64) -> Delivery {
        let channel = format!("C{:07}", self.seed.below(200));
        let user = format!("U{:07}", self.seed.below(2000));
        let question = QUESTIONS[self.seed.below(QUESTIONS.len() as u64) as usize];
        let said = self.workspace.mention(&channel, &user, question);
        let body = self.workspace.mention_event(&said).to_string();
        let signature = self.signer.sign(now, body.as_bytes());
        let headers = [("x-slack-request-timestamp", &*now.to_string()), ("x-slack-signature", &signature)];
        Delivery { request: load::post("/channels/slack/events", &headers, &body), thread_ts: said.ts }
    }
}
