//! A steady load of requests, an observer that checks the invariants all the time, and the final audit.

use std::{
    collections::{HashMap, HashSet},
    path::{Path, PathBuf},
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    thread::{self, JoinHandle},
    time::{Duration, Instant},
};

use delaycast::domain::Flights;
use engine::{
    log::{self, PartitionId, Producer},
    runtime::{Mutex, MutexGuard},
};
use rand::{RngExt, SeedableRng};
use rand_chacha::ChaCha8Rng;
use rusqlite::{Connection, OpenFlags};
use serde_json::Value;

use crate::{
    request_history::RequestHistory,
    support::{request, until},
};

/// Two partitions for each of three processes.
pub(crate) const PARTITIONS: u32 = 6;
const REQUESTS_PER_SECOND: usize = 300;
/// Every message of this number repeats the id of the previous one, with another body.
const REPEAT_EVERY: usize = 100;
/// Interval of the observer's checks, and so the resolution of the time of recovery.
const CHECK_INTERVAL: Duration = Duration::from_millis(10);
/// Number of earlier answers that each check reads again.
const REREAD_PER_CHECK: usize = 20;

/// The publisher and the observer.
pub(crate) struct Load {
    path: PathBuf,
    history: Arc<Mutex<RequestHistory>>,
    stop_observing: Arc<AtomicBool>,
    stop_publishing: Arc<AtomicBool>,
    publisher: Option<JoinHandle<()>>,
    observer: Option<JoinHandle<HashMap<String, String>>>,
}

/// The result of the audit.
pub(crate) struct Audit {
    pub(crate) messages: usize,
    pub(crate) requests: usize,
    pub(crate) lost: usize,
    pub(crate) doubled: usize,
    pub(crate) changed: usize,
    pub(crate) observed: usize,
    /// All answers.
    pub(crate) answers: Vec<Value>,
}

impl Load {
    /// Starts to publish into the embedded log at a path, until the audit.
    pub(crate) fn start(path: &Path, url: &str) -> Self {
        let (history, stop_observing, stop_publishing) =
            (Arc::<Mutex<RequestHistory>>::default(), Arc::<AtomicBool>::default(), Arc::<AtomicBool>::default());
        let log = log::open::<Flights>(&format!("{url}?partitions={PARTITIONS}")).unwrap();
        let producer = log.producer().unwrap();
        let publisher = {
            let (history, stop) = (Arc::clone(&history), Arc::clone(&stop_publishing));
            thread::spawn(move || publish_all(&*producer, &history, &stop))
        };
        let observer = {
            let (path, history, stop) = (path.to_owned(), Arc::clone(&history), Arc::clone(&stop_observing));
            thread::spawn(move || observe(&connect(&path), &history, &stop))
        };
        Load {
            path: path.to_owned(),
            history,
            stop_observing,
            stop_publishing,
            publisher: Some(publisher),
            observer: Some(observer),
        }
    }

    /// Waits until every partition has an answer to a request sent after `since`; returns the time that it took.
    pub(crate) fn recovery(&self, since: Instant) -> Duration {
        let mut recovery = None;
        until("every partition is answered", || {
            assert!(
                self.observer.as_ref().is_some_and(|observer| !observer.is_finished()),
                "the observer found a fault"
            );
            recovery = open(&self.history).recovery(since, PARTITIONS as usize);
            recovery.is_some()
        });
        recovery.unwrap()
    }

    /// Waits until all published messages are committed, and audits the answers. A cluster must run.
    pub(crate) fn audit(&mut self) -> Audit {
        self.stop_publishing.store(true, Ordering::Release);
        self.publisher.take().unwrap().join().unwrap();
        let database = connect(&self.path);
        let mut left = uncommitted(&database);
        while left > 0 {
            let mut less = left;
            until(&format!("some of the {left} messages that are left are committed"), || {
                less = uncommitted(&database);
                less < left
            });
            left = less;
        }
        self.stop_observing.store(true, Ordering::Release);
        let seen = self.observer.take().unwrap().join().expect("the observer found a fault");
        let answers = answers_after(&database, 0);
        let found: HashMap<&str, &str> = answers.iter().map(|(_, id, text)| (id.as_str(), text.as_str())).collect();
        let changed = seen.iter().filter(|(id, first)| found.get(id.as_str()) != Some(&first.as_str())).count();
        let documents: Vec<Value> = answers.iter().map(|(_, _, text)| serde_json::from_str(text).unwrap()).collect();
        let history = open(&self.history);
        let mut ids: HashSet<&str> = history.ids().map(String::as_str).collect();
        let requests = ids.len();
        let doubled = documents.iter().filter(|document| !ids.remove(document["UUID"].as_str().unwrap())).count();
        let refused: i64 = database
            .query_row("SELECT (SELECT count(*) FROM dead_letters) + (SELECT count(*) FROM rejections)", [], |row| {
                row.get(0)
            })
            .unwrap();
        assert_eq!(refused, 0, "dead letters or rejections");
        let lost = ids.len();
        Audit { messages: history.landed, requests, lost, doubled, changed, observed: seen.len(), answers: documents }
    }
}

