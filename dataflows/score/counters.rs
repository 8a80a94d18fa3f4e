//! Counters of the score dataflow: atomics, each updated once a batch.

use std::{
    collections::BTreeMap,
    fmt,
    sync::atomic::{AtomicU64, Ordering},
};

use engine::{
    answer::ModelVersion,
    domain::Domain,
    log::{self, DeadLetterKinds, DeadLetterReason},
    model::Role,
    runtime::Mutex,
};

use super::{clock::Timestamp, liveness::Workers};
use crate::graph::Graphs;

/// The upper bounds of the buckets; a last bucket has no bound.
pub(super) const BOUNDS_MS: [u64; 15] =
    [1, 2, 5, 10, 20, 50, 100, 200, 500, 1_000, 2_000, 5_000, 10_000, 30_000, 60_000];

/// A number that only increases.
#[derive(Debug, Default)]
pub struct Counter(AtomicU64);

impl Counter {
    /// Adds to the number.
    pub fn add(&self, count: usize) {
        self.0.fetch_add(count as u64, Ordering::Relaxed);
    }

    /// Returns the number.
    pub fn get(&self) -> u64 {
        self.0.load(Ordering::Relaxed)
    }
}

/// A number of things that come and go.
#[derive(Debug, Default)]
pub struct Level(AtomicU64);

impl Level {
    /// Adds to the number.
    pub fn add(&self, count: usize) {
        self.0.fetch_add(count as u64, Ordering::Relaxed);
    }

    /// Takes from the number what was added before.
    pub fn remove(&self, count: usize) {
        self.0.fetch_sub(count as u64, Ordering::Relaxed);
    }

    /// Returns the number.
    pub fn get(&self) -> u64 {
        self.0.load(Ordering::Relaxed)
    }
}

/// A number that is set from outside of the dataflow.
#[derive(Debug, Default)]
pub struct Gauge(Mutex<Option<u64>>);

impl Gauge {
    /// Sets the number.
    pub fn set(&self, value: u64) {
        *self.0.lock() = Some(value);
    }

    /// Returns the number; `None` before it was set.
    pub fn get(&self) -> Option<u64> {
        *self.0.lock()
    }
}

/// The lag of each worker, where its log knows it.
#[derive(Debug, Default)]
pub struct Lag(Mutex<BTreeMap<usize, Option<log::Lag>>>);

impl Lag {
    pub(super) fn set(&self, worker: usize, lag: Option<log::Lag>) {
        self.0.lock().insert(worker, lag);
    }

    /// Returns the lag of all workers of this process; `None` if it is not known of one, or of none yet.
    pub fn get(&self) -> Option<u64> {
        let lags = self.0.lock();
        let total = |lag: &Option<log::Lag>| lag.as_ref().map(|lag| lag.values().sum::<u64>());
        if lags.is_empty() { None } else { lags.values().map(total).sum() }
    }

    /// Returns the lag of each partition that a worker of this process reads, where it is known.
    pub fn by_partition(&self) -> log::Lag {
        let lags = self.0.lock();
        lags.values().flatten().flatten().map(|(partition, lag)| (*partition, *lag)).collect()
    }
}

/// Dead letters by the kind of their reason.
#[derive(Debug)]
pub struct DeadLetterCounter {
    kinds: DeadLetterKinds,
    /// In the order of the kinds.
    counters: Box<[Counter]>,
}

impl DeadLetterCounter {
    pub(super) fn of<D: Domain>() -> Self {
        let kinds = DeadLetterKinds::of::<D>();
        DeadLetterCounter { kinds, counters: kinds.names().map(|_| Counter::default()).collect() }
    }

    pub(super) fn add(&self, kind: &DeadLetterReason) {
        self.counters.get(usize::from(self.kinds.number(kind))).into_iter().for_each(|counter| counter.add(1));
    }

    /// Returns the total.
    pub fn get(&self) -> u64 {
        self.counters.iter().map(Counter::get).sum()
    }

    /// Returns the count of each kind, also those of 0.
    pub fn by_kind(&self) -> impl Iterator<Item = (&'static str, u64)> {
        self.kinds.names().zip(self.counters.iter().map(Counter::get))
    }
}

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

/// The models in use, by role, each with the timestamp from which it is active.
#[derive(Debug, Default)]
pub struct ModelsInUse(Mutex<[Option<(ModelVersion, Timestamp)>; Role::ALL.len()]>);

impl ModelsInUse {
    pub(super) fn set(&self, role: Role, version: Option<ModelVersion>, from: Timestamp) {
        let mut used = self.0.lock();
        used[role as usize] = version.map(|version| (version, from));
    }

    /// Returns the model in use for a role, and the timestamp from which it is active: 0 for the first model.
    pub fn get(&self, role: Role) -> Option<(ModelVersion, Timestamp)> {
        self.0.lock()[role as usize].clone()
    }
}

/// The comparison of the shadow model with the current one.
#[derive(Debug, Default)]
pub struct ShadowCounters {
    /// Requests that both have scored.
    pub compared: Counter,
    /// Of these, those for which both models have the same most probable class.
    pub agreed: Counter,
    /// The sum of the absolute differences of their probabilities, in millionths.
    pub change_millionths: Counter,
    /// Requests that were not scored by the shadow, or not stored.
    pub dropped: Counter,
    /// Shadow answers that the store has acknowledged.
    pub landed: Counter,
}

