//! The cost of a step, and the rate of a count that grows.

use std::{
    thread,
    time::{Duration, Instant},
};

use anyhow::ensure;
use rustix::time::{ClockId, clock_gettime};

/// The elapsed time of a step, and the CPU time of all threads, including threads that have ended.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Cost {
    pub(crate) seconds: f64,
    pub(crate) cpu_s: f64,
}

pub(crate) struct Clock {
    started: Instant,
    cpu_s: f64,
}

impl Clock {
    pub(crate) fn start() -> Self {
        Clock { started: Instant::now(), cpu_s: cpu_s() }
    }

    pub(crate) fn read(&self) -> Cost {
        Cost { seconds: self.started.elapsed().as_secs_f64(), cpu_s: cpu_s() - self.cpu_s }
    }
}

/// Timeout without progress of a count.
const PROGRESS_TIMEOUT: Duration = Duration::from_secs(60);

/// Waits until the count of answers that `landed` returns has grown to `count`; returns the answers per second, from
/// the first ones that are counted to the last. `seen` is called with each new count.
pub(crate) fn per_s(
    count: usize,
    interval: Duration,
    mut landed: impl FnMut() -> anyhow::Result<usize>,
    mut seen: impl FnMut(usize) -> anyhow::Result<()>,
) -> anyhow::Result<f64> {
    let (mut first, mut last) = (None, (Instant::now(), 0));
    loop {
        let (landed, now) = (landed()?, Instant::now());
        if landed > last.1 {
            last = (now, landed);
            seen(landed)?;
            let (first_at, first): (Instant, usize) = *first.get_or_insert(last);
            if landed == count {
                ensure!(landed > first, "all answers landed at once: measure with more requests");
                return Ok((landed - first) as f64 / now.duration_since(first_at).as_secs_f64());
            }
        }
        ensure!(last.0.elapsed() < PROGRESS_TIMEOUT, "stuck at {landed} of {count}");
        thread::sleep(interval);
    }
}

fn cpu_s() -> f64 {
    let spent = clock_gettime(ClockId::ProcessCPUTime);
    spent.tv_sec as f64 + spent.tv_nsec as f64 / 1e9
}
