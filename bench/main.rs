//! Measurements, each beside a reference in the same run, because machines differ and are shared. `bench/run` builds
//! the binaries and runs all measurements; docs/benchmarks.md has the method and the results.

#![allow(clippy::print_stdout)]

mod clock;
mod cluster;
mod embedded_latency;
mod embedded_throughput;
mod explanations;
mod forest;
mod hot_swap;
mod load;
mod page_latency;
mod process;
mod requests;
mod scrape_cost;
#[cfg(all(feature = "kafka", feature = "mongo"))]
mod services;
mod watch_cost;

use std::path::PathBuf;

use clap::{Parser, Subcommand};

#[derive(Parser)]
#[command(about = "Measures delaycast")]
struct Cli {
    #[command(subcommand)]
    measurement: Measurement,
}

#[derive(Subcommand)]
enum Measurement {
    /// Requests in the embedded log, answers per second landed in the store, and resident memory
    EmbeddedThroughput(Options),
    /// From a request to its visible answer on an idle embedded system
    EmbeddedLatency(Options),
    /// The same through the page's routes, on `delaycast up`
    PageLatency(Options),
    /// Answers per second with and without a page that counts them
    WatchCost(Options),
    /// Answers per second with and without metrics that are read ten times a second
    ScrapeCost(Options),
    /// The cost of explanations
    Explanations(Options),
    /// The time to load a model, and to score with it
    Load(load::Options),
    /// Latency around the moments at which another model takes effect, at so many
    /// requests a second
    HotSwap(Options),
    /// Throughput and latency of three processes beside one
    Cluster(Options),
    /// Growing forests and scoring with them, on rows that others may read; see `bench/forest/run`
    #[command(subcommand)]
    Forest(forest::Step),
    /// Throughput and latency between a real Kafka and a real MongoDB
    #[cfg(all(feature = "kafka", feature = "mongo"))]
    Services(services::Options),
}

#[derive(clap::Args)]
struct Options {
    /// The delaycast binary
    #[arg(long, default_value = "target/release/delaycast")]
    binary: PathBuf,
    /// The model directory
    #[arg(long)]
    models: PathBuf,
    /// How many requests
    #[arg(long)]
    requests: usize,
    /// Worker threads
    #[arg(long, default_value_t = 2)]
    workers: usize,
}

fn main() -> anyhow::Result<()> {
    match Cli::parse().measurement {
        Measurement::EmbeddedThroughput(options) => embedded_throughput::measure(&options),
        Measurement::EmbeddedLatency(options) => embedded_latency::measure(&options),
        Measurement::PageLatency(options) => page_latency::measure(&options),
        Measurement::Explanations(options) => explanations::measure(&options),
        Measurement::Load(options) => load::measure(&options),
        Measurement::HotSwap(options) => hot_swap::measure(&options),
        Measurement::Forest(step) => forest::run(&step),
        Measurement::Cluster(options) => cluster::measure(&options),
        Measurement::WatchCost(options) => watch_cost::measure(&options),
        Measurement::ScrapeCost(options) => scrape_cost::measure(&options),
        #[cfg(all(feature = "kafka", feature = "mongo"))]
        Measurement::Services(options) => services::measure(&options),
    }
}
