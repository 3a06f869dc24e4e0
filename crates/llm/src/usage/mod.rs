//! Which model calls were made and what they cost: a log of every call, and sums by the hour and by the day.
//!
//! Invariant: [`UsageLog::record`] never waits. What it is told reaches the sums, whatever happens short of the process's
//! end; only a call's own row in the log may be left out, and [`UsageLog::dropped`] counts those.
//! Invariant: a call's row and its part of the sums are committed together, once; a day's sums are those of its hours.

mod call;
mod log;
mod own;
mod read;
mod retention;
mod totals;
mod write;

pub use call::{ModelCall, Outcome, Protocol, UnknownOutcome};
pub use log::UsageLog;
pub(crate) use own::OwnCall;
pub use read::{
    By, CallFilter, CallView, Figures, Latency, Point, Span, Spent, Step, Sums, find_call, list_calls, reserved,
    series, spent,
};
pub use retention::{MOST_DAYS, keep_days, oldest_day, retain, set_keep_days};
pub use totals::BUCKETS;

#[cfg(test)]
mod tests;
