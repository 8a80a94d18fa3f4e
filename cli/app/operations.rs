//! The content of `/ops`: the counts of the watch, and the state of the scorers.

use std::{cmp::Reverse, sync::Arc, thread, time::Duration};

use anyhow::Context;
use chrono::{DateTime, Utc};
use delaycast::{domain::Flights, flight::DelayClass};
use delaycast_dataflows::{
    score::StatusSource,
    watch::{self, Config, Key, Snapshot, SnapshotCell, Sources},
};
use engine::{
    clock,
    log::{DeadLetterKinds, LetterLog},
    runtime::{Mutex, Stop},
    status::{Status, Wait},
};
use server::{
    AnswerCounts, Breakdown, DeadLetterCounts, NamedCount, Operations, OperationsStatus, SAMPLE_INTERVAL_S, Sample,
    Samples,
};

/// The dimensions of flights, as the counts number them.
const CLASS: u8 = Flights::CLASS as u8;
const CARRIER: u8 = Flights::CARRIER as u8;
const ORIGIN: u8 = Flights::ORIGIN as u8;

struct WatchOperations {
    snapshots: Arc<SnapshotCell>,
    window_s: u64,
    /// The dead letters of events are counted, too.
    has_events: bool,
    scorer: Option<StatusSource>,
    samples: Mutex<Samples>,
}

/// Starts a thread that counts until a stop is requested.
pub(crate) fn watch(
    sources: Sources<Flights>,
    scorer: Option<StatusSource>,
    stop: &Stop,
) -> anyhow::Result<Arc<dyn Operations>> {
    let (snapshots, config) = (Arc::new(SnapshotCell::default()), Config::default());
    let window_s = config.window.as_secs();
    let (shown, watching, has_events) = (Arc::clone(&snapshots), stop.clone(), sources.events.is_some());
    let run = move || {
        if let Err(error) = watch::run(&config, &sources, &shown, &watching) {
            tracing::error!("the page of operations will show no counts: {error}");
        }
    };
    thread::Builder::new().name("watch".into()).spawn(run).context("cannot start a thread that counts")?;
    let operations = Arc::new(WatchOperations { snapshots, window_s, has_events, scorer, samples: Mutex::default() });
    let (sampled, stop) = (Arc::clone(&operations), stop.clone());
    let sample = move || {
        while !stop.is_requested() {
            sampled.sample();
            stop.sleep(Duration::from_secs(SAMPLE_INTERVAL_S));
        }
    };
    thread::Builder::new().name("samples".into()).spawn(sample).context("cannot start a thread that samples")?;
    Ok(operations)
}

impl WatchOperations {
    /// Takes a sample, once there are counts.
    fn sample(&self) {
        let now = self.now();
        if now.at.is_some() {
            let scorers = self.scorers();
            self.samples.lock().take(clock::now(), now.answers.per_second_10_s, scorers.as_ref());
        }
    }
}

impl Operations for WatchOperations {
    fn now(&self) -> OperationsStatus {
        let Snapshot { at, counts, behind_s, waiting } = &*self.snapshots.snapshot();
        let scorer = self.scorer.as_ref().map(|status| status());
        let counted = waiting.iter().map(|(what, outage)| Wait::new(what, outage));
        let waits = scorer.iter().flat_map(|status| status.waiting.iter().cloned()).chain(counted);
        let count = |key: &Key| counts.get(key).map_or(0, |count| count.unsigned_abs() as u64);
        let named = |name: &dyn Fn(&Key) -> Option<String>| -> Vec<NamedCount> {
            let named = counts.keys().filter_map(|key| Some(NamedCount { name: name(key)?, count: count(key) }));
            named.collect()
        };
        let classes = DelayClass::ALL
            .map(DelayClass::label)
            .map(|name| NamedCount { name: name.to_owned(), count: count(&Key::Label(CLASS, name.into())) });
        let model = |key: &Key| if let Key::Model(name) = key { Some(name.to_string()) } else { None };
        let hour = |key: &Key| if let Key::Hour(hour) = key { Some(Key::hour_label(*hour)) } else { None };
        let labels = |wanted: u8| {
            named(&|key| match key {
                Key::Label(dimension, name) if *dimension == wanted => Some(name.to_string()),
                _ => None,
            })
        };
        let letters = |log: LetterLog| {
            let kinds = DeadLetterKinds::of_log::<Flights>(log);
            DeadLetterCounts {
                total: count(&Key::DeadLetters(log)),
                by_reason: most_first(named(&|key| match key {
                    Key::Reason(of, kind) if *of == log => Some(kinds.name(*kind).to_owned()),
                    _ => None,
                })),
                by_hour: latest_first(named(&|key| match key {
                    Key::DeadHour(of, hour) if *of == log => Some(Key::hour_label(*hour)),
                    _ => None,
                })),
            }
        };
        let by = |dimension, counts| Breakdown { dimension, counts };
        OperationsStatus {
            at: i64::try_from(*at).ok().filter(|at| *at > 0).and_then(DateTime::<Utc>::from_timestamp_millis),
            window_s: self.window_s,
            behind_s: *behind_s,
            in_flight: scorer.as_ref().map(|status| status.in_flight),
            lag: scorer.as_ref().and_then(|status| status.lag),
            waiting: waits.collect(),
            answers: AnswerCounts {
                total: count(&Key::Answers),
                per_second_10_s: count(&Key::Rate(10)) as f64 / 10.0,
                per_second_60_s: count(&Key::Rate(60)) as f64 / 60.0,
                breakdowns: vec![
                    by("class", classes.into()),
                    by("model", latest_first(named(&model))),
                    by("hour", latest_first(named(&hour))),
                    by("airline", most_first(labels(CARRIER))),
                    by("origin", most_first(labels(ORIGIN))),
                ],
            },
            dead_letters: letters(LetterLog::Requests),
            dead_letters_of_events: self.has_events.then(|| letters(LetterLog::Events)),
        }
    }

    fn samples(&self) -> Vec<Sample> {
        self.samples.lock().get()
    }

    fn scorers(&self) -> Option<Status> {
        self.scorer.as_ref().map(|status| status())
    }
}

fn most_first(mut counts: Vec<NamedCount>) -> Vec<NamedCount> {
    counts.sort_by_key(|count| Reverse(count.count));
    counts
}

/// Sorts by name, descending; the names of hours and versions sort by time.
fn latest_first(mut counts: Vec<NamedCount>) -> Vec<NamedCount> {
    counts.sort_by(|a, b| b.name.cmp(&a.name));
    counts
}
