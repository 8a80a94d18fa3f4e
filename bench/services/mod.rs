//! The score dataflow between a real Kafka and a real MongoDB, beside either of them alone.
//!
//! Topics and databases are created for the measurement, and deleted after it.

mod latency;
mod mongo;
mod throughput;
mod topic;

use std::path::PathBuf;

#[derive(clap::Args)]
pub(crate) struct Options {
    /// The brokers, as in kafka://127.0.0.1:9092
    #[arg(long, value_name = "URL")]
    kafka: String,
    /// The server, as in mongodb://127.0.0.1:27017; without it only the log and the null sink are measured
    #[arg(long, value_name = "URL")]
    mongo: Option<String>,
    /// The delaycast binary
    #[arg(long, default_value = "target/release/delaycast")]
    binary: PathBuf,
    /// The model directory
    #[arg(long)]
    models: PathBuf,
    /// How many requests are preloaded
    #[arg(long, default_value_t = 200_000)]
    requests: usize,
    /// Worker threads
    #[arg(long, default_value_t = 2)]
    workers: usize,
    /// How often throughput is measured; the median counts
    #[arg(long, default_value_t = 3)]
    rounds: usize,
    /// For how long latency is measured at 100 requests a second; 0 leaves it out
    #[arg(long, default_value_t = 60)]
    latency_s: u64,
}

pub(crate) fn measure(options: &Options) -> anyhow::Result<()> {
    throughput::measure(options)?;
    match &options.mongo {
        Some(mongo) if options.latency_s > 0 => latency::measure(options, mongo),
        _ => Ok(()),
    }
}
