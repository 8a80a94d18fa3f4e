//! Tests of the rules of the watch dataflow (`watch/mod.rs`), each with the number of its rule.

#![allow(clippy::expect_used, clippy::panic, clippy::unwrap_used)]

#[allow(dead_code, unreachable_pub, reason = "this file uses its share")]
mod in_memory;

use std::{
    collections::BTreeMap,
    sync::{
        Arc, Barrier,
        atomic::{AtomicBool, AtomicI64, AtomicU64, Ordering},
    },
    thread::{self, JoinHandle},
    time::Duration,
};

use chrono::{DateTime, Utc};
use delaycast_dataflows::watch::{
    self, Config, Counts, Event, EventKind, EventSource, Key, Names, OTHER, RATES_S, STEP, Snapshot, SnapshotCell,
    Sources, Timestamp, Watch, answer_events,
};
use engine::{
    answer::ModelVersion,
    clock::{self, Clock, Reading, SystemClock},
    delivery::Unavailable,
    domain::{Answer, Domain},
    log::{DeadLetter, DeadLetterKinds, DeadLetterReason, LetterLog, Log, Offset, PartitionId, Payload, Position},
    runtime::Stop,
    store::{Landed, Store},
};
use in_memory::{
    Fault, MemoryLog, MemoryStore,
    domain::{Labels, Level, Readings, message},
};
use proptest::prelude::*;

const WINDOW: Duration = Duration::from_secs(60);

/// A step of a scenario.
#[derive(Debug, Clone)]
enum Step {
    /// Answers land, each with the milliseconds since it was scored.
    Land(Vec<(i64, AnswerLabels)>),
    /// Milliseconds elapse.
    Wait(u64),
}

/// Level, sensor, place, model.
type AnswerLabels = (usize, u8, u8, u8);

fn answer((level, sensor, place, model): AnswerLabels, scored_at: i64) -> Landed<Readings> {
    Landed {
        id: String::new(),
        scored_at: DateTime::from_timestamp_millis(scored_at).unwrap(),
        labels: Labels { level: Level::ALL[level], sensor: format!("S{sensor}"), place: format!("at {place}") },
        model: ModelVersion::new(&format!("m{model}")),
    }
}

fn steps() -> impl Strategy<Value = Vec<Step>> {
    let labels = (0..3usize, 0..3u8, 0..4u8, 0..2u8);
    // Some are from the future, some have left the window long ago.
    let land = proptest::collection::vec((-5_000..90_000i64, labels), 1..8).prop_map(Step::Land);
    let wait = prop_oneof![1..2_000u64, 1..40_000u64, Just(200_000u64)].prop_map(Step::Wait);
    proptest::collection::vec(prop_oneof![land, wait], 1..40)
}

/// Counts from scratch: an answer counts until its step has left the window, and in a rate for the rate's full seconds.
fn from_scratch(landed: &[(Timestamp, Landed<Readings>)], now: Timestamp) -> BTreeMap<Key, isize> {
    let mut counts = BTreeMap::new();
    for (known_at, row) in landed {
        let at_s = (row.scored_at.timestamp() as u64).min(known_at / 1000);
        let mut count = |key| *counts.entry(key).or_insert(0) += 1;
        let step_s = STEP.as_secs();
        if at_s / step_s * step_s + step_s + WINDOW.as_secs() > now / 1000 {
            count(Key::Answers);
            count(Key::Label(0, row.labels.level.name().into()));
            count(Key::Label(1, row.labels.sensor.as_str().into()));
            count(Key::Label(2, row.labels.place.as_str().into()));
            count(Key::Hour(at_s / 3600));
            count(Key::Model(row.model.as_str().into()));
        }
        for rate_s in RATES_S {
            if (at_s + 3..at_s + 3 + rate_s).contains(&(now / 1000)) {
                count(Key::Rate(rate_s));
            }
        }
    }
    counts
}

