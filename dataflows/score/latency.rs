//! How long records take, counted in steps.

use std::sync::atomic::{AtomicU64, Ordering};

/// The upper worker_io of the steps; what takes longer than the last is counted beyond.
const ENDS_MS: [u64; 15] = [1, 2, 5, 10, 20, 50, 100, 200, 500, 1_000, 2_000, 5_000, 10_000, 30_000, 60_000];

/// Times by steps from 1 ms to 60 s.
#[derive(Debug, Default)]
pub struct Latency {
    /// The last is for what is longer than all worker_io.
    counts: [AtomicU64; ENDS_MS.len() + 1],
    sum_us: AtomicU64,
}

/// The times that were counted so far.
#[derive(Debug, Clone, PartialEq)]
pub struct Times {
    /// Each step's end in seconds, infinity at last, and how many times were in this step alone.
    pub steps: Vec<(f64, u64)>,
    /// All of them.
    pub count: u64,
    /// Added up.
    pub sum_seconds: f64,
}

impl Latency {
    /// So many records took this long.
    pub(super) fn add(&self, micros: u64, count: u64) {
        let step = ENDS_MS.partition_point(|end| end * 1000 < micros);
        self.counts[step].fetch_add(count, Ordering::Relaxed);
        self.sum_us.fetch_add(micros.saturating_mul(count), Ordering::Relaxed);
    }

    /// What was counted so far.
    pub fn get(&self) -> Times {
        let worker_io = ENDS_MS.into_iter().map(|end| end as f64 / 1000.0).chain([f64::INFINITY]);
        let steps: Vec<_> = worker_io.zip(self.counts.iter().map(|count| count.load(Ordering::Relaxed))).collect();
        // Summed up from the steps, so that they always agree.
        let count = steps.iter().map(|(_, count)| count).sum();
        Times { steps, count, sum_seconds: self.sum_us.load(Ordering::Relaxed) as f64 / 1e6 }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_time_counts_in_the_first_step_that_reaches_it() {
        let latency = Latency::default();
        for (micros, count) in [(0, 1), (1_000, 2), (1_001, 4), (60_000_000, 8), (60_000_001, 16)] {
            latency.add(micros, count);
        }
        let Times { steps, count, sum_seconds } = latency.get();
        let some: Vec<_> = steps.into_iter().filter(|(_, count)| *count > 0).collect();
        assert_eq!(some, [(0.001, 3), (0.002, 4), (60.0, 8), (f64::INFINITY, 16)]);
        assert_eq!(count, 31);
        assert!((sum_seconds - 1440.00602).abs() < 1e-6, "{sum_seconds}");
    }
}