/// The counters of a process since its start. A record that is read again is counted again.
#[derive(Debug)]
pub struct Counters {
    /// Records read from the log.
    pub read: Counter,
    /// The bytes of their payloads.
    pub read_bytes: Counter,
    /// Requests that the model has scored.
    pub scored: Counter,
    /// Records under timestamps that the durable frontier has passed.
    pub retired: Counter,
    /// Messages about progress that workers of this process have broadcast to all workers.
    pub progress_sent: Counter,
    /// Messages about progress that workers of this process have received, each from all workers.
    pub progress_received: Counter,
    /// The bytes of their payloads.
    pub retired_bytes: Counter,
    /// Answers that the store has acknowledged, or the output topic in its place.
    pub answers: Counter,
    /// Messages that the output topic has acknowledged: answers and rejections.
    pub messages: Counter,
    /// The time from reading a record to that acknowledgement.
    pub latency: Latency,
    /// Dead letters that their log has acknowledged.
    pub dead_letters: DeadLetterCounter,
    /// Rejections that the store has acknowledged.
    pub rejections: Counter,
    /// The models in use.
    pub models: ModelsInUse,
    /// Models that have taken effect since the start, beside the first.
    pub models_swapped: Counter,
    /// Models that a process has refused.
    pub models_refused: Counter,
    /// The comparison of the shadow model with the current one.
    pub shadow: ShadowCounters,
    /// Requests that are followed.
    pub followed: Level,
    /// Versions of followed answers that the store has acknowledged.
    pub versions: Counter,
    /// Messages of the log that are not yet committed.
    pub lag: Lag,
    /// The workers' main loops.
    pub workers: Workers,
    /// The dataflows of the workers.
    pub graphs: Graphs,
    /// The number of the cluster's generation.
    pub generation: Gauge,
    /// The restarts by the supervisor.
    pub restarts: Gauge,
    /// The expiry of this process's certificate, in seconds since 1970.
    pub certificate_expires_at_s: Gauge,
}

impl Counters {
    /// Returns counters at 0 for a domain, whose fields name the kinds of dead letters.
    pub fn of<D: Domain>() -> Self {
        Counters {
            dead_letters: DeadLetterCounter::of::<D>(),
            read: Counter::default(),
            read_bytes: Counter::default(),
            scored: Counter::default(),
            retired: Counter::default(),
            progress_sent: Counter::default(),
            progress_received: Counter::default(),
            retired_bytes: Counter::default(),
            answers: Counter::default(),
            messages: Counter::default(),
            latency: Latency::default(),
            rejections: Counter::default(),
            models: ModelsInUse::default(),
            models_swapped: Counter::default(),
            models_refused: Counter::default(),
            shadow: ShadowCounters::default(),
            followed: Level::default(),
            versions: Counter::default(),
            lag: Lag::default(),
            workers: Workers::default(),
            graphs: Graphs::default(),
            generation: Gauge::default(),
            restarts: Gauge::default(),
            certificate_expires_at_s: Gauge::default(),
        }
    }

    /// Returns the number of records read and not yet retired.
    pub fn in_flight(&self) -> u64 {
        let retired = self.retired.get();
        self.read.get().saturating_sub(retired)
    }

    /// Returns the bytes of their payloads.
    pub fn in_flight_bytes(&self) -> u64 {
        let retired = self.retired_bytes.get();
        self.read_bytes.get().saturating_sub(retired)
    }
}

impl fmt::Display for Counters {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Counters { read, answers, dead_letters, .. } = self;
        write!(f, "{} read, {} answered, {} dead letters", read.get(), answers.get(), dead_letters.get())
    }
}

#[cfg(test)]
mod tests {
    use engine::log::PartitionId;

    use super::*;
    use crate::testing::Readings;

    #[test]
    fn dead_letters_are_counted_by_kind() {
        let counter = DeadLetterCounter::of::<Readings>();
        for kind in [DeadLetterReason::RefusedByStore, DeadLetterReason::RefusedByStore, DeadLetterReason::NotJson] {
            counter.add(&kind);
        }
        assert_eq!(counter.get(), 3);
        let counted: Vec<_> = counter.by_kind().filter(|(_, count)| *count > 0).collect();
        assert_eq!(counted, [("not_json", 1), ("refused_by_store", 2)]);
        let kinds = DeadLetterKinds::of::<Readings>();
        assert_eq!(counter.by_kind().count(), kinds.names().count());
    }

    #[test]
    fn lag_is_summed_and_returned_by_partition() {
        let lag = Lag::default();
        assert_eq!((lag.get(), lag.by_partition()), (None, log::Lag::new()));
        lag.set(0, Some(log::Lag::from([(PartitionId(0), 3), (PartitionId(2), 0)])));
        lag.set(1, Some(log::Lag::from([(PartitionId(1), 4)])));
        assert_eq!(lag.get(), Some(7));
        assert_eq!(lag.by_partition(), log::Lag::from([(PartitionId(0), 3), (PartitionId(1), 4), (PartitionId(2), 0)]));
        lag.set(1, None);
        assert_eq!((lag.get(), lag.by_partition().len()), (None, 2));
    }

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