/// Runs a scenario on a number of workers, and compares the counts after each step with those from scratch.
fn run_steps(workers: usize, start: Timestamp, steps: Vec<Step>) {
    let (counts, barrier) = (Counts::default(), Arc::new(Barrier::new(workers)));
    let run = move |worker: &mut timely::worker::Worker| {
        let (index, peers) = (worker.index(), worker.peers());
        let mut watch = Watch::build(worker, WINDOW, &counts);
        let mut names = Names::of::<Readings>(100, WINDOW);
        let (mut now, mut landed, mut wrong) = (start, Vec::new(), None);
        for step in &steps {
            watch.advance_to(now);
            match step {
                Step::Wait(ms) => now += ms,
                Step::Land(rows) => {
                    let rows: Vec<Landed<Readings>> =
                        rows.iter().map(|(ago, labels)| answer(*labels, now as i64 - ago)).collect();
                    let mine: Vec<Landed<Readings>> = rows.iter().skip(index).step_by(peers).cloned().collect();
                    for (event, count) in answer_events(&mine, &mut names, now) {
                        watch.events.update(event, count);
                    }
                    landed.extend(rows.into_iter().map(|row| (now, row)));
                    now += 1;
                }
            }
            watch.advance_to(now);
            worker.step_while(|| !watch.is_up_to_date());
            // No worker advances before the counts are read.
            barrier.wait();
            let (found, expected) = (counts.get(), from_scratch(&landed, now - 1));
            if found != expected {
                wrong = wrong.or(Some(format!("at {now}: {found:?} instead of {expected:?}")));
            }
            barrier.wait();
        }
        wrong
    };
    let guards = timely::execute(timely::Config::process(workers), run).unwrap();
    let wrong: Vec<String> = guards.join().into_iter().filter_map(Result::unwrap).collect();
    assert!(wrong.is_empty(), "{wrong:?}");
}

const START: Timestamp = 1_700_000_000_000;

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]
    #[test]
    fn rule_2_the_counts_equal_a_count_from_scratch(steps in steps(), offset in 0..20_000u64) {
        for workers in [1, 4] {
            run_steps(workers, START + offset, steps.clone());
        }
    }
}

/// Returns the counts of rows after a pause, in milliseconds.
fn counts_after(names: &mut Names, rows: &[Landed<Readings>], pause: u64) -> BTreeMap<Key, isize> {
    let counts = Counts::default();
    let events = answer_events(rows, names, START);
    let shown = counts.clone();
    timely::execute_directly(move |worker| {
        let mut watch = Watch::build(worker, WINDOW, &counts);
        watch.advance_to(START);
        for (event, count) in events {
            watch.events.update(event, count);
        }
        watch.advance_to(START + pause + 1);
        worker.step_while(|| !watch.is_up_to_date());
        shown.get()
    })
}

#[test]
fn rule_3_names_beyond_the_bound_are_counted_together() {
    let rows: Vec<Landed<Readings>> = (0..7).map(|n| answer((0, n, n % 2, 0), START as i64)).collect();
    let counts = counts_after(&mut Names::of::<Readings>(3, WINDOW), &rows, 0);
    let sensors: Vec<_> = counts.iter().filter(|(key, _)| matches!(key, Key::Label(1, _))).collect();
    assert_eq!(sensors.len(), 4, "{sensors:?}");
    assert_eq!((counts[&Key::Label(1, OTHER.into())], counts[&Key::Answers]), (4, 7));
}

#[test]
fn rule_3_rows_of_a_page_with_the_same_labels_are_one_event() {
    let rows: Vec<Landed<Readings>> = (0..1000).map(|n| answer((0, 0, 0, 0), START as i64 + n % 1000)).collect();
    let events = answer_events(&rows, &mut Names::of::<Readings>(3, WINDOW), START + 1000);
    assert_eq!(events.into_iter().map(|(_, count)| count).collect::<Vec<_>>(), [1000]);
}

#[test]
fn rule_4_an_event_from_the_future_counts_as_of_now_and_one_older_than_the_window_is_not_counted() {
    let rows = [answer((0, 0, 0, 0), i64::from(i32::MAX) * 1000 * 2), answer((1, 0, 0, 0), START as i64 - 80_000)];
    let counts = |pause| counts_after(&mut Names::of::<Readings>(9, WINDOW), &rows, pause);
    assert_eq!(counts(0).get(&Key::Answers), Some(&1));
    assert_eq!(counts(0).get(&Key::Label(0, Level::Low.name().into())), Some(&1));
    assert_eq!(counts(80_000), BTreeMap::new());
}

