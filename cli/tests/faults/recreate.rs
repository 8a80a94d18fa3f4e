//! The topic of requests is deleted and made anew, under a scorer and behind one that is stopped.
//!
//! Unread messages of the deleted topic are lost with it, so only those published to the new topic are counted: each
//! must be answered, in any timing. Meanwhile other requests are published all the time, to whichever topic exists.

use std::{
    collections::HashSet,
    path::Path,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    thread::{self, JoinHandle},
    time::Duration,
};

use rand::{RngExt, SeedableRng};
use rand_chacha::ChaCha8Rng;
use rdkafka::{
    ClientConfig,
    producer::{BaseProducer, BaseRecord, Producer},
};
use rusqlite::{Connection, OpenFlags};
use tempfile::TempDir;

use crate::{
    place::Place,
    support::{DEADLINE, long, request, seed, until},
    world::World,
};

/// Answers in an embedded file: they are many, and are counted often.
struct Answers {
    dir: TempDir,
}

impl Answers {
    fn new() -> Self {
        Answers { dir: tempfile::tempdir().unwrap() }
    }

    fn path(&self) -> std::path::PathBuf {
        self.dir.path().join("answers.db")
    }

    fn url(&self) -> String {
        format!("sqlite:{}", self.path().display())
    }

    /// The ids with this prefix.
    fn of(&self, prefix: &str) -> HashSet<String> {
        let ids = |path: &Path| -> rusqlite::Result<HashSet<String>> {
            let file = Connection::open_with_flags(path, OpenFlags::SQLITE_OPEN_READ_ONLY)?;
            file.busy_timeout(Duration::from_secs(5))?;
            let mut all = file.prepare("SELECT id FROM answers WHERE id GLOB ?1 || '*'")?;
            all.query_map([prefix], |row| row.get(0))?.collect()
        };
        // It may not be there yet.
        ids(&self.path()).unwrap_or_default()
    }

    /// Waits until all of these are answered.
    fn until_all(&self, prefix: &str, count: usize) {
        until(&format!("all {count} of {prefix} are answered"), || {
            thread::sleep(Duration::from_millis(20));
            self.of(prefix).len() == count
        });
    }
}

/// Publishes `count` requests, by a client that knows nothing of a former topic; all are acknowledged.
fn fill(config: &ClientConfig, topic: &str, prefix: &str, count: usize) {
    let producer: BaseProducer = config.create().unwrap();
    for number in 0..count {
        let payload = request(&format!("{prefix}{number}"), 5.0);
        producer.send(BaseRecord::<[u8], str>::to(topic).payload(&payload)).map_err(|(error, _)| error).unwrap();
        producer.poll(Duration::ZERO);
    }
    producer.flush(DEADLINE).unwrap();
}

/// Requests that come all the time, wherever they land.
struct Noise {
    over: Arc<AtomicBool>,
    thread: Option<JoinHandle<usize>>,
}

impl Noise {
    fn start(config: &ClientConfig, topic: &str) -> Self {
        let over = Arc::new(AtomicBool::new(false));
        // A message that has no topic to go to is given up soon, and the next one is tried.
        let producer: BaseProducer = config.clone().set("message.timeout.ms", "500").create().unwrap();
        let (topic, told) = (topic.to_owned(), Arc::clone(&over));
        let thread = thread::spawn(move || {
            let mut number = 0;
            while !told.load(Ordering::Acquire) {
                let payload = request(&format!("noise-{number}"), 5.0);
                number += usize::from(producer.send(BaseRecord::<[u8], str>::to(&topic).payload(&payload)).is_ok());
                producer.poll(Duration::from_millis(5));
            }
            number
        });
        Noise { over, thread: Some(thread) }
    }

    fn end(mut self) -> usize {
        self.over.store(true, Ordering::Release);
        self.thread.take().unwrap().join().unwrap()
    }
}

impl Drop for Noise {
    fn drop(&mut self) {
        self.over.store(true, Ordering::Release);
    }
}

#[test]
fn a_topic_made_anew_under_load_at_random() {
    let Some(world) = World::enter() else { return };
    let mut random = ChaCha8Rng::seed_from_u64(seed());
    let (place, answers) = (Place::at(&world.kafka(), &world.mongo(), 4), Answers::new());
    let mut scorer = place.score_into(&answers.url(), 2);
    let noise = Noise::start(&place.config(), &place.topic);
    let rounds = if long() { 200 } else { 10 };
    let (mut messages, mut lost) = (0, 0);
    for round in 1..=rounds {
        place.delete_topic();
        thread::sleep(Duration::from_millis(if random.random() { 0 } else { random.random_range(0..2500) }));
        place.make_topic(random.random_range(1..=6));
        thread::sleep(Duration::from_millis(if random.random() { 0 } else { random.random_range(0..1500) }));
        // Few, or more than were read of the former one.
        let (prefix, count) = (format!("round-{round}-"), random.random_range(1..1500));
        fill(&place.config(), &place.topic, &prefix, count);
        answers.until_all(&prefix, count);
        messages += count;
        lost += count - answers.of(&prefix).len();
        // The next one comes at any point of the scorer's work.
        thread::sleep(Duration::from_millis(random.random_range(0..1200)));
    }
    assert!(scorer.is_running());
    let besides = noise.end();
    println!("topic made anew: {rounds} times, {messages} messages and {besides} besides, lost {lost}");
    until("the end is committed", || place.uncommitted() == 0);
    assert_eq!(scorer.terminate(), Some(0));
}

#[test]
fn a_topic_made_anew_behind_a_stopped_scorer() {
    let Some(world) = World::enter() else { return };
    for (before, after, partitions) in [(50, 3000, 4), (400, 400, 4), (3000, 400, 2), (400, 3000, 6)] {
        let (place, answers) = (Place::at(&world.kafka(), &world.mongo(), 4), Answers::new());
        let scorer = place.score_into(&answers.url(), 1);
        fill(&place.config(), &place.topic, "old-", before);
        answers.until_all("old-", before);
        until("all is committed", || place.uncommitted() == 0);
        let committed = place.committed_with_metadata();
        assert_eq!(scorer.terminate(), Some(0));
        place.delete_topic();
        place.make_topic(partitions);
        fill(&place.config(), &place.topic, "new-", after);
        // A broker forgets what was committed of a topic that is deleted. What a scorer commits at that moment, it
        // keeps.
        place.commit(&committed);
        let (scorer, words) = place.score_into_with_its_words(&answers.url(), 2);
        answers.until_all("new-", after);
        until("all is committed", || place.uncommitted() == 0);
        assert_eq!(scorer.terminate(), Some(0));
        let words = std::fs::read_to_string(words).unwrap();
        assert!(words.contains("was deleted and made anew"), "{words}");
        println!("topic made anew behind a stopped scorer: {before} before, {after} after, lost 0");
    }
}
