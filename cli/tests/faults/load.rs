//! A steady load of requests, a checker that reads the answers meanwhile, and the counts at the end.

use std::{
    collections::{BTreeMap, HashMap},
    sync::{
        Arc, Mutex,
        atomic::{AtomicBool, AtomicUsize, Ordering},
    },
    thread::{self, JoinHandle},
    time::{Duration, Instant},
};

use mongodb::bson::Document;
use rdkafka::{
    ClientConfig, ClientContext, Message,
    producer::{BaseProducer, BaseRecord, DeliveryResult, Producer, ProducerContext},
};

use crate::{
    fixture::{ANSWERS, Fixture},
    support::{DEADLINE, request, until},
};

/// The offset of each request in the log, and its id.
type PublishedIds = Arc<Mutex<HashMap<(i32, i64), String>>>;

struct Reports(PublishedIds);

impl ClientContext for Reports {}

impl ProducerContext for Reports {
    type DeliveryOpaque = Box<String>;

    fn delivery(&self, result: &DeliveryResult<'_>, id: Box<String>) {
        match result {
            Ok(message) => drop(self.0.lock().unwrap().insert((message.partition(), message.offset()), *id)),
            // A panic here would hide the failure of a test that drops its producer.
            Err((error, _)) => println!("{id} was not published: {error}"),
        }
    }
}

/// A load of requests, and its checker.
pub(crate) struct Load {
    published: PublishedIds,
    /// Ends publishing before all messages are sent.
    enough: Arc<AtomicBool>,
    /// Ends the checker.
    stop: Arc<AtomicBool>,
    /// Number of reads by the checker.
    reads: Arc<AtomicUsize>,
    /// Returns the number of messages that it has sent.
    publisher: Option<JoinHandle<usize>>,
    checker: Option<JoinHandle<BTreeMap<String, Document>>>,
}

/// Timeout of a read by the checker; the store counts as down after it.
const READ_TIMEOUT: Duration = Duration::from_secs(5);
/// Upper bound on answers for which the checker reads all: more would load the store more than the scorer does.
const CHECKED_ANSWERS_MAX: usize = 20_000;

/// The counts of a load.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Audit {
    pub(crate) messages: usize,
    pub(crate) requests: usize,
    pub(crate) lost: usize,
    pub(crate) doubled: usize,
    pub(crate) changed: usize,
    pub(crate) observed: usize,
}

impl Load {
    /// Publishes this many messages at this rate. Every hundredth repeats the id of the one before, with other values.
    /// Publishing waits during an outage of the log.
    pub(crate) fn start(fixture: &Arc<Fixture>, messages: usize, per_second: usize) -> Self {
        let (published, stop) = (PublishedIds::default(), Arc::new(AtomicBool::new(false)));
        let (enough, reads) = (Arc::new(AtomicBool::new(false)), Arc::new(AtomicUsize::new(0)));
        let mut config: ClientConfig = fixture.config();
        config.set("enable.idempotence", "true").set("message.timeout.ms", "120000");
        let producer: BaseProducer<Reports> = config.create_with_context(Reports(Arc::clone(&published))).unwrap();
        let topic = fixture.topic.clone();
        let is_enough = Arc::clone(&enough);
        let publisher = thread::spawn(move || {
            let start = Instant::now();
            let mut sent = 0;
            for number in (0..messages).take_while(|_| !is_enough.load(Ordering::Acquire)) {
                let due = start + Duration::from_secs_f64(number as f64 / per_second as f64);
                while Instant::now() < due {
                    producer.poll(due.saturating_duration_since(Instant::now()).min(Duration::from_millis(5)));
                }
                let id = format!("r-{}", if number % 100 == 99 { number - 1 } else { number });
                let payload = request(&id, (number % 180) as f64 - 60.0);
                let record = BaseRecord::<[u8], str, _>::with_opaque_to(&topic, Box::new(id)).payload(&payload);
                producer.send(record).map_err(|(error, _)| error).unwrap();
                sent += 1;
            }
            producer.flush(DEADLINE).unwrap();
            sent
        });
        let checker = {
            let (fixture, published) = (Arc::clone(fixture), Arc::clone(&published));
            let (stop, reads) = (Arc::clone(&stop), Arc::clone(&reads));
            thread::spawn(move || check(&fixture, &published, &stop, &reads))
        };
        Load { published, enough, stop, reads, publisher: Some(publisher), checker: Some(checker) }
    }

    /// Returns the number of messages that the log has acknowledged.
    pub(crate) fn acknowledged(&self) -> usize {
        self.published.lock().unwrap().len()
    }