#[test]
fn rule_2_dead_letters_are_counted_by_reason_and_hour() {
    let number = |kind: &DeadLetterReason| DeadLetterKinds::of::<Readings>().number(kind);
    let log = LetterLog::Requests;
    let dead_letter = move |kind| Event { at_s: START / 1000, kind: EventKind::DeadLetter { log, kind } };
    let (sensor, not_json) = (number(&DeadLetterReason::field("Sensor")), number(&DeadLetterReason::NotJson));
    let counts = Counts::default();
    let shown = counts.clone();
    let counts = timely::execute_directly(move |worker| {
        let mut watch = Watch::build(worker, WINDOW, &counts);
        watch.advance_to(START);
        watch.events.update(dead_letter(sensor), 2);
        watch.events.update(dead_letter(not_json), 1);
        watch.advance_to(START + 1);
        worker.step_while(|| !watch.is_up_to_date());
        shown.get()
    });
    let hour = Key::DeadHour(log, START / 3_600_000);
    assert_eq!(
        counts,
        BTreeMap::from([
            (Key::DeadLetters(log), 3),
            (Key::Reason(log, sensor), 2),
            (Key::Reason(log, not_json), 1),
            (hour, 3)
        ])
    );
}

/// A watch of a store in memory; it ends when this is dropped.
struct Running {
    snapshots: Arc<SnapshotCell>,
    stop: Stop,
    thread: Option<JoinHandle<()>>,
}

impl Running {
    fn start(store: &Arc<MemoryStore>) -> Self {
        Self::start_with(store, &MemoryLog::new(1, store))
    }

    fn start_with(store: &Arc<MemoryStore>, log: &Arc<MemoryLog>) -> Self {
        Self::start_with_clock(Arc::new(SystemClock), store, log)
    }

    fn start_with_clock(clock: Arc<dyn Clock>, store: &Arc<MemoryStore>, log: &Arc<MemoryLog>) -> Self {
        Self::of(clock, Sources { store: store.clone(), log: log.clone(), events: None })
    }

    fn of(clock: Arc<dyn Clock>, sources: Sources<Readings>) -> Self {
        let (snapshots, stop) = (Arc::new(SnapshotCell::default()), Stop::default());
        let (shown, stopped) = (Arc::clone(&snapshots), stop.clone());
        let config = Config { clock, ..Config::default() };
        let run = move || watch::run(&config, &sources, &shown, &stopped).unwrap();
        Running { snapshots, stop, thread: Some(thread::spawn(run)) }
    }

    fn wait_until(&self, condition: impl Fn(&Snapshot) -> bool) -> Arc<Snapshot> {
        for _ in 0..6000 {
            let snapshot = self.snapshots.snapshot();
            if condition(&snapshot) {
                return snapshot;
            }
            thread::sleep(Duration::from_millis(10));
        }
        panic!("not within a minute: {:?}", self.snapshots.snapshot());
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        self.stop.request();
        if let Some(thread) = self.thread.take() {
            thread.join().unwrap();
        }
    }
}

fn scored_now(id: &str) -> Answer<Readings> {
    let request = Readings::decode(&message(id, 60.0)).unwrap();
    Answer { request, score: Level::High, model: ModelVersion::new("m1"), scored_at: Utc::now() }
}

#[test]
fn rule_1_a_start_rebuilds_the_counts_and_rows_written_again_change_none() {
    let store = MemoryStore::new();
    let mut answers = Store::answers(&*store).unwrap();
    let answers_of = |count: isize| move |snapshot: &Snapshot| snapshot.counts.get(&Key::Answers) == Some(&count);
    let first = [scored_now("a"), scored_now("b")];
    answers.write(&first).unwrap();
    {
        let running = Running::start(&store);
        running.wait_until(answers_of(2));
        answers.write(&first).unwrap();
        answers.write(&[scored_now("c")]).unwrap();
        let counts = running.wait_until(answers_of(3)).counts.clone();
        assert_eq!(counts[&Key::Label(2, "north".into())], 3);
        assert_eq!(counts[&Key::Model("m1".into())], 3);
    }
    let again = Running::start(&store).wait_until(answers_of(3));
    assert_eq!(again.counts[&Key::Label(0, Level::High.name().into())], 3);
}

