//! The scorer's throughput with metrics read ten times a second, and without.

use std::{
    net::TcpListener,
    sync::{
        Arc,
        atomic::{AtomicBool, AtomicUsize, Ordering},
    },
    thread,
    time::Duration,
};

use anyhow::ensure;
use delaycast::request::Request;
use serde::{Deserialize, Serialize};

use super::EmbeddedFile;
use crate::{
    process::{Metrics, Process, Target},
    requests,
    results::{Compared, Measurement},
};

#[derive(Debug, clap::Args, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Options {
    #[command(flatten)]
    #[serde(skip)]
    target: Target,
    /// Number of requests
    #[arg(long, default_value_t = 200_000)]
    requests: usize,
    /// Worker threads
    #[arg(long, default_value_t = 2)]
    workers: usize,
    /// Number of rounds, each of both
    #[arg(long, default_value_t = 5)]
    rounds: usize,
    /// Reads of the metrics per second
    #[arg(long, default_value_t = 10)]
    reads_per_s: u32,
}

/// The throughput while the metrics are read; that without is the reference.
#[derive(Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Values {
    scraped: Compared,
}

impl Measurement for Options {
    const NAME: &'static str = "scrape-cost";
    type Values = Values;
}

pub(crate) fn measure(options: &Options) -> anyhow::Result<Values> {
    let asked = requests::make(options.requests, 1)?;
    let scraped = Compared::in_turns(options.rounds, |scraped| landed_per_s(options, &asked, scraped))?;
    Ok(Values { scraped })
}

fn landed_per_s(options: &Options, asked: &[Request], scraped: bool) -> anyhow::Result<f64> {
    let (file, _) = EmbeddedFile::with(asked, "")?;
    if !scraped {
        let _scorer = Process::score(&options.target, options.workers, &file.url, &[])?;
        return file.landed_per_s(asked.len(), |_| Ok(()));
    }
    // The port is free now; the scorer fails if it is taken meanwhile.
    let address = TcpListener::bind("127.0.0.1:0")?.local_addr()?;
    let health = ["--health", &address.to_string()];
    let _scorer = Process::score(&options.target, options.workers, &file.url, &health)?;
    let (stop, pages) = (Arc::new(AtomicBool::new(false)), Arc::new(AtomicUsize::new(0)));
    let interval = Duration::from_secs(1) / options.reads_per_s.max(1);
    let scraper = {
        let (stop, pages) = (Arc::clone(&stop), Arc::clone(&pages));
        thread::spawn(move || {
            while !stop.load(Ordering::Relaxed) {
                if Metrics::read(&address.to_string()).is_ok() {
                    pages.fetch_add(1, Ordering::Relaxed);
                }
                thread::sleep(interval);
            }
        })
    };
    let landed = file.landed_per_s(asked.len(), |_| Ok(()));
    stop.store(true, Ordering::Relaxed);
    ensure!(scraper.join().is_ok(), "the thread that reads the metrics died");
    ensure!(pages.load(Ordering::Relaxed) > 0, "the metrics were never read");
    landed
}
