//! A cluster under load for a long time, with a fault a minute: what is lost, doubled or missing at the end, and how
//! latency, memory and descriptors go meanwhile.
//!
//! Three processes read from Kafka and write into a MongoDB-protocol server, which run on the same machine. First their
//! capacity is measured, by requests that wait. Then requests come at a share of it; beside them `delaycast simulate`
//! replays flights as events, and asks about each flight with `Follow`. The faults are drawn with a seed.

#[cfg(all(feature = "kafka", feature = "mongo"))]
mod audit;
#[cfg(all(feature = "kafka", feature = "mongo"))]
mod faults;
#[cfg(all(feature = "kafka", feature = "mongo"))]
mod run;

use serde::{Deserialize, Serialize};

use crate::{
    process::Target,
    results::{Measurement, Percentiles},
    services::Servers,
};

#[derive(Debug, clap::Args, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Options {
    #[command(flatten)]
    #[serde(skip)]
    target: Target,
    #[command(flatten)]
    #[serde(skip)]
    servers: Servers,
    /// The process of the broker, which is suspended as a fault
    #[arg(long, value_name = "PID")]
    #[serde(skip)]
    kafka_pid: i32,
    /// The process of the server, which is suspended as a fault
    #[arg(long, value_name = "PID")]
    #[serde(skip)]
    mongo_pid: i32,
    /// Minutes under load
    #[arg(long, default_value_t = 30)]
    minutes: u64,
    /// Seconds from one fault to the next
    #[arg(long, default_value_t = 60)]
    fault_every_s: u64,
    /// Processes of the cluster
    #[arg(long, default_value_t = 3)]
    processes: usize,
    /// Worker threads of each process
    #[arg(long, default_value_t = 1)]
    workers: usize,
    /// The share of the capacity that is asked for
    #[arg(long, default_value_t = 0.7)]
    share: f64,
    /// Number of requests by which the capacity is measured
    #[arg(long, default_value_t = 40_000)]
    capacity_requests: usize,
    /// The seed of the faults
    #[arg(long, default_value_t = 1)]
    seed: u64,
}

/// The state of the processes under load at one moment.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Sample {
    minute: f64,
    /// Resident memory of all processes of delaycast, in MiB.
    resident_mib: f64,
    /// Open file descriptors of all of them.
    descriptors: usize,
    /// Requests acknowledged by the log.
    asked: u64,
}

/// The number of faults of a kind.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct FaultCount {
    fault: String,
    times: usize,
}

#[derive(Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Values {
    /// Answers landed a second, of requests that wait.
    capacity_per_s: f64,
    /// Requests a second under load.
    rate_per_s: f64,
    faults: Vec<FaultCount>,
    /// Requests that the log has acknowledged, those of the replay included.
    asked: u64,
    /// Messages that the log has not acknowledged in time; they may be answered, too.
    unacknowledged: u64,
    /// Documents in the store.
    answers: u64,
    /// Events replayed.
    events: u64,
    /// Requests with versions.
    followed: u64,
    versions: u64,
    /// Requests whose versions are not 1, 2, 3 and so on, each once.
    broken_followings: u64,
    /// Until an answer is visible, of a request a second; without those that a fault has met.
    calm_ms: Percentiles,
    /// The same in the 20 seconds from a fault on.
    fault_ms: Percentiles,
    samples: Vec<Sample>,
}

impl Measurement for Options {
    const NAME: &'static str = "soak";
    type Values = Values;
}

#[cfg(all(feature = "kafka", feature = "mongo"))]
pub(crate) use run::measure;
