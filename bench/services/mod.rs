//! The score dataflow between a real Kafka and a real MongoDB, beside either of them alone.
//!
//! Topics and databases are created for the measurement, and deleted after it. The report reads the results in builds
//! without the connectors, too.

#[cfg(all(feature = "kafka", feature = "mongo"))]
mod latency;
#[cfg(all(feature = "kafka", feature = "mongo"))]
pub(crate) mod mongo;
#[cfg(all(feature = "kafka", feature = "mongo"))]
pub(crate) mod score;
#[cfg(all(feature = "kafka", feature = "mongo"))]
mod throughput;
#[cfg(all(feature = "kafka", feature = "mongo"))]
pub(crate) mod topic;

use serde::{Deserialize, Serialize};

use crate::{
    process::Target,
    results::{Compared, Measurement, Percentiles},
};

/// The servers that are measured with.
#[derive(Debug, Clone, Default, clap::Args)]
pub(crate) struct Servers {
    /// The brokers, as in kafka://127.0.0.1:9092
    #[arg(long, value_name = "URL", env = "KAFKA_URL")]
    pub(crate) kafka: String,
    /// The server, as in mongodb://127.0.0.1:27017
    #[arg(long, value_name = "URL", env = "MONGO_URL")]
    pub(crate) mongo: String,
}

#[derive(Debug, clap::Args, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Options {
    #[command(flatten)]
    #[serde(skip)]
    target: Target,
    #[command(flatten)]
    #[serde(skip)]
    servers: Servers,
    /// Number of requests that are preloaded
    #[arg(long, default_value_t = 200_000)]
    requests: usize,
    /// Worker threads
    #[arg(long, default_value_t = 2)]
    workers: usize,
    /// Number of rounds of throughput
    #[arg(long, default_value_t = 3)]
    rounds: usize,
    /// Requests per second while latency is measured
    #[arg(long, default_value_t = 100)]
    requests_per_s: u32,
    /// Duration of the measurement of latency, in seconds
    #[arg(long, default_value_t = 60)]
    latency_s: u32,
}

#[derive(Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Values {
    pub(crate) partitions: usize,
    pub(crate) published_per_s: f64,
    /// Answered into a sink that drops; the reference is a plain consumer.
    pub(crate) into_null_sink: Compared,
    /// Answered into the store; the reference is a plain driver that inserts the same documents.
    pub(crate) into_store: Compared,
    pub(crate) rows_per_insert: usize,
    pub(crate) acknowledged_ms: Percentiles,
    pub(crate) visible_ms: Percentiles,
}

impl Measurement for Options {
    const NAME: &'static str = "services";
    type Values = Values;
}

#[cfg(all(feature = "kafka", feature = "mongo"))]
pub(crate) fn measure(options: &Options) -> anyhow::Result<Values> {
    let throughput = throughput::measure(options)?;
    let latency = latency::measure(options)?;
    Ok(Values {
        partitions: topic::PARTITIONS as usize,
        published_per_s: throughput.published_per_s,
        into_null_sink: throughput.into_null_sink,
        into_store: throughput.into_store,
        rows_per_insert: engine::delivery::ROWS_PER_WRITE_MAX,
        acknowledged_ms: Percentiles::of(&latency.acknowledged)?,
        visible_ms: Percentiles::of(&latency.visible)?,
    })
}
