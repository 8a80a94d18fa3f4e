//! The last hour of rate, latency and lag, as a ring of samples for charts.

use std::collections::VecDeque;

use chrono::{DateTime, Utc};
use engine::status::Status;
use serde::Serialize;

/// The interval between two samples, in seconds.
pub const SAMPLE_INTERVAL_S: u64 = 5;
/// Upper bound on the samples: an hour.
pub const SAMPLES_MAX: usize = 720;

/// The state at a moment. What is not known is missing.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Sample {
    /// The moment.
    pub at: DateTime<Utc>,
    /// Answers per second over the last 10 s.
    pub per_second: f64,
    /// The median of the latencies since the last sample, in milliseconds: from reading a record to its durable answer.
    pub p50_ms: Option<f64>,
    /// Their 99th percentile.
    pub p99_ms: Option<f64>,
    /// Messages of the log that are not yet committed.
    pub lag: Option<u64>,
    /// Messages that are read and not yet durable.
    pub in_flight: Option<u64>,
}

/// Takes samples and keeps the latest.
#[derive(Debug, Default)]
pub struct Samples {
    kept: VecDeque<Sample>,
    latencies: Vec<u64>,
}

impl Samples {
    /// Adds the present rate and the state of the scorers; the oldest sample goes.
    pub fn take(&mut self, at: DateTime<Utc>, per_second: f64, scorers: Option<&Status>) {
        let (latencies, bounds) =
            scorers.map_or((&[][..], &[][..]), |status| (&status.latencies[..], &status.latency_bounds_ms[..]));
        // A scorer that was started again counts from 0.
        let is_continued = self.latencies.len() == latencies.len()
            && self.latencies.iter().zip(latencies).all(|(old, new)| old <= new);
        let since = |at: usize| if is_continued { self.latencies.get(at).copied().unwrap_or(0) } else { 0 };
        let counts: Vec<u64> = latencies.iter().enumerate().map(|(at, count)| count - since(at)).collect();
        self.latencies = latencies.to_vec();
        if self.kept.len() == SAMPLES_MAX {
            self.kept.pop_front();
        }
        self.kept.push_back(Sample {
            at,
            per_second,
            p50_ms: quantile(0.5, &counts, bounds),
            p99_ms: quantile(0.99, &counts, bounds),
            lag: scorers.and_then(|status| status.lag),
            in_flight: scorers.map(|status| status.in_flight),
        });
    }

    /// Returns the samples, oldest first.
    pub fn get(&self) -> Vec<Sample> {
        self.kept.iter().cloned().collect()
    }
}

/// Estimates a quantile from the counts of a histogram's buckets and their upper bounds, as Prometheus'
/// `histogram_quantile` does: linear in a bucket, and the last bound for the bucket without one. `None` without counts.
fn quantile(share: f64, counts: &[u64], bounds: &[u64]) -> Option<f64> {
    let total: u64 = counts.iter().sum();
    if total == 0 {
        return None;
    }
    let (wanted, mut below) = (share * total as f64, 0.0);
    for (bucket, count) in counts.iter().enumerate() {
        let (reached, low) = (below + *count as f64, bucket.checked_sub(1).and_then(|at| bounds.get(at)));
        let low = low.copied().unwrap_or(0) as f64;
        if reached >= wanted && *count > 0 {
            let Some(high) = bounds.get(bucket) else { return Some(low) };
            return Some(low + (*high as f64 - low) * (wanted - below) / *count as f64);
        }
        below = reached;
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    const BOUNDS: [u64; 3] = [10, 20, 50];

    #[test]
    fn a_quantile_is_linear_in_its_bucket() {
        let of = |share, counts: [u64; 4]| quantile(share, &counts, &BOUNDS);
        assert_eq!(of(0.5, [10, 0, 0, 0]), Some(5.0));
        assert_eq!(of(0.5, [1, 2, 1, 0]), Some(15.0));
        assert_eq!(of(0.99, [0, 0, 100, 0]), Some(49.7));
        assert_eq!(of(0.99, [1, 0, 0, 99]), Some(50.0));
        assert_eq!(of(0.5, [0; 4]), None);
    }

    #[test]
    fn a_sample_has_the_latencies_since_the_one_before_and_a_new_start_counts_from_0() {
        let (mut samples, at) = (Samples::default(), DateTime::<Utc>::UNIX_EPOCH);
        for latencies in [vec![4, 0, 0, 0], vec![4, 2, 0, 0], vec![2, 0, 0, 0], vec![]] {
            let status = Status { latencies, latency_bounds_ms: BOUNDS.to_vec(), ..Status::default() };
            samples.take(at, 0.0, Some(&status));
        }
        samples.take(at, 0.0, None);
        let p50: Vec<_> = samples.get().iter().map(|sample| sample.p50_ms).collect();
        assert_eq!(p50, [Some(5.0), Some(15.0), Some(5.0), None, None]);
    }

    #[test]
    fn only_the_latest_samples_are_kept() {
        let (mut samples, start) = (Samples::default(), DateTime::<Utc>::UNIX_EPOCH);
        for at in 0..SAMPLES_MAX as i64 + 3 {
            samples.take(start + chrono::TimeDelta::seconds(at), 0.0, None);
        }
        let kept = samples.get();
        assert_eq!((kept.len(), kept[0].at.timestamp()), (SAMPLES_MAX, 3));
    }
}
