//! Places where a test has the process die: between any two commits. Nothing of it is in a release build.

/// Every place, in the order a message passes them.
#[cfg(any(debug_assertions, feature = "failpoints"))]
pub const NAMES: [&str; 14] = [
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

/// Kills the process with SIGKILL's effect where `KONSTRUCT_FAILPOINT` is `name:n` and this is the n-th passage.
#[cfg(any(debug_assertions, feature = "failpoints"))]
pub(crate) fn pass(name: &'static str) {
    use std::sync::OnceLock;
    use std::sync::atomic::{AtomicU32, Ordering};

    static ARMED: OnceLock<Option<(String, AtomicU32)>> = OnceLock::new();
    let armed = ARMED.get_or_init(|| {
        #[expect(clippy::disallowed_methods, reason = "a test's switch is no configuration")]
        let setting = std::env::var("KONSTRUCT_FAILPOINT").ok()?;
        let (name, passage) = setting.split_once(':')?;
        Some((name.to_owned(), AtomicU32::new(passage.parse().ok()?)))
    });
    debug_assert!(NAMES.contains(&name), "{name} is not on the list");
    if let Some((armed, left)) = armed
        && armed == name
        && left.fetch_sub(1, Ordering::SeqCst) == 1
    {
        std::process::abort();
    }
}

#[cfg(not(any(debug_assertions, feature = "failpoints")))]
pub(crate) const fn pass(_name: &'static str) {}
