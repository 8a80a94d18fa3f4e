//! The run of the watch: its followers, one worker, and the snapshots.

use std::{
    io,
    sync::{
        Arc,
        mpsc::{Receiver, RecvTimeoutError, sync_channel},
    },
    thread,
    time::{Duration, Instant},
};

use chrono::{DateTime, Utc};
use engine::{
    clock::{Clock, SystemClock},
    delivery::Health,
    domain::Domain,
    log::{DeadLetterSpan, DeadLettersFrom, Log},
    runtime::{Mutex, Stop},
    store::{Page, Store},
};
use timely::worker::Worker;

use super::{
    Counts, Names, STEP, Snapshot, SnapshotCell, Timestamp, UPDATE_INTERVAL, Watch, answer_events, dead_letter_events,
    follow::{LETTER_BYTES_MAX, LETTERS_MAX, OpenSource, ROWS_MAX, ReadPage, Rows, Update, follow},
    time::{Time, event_time},
};

/// Upper bound on the pages that wait to be counted.
const PAGES_AHEAD: usize = 2;

/// Timeout of a read of dead letters.
const LETTERS_TIMEOUT: Duration = Duration::from_millis(50);

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

/// The sources that are followed.
pub struct Sources<D: Domain> {
    /// The store of answers.
    pub store: Arc<dyn Store<D>>,
    /// The log, which has the dead letters.
    pub log: Arc<dyn Log>,
}

impl<D: Domain> Sources<D> {
    /// Returns for each source its name, its description, and the function that opens it.
    fn open(&self, since: DateTime<Utc>) -> Vec<(&'static str, String, OpenSource<D>)> {
        let store = Arc::clone(&self.store);
        let answers = move || -> Result<ReadPage<D>, _> {
            let mut tail = store.tail(since)?;
            Ok(Box::new(move || {
                let Page { rows, more } = tail.next(ROWS_MAX)?;
                Ok((Rows::Answers(rows), more))
            }))
        };
        let log = Arc::clone(&self.log);
        let dead_letters = move || -> Result<ReadPage<D>, _> {
            let span = DeadLetterSpan { from: DeadLettersFrom::Moment(since), follow: true };
            let mut reader = log.read_dead_letters(span)?;
            Ok(Box::new(move || {
                let letters = reader.next(LETTERS_MAX, LETTERS_TIMEOUT)?;
                // Large dead letters end a page early.
                let bytes: usize = letters.iter().map(|letter| letter.payload.bytes().len()).sum();
                let more = letters.len() == LETTERS_MAX || bytes >= LETTER_BYTES_MAX;
                Ok((Rows::DeadLetters(letters), more))
            }))
        };
        vec![
            ("the store of answers", self.store.describe(), Box::new(answers)),
            ("the dead letters", self.log.describe(), Box::new(dead_letters)),
        ]
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
                Rows::DeadLetters(mut letters) => {
                    letters.iter_mut().for_each(|letter| letter.found_at = event_time(letter.found_at, absent_at));
                    dead_letter_events::<D>(&letters, now)
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
