//! Requests that wait in a topic, answered into a sink that drops: delaycast in its default configuration, Spark's
//! micro-batches, warm, and a plain consumer.

use serde::{Deserialize, Serialize};

use super::installed::Installed;
use crate::{
    process::Target,
    results::{Measurement, Spread},
};

#[derive(Debug, clap::Args, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Options {
    #[command(flatten)]
    #[serde(skip)]
    pub(super) target: Target,
    #[command(flatten)]
    #[serde(skip)]
    pub(super) installed: Installed,
    /// The brokers, as in kafka://127.0.0.1:9092
    #[arg(long, value_name = "URL", env = "KAFKA_URL")]
    #[serde(skip)]
    pub(super) kafka: String,
    /// Number of requests that are preloaded
    #[arg(long, default_value_t = 200_000)]
    pub(super) requests: usize,
    /// Worker threads of delaycast, and slots of Spark
    #[arg(long, default_value_t = 2)]
    pub(super) workers: usize,
    /// Number of passes of Spark over all requests before the first round
    #[arg(long, default_value_t = 5)]
    pub(super) warm_up_passes: usize,
    /// Requests of a micro-batch; 0: all that wait
    #[arg(long, default_value_t = 0)]
    pub(super) batch: usize,
    /// Number of requests that wait when the start is measured
    #[arg(long, default_value_t = 100)]
    pub(super) first_requests: usize,
    /// Number of rounds
    #[arg(long, default_value_t = 5)]
    pub(super) rounds: usize,
}

#[derive(Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Values {
    pub(super) partitions: usize,
    pub(super) delaycast: Side,
    pub(super) spark: Side,
    /// Read and dropped by a plain consumer.
    pub(super) consumed_per_s: Spread,
    /// delaycast's throughput by that of the plain consumer.
    pub(super) delaycast_by_consumed: Spread,
    /// delaycast's throughput by Spark's.
    pub(super) throughput_ratio: Spread,
    /// Spark's CPU time by delaycast's.
    pub(super) cpu_ratio: Spread,
    /// Spark's memory by delaycast's.
    pub(super) memory_ratio: Spread,
    /// Spark's time to the first answer by delaycast's.
    pub(super) first_answer_ratio: Spread,
    /// Micro-batches of a pass.
    pub(super) spark_micro_batches: usize,
}

/// A system's numbers over the rounds.
#[derive(Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Side {
    pub(super) per_s: Spread,
    /// CPU time of all its processes, a request.
    pub(super) cpu_us: Spread,
    /// The most resident memory of all its processes.
    pub(super) peak_mib: Spread,
    /// From starting the process to the first answer.
    pub(super) first_answer_s: Spread,
}

/// A system's numbers of one round.
#[derive(Debug, Clone, Copy)]
pub(super) struct Round {
    pub(super) per_s: f64,
    pub(super) cpu_us: f64,
    pub(super) peak_mib: f64,
    pub(super) first_answer_s: f64,
}

impl Side {
    pub(super) fn of(rounds: &[Round]) -> anyhow::Result<Self> {
        Ok(Side {
            per_s: Spread::over(rounds, |round| round.per_s)?,
            cpu_us: Spread::over(rounds, |round| round.cpu_us)?,
            peak_mib: Spread::over(rounds, |round| round.peak_mib)?,
            first_answer_s: Spread::over(rounds, |round| round.first_answer_s)?,
        })
    }
}

impl Measurement for Options {
    const NAME: &'static str = "peers-micro-batch";
    type Values = Values;
}
