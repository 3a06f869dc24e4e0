//! Counts over the last while, forgotten a slice at a time.

use std::time::Duration;

use tokio::time::Instant;

const SLICES: usize = 10;

/// `N` counters over a span of time.
pub(super) struct Window<const N: usize> {
    slice: Duration,
    began: Instant,
    /// Number of the newest slice since `began`.
    newest: u64,
    counts: [[u32; N]; SLICES],
}

impl<const N: usize> Window<N> {
    pub(super) fn new(span: Duration, now: Instant) -> Self {
        Self { slice: span / SLICES as u32, began: now, newest: 0, counts: [[0; N]; SLICES] }
    }

    pub(super) fn add(&mut self, counter: usize, now: Instant) {
        self.move_on(now);
        let count = &mut self.counts[place(self.newest)][counter];
        *count = count.saturating_add(1);
    }

    pub(super) fn sums(&mut self, now: Instant) -> [u32; N] {
        self.move_on(now);
        let mut sums = [0_u32; N];
        for slice in &self.counts {
            sums.iter_mut().zip(slice).for_each(|(sum, count)| *sum = sum.saturating_add(*count));
        }
        sums
    }

    fn move_on(&mut self, now: Instant) {
        let slices = now.saturating_duration_since(self.began).as_nanos() / self.slice.as_nanos().max(1);
        let slices = u64::try_from(slices).unwrap_or(u64::MAX);
        let passed = slices.saturating_sub(self.newest).min(SLICES as u64);
        for past in 0..passed {
            self.counts[place(slices - past)] = [0; N];
        }
        self.newest = self.newest.max(slices);
    }
}

fn place(slice: u64) -> usize {
    (slice % SLICES as u64) as usize
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test(start_paused = true)]
    async fn what_is_older_than_the_span_is_forgotten() {
        let start = Instant::now();
        let at = |seconds| start + Duration::from_secs(seconds);
        let mut window = Window::<2>::new(Duration::from_secs(10), start);
        window.add(0, at(0));
        window.add(1, at(5));
        assert_eq!(window.sums(at(9)), [1, 1]);
        assert_eq!(window.sums(at(10)), [0, 1]);
        window.add(0, at(14));
        assert_eq!(window.sums(at(15)), [1, 0]);
        assert_eq!(window.sums(at(1000)), [0, 0]);
    }
}
