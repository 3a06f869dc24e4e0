use std::time::Duration;

use rand::rngs::StdRng;
use rand::seq::IndexedRandom as _;
use rand::{RngExt as _, SeedableRng as _};
use serde::Serialize;
use tokio::time::sleep;

use super::world::World;

/// The places where a server can be made to die; the same list as `durable::FAILPOINTS`.
pub const FAILPOINTS: [&str; 14] = [
    "ack.before",
    "ack.after",
    "placeholder.before",
    "placeholder.posted",
    "placeholder.recorded",
    "claim.after",
    "step.before",
    "step.done",
    "step.recorded",
    "finish.before",
    "finish.after",
    "answer.before",
    "answer.sent",
    "answer.confirmed",
];

/// A frozen server is thawed after its lease (5 s) has run out and another has taken over.
const FROZEN_FOR: Duration = Duration::from_secs(8);

/// What was done to the servers, by kind.
#[derive(Clone, Debug, Default, Serialize)]
pub struct Kills {
    /// SIGKILL at a random moment.
    pub server: u32,
    /// Death at a named place.
    pub failpoint: u32,
    /// SIGKILL to PostgreSQL's postmaster.
    pub postgres: u32,
    /// SIGSTOP beyond the lease, then SIGCONT.
    pub frozen: u32,
    /// SIGTERM: a gentle restart.
    pub terminated: u32,
}

impl Kills {
    pub fn total(&self) -> u32 {
        self.server + self.failpoint + self.postgres + self.frozen + self.terminated
    }
}

pub(super) struct Faults {
    rng: StdRng,
    pub(super) kills: Kills,
    next_failpoint: usize,
}

impl Faults {
    pub(super) fn new(seed: u64) -> Self {
        Self { rng: StdRng::seed_from_u64(seed), kills: Kills::default(), next_failpoint: 0 }
    }

    /// Waits a moment and injects the next fault. When it returns, everything runs again.
    pub(super) async fn one(&mut self, world: &World) {
        sleep(Duration::from_millis(self.rng.random_range(100..1200))).await;
        let node = self.rng.random_range(0..world.nodes.len());
        // The kinds come round by turns, so that a short run has each of them.
        let kind = *[0, 1, 1, 0, 2, 1, 0, 1, 3, 1, 0, 4].get(self.kills.total() as usize % 12).unwrap_or(&0);
        match kind {
            0 => self.kill(world, node).await,
            1 => self.failpoint(world, node).await,
            2 => {
                world.kill_postgres().await;
                self.kills.postgres += 1;
            }
            3 => {
                let server = world.nodes[node].lock().await;
                server.freeze();
                sleep(FROZEN_FOR).await;
                server.thaw();
                self.kills.frozen += 1;
            }
            _ => {
                let mut server = world.nodes[node].lock().await;
                server.terminate().await;
                server.restart().await;
                self.kills.terminated += 1;
            }
        }
    }

    async fn kill(&mut self, world: &World, node: usize) {
        let mut server = world.nodes[node].lock().await;
        server.kill();
        server.restart().await;
        self.kills.server += 1;
    }

    /// Restarts a server so that it dies when it passes the next place on the list; one that never comes there is killed.
    async fn failpoint(&mut self, world: &World, node: usize) {
        let name = FAILPOINTS[self.next_failpoint % FAILPOINTS.len()];
        self.next_failpoint += 1;
        let passage = *[1, 2, 5, 17].choose(&mut self.rng).unwrap_or(&1);
        let mut server = world.nodes[node].lock().await;
        server.kill();
        server.set_env("KONSTRUCT_FAILPOINT", Some(&format!("{name}:{passage}")));
        server.spawn_again();
        let died = server.ends_within(Duration::from_secs(20)).await;
        if !died {
            server.kill();
        }
        server.set_env("KONSTRUCT_FAILPOINT", None);
        server.restart().await;
        if died {
            self.kills.failpoint += 1;
        } else {
            self.kills.server += 1;
        }
    }
}
