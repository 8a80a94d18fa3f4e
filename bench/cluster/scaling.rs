//! The cost of workers, processes and partitions: at rest, at a steady rate, and at full speed.

use std::{
    thread,
    time::{Duration, Instant},
};

use anyhow::{Context, ensure};
use delaycast::request::{Request, encode};
use serde::{Deserialize, Serialize};

use super::{free_addresses, start_cluster};
use crate::{
    embedded::{EmbeddedFile, latency::open},
    process::{Metrics, Process, Target},
    requests,
    results::{Measurement, Spread},
};

/// Time after the start of a layout until it is at rest.
const SETTLE: Duration = Duration::from_secs(3);

/// A layout: processes, workers of each, partitions.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Layout {
    processes: usize,
    workers: usize,
    partitions: usize,
}

impl Layout {
    const fn new(processes: usize, workers: usize, partitions: usize) -> Self {
        Layout { processes, workers, partitions }
    }
}

/// Workers in one process, processes of one worker and of several, and fewer and more partitions than workers.
const LAYOUTS: [Layout; 12] = [
    Layout::new(1, 1, 4),
    Layout::new(1, 2, 4),
    Layout::new(1, 4, 4),
    Layout::new(1, 8, 8),
    Layout::new(1, 16, 16),
    Layout::new(1, 32, 32),
    Layout::new(2, 1, 4),
    Layout::new(2, 2, 4),
    Layout::new(3, 2, 6),
    Layout::new(3, 4, 12),
    Layout::new(1, 4, 1),
    Layout::new(1, 4, 16),
];

#[derive(Debug, clap::Args, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Options {
    #[command(flatten)]
    #[serde(skip)]
    target: Target,
    /// Number of requests of each round at full speed
    #[arg(long, default_value_t = 100_000)]
    requests: usize,
    /// Number of rounds at full speed
    #[arg(long, default_value_t = 3)]
    rounds: usize,
    /// Seconds at rest, and at a steady rate
    #[arg(long, default_value_t = 10)]
    seconds: u64,
    /// Requests a second of the steady rate
    #[arg(long, default_value_t = 1000)]
    rate: u32,
}

/// The work of all processes of a layout, by the second.
#[derive(Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Use {
    /// CPU seconds a second.
    cpu: f64,
    /// Messages about progress that are broadcast.
    progress_sent: f64,
    /// Messages about progress that are received.
    progress_received: f64,
}

#[derive(Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Row {
    layout: Layout,
    at_rest: Use,
    at_rate: Use,
    /// Answers landed a second at full speed.
    landed_per_s: Spread,
    /// CPU microseconds an answer at full speed.
    cpu_us: Spread,
}

#[derive(Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Values {
    layouts: Vec<Row>,
}

impl Measurement for Options {
    const NAME: &'static str = "scaling";
    type Values = Values;
}

pub(crate) fn measure(options: &Options) -> anyhow::Result<Values> {
    let asked = requests::make(options.requests, 1)?;
    let row = |layout| row(options, &asked, layout).with_context(|| format!("{layout:?}"));
    Ok(Values { layouts: LAYOUTS.into_iter().map(row).collect::<anyhow::Result<_>>()? })
}

fn row(options: &Options, asked: &[Request], layout: Layout) -> anyhow::Result<Row> {
    let parameters = format!("?partitions={}", layout.partitions);
    let file = EmbeddedFile::new(&parameters)?;
    let (producer, _lookup) = open(&file)?;
    let scorers = Scorers::start(options, &file, layout)?;
    thread::sleep(SETTLE);
    let time = Duration::from_secs(options.seconds);
    let at_rest = scorers.usage(|| {
        thread::sleep(time);
        Ok(())
    })?;
    let paced = requests::make(options.rate as usize * options.seconds as usize, 2)?;
    let at_rate = scorers.usage(|| {
        let (started, interval) = (Instant::now(), Duration::from_secs(1) / options.rate);
        for (request, number) in paced.iter().zip(0u32..) {
            thread::sleep((interval * number).saturating_sub(started.elapsed()));
            producer.publish(None, encode(request).into_bytes(), Box::new(|_| ()));
        }
        Ok(())
    })?;
    drop(scorers);
    let (mut landed_per_s, mut cpu_us) = (Vec::new(), Vec::new());
    for _ in 0..options.rounds {
        let (file, _) = EmbeddedFile::with(asked, &parameters)?;
        let scorers = Scorers::start(options, &file, layout)?;
        // Without the start: from the first answers that are seen to the last ones.
        let mut first = None;
        landed_per_s.push(file.landed_per_s(asked.len(), |landed| {
            first.get_or_insert((landed, scorers.cpu_s()));
            Ok(())
        })?);
        let (landed, cpu_s) = first.context("no answers were seen")?;
        cpu_us.push((scorers.cpu_s() - cpu_s) * 1e6 / (asked.len() - landed) as f64);
    }
    let (landed_per_s, cpu_us) = (Spread::of(landed_per_s)?, Spread::of(cpu_us)?);
    let row = Row { layout, at_rest, at_rate, landed_per_s, cpu_us };
    println!("    {}", serde_json::to_string(&row)?);
    Ok(row)
}

/// The processes of a layout, with the addresses of their metrics.
struct Scorers {
    processes: Vec<Process>,
    health: Vec<String>,
}

impl Scorers {
    fn start(options: &Options, file: &EmbeddedFile, layout: Layout) -> anyhow::Result<Self> {
        let health = free_addresses(layout.processes)?;
        let more = |process: usize| ["--health", &*health[process]];
        let processes = start_cluster(&options.target, file, (layout.processes, layout.workers), more)?;
        Ok(Scorers { processes, health })
    }

    fn cpu_s(&self) -> f64 {
        self.processes.iter().map(Process::tree_cpu_s).sum()
    }

    /// The use of all processes while `work` is done.
    fn usage(&self, work: impl FnOnce() -> anyhow::Result<()>) -> anyhow::Result<Use> {
        let (before, cpu, started) = (self.progress()?, self.cpu_s(), Instant::now());
        work()?;
        let (after, elapsed) = (self.progress()?, started.elapsed().as_secs_f64());
        let per_s = |of: fn(&(f64, f64)) -> f64| (of(&after) - of(&before)) / elapsed;
        Ok(Use {
            cpu: (self.cpu_s() - cpu) / elapsed,
            progress_sent: per_s(|(sent, _)| *sent),
            progress_received: per_s(|(_, received)| *received),
        })
    }

    /// The messages about progress so far, sent and received.
    fn progress(&self) -> anyhow::Result<(f64, f64)> {
        let (mut sent, mut received) = (0.0, 0.0);
        for health in &self.health {
            let metrics = Metrics::read(health)?;
            let of = |direction: &str| {
                metrics.get(&format!("delaycast_progress_messages_total{{direction=\"{direction}\"}}"))
            };
            (sent, received) = (sent + of("sent")?, received + of("received")?);
        }
        ensure!(received > 0.0, "no worker has received a message about progress");
        Ok((sent, received))
    }
}