/// The text of a reason contains data of the sender, so it is no label.
fn letter(offset: u64, kind: DeadLetterReason) -> DeadLetter {
    DeadLetter {
        position: Position { partition: PartitionId(0), offset: Offset(offset) },
        id: None,
        reason: format!("{offset}: text of the sender"),
        kind,
        payload: Payload::new(vec![]),
        found_at: Utc::now(),
        attempt: 0,
        topic_id: None,
    }
}

#[test]
fn rule_1_dead_letters_are_followed() {
    let store = MemoryStore::new();
    let log = MemoryLog::new(1, &store);
    let running = Running::start_with(&store, &log);
    let mut dead_letters = Log::dead_letters(&*log).unwrap();
    dead_letters
        .write(&[
            letter(0, DeadLetterReason::field("Value")),
            letter(1, DeadLetterReason::field("Value")),
            letter(2, DeadLetterReason::NotJson),
        ])
        .unwrap();
    let requests = LetterLog::Requests;
    let snapshot = running.wait_until(|snapshot| snapshot.counts.get(&Key::DeadLetters(requests)) == Some(&3));
    let kinds = DeadLetterKinds::of::<Readings>();
    let of = |kind| snapshot.counts.get(&Key::Reason(requests, kinds.number(&kind))).copied();
    assert_eq!((of(DeadLetterReason::field("Value")), of(DeadLetterReason::NotJson)), (Some(2), Some(1)));
}

#[test]
fn rule_1_dead_letters_of_events_are_counted_apart_once_their_log_can_be_opened() {
    let store = MemoryStore::new();
    let (log, events) = (MemoryLog::new(1, &store), MemoryLog::new(1, &store));
    for (log, count) in [(&log, 1), (&events, 2)] {
        let letters: Vec<_> = (0..count).map(|offset| letter(offset, DeadLetterReason::NotJson)).collect();
        Log::dead_letters(&**log).unwrap().write(&letters).unwrap();
    }
    let opened = Arc::new(AtomicBool::new(false));
    let (is_open, place) = (Arc::clone(&opened), "here".to_owned());
    let open = move || match is_open.load(Ordering::Relaxed) {
        true => Ok(events.clone() as Arc<dyn Log>),
        false => Err(Unavailable::transient("the log of events is down")),
    };
    let source = EventSource { place, open: Arc::new(open) };
    let sources = Sources { store: store.clone(), log: log.clone(), events: Some(source) };
    let running = Running::of(Arc::new(SystemClock), sources);
    let count = |snapshot: &Snapshot, log| snapshot.counts.get(&Key::DeadLetters(log)).copied();
    let waiting = running.wait_until(|it| count(it, LetterLog::Requests) == Some(1) && !it.waiting.is_empty());
    assert_eq!((waiting.waiting[0].0, count(&waiting, LetterLog::Events)), ("the dead letters of events", None));
    opened.store(true, Ordering::Relaxed);
    let all = running.wait_until(|it| count(it, LetterLog::Events) == Some(2) && it.waiting.is_empty());
    assert_eq!(count(&all, LetterLog::Requests), Some(1));
}

#[test]
fn rule_6_an_outage_of_the_store_is_reported_until_it_ends() {
    let store = MemoryStore::new();
    Store::answers(&*store).unwrap().write(&[scored_now("a")]).unwrap();
    store.fault(Fault::Fail(usize::MAX));
    let running = Running::start(&store);
    let waiting = running.wait_until(|snapshot| !snapshot.waiting.is_empty());
    let (what, outage) = &waiting.waiting[0];
    assert_eq!(*what, "the store of answers");
    assert!(outage.reason.contains("the store is down"), "{outage:?}");
    assert_eq!(waiting.behind_s, None, "the end of the source was never reached");
    store.fault(Fault::None);
    let over = running.wait_until(|snapshot| snapshot.waiting.is_empty() && snapshot.behind_s.is_some());
    assert_eq!(over.counts[&Key::Answers], 1);
}

