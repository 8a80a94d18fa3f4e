//! What `/ops` shows: the counts of the watch, and how the scorer of this process is doing.

use std::{cmp::Reverse, sync::Arc, thread};

use anyhow::Context;
use chrono::{DateTime, Utc};
use delaycast::{classes::DelayClass, delivery::Waiting, domain::Flights, log::Log, store::Store};
use delaycast_dataflows::{
    score::{Connections, Counters, Stop},
    watch::{self, Board, Config, Key, Snapshot, Sources},
};
use delaycast_web::{Answers, Count, DeadLetters, Now, Operations, Wait};

/// How those are doing who score for this page.
pub(crate) trait Scoring: Send + Sync {
    /// Messages read and not yet durable.
    fn in_flight(&self) -> u64;
    /// Messages not yet committed, where that is known.
    fn lag(&self) -> Option<u64>;
    /// What is waited for, and for how many seconds.
    fn waiting(&self) -> Vec<(String, u64)>;
}

/// The scorer of this process.
pub(crate) struct Scorer {
    pub(crate) counters: Arc<Counters>,
    pub(crate) connections: Connections,
}

impl Scoring for Scorer {
    fn in_flight(&self) -> u64 {
        self.counters.in_flight()
    }

    fn lag(&self) -> Option<u64> {
        self.counters.lag.get()
    }

    fn waiting(&self) -> Vec<(String, u64)> {
        let waiting = self.connections.waiting();
        waiting.into_iter().map(|(what, outage)| (what.to_owned(), outage.since.elapsed().as_secs())).collect()
    }
}

struct Watched {
    board: Arc<Board>,
    window_s: u64,
    scorer: Option<Arc<dyn Scoring>>,
}

/// Starts to count, until `stop` is asked.
pub(crate) fn watch(
    log: &Arc<dyn Log>,
    store: &Arc<dyn Store<Flights>>,
    scorer: Option<Arc<dyn Scoring>>,
    stop: &Stop,
) -> anyhow::Result<Arc<dyn Operations>> {
    let (board, config) = (Arc::new(Board::default()), Config::default());
    let window_s = config.window.as_secs();
    let (sources, shown, stop) =
        (Sources { store: Arc::clone(store), log: Arc::clone(log) }, Arc::clone(&board), stop.clone());
    let run = move || {
        if let Err(error) = watch::run(&config, &sources, &shown, &stop) {
            tracing::error!("the page of operations will show no counts: {error}");
        }
    };
    thread::Builder::new().name("watch".into()).spawn(run).context("cannot start a thread that counts")?;
    Ok(Arc::new(Watched { board, window_s, scorer }))
}

impl Operations for Watched {
    fn now(&self) -> Now {
        let Snapshot { at, counts, behind_s, waiting } = &*self.board.snapshot();
        let waits = self.scorer.iter().flat_map(|scorer| scorer.waiting());
        let waits = waits.map(|(what, for_s)| Wait { what, for_s });
        let waits = waits.chain(waiting.iter().map(|(what, outage)| wait(what, outage)));
        let count = |key: &Key| counts.get(key).map_or(0, |count| count.unsigned_abs() as u64);
        let named = |name: &dyn Fn(&Key) -> Option<String>| -> Vec<Count> {
            let named = counts.keys().filter_map(|key| Some(Count { name: name(key)?, count: count(key) }));
            named.collect()
        };
        let classes =
            DelayClass::ALL.map(|class| Count { name: class.label().to_owned(), count: count(&Key::Class(class)) });
        Now {
            at: i64::try_from(*at).ok().filter(|at| *at > 0).and_then(DateTime::<Utc>::from_timestamp_millis),
            window_s: self.window_s,
            behind_s: *behind_s,
            in_flight: self.scorer.as_ref().map(|scorer| scorer.in_flight()),
            lag: self.scorer.as_ref().and_then(|scorer| scorer.lag()),
            waiting: waits.collect(),
            answers: Answers {
                total: count(&Key::Answers),
                per_second_10_s: count(&Key::Lately(10)) as f64 / 10.0,
                per_second_60_s: count(&Key::Lately(60)) as f64 / 60.0,
                by_class: classes.into(),
                by_model: latest_first(named(&|key| {
                    if let Key::Model(name) = key { Some(name.clone()) } else { None }
                })),
                by_hour: latest_first(named(&|key| {
                    if let Key::Hour(hour) = key { Some(Key::hour_label(*hour)) } else { None }
                })),
                by_airline: most_first(named(&|key| {
                    if let Key::Carrier(name) = key { Some(name.clone()) } else { None }
                })),
                by_origin: most_first(named(&|key| {
                    if let Key::Origin(name) = key { Some(name.clone()) } else { None }
                })),
            },
            dead_letters: DeadLetters {
                total: count(&Key::DeadLetters),
                by_reason: most_first(named(&|key| {
                    if let Key::Reason(kind) = key { Some(kind.name().to_owned()) } else { None }
                })),
                by_hour: latest_first(named(&|key| {
                    if let Key::DeadHour(hour) = key { Some(Key::hour_label(*hour)) } else { None }
                })),
            },
        }
    }
}

fn wait(what: &str, outage: &Waiting) -> Wait {
    Wait { what: what.to_owned(), for_s: outage.since.elapsed().as_secs() }
}

fn most_first(mut counts: Vec<Count>) -> Vec<Count> {
    counts.sort_by_key(|count| Reverse(count.count));
    counts
}

/// Hours and versions sort by time.
fn latest_first(mut counts: Vec<Count>) -> Vec<Count> {
    counts.sort_by(|a, b| b.name.cmp(&a.name));
    counts
}