impl Drop for Load {
    fn drop(&mut self) {
        self.stop_publishing.store(true, Ordering::Release);
        self.stop_observing.store(true, Ordering::Release);
    }
}

fn open(history: &Mutex<RequestHistory>) -> MutexGuard<'_, RequestHistory> {
    history.lock()
}

fn publish_all(producer: &dyn Producer, history: &Arc<Mutex<RequestHistory>>, stop: &AtomicBool) {
    let publish = |id: String, message: String| {
        open(history).record_sent(&id);
        let (history, payload) = (Arc::clone(history), message.clone().into_bytes());
        let done = move |landed| {
            let mut history = open(&history);
            history.waiting -= 1;
            match landed {
                Ok(position) => history.record_landed(&id, position),
                // It may still land, as another message of the same request.
                Err(_) => history.refused.push((id, message)),
            }
        };
        producer.publish(None, payload, Box::new(done));
    };
    let start = Instant::now();
    let mut number = 0;
    loop {
        let retries = std::mem::take(&mut open(history).refused);
        retries.into_iter().for_each(|(id, message)| publish(id, message));
        let due = start + Duration::from_secs_f64(number as f64 / REQUESTS_PER_SECOND as f64);
        if stop.load(Ordering::Acquire) {
            let history = open(history);
            if history.waiting == 0 && history.refused.is_empty() {
                return;
            }
        } else if Instant::now() >= due {
            let id = format!("c-{}", if number % REPEAT_EVERY == REPEAT_EVERY - 1 { number - 1 } else { number });
            let message = request(&id, (number % 180) as f64 - 60.0);
            publish(id, message);
            number += 1;
            continue;
        }
        thread::sleep(Duration::from_millis(2));
    }
}

/// Checks again and again that earlier answers have not changed, and that every committed message has its answer. Reads
/// the committed offsets before the answers, so that a late answer does not count. Returns the answers by id.
fn observe(database: &Connection, history: &Mutex<RequestHistory>, stop: &AtomicBool) -> HashMap<String, String> {
    let mut random = ChaCha8Rng::seed_from_u64(0);
    let (mut seen, mut order, mut last) = (HashMap::<String, String>::new(), Vec::<String>::new(), 0);
    let mut unplaced: Vec<(String, Instant)> = Vec::new();
    while !stop.load(Ordering::Acquire) {
        let committed = committed(database);
        let new = answers_after(database, last);
        let now = Instant::now();
        for (number, id, document) in new {
            last = number;
            unplaced.push((id.clone(), now));
            order.push(id.clone());
            assert!(seen.insert(id, document).is_none(), "an answer came twice");
        }
        {
            let mut history = open(history);
            unplaced.retain(|(id, seen)| !history.record_answer(id, *seen));
            for (partition, next) in committed {
                for (offset, id) in history.take_committed(partition, next) {
                    assert!(
                        seen.contains_key(&id),
                        "{id}, at {offset} of {partition:?}, is committed and not answered"
                    );
                }
            }
        }
        for _ in 0..REREAD_PER_CHECK.min(order.len()) {
            let id = &order[random.random_range(0..order.len())];
            let sql = "SELECT document FROM answers WHERE id = ?1";
            let document: String = database.query_row(sql, [id], |row| row.get(0)).unwrap();
            assert_eq!(document, seen[id], "an answer has changed");
        }
        thread::sleep(CHECK_INTERVAL);
    }
    seen
}

fn connect(path: &Path) -> Connection {
    let flags = OpenFlags::SQLITE_OPEN_READ_ONLY | OpenFlags::SQLITE_OPEN_NO_MUTEX;
    let database = Connection::open_with_flags(path, flags).unwrap();
    database.busy_timeout(crate::support::DEADLINE).unwrap();
    database
}

fn answers_after(database: &Connection, number: i64) -> Vec<(i64, String, String)> {
    let sql = "SELECT seq, id, document FROM answers WHERE seq > ?1 ORDER BY seq";
    let mut query = database.prepare_cached(sql).unwrap();
    let rows = query.query_map([number], |row| Ok((row.get(0)?, row.get(1)?, row.get(2)?))).unwrap();
    rows.collect::<Result<_, _>>().unwrap()
}

fn committed(database: &Connection) -> Vec<(PartitionId, u64)> {
    let mut query = database.prepare_cached("SELECT partition, next_offset FROM committed_offsets").unwrap();
    let rows = query.query_map([], |row| Ok((PartitionId(row.get(0)?), row.get::<_, i64>(1)? as u64))).unwrap();
    rows.collect::<Result<_, _>>().unwrap()
}

fn uncommitted(database: &Connection) -> i64 {
    let sql = "SELECT sum(p.next_offset - coalesce(c.next_offset, 0)) FROM partitions p
               LEFT JOIN committed_offsets c ON c.topic = p.topic AND c.partition = p.partition";
    database.query_row(sql, [], |row| row.get(0)).unwrap()
}
