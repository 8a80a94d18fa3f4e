//! The run of the watch: its followers, one worker, and the snapshots.

use std::{
    collections::BTreeMap,
    io,
    sync::{
        Arc,
        mpsc::{Receiver, RecvTimeoutError, sync_channel},
    },
    thread,
    time::{Duration, Instant},
};

use engine::{
    clock::{Clock, SystemClock},
    delivery::{Health, Waiting},
    domain::Domain,
    runtime::{Mutex, Stop},
};
use timely::worker::Worker;

use super::{
    event::{Key, Names, answer_events, dead_letter_events},
    follow::{Rows, Sources, Update, follow},
    time::{STEP, Time, Timestamp, event_time},
    window::{Counts, Watch},
};

/// Interval at which the counts are updated.
pub const UPDATE_INTERVAL: Duration = Duration::from_millis(250);
/// Upper bound on the pages that wait to be counted.
const PAGES_AHEAD: usize = 2;

/// The settings of the watch.
#[derive(Clone)]
pub struct Config {
    /// The length of the window; it moves by [`STEP`].
    pub window: Duration,
    /// Upper bound on the names that are counted separately, in each open dimension and for models.
    pub names_max: usize,
    /// The clock.
    pub clock: Arc<dyn Clock>,
}

impl Default for Config {
    fn default() -> Self {
        Config { window: Duration::from_secs(3600), names_max: 500, clock: Arc::new(SystemClock) }
    }
}

/// The counts at a time.
#[derive(Debug, Clone, Default)]
pub struct Snapshot {
    /// The time; 0 before the first snapshot.
    pub at: Timestamp,
    /// All counts that are not 0.
    pub counts: BTreeMap<Key, isize>,
    /// The elapsed seconds since the end of every source was reached; `None` if the end of one never was.
    pub behind_s: Option<u64>,
    /// The outages, each with the name of its source.
    pub waiting: Vec<(&'static str, Waiting)>,
}

/// A cell that holds the latest snapshot.
#[derive(Debug, Default)]
pub struct SnapshotCell(Mutex<Arc<Snapshot>>);

impl SnapshotCell {
    /// Returns the latest snapshot.
    pub fn snapshot(&self) -> Arc<Snapshot> {
        Arc::clone(&self.0.lock())
    }

    fn set(&self, snapshot: Snapshot) {
        *self.0.lock() = Arc::new(snapshot);
    }
}

/// The reason why the watch could not start.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The operating system has refused a thread.
    #[error("cannot start a thread that follows the answers")]
    NoThread(#[from] io::Error),
}

/// Counts until `stop` is requested, on a worker that runs no other dataflow. Blocks.
pub fn run<D: Domain>(
    config: &Config,
    sources: &Sources<D>,
    snapshots: &Arc<SnapshotCell>,
    stop: &Stop,
) -> Result<(), Error> {
    let (updates, arriving) = sync_channel(PAGES_AHEAD);
    let time = Arc::new(Time::start(&config.clock));
    let since = time.started_at() - config.window - STEP;
    let mut states = Vec::new();
    for (number, (what, place, open)) in sources.open(since).into_iter().enumerate() {
        let (updates, stop) = (updates.clone(), stop.clone());
        let health = Arc::new(Health::new(format!("{what}, to count them, {place}")));
        states.push(SourceState { what, caught_up_at: None, health: Arc::clone(&health) });
        let time = Arc::clone(&time);
        let run = move || follow(number, &open, &health, &time, &updates, &stop);
        thread::Builder::new().name(format!("follow-{number}")).spawn(run)?;
    }
    let (config, snapshots, stop) = (config.clone(), Arc::clone(snapshots), stop.clone());
    // Timely requires a closure that is Sync, and a receiver is not.
    let arriving = Mutex::new(arriving);
    timely::execute_directly(move |worker| {
        let arriving = arriving.into_inner();
        work(worker, &config, &time, &arriving, states, &snapshots, &stop);
    });
    Ok(())
}

/// The state of a source.
struct SourceState {
    what: &'static str,
    /// The last time at which its end was reached.
    caught_up_at: Option<Timestamp>,
    health: Arc<Health>,
}

fn work<D: Domain>(
    worker: &mut Worker,
    config: &Config,
    time: &Time,
    arriving: &Receiver<(usize, Update<D>)>,
    mut states: Vec<SourceState>,
    snapshots: &SnapshotCell,
    stop: &Stop,
) {
    let (counts, mut names) = (Counts::default(), Names::of::<D>(config.names_max, config.window));
    let mut watch = Watch::build(worker, config.window, &counts);
    let mut now = time.now();
    while !stop.is_requested() {
        watch.advance_to(now);
        let update_at = Instant::now() + UPDATE_INTERVAL;
        loop {
            match arriving.recv_timeout(update_at.saturating_duration_since(Instant::now())) {
                Ok((number, update)) => {
                    let Some(state) = states.get_mut(number) else { continue };
                    apply(update, state, &mut watch, &mut names, now);
                }
                Err(RecvTimeoutError::Timeout) => break,
                // The followers have stopped.
                Err(RecvTimeoutError::Disconnected) => return,
            }
        }
        now = time.now().max(now + 1);
        watch.advance_to(now);
        while !watch.is_up_to_date() {
            worker.step();
        }
        snapshots.set(snapshot(now, &counts, &states));
    }
}

fn apply<D: Domain>(update: Update<D>, state: &mut SourceState, watch: &mut Watch, names: &mut Names, now: Timestamp) {
    match update {
        Update::Rows(rows, absent_at) => {
            let events = match rows {
                Rows::Answers(mut rows) => {
                    rows.iter_mut().for_each(|row| row.scored_at = event_time(row.scored_at, absent_at));
                    answer_events(&rows, names, now)
                }
                Rows::DeadLetters(log, mut letters) => {
                    letters.iter_mut().for_each(|letter| letter.found_at = event_time(letter.found_at, absent_at));
                    dead_letter_events::<D>(log, &letters, now)
                }
            };
            for (event, count) in events {
                watch.events.update(event, count);
            }
        }
        Update::CaughtUp(at) => state.caught_up_at = Some(at),
    }
}

fn snapshot(now: Timestamp, counts: &Counts, states: &[SourceState]) -> Snapshot {
    let behind_s = |state: &SourceState| state.caught_up_at.map(|at| now.saturating_sub(at) / 1000);
    let behind: Option<Vec<u64>> = states.iter().map(behind_s).collect();
    let waiting = |state: &SourceState| state.health.outage().map(|outage| (state.what, outage));
    Snapshot {
        at: now,
        counts: counts.get(),
        behind_s: behind.and_then(|behind| behind.into_iter().max()),
        waiting: states.iter().filter_map(waiting).collect(),
    }
}
