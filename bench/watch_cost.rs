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
    let mut ratios = Vec::new();
    for round in 1..=ROUNDS {
        let alone = landed_per_second(options, &asked, false)?;
        let watched = landed_per_second(options, &asked, true)?;
        println!("round {round}: {alone:.0}/s alone, {watched:.0}/s with a page that counts");
        ratios.push(watched / alone);
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
    let _scorer = Process::score(options, &url, &url)?;
    rate(&path, asked.len())
}

/// From the first answers that are seen to the last.
fn rate(path: &Path, count: usize) -> anyhow::Result<f64> {
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
