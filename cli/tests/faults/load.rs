//! Requests that come steadily, somebody who looks all the time, and the account in the end.

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
    place::{ANSWERS, Place},
    support::{DEADLINE, request, until},
};

/// Where each request landed in the log, and its id.
type Landed = Arc<Mutex<HashMap<(i32, i64), String>>>;

struct Reports(Landed);

impl ClientContext for Reports {}

impl ProducerContext for Reports {
    type DeliveryOpaque = Box<String>;

    fn delivery(&self, result: &DeliveryResult<'_>, id: Box<String>) {
        match result {
            Ok(message) => drop(self.0.lock().unwrap().insert((message.partition(), message.offset()), *id)),
            // Called while the producer is dropped, after a failure: a panic here would hide that one.
            Err((error, _)) => println!("{id} was not published: {error}"),
        }
    }
}

/// Requests on their way, and who watches them.
pub(crate) struct Load {
    messages: usize,
    landed: Landed,
    over: Arc<AtomicBool>,
    /// How often somebody has looked at answers.
    looks: Arc<AtomicUsize>,
    feeding: Option<JoinHandle<()>>,
    watching: Option<JoinHandle<BTreeMap<String, Document>>>,
}

/// A store that does not tell within this time is down.
const LOOK: Duration = Duration::from_secs(5);
/// Beyond so many a look would take more of the store than the scorer does.
const LOOKED_AT_MAX: usize = 20_000;

/// What was counted.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Account {
    pub(crate) messages: usize,
    pub(crate) requests: usize,
    pub(crate) lost: usize,
    pub(crate) doubled: usize,
    pub(crate) changed: usize,
    pub(crate) looked_at: usize,
}

impl Load {
    /// Publishes so many messages at so many a second. Every hundredth repeats the id of the one before, with other
    /// words. An outage of the log is waited out.
    pub(crate) fn start(place: &Arc<Place>, messages: usize, per_second: usize) -> Self {
        let (landed, over) = (Landed::default(), Arc::new(AtomicBool::new(false)));
        let looks = Arc::new(AtomicUsize::new(0));
        let mut config: ClientConfig = place.config();
        config.set("enable.idempotence", "true").set("message.timeout.ms", "120000");
        let producer: BaseProducer<Reports> = config.create_with_context(Reports(Arc::clone(&landed))).unwrap();
        let topic = place.topic.clone();
        let feeding = thread::spawn(move || {
            let start = Instant::now();
            for number in 0..messages {
                let due = start + Duration::from_secs_f64(number as f64 / per_second as f64);
                while Instant::now() < due {
                    producer.poll(due.saturating_duration_since(Instant::now()).min(Duration::from_millis(5)));
                }
                let id = format!("r-{}", if number % 100 == 99 { number - 1 } else { number });
                let payload = request(&id, (number % 180) as f64 - 60.0);
                let record = BaseRecord::<[u8], str, _>::with_opaque_to(&topic, Box::new(id)).payload(&payload);
                producer.send(record).map_err(|(error, _)| error).unwrap();
            }
            producer.flush(DEADLINE).unwrap();
        });
        let watching = {
            let (place, landed) = (Arc::clone(place), Arc::clone(&landed));
            let (over, looks) = (Arc::clone(&over), Arc::clone(&looks));
            thread::spawn(move || watch(&place, &landed, &over, &looks))
        };
        Load { messages, landed, over, looks, feeding: Some(feeding), watching: Some(watching) }
    }

    /// How many messages the log has acknowledged.
    pub(crate) fn acknowledged(&self) -> usize {
        self.landed.lock().unwrap().len()
    }

