//! The scorer's throughput with a page that counts the answers in the same store, and without.

use std::{
    path::Path,
    thread,
    time::{Duration, Instant},
};

use anyhow::ensure;
use delaycast::{domain::Flights, request::Request};
use engine::{log, sqlite::Inspector};

use crate::{Options, process::Process, requests};

/// Interval between two counts of the answers.
const SAMPLE_INTERVAL: Duration = Duration::from_millis(20);
/// Rounds of both ways in turns; the median of the rounds' ratios is reported.
const ROUNDS: usize = 5;
/// Timeout of all answers.
const DEADLINE: Duration = Duration::from_secs(60);

pub(crate) fn measure(options: &Options) -> anyhow::Result<()> {
    let asked = requests::make(options.requests, 1)?;
    compare("with a page that counts", |watched| landed_per_second(options, &asked, watched))
}

/// Measures answers per second without a feature and with it, in turns.
pub(crate) fn compare(what: &str, per_second: impl Fn(bool) -> anyhow::Result<f64>) -> anyhow::Result<()> {
    let mut ratios = Vec::new();
    for round in 1..=ROUNDS {
        let (without, with) = (per_second(false)?, per_second(true)?);
        println!("round {round}: {without:.0}/s alone, {with:.0}/s {what}");
        ratios.push(with / without);
    }
    ratios.sort_unstable_by(f64::total_cmp);
    println!("with / without, median of the rounds' ratios: {:.2}", ratios[ROUNDS / 2]);
    Ok(())
}

fn landed_per_second(options: &Options, asked: &[Request], watched: bool) -> anyhow::Result<f64> {
    let dir = tempfile::tempdir_in(".")?;
    let path = dir.path().join("delaycast.db");
    let url = format!("sqlite:{}", path.display());
    requests::publish(&log::open::<Flights>(&url)?.producer()?, asked)?;
    let _page = if watched { Some(Process::web(options, &url, &url)?) } else { None };
    let _scorer = Process::score(options, &url, &url, &[])?;
    rate(&path, asked.len())
}

/// Answers per second, from the first ones that are counted to the last.
pub(crate) fn rate(path: &Path, count: usize) -> anyhow::Result<f64> {
    let (inspector, started, mut first) = (Inspector::open(path)?, Instant::now(), None);
    loop {
        let landed = inspector.answers()? as usize;
        if landed > 0 {
            let (seen_at, seen): (Instant, usize) = *first.get_or_insert((Instant::now(), landed));
            if landed == count {
                return Ok((landed - seen) as f64 / seen_at.elapsed().as_secs_f64());
            }
        }
        ensure!(started.elapsed() < DEADLINE, "stuck at {landed} of {count}");
        thread::sleep(SAMPLE_INTERVAL);
    }
}