/// The system clock with a wrong wall time and additional elapsed time, both set by the test.
#[derive(Default)]
struct TestClock {
    wrong_s: AtomicI64,
    elapsed_s: AtomicU64,
}

impl Clock for TestClock {
    fn read(&self) -> Reading {
        let (reading, elapsed_s) = (SystemClock.read(), self.elapsed_s.load(Ordering::Relaxed));
        let right_s = reading.nearest().timestamp() + elapsed_s.cast_signed();
        let wall = clock::of_seconds(right_s.saturating_add(self.wrong_s.load(Ordering::Relaxed)), 0);
        Reading { wall, since_boot: reading.since_boot + Duration::from_secs(elapsed_s), ..reading }
    }
}

#[test]
fn rule_4_counting_does_not_depend_on_the_wall_clock() {
    const DAY_S: i64 = 86_400;
    let (store, clock) = (MemoryStore::new(), Arc::new(TestClock::default()));
    let log = MemoryLog::new(1, &store);
    let (mut answers, mut dead_letters) = (Store::answers(&*store).unwrap(), Log::dead_letters(&*log).unwrap());
    let running = Running::start_with_clock(clock.clone(), &store, &log);
    running.wait_until(|snapshot| snapshot.behind_s.is_some());
    let steps =
        [0, 40 * DAY_S, 0, -40 * DAY_S, 0, -1800, 1 << 34, i64::MAX, i64::MIN, 100 * 365 * DAY_S, -30 * 365 * DAY_S, 0];
    let mut hours = 0;
    for (wrong_s, n) in steps.into_iter().zip(0u64..) {
        clock.wrong_s.store(wrong_s, Ordering::Relaxed);
        let stamp = clock.read().nearest();
        answers.write(&[Answer { scored_at: stamp, ..scored_now(&n.to_string()) }]).unwrap();
        let letter = DeadLetter {
            position: Position { partition: PartitionId(0), offset: Offset(n) },
            id: None,
            reason: "no JSON".to_owned(),
            kind: DeadLetterReason::NotJson,
            payload: Payload::new(vec![]),
            found_at: stamp,
            attempt: 0,
            topic_id: None,
        };
        dead_letters.write(&[letter]).unwrap();
        let count = Some(n.cast_signed() as isize + 1);
        let are_counted = |snapshot: &Snapshot| {
            [Key::Answers, Key::DeadLetters(LetterLog::Requests)]
                .iter()
                .all(|key| snapshot.counts.get(key).copied() == count)
        };
        let counts = running.wait_until(are_counted).counts.clone();
        hours = hours.max(counts.keys().filter(|key| matches!(key, Key::Hour(_))).count());
    }
    assert!(hours <= 2, "each counts in the hour in which it landed, for any timestamp: {hours}");
    println!("{} steps of the clock, all answers and dead letters counted", steps.len());
}

#[test]
fn rule_5_the_time_since_the_end_of_a_source_was_reached_is_reported() {
    let (store, clock) = (MemoryStore::new(), Arc::new(TestClock::default()));
    let running = Running::start_with_clock(clock.clone(), &store, &MemoryLog::new(1, &store));
    running.wait_until(|snapshot| snapshot.behind_s.is_some());
    store.fault(Fault::Fail(usize::MAX));
    running.wait_until(|snapshot| !snapshot.waiting.is_empty());
    // Setting the wall clock back does not reduce the delay.
    clock.wrong_s.store(-86_400, Ordering::Relaxed);
    clock.elapsed_s.store(1000, Ordering::Relaxed);
    running.wait_until(|snapshot| snapshot.behind_s.is_some_and(|behind_s| behind_s >= 1000));
    store.fault(Fault::None);
    running.wait_until(|snapshot| snapshot.behind_s.is_some_and(|behind_s| behind_s < 1000));
}
