//! A histogram of the records' latencies.

use std::sync::atomic::{AtomicU64, Ordering};

/// The upper bounds of the buckets; a last bucket has no bound.
const BOUNDS_MS: [u64; 15] = [1, 2, 5, 10, 20, 50, 100, 200, 500, 1_000, 2_000, 5_000, 10_000, 30_000, 60_000];

/// A histogram of latencies, with buckets up to 60 s.
#[derive(Debug, Default)]
pub struct Latency {
    /// The last bucket has no bound.
    buckets: [AtomicU64; BOUNDS_MS.len() + 1],
    sum_us: AtomicU64,
}

/// The latencies counted until now.
#[derive(Debug, Clone, PartialEq)]
pub struct LatencyHistogram {
    /// The upper bound of each bucket in seconds, the last infinite, and the count of this bucket alone.
    pub buckets: Vec<(f64, u64)>,
    /// The count of all buckets.
    pub count: u64,
    /// The sum of all latencies.
    pub sum_seconds: f64,
}

impl Latency {
    /// Adds `count` records with the same latency.
    pub(super) fn add(&self, micros: u64, count: u64) {
        let bucket = BOUNDS_MS.partition_point(|bound| bound * 1000 < micros);
        self.buckets[bucket].fetch_add(count, Ordering::Relaxed);
        self.sum_us.fetch_add(micros.saturating_mul(count), Ordering::Relaxed);
    }

    /// Returns the latencies counted until now.
    pub fn get(&self) -> LatencyHistogram {
        let bounds = BOUNDS_MS.into_iter().map(|bound| bound as f64 / 1000.0).chain([f64::INFINITY]);
        let buckets: Vec<_> = bounds.zip(self.buckets.iter().map(|count| count.load(Ordering::Relaxed))).collect();
        // The sum of the buckets, so that both always agree.
        let count = buckets.iter().map(|(_, count)| count).sum();
        LatencyHistogram { buckets, count, sum_seconds: self.sum_us.load(Ordering::Relaxed) as f64 / 1e6 }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_latency_counts_in_the_first_bucket_whose_bound_it_does_not_exceed() {
        let latency = Latency::default();
        for (micros, count) in [(0, 1), (1_000, 2), (1_001, 4), (60_000_000, 8), (60_000_001, 16)] {
            latency.add(micros, count);
        }
        let LatencyHistogram { buckets, count, sum_seconds } = latency.get();
        let some: Vec<_> = buckets.into_iter().filter(|(_, count)| *count > 0).collect();
        assert_eq!(some, [(0.001, 3), (0.002, 4), (60.0, 8), (f64::INFINITY, 16)]);
        assert_eq!(count, 31);
        assert!((sum_seconds - 1440.00602).abs() < 1e-6, "{sum_seconds}");
    }
}
