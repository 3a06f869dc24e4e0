use std::time::Duration;

use kernel::TenantCtx;

use crate::Claim;

/// A run under way, as its program sees it.
pub struct Run {
    claim: Claim,
    deadline: tokio::time::Instant,
}

impl Run {
    pub fn claim(&self) -> &Claim {
        &self.claim
    }

    pub fn tenant(&self) -> TenantCtx {
        TenantCtx::new(self.claim.tenant)
    }

    /// How long until whoever waits must have been told something.
    pub fn remaining(&self) -> Duration {
        self.deadline.saturating_duration_since(tokio::time::Instant::now())
    }
}
