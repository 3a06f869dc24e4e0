use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};

use chrono::{DateTime, TimeDelta, Utc};

/// The wall clock. Leases and timers use the database's clock instead: see `durable`.
///
/// A test holds a manual one and moves it; everything else is given the system's.
#[derive(Clone, Debug, Default)]
pub struct Clock {
    /// Microseconds since the epoch, where the clock is moved by hand.
    manual: Option<Arc<AtomicI64>>,
}

impl Clock {
    pub const fn system() -> Self {
        Self { manual: None }
    }

    /// A clock that stands still at `now` until it is advanced. Clones move together.
    pub fn manual(now: DateTime<Utc>) -> Self {
        Self { manual: Some(Arc::new(AtomicI64::new(now.timestamp_micros()))) }
    }

    #[expect(clippy::disallowed_methods, reason = "this is the one place that reads the system's clock")]
    pub fn now(&self) -> DateTime<Utc> {
        match &self.manual {
            Some(micros) => DateTime::from_timestamp_micros(micros.load(Ordering::Relaxed)).unwrap_or_default(),
            None => Utc::now(),
        }
    }

    /// Moves a manual clock; the system's clock takes no notice.
    pub fn advance(&self, by: TimeDelta) {
        if let Some(micros) = &self.manual {
            micros.fetch_add(by.num_microseconds().unwrap_or(0), Ordering::Relaxed);
        }
    }
}
