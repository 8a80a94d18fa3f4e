//! Tests of a topic that is deleted and created again, under a running scorer and after a stopped one.
//!
//! Unread messages of the deleted topic are lost with it, so only those published to the new topic are counted: each
//! must be answered, in any timing. Other requests are published continuously, to the topic that exists.

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
    fixture::Fixture,
    servers::ExclusiveServers,
    support::{DEADLINE, long, request, seed, until},
};

/// Answers in an embedded file, because there are many and they are counted often.
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

    /// Returns the ids of answers with this prefix.
    fn of(&self, prefix: &str) -> HashSet<String> {
        let ids = |path: &Path| -> rusqlite::Result<HashSet<String>> {
            let file = Connection::open_with_flags(path, OpenFlags::SQLITE_OPEN_READ_ONLY)?;
            file.busy_timeout(Duration::from_secs(5))?;
            let mut all = file.prepare("SELECT id FROM answers WHERE id GLOB ?1 || '*'")?;
            all.query_map([prefix], |row| row.get(0))?.collect()
        };
        // The file may not exist yet.
        ids(&self.path()).unwrap_or_default()
    }

    /// Waits until this many requests with this prefix are answered.
    fn until_all(&self, prefix: &str, count: usize) {
        until(&format!("all {count} of {prefix} are answered"), || {
            thread::sleep(Duration::from_millis(20));
            self.of(prefix).len() == count
        });
    }
}

/// Publishes `count` requests by a new client; all are acknowledged.
fn fill(config: &ClientConfig, topic: &str, prefix: &str, count: usize) {
    let producer: BaseProducer = config.create().unwrap();
    for number in 0..count {
        let payload = request(&format!("{prefix}{number}"), 5.0);
        producer.send(BaseRecord::<[u8], str>::to(topic).payload(&payload)).map_err(|(error, _)| error).unwrap();
        producer.poll(Duration::ZERO);
    }
    producer.flush(DEADLINE).unwrap();
}

/// A continuous load of requests, to the topic that exists.
struct BackgroundLoad {
    stop: Arc<AtomicBool>,
    thread: Option<JoinHandle<usize>>,
}

impl BackgroundLoad {
    fn start(config: &ClientConfig, topic: &str) -> Self {
        let stop = Arc::new(AtomicBool::new(false));
        // A message without a topic times out soon, and the next one is tried.
        let producer: BaseProducer = config.clone().set("message.timeout.ms", "500").create().unwrap();
        let (topic, stopped) = (topic.to_owned(), Arc::clone(&stop));
        let thread = thread::spawn(move || {
            let mut number = 0;
            while !stopped.load(Ordering::Acquire) {
                let payload = request(&format!("noise-{number}"), 5.0);
                number += usize::from(producer.send(BaseRecord::<[u8], str>::to(&topic).payload(&payload)).is_ok());
                producer.poll(Duration::from_millis(5));
            }
            number
        });
        BackgroundLoad { stop, thread: Some(thread) }
    }

    fn stop(mut self) -> usize {
        self.stop.store(true, Ordering::Release);
        self.thread.take().unwrap().join().unwrap()
    }
}

impl Drop for BackgroundLoad {
    fn drop(&mut self) {
        self.stop.store(true, Ordering::Release);
    }
}

#[test]
fn a_topic_recreated_under_load_at_random() {
    let Some(servers) = ExclusiveServers::acquire() else { return };
    let mut random = ChaCha8Rng::seed_from_u64(seed());
    let (fixture, answers) = (Fixture::at(&servers.kafka(), &servers.mongo(), 4), Answers::new());
    let mut scorer = fixture.score_into(&answers.url(), 2);
    let background = BackgroundLoad::start(&fixture.config(), &fixture.topic);
    let rounds = if long() { 200 } else { 10 };
    let (mut messages, mut lost) = (0, 0);
    for round in 1..=rounds {
        fixture.delete_topic();
        thread::sleep(Duration::from_millis(if random.random() { 0 } else { random.random_range(0..2500) }));
        fixture.create_topic(random.random_range(1..=6));
        thread::sleep(Duration::from_millis(if random.random() { 0 } else { random.random_range(0..1500) }));
        // Fewer or more messages than were read of the former topic.
        let (prefix, count) = (format!("round-{round}-"), random.random_range(1..1500));
        fill(&fixture.config(), &fixture.topic, &prefix, count);
        answers.until_all(&prefix, count);
        messages += count;
        lost += count - answers.of(&prefix).len();
        // The next deletion happens at a random moment.
        thread::sleep(Duration::from_millis(random.random_range(0..1200)));
    }
    assert!(scorer.is_running());
    let others = background.stop();
    println!("topic made anew: {rounds} times, {messages} messages and {others} besides, lost {lost}");
    until("the end is committed", || fixture.uncommitted() == 0);
    assert_eq!(scorer.terminate(), Some(0));
}

#[test]
fn a_topic_recreated_after_a_stopped_scorer() {
    let Some(servers) = ExclusiveServers::acquire() else { return };
    for (before, after, partitions) in [(50, 3000, 4), (400, 400, 4), (3000, 400, 2), (400, 3000, 6)] {
        let (fixture, answers) = (Fixture::at(&servers.kafka(), &servers.mongo(), 4), Answers::new());
        let scorer = fixture.score_into(&answers.url(), 1);
        fill(&fixture.config(), &fixture.topic, "old-", before);
        answers.until_all("old-", before);
        until("all is committed", || fixture.uncommitted() == 0);
        let committed = fixture.committed_with_metadata();
        assert_eq!(scorer.terminate(), Some(0));
        fixture.delete_topic();
        fixture.create_topic(partitions);
        fill(&fixture.config(), &fixture.topic, "new-", after);
        // A broker drops the committed offsets of a deleted topic, but keeps those that a scorer commits during the
        // deletion.
        fixture.commit(&committed);
        let (scorer, words) = fixture.score_into_with_output(&answers.url(), 2);
        answers.until_all("new-", after);
        until("all is committed", || fixture.uncommitted() == 0);
        assert_eq!(scorer.terminate(), Some(0));
        let words = std::fs::read_to_string(words).unwrap();
        assert!(words.contains("was deleted and made anew"), "{words}");
        println!("topic made anew behind a stopped scorer: {before} before, {after} after, lost 0");
    }
}
