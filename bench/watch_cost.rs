//! What it costs the scorer that somebody counts what lands: with a page that watches the same store, and without.

use std::{
    path::Path,
    thread,
    time::{Duration, Instant},
};

use anyhow::ensure;
use delaycast::{log, request::Request, sqlite::Inspector};

use crate::{Options, process::Process, requests};

/// How often answers are counted.
const SAMPLE: Duration = Duration::from_millis(20);
/// Both ways take turns so often; the median of the rounds' ratios counts.
const ROUNDS: usize = 5;
/// No answer takes this long.
const DEADLINE: Duration = Duration::from_secs(60);

pub(crate) fn measure(options: &Options) -> anyhow::Result<()> {
    let asked = requests::make(options.requests, 1)?;
    compare("with a page that counts", |watched| landed_per_second(options, &asked, watched))
}

/// Measures answers per second without something and with it, in turns.
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
    requests::publish(&log::open(&url)?.producer()?, asked)?;
    let _page = if watched { Some(Process::web(options, &url, &url)?) } else { None };
    let _scorer = Process::score(options, &url, &url, &[])?;
    rate(&path, asked.len())
}

/// From the first answers that are seen to the last.
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
        thread::sleep(SAMPLE);
    }
}
