use std::sync::Arc;

use kernel::Clock;
use metrics_exporter_prometheus::PrometheusHandle;
use tokio_util::sync::CancellationToken;

/// What handlers work with. Cheap to clone.
#[derive(Clone)]
pub struct AppState(Arc<Parts>);

/// The parts of [`AppState`], put together by the binary.
pub struct Parts {
    pub db: db::Db,
    pub clock: Clock,
    pub metrics: PrometheusHandle,
    /// The end: streams close when it comes.
    pub shutdown: CancellationToken,
}

impl AppState {
    pub fn new(parts: Parts) -> Self {
        Self(Arc::new(parts))
    }
}

impl std::ops::Deref for AppState {
    type Target = Parts;

    fn deref(&self) -> &Parts {
        &self.0
    }
}
