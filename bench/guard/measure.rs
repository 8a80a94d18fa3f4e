//! Counts all steps, as many at a time as there are processors: counts don't depend on the load.

use std::{
    collections::BTreeMap,
    env, fs,
    os::unix::fs::symlink,
    path::Path,
    sync::{Mutex, PoisonError},
    thread,
};

use anyhow::{Context, ensure};

use crate::{
    callgrind::{self, DATA, PROGRAM},
    environment::{self, Environment},
    fixture::{Fixture, REQUESTS},
    steps::{self, Step},
};

/// Runs of a step with threads. Their least count is taken: timers of the embedded file add to it when a run takes
/// long.
const RUNS_WITH_THREADS: usize = 3;

/// Counts, and their circumstances.
pub(crate) struct Measurement {
    pub(crate) environment: Environment,
    /// Instructions a request, by step.
    pub(crate) instructions: BTreeMap<String, u64>,
}

/// Makes the data and counts steps: all, or those that are named.
pub(crate) fn measure(program: &Path, folder: &Path, names: &[String]) -> anyhow::Result<Measurement> {
    let chosen: Vec<&'static Step> = match names {
        [] => steps::ALL.iter().collect(),
        names => names.iter().map(|name| steps::find(name)).collect::<Result<_, _>>()?,
    };
    let environment = environment::here()?;
    if folder.exists() {
        fs::remove_dir_all(folder).with_context(|| format!("cannot empty {}", folder.display()))?;
    }
    let data = folder.join(DATA);
    fs::create_dir_all(&data).with_context(|| format!("cannot make {}", data.display()))?;
    symlink(env::current_exe().context("no path of this program")?, folder.join(PROGRAM))?;
    Fixture::make(&data, program)?;
    // The difference of two sizes has no costs of starting, of loading, or of the first request.
    let runs = |step: &'static Step| {
        let runs = if step.has_threads { RUNS_WITH_THREADS } else { 1 };
        (0..runs).flat_map(move |run| [(step, 2 * REQUESTS, run), (step, REQUESTS, run)])
    };
    let waiting = Mutex::new(chosen.iter().copied().flat_map(runs).rev().collect());
    let counted = Mutex::new(Vec::new());
    let threads = thread::available_parallelism().map_or(1, usize::from);
    thread::scope(|scope| {
        for _ in 0..threads {
            scope.spawn(|| count_all(&waiting, &counted, folder));
        }
    });
    let mut counts = BTreeMap::new();
    for (step, requests, count) in counted.into_inner().unwrap_or_else(PoisonError::into_inner) {
        let (count, least) = (count?, counts.entry((step, requests)).or_insert(u64::MAX));
        *least = count.min(*least);
    }
    let instructions = chosen.iter().map(|step| {
        let of = |requests| counts.get(&(step.name, requests)).copied().unwrap_or_default();
        let more = of(2 * REQUESTS).saturating_sub(of(REQUESTS));
        let requests = (REQUESTS * step.times) as u64;
        ensure!(more >= requests, "{}: twice the requests take only {more} instructions more", step.name);
        Ok((step.name.to_owned(), (more + requests / 2) / requests))
    });
    Ok(Measurement { environment, instructions: instructions.collect::<anyhow::Result<_>>()? })
}

/// A run that waits: a step, its number of requests, and the number of the run.
type Waiting = Vec<(&'static Step, usize, usize)>;
/// A run that has ended.
type Counted = (&'static str, usize, anyhow::Result<u64>);

fn count_all(waiting: &Mutex<Waiting>, counted: &Mutex<Vec<Counted>>, folder: &Path) {
    loop {
        let next = waiting.lock().unwrap_or_else(PoisonError::into_inner).pop();
        let Some((step, requests, run)) = next else { return };
        let count = callgrind::count(folder, step, requests, run);
        counted.lock().unwrap_or_else(PoisonError::into_inner).push((step.name, requests, count));
    }
}