    /// Ends publishing: the messages that are sent by now are all.
    pub(crate) fn publish_no_more(&self) {
        self.enough.store(true, Ordering::Release);
    }

    /// Waits until all messages are published, answered and committed, and counts them. A scorer must run.
    pub(crate) fn audit(mut self, fixture: &Fixture) -> Audit {
        let sent = self.publisher.take().unwrap().join().unwrap();
        assert_eq!(self.acknowledged(), sent, "not all were published");
        let published = self.published.lock().unwrap().clone();
        let mut ids: Vec<&String> = published.values().collect();
        ids.sort();
        ids.dedup();
        until_all_is_committed(fixture);
        // Both servers may have been down at each read of the checker.
        let checker = self.checker.take().unwrap();
        until("the checker has read all answers once", || {
            self.reads.load(Ordering::Acquire) > 0 || checker.is_finished()
        });
        self.stop.store(true, Ordering::Release);
        let seen = checker.join().unwrap();
        let documents = fixture.documents(ANSWERS).unwrap();
        let mut found: BTreeMap<&str, Vec<&Document>> = BTreeMap::new();
        for document in &documents {
            found.entry(document.get_str("UUID").unwrap()).or_default().push(document);
        }
        let changed = seen.iter().filter(|(id, first)| found.get(id.as_str()).is_none_or(|now| now[0] != *first));
        Audit {
            messages: published.len(),
            requests: ids.len(),
            lost: ids.iter().filter(|id| !found.contains_key(id.as_str())).count(),
            doubled: found.values().filter(|documents| documents.len() > 1).count(),
            changed: changed.count(),
            observed: seen.len(),
        }
    }
}

/// Waits until all is committed, with a deadline for each step of progress.
fn until_all_is_committed(fixture: &Fixture) {
    let mut left = fixture.uncommitted();
    while left > 0 {
        let mut less = left;
        // Tells whether reading has stopped, or committing.
        let answered = fixture.count(ANSWERS);
        until(&format!("some of the {left} messages that are left are committed; {answered} are answered"), || {
            less = fixture.uncommitted();
            less < left
        });
        left = less;
    }
}

impl Drop for Load {
    fn drop(&mut self) {
        self.stop.store(true, Ordering::Release);
    }
}

/// Records the first version of each answer, and checks that every committed message has its answer. Offsets are read
/// before answers, so that an answer cannot arrive in between.
fn check(
    fixture: &Fixture,
    published: &PublishedIds,
    stop: &AtomicBool,
    reads: &AtomicUsize,
) -> BTreeMap<String, Document> {
    let mut seen: BTreeMap<String, Document> = BTreeMap::new();
    while !stop.load(Ordering::Acquire) {
        if published.lock().unwrap().len() > CHECKED_ANSWERS_MAX && !seen.is_empty() {
            thread::sleep(Duration::from_millis(100));
            continue;
        }
        let committed = fixture.committed();
        let started = Instant::now();
        // One of the servers may be down on purpose.
        let documents = fixture.documents_within(READ_TIMEOUT, ANSWERS);
        let read_time = documents.is_some().then(|| started.elapsed());
        if let (Some(committed), Some(documents)) = (committed, documents) {
            for document in documents {
                let id = document.get_str("UUID").unwrap().to_owned();
                let first = seen.entry(id).or_insert_with(|| document.clone());
                assert_eq!(*first, document, "an answer has changed");
            }
            for ((partition, offset), id) in &*published.lock().unwrap() {
                let is_committed = committed.get(partition).is_some_and(|next| offset < next);
                assert!(!is_committed || seen.contains_key(id), "{id} is committed and not answered");
            }
        }
        reads.fetch_add(usize::from(!seen.is_empty()), Ordering::AcqRel);
        // A read of all answers is expensive if there are many.
        let pause = (read_time.unwrap_or_default() * 10).clamp(Duration::from_millis(50), Duration::from_secs(5));
        let until = Instant::now() + pause;
        while Instant::now() < until && !stop.load(Ordering::Acquire) {
            thread::sleep(Duration::from_millis(20));
        }
    }
    seen
}

/// Prints the counts with the fault, and asserts the promise.
pub(crate) fn assert_promise(fault: &str, times: usize, audit: &Audit) {
    let Audit { messages, requests, lost, doubled, changed, observed } = audit;
    println!(
        "{fault}: {times} times, {messages} messages, {requests} requests, lost {lost}, doubled {doubled}, \
         changed {changed} of {observed} looked at before"
    );
    assert_eq!((*lost, *doubled, *changed), (0, 0, 0));
    assert!(*messages > 0 && *observed > 0, "no message or no answer was observed");
}
