//! The kill harness: servers under a stream of signed Slack events while they, and the database under them, are killed
//! and frozen. Afterwards an oracle outside the servers compares what was acknowledged with what stands on the channel.
//!
//! Everything is on loopback, bounded, and ends by itself.

mod faults;
mod oracle;
mod traffic;
mod world;

use std::path::PathBuf;
use std::time::Duration;

use serde::Serialize;
use tokio::time::Instant;

pub use faults::{FAILPOINTS, Kills};
pub use oracle::{Acked, Standing, Verdict, judge};

use faults::Faults;
use traffic::Traffic;
use world::World;

/// What a run of the harness does.
#[derive(Clone, Debug)]
pub struct Plan {
    /// The `konstruct` binary; one with failpoints (a debug build, or the feature).
    pub binary: PathBuf,
    pub seed: u64,
    /// How many faults are injected.
    pub kills: u32,
    /// At least so many events are sent, and as many more as it takes until the last fault.
    pub events: u64,
    /// How many threads are talked in at once.
    pub senders: usize,
}

/// What came out.
#[derive(Clone, Debug, Serialize)]
pub struct Outcome {
    pub seed: u64,
    pub events: u64,
    pub kills: Kills,
    pub verdict: Verdict,
    pub seconds: u64,
    /// Calls to the model beyond one a thought: steps that a crash had done again.
    pub model_calls: u64,
}

/// How long the last answers may take after the last fault.
const SETTLES_WITHIN: Duration = Duration::from_secs(90);

/// Runs the plan; `tell` is told how far it has come.
pub async fn run(plan: &Plan, tell: impl Fn(&str)) -> Outcome {
    let began = Instant::now();
    let world = World::new(&plan.binary).await;
    let traffic = Traffic::start(&world, plan.seed, plan.senders);
    let mut faults = Faults::new(plan.seed);
    while faults.kills.total() < plan.kills {
        faults.one(&world).await;
        tell(&format!("{} of {} faults, {} events acknowledged", faults.kills.total(), plan.kills, traffic.events()));
    }
    crate::eventually(SETTLES_WITHIN + Duration::from_millis(plan.events * 20), || async {
        traffic.events() >= plan.events
    })
    .await;
    let acked = traffic.stop().await;
    tell(&format!("all {} messages are sent; waiting for the last answers", acked.len()));
    let verdict = settle(&world, &acked).await;
    let outcome = Outcome {
        seed: plan.seed,
        events: traffic.events(),
        kills: faults.kills,
        verdict,
        seconds: began.elapsed().as_secs(),
        model_calls: world.models.count(),
    };
    if !outcome.verdict.is_clean() {
        world.show(&outcome.verdict.suspects).await;
    }
    world.end().await;
    outcome
}

/// Judges once nothing changes for the better any more.
async fn settle(world: &World, acked: &[Acked]) -> Verdict {
    let deadline = Instant::now() + SETTLES_WITHIN;
    loop {
        let verdict = judge(acked, &world.standing());
        if (verdict.is_clean() && verdict.answered == acked.len()) || Instant::now() > deadline {
            return verdict;
        }
        tokio::time::sleep(Duration::from_millis(500)).await;
    }
}
