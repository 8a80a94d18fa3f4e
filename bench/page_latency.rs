//! The page's latency: from the POST to the first GET that returns the answer, with everything in one process.

use std::{
    fs, thread,
    time::{Duration, Instant},
};

use anyhow::{Context, ensure};
use rand::{RngExt, SeedableRng};
use rand_chacha::ChaCha8Rng;

use crate::{Options, embedded_latency::report, process::Process, requests};

/// Timeout of an answer.
const DEADLINE: Duration = Duration::from_secs(10);

pub(crate) fn measure(options: &Options) -> anyhow::Result<()> {
    let dir = tempfile::tempdir_in(".")?;
    std::os::unix::fs::symlink(fs::canonicalize(&options.models)?, dir.path().join("models"))?;
    let (_up, base) = Process::up(options, dir.path())?;
    let agent = ureq::Agent::new_with_defaults();
    let mut random = ChaCha8Rng::seed_from_u64(1);
    let (mut acknowledged, mut visible) = (Vec::new(), Vec::new());
    for request in requests::make(options.requests, 3)? {
        let (date, delay) = (request.date.to_string(), request.dep_delay.unwrap_or_default().to_string());
        let form = [
            ("Carrier", request.carrier.as_str()),
            ("Origin", request.origin.as_str()),
            ("Dest", request.dest.as_str()),
            ("FlightDate", &date),
            ("DepDelay", &delay),
        ];
        let started = Instant::now();
        let mut reply = agent.post(format!("{base}flights/delays/predict/classify_realtime")).send_form(form)?;
        let reply = reply.body_mut().read_to_string()?;
        acknowledged.push(started.elapsed());
        let id = reply.split('"').nth(7).context("no id in the reply")?;
        let url = format!("{base}flights/delays/predict/classify_realtime/response/{id}");
        while agent.get(&url).call()?.body_mut().read_to_string()?.contains("\"WAIT\"") {
            ensure!(started.elapsed() < DEADLINE, "no answer");
        }
        visible.push(started.elapsed());
        // A random pause: requests do not align with any timer.
        thread::sleep(Duration::from_micros(random.random_range(5_000..40_000)));
    }
    report("until the POST is answered", &mut acknowledged);
    report("until a GET has the answer", &mut visible);
    Ok(())
}
