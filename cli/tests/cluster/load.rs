//! Requests that come steadily, somebody who looks all the time, and the account in the end.

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

use delaycast::{
    log::{self, PartitionId, Producer},
    runtime::{Mutex, MutexGuard},
};
use rand::{RngExt, SeedableRng};
use rand_chacha::ChaCha8Rng;
use rusqlite::{Connection, OpenFlags};
use serde_json::Value;

use crate::{
    book::Book,
    support::{request, until},
};

/// Two for each process of three.
pub(crate) const PARTITIONS: u32 = 6;
const PER_SECOND: usize = 300;
/// Every message of this number repeats the id of the one before, with other words.
const REPEATS: usize = 100;
/// How often somebody looks, and so how exactly recovery is measured.
const LOOK: Duration = Duration::from_millis(10);
/// So many of the answers seen before are looked at again each time.
const LOOKED_AT_AGAIN: usize = 20;

/// Requests on their way, and who watches them.
pub(crate) struct Load {
    path: PathBuf,
    book: Arc<Mutex<Book>>,
    over: Arc<AtomicBool>,
    fed: Arc<AtomicBool>,
    feeding: Option<JoinHandle<()>>,
    watching: Option<JoinHandle<HashMap<String, String>>>,
}

/// What was counted.
pub(crate) struct Account {
    pub(crate) messages: usize,
    pub(crate) requests: usize,
    pub(crate) lost: usize,
    pub(crate) doubled: usize,
    pub(crate) changed: usize,
    pub(crate) looked_at: usize,
    /// The answers themselves.
    pub(crate) answers: Vec<Value>,
}

impl Load {
    /// Publishes into the embedded log at a path until told to account.
    pub(crate) fn start(path: &Path, url: &str) -> Self {
        let (book, over, fed) =
            (Arc::<Mutex<Book>>::default(), Arc::<AtomicBool>::default(), Arc::<AtomicBool>::default());
        let log = log::open(&format!("{url}?partitions={PARTITIONS}")).unwrap();
        let producer = log.producer().unwrap();
        let feeding = {
            let (book, over) = (Arc::clone(&book), Arc::clone(&fed));
            thread::spawn(move || feed(&*producer, &book, &over))
        };
        let watching = {
            let (path, book, over) = (path.to_owned(), Arc::clone(&book), Arc::clone(&over));
            thread::spawn(move || watch(&connect(&path), &book, &over))
        };
        Load { path: path.to_owned(), book, over, fed, feeding: Some(feeding), watching: Some(watching) }
    }

    /// Waits until every partition has an answer to a request that was sent after this moment; how long that took.
    pub(crate) fn recovery(&self, since: Instant) -> Duration {
        let mut recovery = None;
        until("every partition is answered", || {
            assert!(
                self.watching.as_ref().is_some_and(|watching| !watching.is_finished()),
                "the observer has objected"
            );
            recovery = open(&self.book).recovery(since, PARTITIONS as usize);
            recovery.is_some()
        });
        recovery.unwrap()
    }

    /// Waits until all that was published is committed, and accounts for it. A cluster must run.
    pub(crate) fn account(&mut self) -> Account {
        self.fed.store(true, Ordering::Release);
        self.feeding.take().unwrap().join().unwrap();
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
        self.over.store(true, Ordering::Release);
        let seen = self.watching.take().unwrap().join().expect("the observer has objected");
        let answers = answers_after(&database, 0);
        let found: HashMap<&str, &str> = answers.iter().map(|(_, id, text)| (id.as_str(), text.as_str())).collect();
        let changed = seen.iter().filter(|(id, first)| found.get(id.as_str()) != Some(&first.as_str())).count();
        let documents: Vec<Value> = answers.iter().map(|(_, _, text)| serde_json::from_str(text).unwrap()).collect();
        let book = open(&self.book);
        let mut ids: HashSet<&str> = book.ids().map(String::as_str).collect();
        let requests = ids.len();
        let doubled = documents.iter().filter(|document| !ids.remove(document["UUID"].as_str().unwrap())).count();
        let refused: i64 = database
            .query_row("SELECT (SELECT count(*) FROM dead_letters) + (SELECT count(*) FROM rejections)", [], |row| {
                row.get(0)
            })
            .unwrap();
        assert_eq!(refused, 0, "dead letters or rejections");
        let lost = ids.len();
        Account { messages: book.landed, requests, lost, doubled, changed, looked_at: seen.len(), answers: documents }
    }
}

impl Drop for Load {
    fn drop(&mut self) {
        self.fed.store(true, Ordering::Release);
        self.over.store(true, Ordering::Release);
    }
}

fn open(book: &Mutex<Book>) -> MutexGuard<'_, Book> {
    book.lock()
}

fn feed(producer: &dyn Producer, book: &Arc<Mutex<Book>>, over: &AtomicBool) {
    let publish = |id: String, message: String| {
        open(book).sending(&id);
        let (book, payload) = (Arc::clone(book), message.clone().into_bytes());
        let done = move |landed| {
            let mut book = open(&book);
            book.waiting -= 1;
            match landed {
                Ok(position) => book.landed(&id, position),
                // It may still land: then it is one more message of the same request.
                Err(_) => book.refused.push((id, message)),
            }
        };
        producer.publish(None, payload, Box::new(done));
    };
    let start = Instant::now();
    let mut number = 0;
    loop {
        let again = std::mem::take(&mut open(book).refused);
        again.into_iter().for_each(|(id, message)| publish(id, message));
        let due = start + Duration::from_secs_f64(number as f64 / PER_SECOND as f64);
        if over.load(Ordering::Acquire) {
            let book = open(book);
            if book.waiting == 0 && book.refused.is_empty() {
                return;
            }
        } else if Instant::now() >= due {
            let id = format!("c-{}", if number % REPEATS == REPEATS - 1 { number - 1 } else { number });
            let message = request(&id, (number % 180) as f64 - 60.0);
            publish(id, message);
            number += 1;
            continue;
        }
        thread::sleep(Duration::from_millis(2));
    }
}

/// Looks again and again: whether an answer that was seen is still the same, and whether every message that is committed
/// has its answer. What is committed is asked first, so that an answer has no time to catch up. Returns what was seen.
fn watch(database: &Connection, book: &Mutex<Book>, over: &AtomicBool) -> HashMap<String, String> {
    let mut random = ChaCha8Rng::seed_from_u64(0);
    let (mut seen, mut order, mut last) = (HashMap::<String, String>::new(), Vec::<String>::new(), 0);
    let mut unplaced: Vec<(String, Instant)> = Vec::new();
    while !over.load(Ordering::Acquire) {
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
            let mut book = open(book);
            unplaced.retain(|(id, seen)| !book.answered(id, *seen));
            for (partition, next) in committed {
                for (offset, id) in book.committed(partition, next) {
                    assert!(
                        seen.contains_key(&id),
                        "{id}, at {offset} of {partition:?}, is committed and not answered"
                    );
                }
            }
        }
        for _ in 0..LOOKED_AT_AGAIN.min(order.len()) {
            let id = &order[random.random_range(0..order.len())];
            let sql = "SELECT document FROM answers WHERE id = ?1";
            let document: String = database.query_row(sql, [id], |row| row.get(0)).unwrap();
            assert_eq!(document, seen[id], "an answer has changed");
        }
        thread::sleep(LOOK);
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
