//! Running the watch: followers, one worker, the board.

use std::{
    io,
    sync::{
        Arc, Mutex, PoisonError,
        mpsc::{Receiver, RecvTimeoutError, sync_channel},
    },
    thread,
    time::{Duration, Instant},
};

use chrono::{DateTime, Utc};
use delaycast::{
    delivery::Health,
    log::{DeadLetterSpan, DeadLettersFrom, Log},
    store::{Page, Store},
};
use timely::worker::Worker;

use super::{
    Board, Counts, Names, STEP, Snapshot, TURN, Timestamp, Watch, deaths, facts,
    follow::{LETTERS_MAX, News, Next, Open, ROWS_MAX, Rows, follow},
};
use crate::score::Stop;

/// So many pages wait to be counted.
const PAGES_AHEAD: usize = 2;

/// A log that has to be listened to for dead letters is, for so long at a time.
const LISTEN: Duration = Duration::from_millis(50);

/// How the watch runs.
#[derive(Debug, Clone)]
pub struct Config {
    /// What is older is forgotten, to the [`STEP`].
    pub window: Duration,
    /// So many airlines, airports, models and reasons each are counted by name.
    pub names_max: usize,
}

impl Default for Config {
    fn default() -> Self {
        Config { window: Duration::from_secs(3600), names_max: 500 }
    }
}

/// What is followed.
#[derive(Clone)]
pub struct Sources {
    /// Where answers land.
    pub store: Arc<dyn Store>,
    /// Beside which dead letters are kept.
    pub log: Arc<dyn Log>,
}

impl Sources {
    /// Each, by what is waited for when it does not answer.
    fn open(&self, since: DateTime<Utc>) -> Vec<(&'static str, String, Open)> {
        let store = Arc::clone(&self.store);
        let answers = move || -> Result<Next, _> {
            let mut tail = store.tail(since)?;
            Ok(Box::new(move || {
                let Page { rows, more } = tail.next(ROWS_MAX)?;
                let unread_from = more.then(|| rows.last().map_or(since, |last| last.scored_at));
                Ok((Rows::Answers(rows), unread_from))
            }))
        };
        let log = Arc::clone(&self.log);
        let dead_letters = move || -> Result<Next, _> {
            let span = DeadLetterSpan { from: DeadLettersFrom::Moment(since), follow: true };
            let mut reader = log.read_dead_letters(span)?;
            Ok(Box::new(move || {
                let letters = reader.next(LETTERS_MAX, LISTEN)?;
                let more = letters.len() == LETTERS_MAX;
                let unread_from = more.then(|| letters.last().map_or(since, |last| last.found_at));
                Ok((Rows::DeadLetters(letters), unread_from))
            }))
        };
        vec![
            ("the store of answers", self.store.describe(), Box::new(answers)),
            ("the dead letters", self.log.describe(), Box::new(dead_letters)),
        ]
    }
}

/// Why the watch did not start.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The system gave no thread.
    #[error("cannot start a thread that follows the answers")]
    NoThread(#[from] io::Error),
}

/// Counts until `stop` is asked. Blocks. It has a worker of its own, so that no scorer shares a thread with it.
pub fn run(config: &Config, sources: &Sources, board: &Arc<Board>, stop: &Stop) -> Result<(), Error> {
    let (news, arriving) = sync_channel(PAGES_AHEAD);
    let since = Utc::now() - config.window - STEP;
    let mut states = Vec::new();
    for (number, (what, place, open)) in sources.open(since).into_iter().enumerate() {
        let (news, stop) = (news.clone(), stop.clone());
        let health = Arc::new(Health::new(format!("{what}, to count them, {place}")));
        states.push(State { what, read_up_to: since, caught_up: false, health: Arc::clone(&health) });
        let run = move || follow(number, &open, &health, &news, &stop);
        thread::Builder::new().name(format!("follow-{number}")).spawn(run)?;
    }
    let (config, board, stop) = (config.clone(), Arc::clone(board), stop.clone());
    // Timely wants what it runs to be shareable, which a receiver is not.
    let arriving = Mutex::new(arriving);
    timely::execute_directly(move |worker| {
        let arriving = arriving.into_inner().unwrap_or_else(PoisonError::into_inner);
        work(worker, &config, &arriving, states, &board, &stop);
    });
    Ok(())
}

/// How a source is doing.
struct State {
    what: &'static str,
    read_up_to: DateTime<Utc>,
    /// The end has been in sight.
    caught_up: bool,
    health: Arc<Health>,
}

fn work(
    worker: &mut Worker,
    config: &Config,
    arriving: &Receiver<(usize, News)>,
    mut states: Vec<State>,
    board: &Board,
    stop: &Stop,
) {
    let (counts, mut names) = (Counts::default(), Names::new(config.names_max, config.window));
    let mut watch = Watch::build(worker, config.window, &counts);
    let mut now = clock(0);
    while !stop.asked() {
        watch.advance_to(now);
        let turn = Instant::now() + TURN;
        loop {
            match arriving.recv_timeout(turn.saturating_duration_since(Instant::now())) {
                Ok((number, news)) => {
                    let Some(state) = states.get_mut(number) else { continue };
                    hear(news, state, &mut watch, &mut names, now);
                }
                Err(RecvTimeoutError::Timeout) => break,
                // The followers have stopped, and so shall this.
                Err(RecvTimeoutError::Disconnected) => return,
            }
        }
        now = clock(now);
        watch.advance_to(now);
        while !watch.is_settled() {
            worker.step();
        }
        board.show(snapshot(now, &counts, &states));
    }
}

fn hear(news: News, state: &mut State, watch: &mut Watch, names: &mut Names, now: Timestamp) {
    match news {
        News::Rows(rows, read_up_to) => {
            state.read_up_to = read_up_to;
            let facts = match rows {
                Rows::Answers(rows) => facts(&rows, names, now),
                Rows::DeadLetters(letters) => deaths(&letters, now),
            };
            for (fact, count) in facts {
                watch.facts.update(fact, count);
            }
        }
        News::CaughtUp => state.caught_up = true,
    }
}

fn snapshot(now: Timestamp, counts: &Counts, states: &[State]) -> Snapshot {
    let behind_s = |state: &State| (Utc::now() - state.read_up_to).num_seconds().max(0).unsigned_abs();
    let waiting = |state: &State| state.health.outage().map(|outage| (state.what, outage));
    Snapshot {
        at: now,
        counts: counts.get(),
        behind_s: states.iter().all(|state| state.caught_up).then(|| states.iter().map(behind_s).max().unwrap_or(0)),
        waiting: states.iter().filter_map(waiting).collect(),
    }
}

/// This machine's time; a clock that steps back is waited for.
fn clock(last: Timestamp) -> Timestamp {
    u64::try_from(Utc::now().timestamp_millis()).unwrap_or(0).max(last + 1)
}
