//! Measurements, each beside a reference in the same run, because machines differ and are shared. `bench/run` builds
//! the binaries and runs all measurements; each writes its result into `bench/results/`, from which `report` renders
//! the tables in docs/benchmarks.md and README.md.

#![allow(clippy::print_stdout)]

mod clock;
mod cluster;
mod editions;
mod embedded;
mod first_answer;
mod forest;
mod live;
mod model;
mod numbers;
mod page;
mod peers;
mod process;
mod report;
mod requests;
mod results;
mod services;
mod soak;

use std::path::{Path, PathBuf};

use clap::{Parser, Subcommand};

use cluster::recovery;
use embedded::{explanations, latency, memory, page_clients, page_latency, scrape_cost, throughput, watch_cost};
use live::{horizons, parity, serving};
use mimalloc::MiMalloc;
use model::{hot_swap, load, training};
use results::record;

/// The allocator that delaycast has, too: parts of it are measured within this process.
#[global_allocator]
static ALLOCATOR: MiMalloc = MiMalloc;

#[derive(Parser)]
#[command(about = "Measures delaycast")]
struct Cli {
    /// The folder of the results
    #[arg(long, global = true, default_value = "bench/results")]
    results: PathBuf,
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand)]
enum Command {
    /// Training on the bundled flights: its cost, and the quality of the forest
    Training(training::Options),
    /// Answers per second landed in the embedded store, beside the single steps
    EmbeddedThroughput(throughput::Options),
    /// Resident memory while many answers land
    Memory(memory::Options),
    /// From a request to its visible answer on an idle embedded system
    EmbeddedLatency(latency::Options),
    /// The same through the page's routes, on `delaycast up`
    PageLatency(page_latency::Options),
    /// Many clients of the page at once: errors, latency, memory
    PageClients(page_clients::Options),
    /// Answers per second with and without a page that counts them
    WatchCost(watch_cost::Options),
    /// Answers per second with and without metrics that are read
    ScrapeCost(scrape_cost::Options),
    /// The cost of explanations
    Explanations(explanations::Options),
    /// The horizon curve of answers with events
    Live(horizons::Options),
    /// Answers that were given online, beside those of a batch
    LiveParity(parity::Options),
    /// The cost of events: rebuilding their state, answering with it, and the time to a version
    LiveServing(serving::Options),
    /// The time to load a model, and to score with it
    Load(load::Options),
    /// Latency around the moments at which another model takes effect
    HotSwap(hot_swap::Options),
    /// Throughput and latency of three processes beside one
    Cluster(cluster::throughput::Options),
    /// The cost of workers, processes and partitions
    Scaling(cluster::scaling::Options),
    /// The time until three processes answer after one has failed
    Recovery(recovery::Options),
    /// From a clone of this repository to an answer
    FirstAnswer(first_answer::Options),
    /// Throughput and latency between a real Kafka and a real MongoDB
    #[cfg(all(feature = "kafka", feature = "mongo"))]
    Services(services::Options),
    /// A cluster under load for half an hour, with a fault a minute
    #[cfg(all(feature = "kafka", feature = "mongo"))]
    Soak(soak::Options),
    /// Growing forests and scoring with them, beside other libraries; see `bench/forest/run`
    #[command(subcommand)]
    Forest(forest::Step),
    /// Other systems and libraries at their best beside delaycast; see `bench/peers/run`
    #[command(subcommand)]
    Peers(peers::Part),
    /// This build beside another one
    Editions(editions::Options),
    /// Render the results into docs/benchmarks.md and README.md
    Report,
}

fn main() -> anyhow::Result<()> {
    let Cli { results, command } = Cli::parse();
    match command {
        Command::Training(options) => record(&results, options, training::measure),
        Command::EmbeddedThroughput(options) => record(&results, options, throughput::measure),
        Command::Memory(options) => record(&results, options, memory::measure),
        Command::EmbeddedLatency(options) => record(&results, options, latency::measure),
        Command::PageLatency(options) => record(&results, options, page_latency::measure),
        Command::PageClients(options) => record(&results, options, page_clients::measure),
        Command::WatchCost(options) => record(&results, options, watch_cost::measure),
        Command::ScrapeCost(options) => record(&results, options, scrape_cost::measure),
        Command::Explanations(options) => record(&results, options, explanations::measure),
        Command::Live(options) => horizons::measure(&options),
        Command::LiveParity(options) => record(&results, options, parity::measure),
        Command::LiveServing(options) => record(&results, options, serving::measure),
        Command::Load(options) => record(&results, options, load::measure),
        Command::HotSwap(options) => record(&results, options, hot_swap::measure),
        Command::Cluster(options) => record(&results, options, cluster::throughput::measure),
        Command::Scaling(options) => record(&results, options, cluster::scaling::measure),
        Command::Recovery(options) => record(&results, options, recovery::measure),
        Command::FirstAnswer(options) => record(&results, options, first_answer::measure),
        #[cfg(all(feature = "kafka", feature = "mongo"))]
        Command::Services(options) => record(&results, options, services::measure),
        #[cfg(all(feature = "kafka", feature = "mongo"))]
        Command::Soak(options) => record(&results, options, soak::measure),
        Command::Forest(step) => forest::run(step, &results),
        Command::Peers(part) => peers::run(part, &results),
        Command::Editions(options) => record(&results, options, editions::measure),
        Command::Report => report::write(Path::new("."), &results),
    }
}
