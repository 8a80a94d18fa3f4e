//! Other systems and libraries for the same work, each set up as well as it can be, and delaycast beside them in the
//! same rounds. `bench/peers/run` installs them; docs/adr/0041-peers.md has the choice and the methods.
//!
//! A part that needs Kafka is left out of builds without it. Its results are read by the report in any build.

#[cfg(all(feature = "kafka", feature = "mongo"))]
mod copy;
mod installed;
pub(crate) mod kafka_to_kafka;
pub(crate) mod kernels;
#[cfg(all(feature = "kafka", feature = "mongo"))]
mod lines;
pub(crate) mod micro_batch;
#[cfg(all(feature = "kafka", feature = "mongo"))]
mod null_scorer;
#[cfg(all(feature = "kafka", feature = "mongo"))]
mod observer;
#[cfg(all(feature = "kafka", feature = "mongo"))]
mod run_kafka_to_kafka;
#[cfg(all(feature = "kafka", feature = "mongo"))]
mod run_micro_batch;

use std::path::Path;

use clap::Subcommand;

use crate::results::record;

#[derive(Subcommand)]
pub(crate) enum Part {
    /// Preloaded requests into a sink that drops, beside Spark's micro-batches
    #[cfg(all(feature = "kafka", feature = "mongo"))]
    MicroBatch(micro_batch::Options),
    /// From a topic to a topic at steady rates, beside Spark's real-time mode and Pathway
    #[cfg(all(feature = "kafka", feature = "mongo"))]
    KafkaToKafka(kafka_to_kafka::Options),
    /// Scoring with forests on one core, beside compilers of forests
    Kernels(kernels::Options),
    /// The score dataflow into a sink that drops, as a process of its own
    #[cfg(all(feature = "kafka", feature = "mongo"))]
    #[command(hide = true)]
    NullScorer(null_scorer::Options),
    /// A consumer that produces what it reads to another topic, as a process of its own
    #[cfg(all(feature = "kafka", feature = "mongo"))]
    #[command(hide = true)]
    Copy(copy::Options),
}

pub(crate) fn run(part: Part, results: &Path) -> anyhow::Result<()> {
    match part {
        #[cfg(all(feature = "kafka", feature = "mongo"))]
        Part::MicroBatch(options) => record(results, options, run_micro_batch::measure),
        #[cfg(all(feature = "kafka", feature = "mongo"))]
        Part::KafkaToKafka(options) => record(results, options, run_kafka_to_kafka::measure),
        Part::Kernels(options) => record(results, options, kernels::measure),
        #[cfg(all(feature = "kafka", feature = "mongo"))]
        Part::NullScorer(options) => null_scorer::run(&options),
        #[cfg(all(feature = "kafka", feature = "mongo"))]
        Part::Copy(options) => copy::run(&options),
    }
}