    /// Waits until all are published, answered and committed, and accounts for them. A scorer must run.
    pub(crate) fn account(mut self, place: &Place) -> Account {
        self.feeding.take().unwrap().join().unwrap();
        assert_eq!(self.acknowledged(), self.messages, "not all were published");
        let landed = self.landed.lock().unwrap().clone();
        let mut ids: Vec<&String> = landed.values().collect();
        ids.sort();
        ids.dedup();
        until_all_is_committed(place);
        // Both servers may have been away whenever somebody wanted to look.
        let watching = self.watching.take().unwrap();
        until("somebody has looked", || self.looks.load(Ordering::Acquire) > 0 || watching.is_finished());
        self.over.store(true, Ordering::Release);
        let seen = watching.join().unwrap();
        let documents = place.documents(ANSWERS).unwrap();
        let mut found: BTreeMap<&str, Vec<&Document>> = BTreeMap::new();
        for document in &documents {
            found.entry(document.get_str("UUID").unwrap()).or_default().push(document);
        }
        let changed = seen.iter().filter(|(id, first)| found.get(id.as_str()).is_none_or(|now| now[0] != *first));
        Account {
            messages: landed.len(),
            requests: ids.len(),
            lost: ids.iter().filter(|id| !found.contains_key(id.as_str())).count(),
            doubled: found.values().filter(|documents| documents.len() > 1).count(),
            changed: changed.count(),
            looked_at: seen.len(),
        }
    }
}

/// However much that is, as long as it gets less.
fn until_all_is_committed(place: &Place) {
    let mut left = place.uncommitted();
    while left > 0 {
        let mut less = left;
        until(&format!("some of the {left} messages that are left are committed"), || {
            less = place.uncommitted();
            less < left
        });
        left = less;
    }
}

impl Drop for Load {
    fn drop(&mut self) {
        self.over.store(true, Ordering::Release);
    }
}

/// Looks again and again: what was first seen of each answer; and whether every message that is committed has its
/// answer. What is committed is asked first, so that an answer has no time to catch up.
fn watch(place: &Place, landed: &Landed, over: &AtomicBool, looks: &AtomicUsize) -> BTreeMap<String, Document> {
    let mut seen: BTreeMap<String, Document> = BTreeMap::new();
    while !over.load(Ordering::Acquire) {
        if landed.lock().unwrap().len() > LOOKED_AT_MAX && !seen.is_empty() {
            thread::sleep(Duration::from_millis(100));
            continue;
        }
        let committed = place.committed();
        let started = Instant::now();
        // One of the two may be down: that is what these tests are for.
        let documents = place.documents_within(LOOK, ANSWERS);
        let looked = documents.is_some().then(|| started.elapsed());
        if let (Some(committed), Some(documents)) = (committed, documents) {
            for document in documents {
                let id = document.get_str("UUID").unwrap().to_owned();
                let first = seen.entry(id).or_insert_with(|| document.clone());
                assert_eq!(*first, document, "an answer has changed");
            }
            for ((partition, offset), id) in &*landed.lock().unwrap() {
                let is_committed = committed.get(partition).is_some_and(|next| offset < next);
                assert!(!is_committed || seen.contains_key(id), "{id} is committed and not answered");
            }
        }
        looks.fetch_add(usize::from(!seen.is_empty()), Ordering::AcqRel);
        // A look reads all answers: a store that has many has others to serve.
        let pause = (looked.unwrap_or_default() * 10).clamp(Duration::from_millis(50), Duration::from_secs(5));
        let until = Instant::now() + pause;
        while Instant::now() < until && !over.load(Ordering::Acquire) {
            thread::sleep(Duration::from_millis(20));
        }
    }
    seen
}

/// Prints the account, with what was done, and holds it against the promise.
pub(crate) fn promise(fault: &str, times: usize, account: &Account) {
    let Account { messages, requests, lost, doubled, changed, looked_at } = account;
    println!(
        "{fault}: {times} times, {messages} messages, {requests} requests, lost {lost}, doubled {doubled}, \
         changed {changed} of {looked_at} looked at before"
    );
    assert_eq!((*lost, *doubled, *changed), (0, 0, 0));
    assert!(*messages > 0 && *looked_at > 0, "nothing was put to the test");
}
