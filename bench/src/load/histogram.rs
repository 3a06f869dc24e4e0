//! Latencies in microseconds, counted in buckets whose width is at most 1/64 of their value.

use std::time::Duration;

const SUB: u64 = 64;

/// A histogram of fixed size; it never loses its largest value.
#[derive(Clone, Debug)]
pub(crate) struct Histogram {
    buckets: Vec<u64>,
    count: u64,
    max: u64,
}

impl Histogram {
    pub(crate) fn new() -> Self {
        Self { buckets: vec![0; bucket(u64::MAX) + 1], count: 0, max: 0 }
    }

    pub(crate) fn record(&mut self, latency: Duration) {
        let micros = u64::try_from(latency.as_micros()).unwrap_or(u64::MAX);
        self.buckets[bucket(micros)] += 1;
        self.count += 1;
        self.max = self.max.max(micros);
    }

    pub(crate) fn merge(&mut self, other: &Self) {
        for (mine, theirs) in self.buckets.iter_mut().zip(&other.buckets) {
            *mine += theirs;
        }
        self.count += other.count;
        self.max = self.max.max(other.max);
    }

    pub(crate) fn count(&self) -> u64 {
        self.count
    }

    pub(crate) fn max_ms(&self) -> f64 {
        self.max as f64 / 1000.0
    }

    /// The latency in milliseconds that the share `quantile` of all values does not exceed.
    pub(crate) fn ms(&self, quantile: f64) -> f64 {
        let rank = ((self.count as f64 * quantile).ceil() as u64).max(1);
        let mut seen = 0;
        for (index, count) in self.buckets.iter().enumerate() {
            seen += count;
            if seen >= rank {
                return upper(index).min(self.max) as f64 / 1000.0;
            }
        }
        self.max_ms()
    }
}

/// Values below `SUB` have a bucket each; above, every doubling has `SUB` of them.
fn bucket(value: u64) -> usize {
    if value < SUB {
        return value as usize;
    }
    let shift = value.ilog2() - SUB.ilog2();
    (u64::from(shift + 1) * SUB + (value >> shift) - SUB) as usize
}

/// The largest value of a bucket.
fn upper(index: usize) -> u64 {
    let index = index as u64;
    if index < SUB {
        return index;
    }
    let shift = index / SUB - 1;
    let first = u128::from(index % SUB + SUB) << shift;
    u64::try_from(first + (1 << shift) - 1).unwrap_or(u64::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_value_lies_in_a_bucket_that_is_narrow_and_contains_it() {
        for value in (0..5000).chain([65_535, 65_536, 1_000_000, 123_456_789, u64::MAX - 1, u64::MAX]) {
            let index = bucket(value);
            assert!(upper(index) >= value && (index == 0 || upper(index - 1) < value), "{value}");
            assert!(upper(index) - value <= value / SUB + 1, "{value} {}", upper(index));
        }
    }

    #[test]
    fn quantiles_of_a_known_series() {
        let mut histogram = Histogram::new();
        for micros in 1..=10_000 {
            histogram.record(Duration::from_micros(micros));
        }
        for (quantile, expected) in [(0.5, 5.0), (0.99, 9.9), (0.999, 9.99), (1.0, 10.0)] {
            let found = histogram.ms(quantile);
            assert!((found - expected).abs() <= expected / 60.0, "{quantile}: {found}");
        }
        assert_eq!((histogram.count(), histogram.max_ms()), (10_000, 10.0));
    }
}
