use std::future::Future;
use std::time::Duration;

use tokio::time::{Instant, sleep};

/// Asks `probe` again and again until it says yes; panics past the deadline. Write the deadline generously: it is for
/// a machine under load, not for the product's speed.
pub async fn eventually<F: Future<Output = bool>>(deadline: Duration, mut probe: impl FnMut() -> F) {
    eventually_some(deadline, || {
        let asked = probe();
        async { asked.await.then_some(()) }
    })
    .await;
}

/// Asks `probe` again and again until it has something; panics past the deadline.
pub async fn eventually_some<T, F: Future<Output = Option<T>>>(deadline: Duration, mut probe: impl FnMut() -> F) -> T {
    let until = Instant::now() + deadline;
    let mut pause = Duration::from_millis(2);
    loop {
        if let Some(found) = probe().await {
            return found;
        }
        assert!(Instant::now() < until, "not within {deadline:?}");
        sleep(pause).await;
        pause = (pause * 2).min(Duration::from_millis(100));
    }
}
