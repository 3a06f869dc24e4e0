//! How the models of a group do, for people to see.

use std::sync::Arc;
use std::time::Duration;

use chrono::{DateTime, Utc};
use kernel::TenantCtx;

use super::Pool;
use super::health::BreakerState;
use super::route::Needs;
use crate::error::Error;
use crate::model::ModelRef;

/// How one of a group's models does, as this node sees it.
#[derive(Clone, Debug)]
pub struct TargetHealth {
    pub model: ModelRef,
    pub state: BreakerState,
    /// From asking to the first token, averaged; `None` where it has not answered lately.
    pub first_token: Option<Duration>,
    /// Calls under way to this model.
    pub in_flight: u32,
    /// Calls under way to its provider, and how many there may be.
    pub upstream_in_flight: u32,
    pub limit: u32,
    /// In the last five minutes.
    pub calls: u32,
    pub failures: u32,
    /// What went wrong last, without the key.
    pub last_error: Option<(DateTime<Utc>, String)>,
}

impl Pool {
    /// How the models do that a call to `group` may come to, those of its fallbacks after its own. `None`: there is no
    /// such group.
    pub async fn health(&self, tenant: TenantCtx, group: &str) -> Result<Option<Vec<TargetHealth>>, Error> {
        let resolved = self.catalogue(tenant).await?.resolve(group, Needs::default());
        if !resolved.known {
            return Ok(None);
        }
        let now = self.shared.caller.clock.now();
        let targets = resolved.stages.into_iter().flat_map(|stage| stage.targets);
        let health = targets.map(|(target, _)| {
            let gate = Arc::clone(&target.upstream.gate);
            let (sight, (upstream_in_flight, limit)) = (gate.pulse(&target.model).sight(), gate.load());
            TargetHealth {
                model: target.name(),
                state: sight.breaker,
                first_token: sight.latency.map(Duration::from_secs_f64),
                in_flight: sight.in_flight,
                upstream_in_flight,
                limit,
                calls: sight.calls,
                failures: sight.failures,
                last_error: sight.last_fault.map(|(ago, fault)| (now - ago, target.redact(&fault.to_string()))),
            }
        });
        Ok(Some(health.collect()))
    }
}
