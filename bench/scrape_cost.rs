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
use delaycast::{domain::Flights, request::Request};
use engine::log;

use crate::{
    Options,
    process::Process,
    requests,
    watch_cost::{compare, rate},
};

/// Interval between two reads of the metrics, a hundredth of the usual one.
const SCRAPE_INTERVAL: Duration = Duration::from_millis(100);

pub(crate) fn measure(options: &Options) -> anyhow::Result<()> {
    let asked = requests::make(options.requests, 1)?;
    compare("while the metrics are read", |scraped| landed_per_second(options, &asked, scraped))
}

fn landed_per_second(options: &Options, asked: &[Request], scraped: bool) -> anyhow::Result<f64> {
    let dir = tempfile::tempdir_in(".")?;
    let path = dir.path().join("delaycast.db");
    let url = format!("sqlite:{}", path.display());
    requests::publish(&log::open::<Flights>(&url)?.producer()?, asked)?;
    if !scraped {
        let _scorer = Process::score(options, &url, &url, &[])?;
        return rate(&path, asked.len());
    }
    // The port is free now; the scorer fails if it is taken meanwhile.
    let address = TcpListener::bind("127.0.0.1:0")?.local_addr()?;
    let _scorer = Process::score(options, &url, &url, &["--health", &address.to_string()])?;
    let (stop, pages) = (Arc::new(AtomicBool::new(false)), Arc::new(AtomicUsize::new(0)));
    let scraper = {
        let (stop, pages) = (Arc::clone(&stop), Arc::clone(&pages));
        thread::spawn(move || {
            while !stop.load(Ordering::Relaxed) {
                let page = ureq::get(format!("http://{address}/metrics")).call();
                // Fails until the scorer listens.
                if page.is_ok_and(|mut page| page.body_mut().read_to_string().is_ok()) {
                    pages.fetch_add(1, Ordering::Relaxed);
                }
                thread::sleep(SCRAPE_INTERVAL);
            }
        })
    };
    let landed = rate(&path, asked.len());
    stop.store(true, Ordering::Relaxed);
    ensure!(scraper.join().is_ok(), "the thread that reads the metrics died");
    ensure!(pages.load(Ordering::Relaxed) > 0, "the metrics were never read");
    landed
}
