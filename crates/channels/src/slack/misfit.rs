//! How often it is noted that a delivery names a connected workspace and carries a signature which fits none of its
//! secrets: mostly a mistyped secret, and otherwise somebody who makes deliveries up. So notes are few, whoever sends.

use std::sync::atomic::{AtomicBool, AtomicI64, Ordering};

use chrono::{DateTime, Utc};
use parking_lot::Mutex;

/// How many connections are told within a minute, over all workspaces.
const MOST_A_MINUTE: u32 = 256;

/// One workspace's misfits.
#[derive(Debug, Default)]
pub(crate) struct Misfits {
    minute: AtomicI64,
    /// One was noted since a delivery was last verified.
    noted: AtomicBool,
}

impl Misfits {
    /// Whether this one is to be noted: the first of its minute is.
    pub(crate) fn begin(&self, now: DateTime<Utc>) -> bool {
        let first = self.minute.swap(minute(now), Ordering::Relaxed) != minute(now);
        if first {
            self.noted.store(true, Ordering::Relaxed);
        }
        first
    }

    /// A delivery was verified. Returns whether a misfit had been noted.
    pub(crate) fn end(&self) -> bool {
        self.noted.load(Ordering::Relaxed) && self.noted.swap(false, Ordering::Relaxed)
    }
}

/// What all workspaces together may have noted within a minute.
#[derive(Debug, Default)]
pub(crate) struct Allowance(Mutex<(i64, u32)>);

impl Allowance {
    /// Takes one note's worth, where there is something left.
    pub(crate) fn spend(&self, now: DateTime<Utc>) -> bool {
        let mut spent = self.0.lock();
        if spent.0 != minute(now) {
            *spent = (minute(now), 0);
        }
        let left = spent.1 < MOST_A_MINUTE;
        spent.1 += u32::from(left);
        left
    }
}

fn minute(at: DateTime<Utc>) -> i64 {
    at.timestamp() / 60
}

#[cfg(test)]
mod tests {
    use chrono::TimeDelta;

    use super::*;

    #[test]
    fn a_workspace_is_noted_once_a_minute_and_clears_once() {
        let (misfits, now) = (Misfits::default(), DateTime::from_timestamp(1_700_000_040, 0).unwrap());
        assert!(!misfits.end(), "nothing was wrong");
        assert!(misfits.begin(now) && !misfits.begin(now) && !misfits.begin(now + TimeDelta::seconds(19)));
        assert!(misfits.end() && !misfits.end());
        assert!(!misfits.begin(now), "alternating with good deliveries brings no more notes");
        assert!(!misfits.end());
        assert!(misfits.begin(now + TimeDelta::minutes(1)));
    }

    #[test]
    fn all_workspaces_together_are_bounded() {
        let (allowance, now) = (Allowance::default(), DateTime::from_timestamp(1_700_000_000, 0).unwrap());
        assert_eq!((0..10_000).filter(|_| allowance.spend(now)).count(), MOST_A_MINUTE as usize);
        assert!(allowance.spend(now + TimeDelta::minutes(1)));
    }
}
