//! The rules of the embedded database, at least one test each.

mod bounds;
mod identity;
mod inspection;
mod processes;

use std::{
    path::{Path, PathBuf},
    sync::{
        Arc,
        mpsc::{Receiver, Sender, channel},
    },
    time::{Duration, Instant},
};

use rusqlite::{Connection, TransactionBehavior};

use super::*;
use crate::{
    delivery::Unavailable,
    log::{
        self, DeadLetterSpan, DeadLettersFrom, Share,
        promises::{self, publish},
    },
    store,
    testing::{Toy, answer},
};

const PATIENCE: Duration = Duration::from_secs(20);

fn temporary() -> (tempfile::TempDir, PathBuf) {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("test.db");
    (dir, path)
}

type Applied = Box<dyn FnMut(&Connection) -> rusqlite::Result<()> + Send>;

/// A write operation that calls a function, and sends its outcome.
struct Scripted {
    bytes: usize,
    deadline: Instant,
    apply: Applied,
    outcome: Sender<Result<(), Unavailable>>,
}

impl WriteOp for Scripted {
    fn bytes(&self) -> usize {
        self.bytes
    }

    fn deadline(&self) -> Instant {
        self.deadline
    }

    fn apply(&mut self, connection: &Connection) -> rusqlite::Result<()> {
        (self.apply)(connection)
    }

    fn done(self: Box<Self>, outcome: Result<(), Unavailable>) {
        // Not every test listens.
        let _ = self.outcome.send(outcome);
    }
}

fn submit(
    database: &Database,
    bytes: usize,
    limit: Duration,
    apply: impl FnMut(&Connection) -> rusqlite::Result<()> + Send + 'static,
) -> Receiver<Result<(), Unavailable>> {
    let (outcome, result) = channel();
    let deadline = Instant::now() + limit;
    database.submit(Box::new(Scripted { bytes, deadline, apply: Box::new(apply), outcome }));
    result
}

/// Holds the writing thread inside a transaction until the sender is dropped.
fn gate(database: &Database) -> Sender<()> {
    let ((open, gate), (entered, inside)) = (channel::<()>(), channel());
    submit(database, 0, PATIENCE, move |_| {
        entered.send(()).unwrap();
        let _ = gate.recv_timeout(PATIENCE);
        Ok(())
    });
    inside.recv_timeout(PATIENCE).unwrap();
    open
}

fn topic(name: &str) -> impl FnMut(&Connection) -> rusqlite::Result<()> + Send + use<> {
    let name = name.to_owned();
    move |connection| connection.execute("INSERT INTO topics (name) VALUES (?1)", [&name]).map(drop)
}

fn topics(connection: &Connection) -> Vec<String> {
    let mut query = connection.prepare("SELECT name FROM topics ORDER BY id").unwrap();
    query.query_map([], |row| row.get(0)).unwrap().collect::<Result<_, _>>().unwrap()
}

#[test]
fn rule_1_a_file_is_opened_once_per_process() {
    let (dir, path) = temporary();
    let first = Database::open(&path).unwrap();
    std::os::unix::fs::symlink(&path, dir.path().join("link.db")).unwrap();
    for again in [path.clone(), dir.path().join("link.db"), dir.path().join("./test.db")] {
        assert!(Arc::ptr_eq(&first, &Database::open(&again).unwrap()), "{again:?}");
    }
    assert!(!Arc::ptr_eq(&first, &Database::open(&dir.path().join("other.db")).unwrap()));
}

#[test]
fn rule_2_waiting_operations_are_committed_together_and_each_is_acknowledged_after_that() {
    let (_dir, path) = temporary();
    let database = Database::open(&path).unwrap();
    let open = gate(&database);
    let results: Vec<_> = (0..100).map(|n| submit(&database, 1, PATIENCE, topic(&format!("{n}")))).collect();
    // One that fails takes back the whole group, which shows that it was one transaction.
    let spoiler = submit(&database, 1, PATIENCE, |connection| connection.execute_batch("no SQL"));
    drop(open);
    for result in results {
        assert!(result.recv_timeout(PATIENCE).unwrap().is_err());
    }
    assert!(spoiler.recv_timeout(PATIENCE).unwrap().unwrap_err().needs_operator);
    let reader = database.connect().unwrap();
    assert_eq!(topics(&reader), [""; 0]);

    let open = gate(&database);
    let results: Vec<_> = (0..100).map(|n| submit(&database, 1, PATIENCE, topic(&format!("{n}")))).collect();
    drop(open);
    for (n, result) in results.iter().enumerate() {
        assert_eq!(result.recv_timeout(PATIENCE).unwrap(), Ok(()));
        assert_eq!(topics(&reader).len(), 100, "told of {n}: then all is there");
        assert!(result.recv().is_err(), "told twice");
    }
}

#[test]
fn rule_2_an_operation_past_its_deadline_is_not_made() {
    let (_dir, path) = temporary();
    let database = Database::open(&path).unwrap();
    let open = gate(&database);
    let late = submit(&database, 1, Duration::ZERO, topic("late"));
    let timely = submit(&database, 1, PATIENCE, topic("timely"));
    drop(open);
    assert!(late.recv_timeout(PATIENCE).unwrap().is_err());
    assert_eq!(timely.recv_timeout(PATIENCE).unwrap(), Ok(()));
    assert_eq!(topics(&database.connect().unwrap()), ["timely"]);
}

#[test]
fn rule_3_a_lock_of_another_process_is_waited_for_until_the_deadline() {
    let (_dir, path) = temporary();
    let database = Database::open(&path).unwrap();
    let mut other = Connection::open(&path).unwrap();
    let lock = other.transaction_with_behavior(TransactionBehavior::Immediate).unwrap();
    let hasty = submit(&database, 1, Duration::from_millis(10), topic("hasty"));
    let patient = submit(&database, 1, PATIENCE, topic("patient"));
    let error = hasty.recv_timeout(PATIENCE).unwrap().unwrap_err();
    assert!(error.reason.contains("locked") || error.reason.contains("too long"), "{error}");
    assert!(!error.needs_operator);
    drop(lock);
    assert_eq!(patient.recv_timeout(PATIENCE).unwrap(), Ok(()));
    assert_eq!(topics(&database.connect().unwrap()), ["patient"]);
}

#[test]
fn rule_3_a_full_disk_is_a_transient_outage() {
    let (_dir, path) = temporary();
    let url = format!("sqlite:{}", path.display());
    let (store, log) = (store::open::<Toy>(&url).unwrap(), log::open::<Toy>(&url).unwrap());
    let (mut answers, producer) = (store.answers().unwrap(), log.producer().unwrap());
    let database = Database::open(&path).unwrap();
    let pages = |count: i64| database.write(0, move |c| c.pragma_update(None, "max_page_count", count)).unwrap();
    // SQLite does not go below the present size.
    pages(1);
    let rows: Vec<_> = (0..100).map(|n| answer(&format!("{n}"), "m")).collect();
    let error = answers.write(&rows).unwrap_err();
    assert!(error.reason.contains("no space is left") && !error.needs_operator, "{error}");
    let large = vec![0; 100_000];
    assert!(publish(&*producer, None, large.clone()).unwrap_err().to_string().contains("no space is left"));
    pages(1_000_000);
    assert_eq!(answers.write(&rows), Ok(vec![]));
    // The failed message took no offset.
    assert_eq!(publish(&*producer, Some("k"), large).unwrap().offset.0, 0);
    assert!(store.lookup().unwrap().find("99").unwrap().is_some());
}

#[test]
fn the_last_process_that_closes_the_file_removes_the_log() {
    let (dir, path) = temporary();
    for round in 0..40 {
        let database = Database::open(&path).unwrap();
        // A watcher reads beside the writer, and both close.
        database.listen(&Arc::new(Notifier::default())).unwrap();
        database.write(0, topic(&format!("round-{round}"))).unwrap();
        drop(database);
        let left: Vec<_> = std::fs::read_dir(dir.path()).unwrap().map(|entry| entry.unwrap().file_name()).collect();
        assert!(!left.iter().any(|name| name.to_string_lossy().ends_with("-wal")), "round {round}: {left:?}");
    }
}

#[test]
fn rule_4_commits_here_and_elsewhere_notify() {
    let (_dir, path) = temporary();
    let database = Database::open(&path).unwrap();
    // Without a watcher only the writing thread notifies.
    let notifier = Arc::new(Notifier::default());
    database.notifiers.add(&notifier);
    assert!(!notifier.wait(Duration::ZERO));
    database.write(0, topic("here")).unwrap();
    assert!(notifier.wait(PATIENCE));
    database.listen(&notifier).unwrap();
    assert!(notifier.wait(PATIENCE), "the first version that the watcher reads");
    // SQLite treats another connection like another process. An earlier notification may still be under way.
    let other = Connection::open(&path).unwrap();
    for n in 0..5 {
        topic(&format!("{n}"))(&other).unwrap();
        assert!(notifier.wait(PATIENCE));
    }
}

#[test]
fn rule_5_the_queue_is_bounded_by_count_and_by_bytes() {
    let (_dir, path) = temporary();
    let database = Database::open(&path).unwrap();
    for (bytes, reason) in [(1, WRITE_OPS_MAX.to_string()), (QUEUE_BYTES_MAX / 4, QUEUE_BYTES_MAX.to_string())] {
        let open = gate(&database);
        let mut waiting = Vec::new();
        let error = loop {
            let result = submit(&database, bytes, PATIENCE, |_| Ok(()));
            match result.try_recv() {
                Ok(outcome) => break outcome.unwrap_err(),
                Err(_) => waiting.push(result),
            }
        };
        assert!(error.reason.contains(&reason) && !error.needs_operator, "{error}");
        assert_eq!(waiting.len(), WRITE_OPS_MAX.min(QUEUE_BYTES_MAX / bytes));
        drop(open);
        assert!(waiting.iter().all(|result| result.recv_timeout(PATIENCE).unwrap().is_ok()));
        database.write(bytes, |_| Ok(())).unwrap();
    }
}

#[test]
fn rule_5_the_log_is_truncated_after_a_slow_reader() {
    let (_dir, path) = temporary();
    let database = Database::open(&path).unwrap();
    database.write(0, |c| c.execute_batch("CREATE TABLE filler (bytes BLOB)")).unwrap();
    let fill = |bytes: i64| {
        let insert = move |c: &Connection| c.execute("INSERT INTO filler VALUES (zeroblob(?1))", [bytes]).map(drop);
        database.write(0, insert).unwrap();
    };
    let length = || std::fs::metadata(path.with_extension("db-wal")).unwrap().len();
    let mut other = Connection::open(&path).unwrap();
    let reading = other.transaction().unwrap();
    reading.query_row("SELECT count(*) FROM topics", [], |_| Ok(())).unwrap();
    while length() <= WAL_BYTES_MAX {
        fill(8 << 20);
    }
    drop(reading);
    let start = Instant::now();
    while length() > WAL_BYTES_MAX {
        assert!(start.elapsed() < PATIENCE);
        fill(1);
        std::thread::sleep(Duration::from_millis(20));
    }
}

fn refusal(path: &Path) -> OpenError {
    Database::open(path).map(drop).unwrap_err()
}

#[test]
fn rule_6_foreign_newer_and_damaged_files_are_refused_and_left_alone() {
    let (dir, path) = temporary();
    let file = |name: &str| dir.path().join(name);
    let foreign = Connection::open(file("foreign")).unwrap();
    foreign.execute_batch("CREATE TABLE t (x)").unwrap();
    assert!(matches!(refusal(&file("foreign")), OpenError::Foreign { .. }));
    let mode: String = foreign.pragma_query_value(None, "journal_mode", |row| row.get(0)).unwrap();
    assert_eq!(mode, "delete");

    drop(Database::open(&path).unwrap());
    Connection::open(&path).unwrap().pragma_update(None, "user_version", schema::VERSION + 1).unwrap();
    let newer = schema::VERSION + 1;
    assert!(matches!(refusal(&path), OpenError::Version { found, known: schema::VERSION, .. } if found == newer));

    std::fs::write(file("text"), "This is no database. ".repeat(100)).unwrap();
    assert!(matches!(refusal(&file("text")), OpenError::Damaged { .. }));
    assert!(matches!(refusal(dir.path()), OpenError::Sqlite { .. }));
    assert!(matches!(refusal(&file("none/x.db")), OpenError::Folder { .. }));
}

#[test]
fn rule_6_damage_inside_a_file_is_an_error_and_not_a_panic() {
    let (_dir, path) = temporary();
    let url = format!("sqlite:{}", path.display());
    let log = log::open::<Toy>(&url).unwrap();
    publish(&*log.producer().unwrap(), None, "m").unwrap();
    drop(log);
    let mut bytes = std::fs::read(&path).unwrap();
    let pages = bytes.len() / 4096;
    bytes[4096..].fill(0xa5);
    std::fs::write(&path, &bytes).unwrap();
    assert!(pages > 10);
    // The first page still says that this is ours.
    match log::open::<Toy>(&url).map(drop).unwrap_err() {
        log::OpenError::Unavailable(error) => {
            assert!(error.reason.contains("damaged") && error.needs_operator, "{error}");
        }
        other => assert!(other.to_string().contains("damaged"), "{other}"),
    }
}

#[test]
fn rule_7_waiting_operations_are_committed_before_the_threads_end() {
    let (_dir, path) = temporary();
    let database = Database::open(&path).unwrap();
    database.listen(&Arc::new(Notifier::default())).unwrap();
    let open = gate(&database);
    let results: Vec<_> = (0..100).map(|n| submit(&database, 1, PATIENCE, topic(&format!("{n}")))).collect();
    drop(open);
    drop(database);
    assert!(results.iter().all(|result| result.try_recv() == Ok(Ok(()))), "all told before the drop returned");
    assert!(!path.with_extension("db-wal").exists(), "SQLite removes it with the last connection");
    assert_eq!(topics(&Connection::open(&path).unwrap()).len(), 100);
}

#[test]
fn a_file_of_version_1_is_migrated_and_keeps_its_content() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("old.db");
    let log = log::open::<Toy>(&format!("sqlite:{}?topic=t&partitions=1", path.display())).unwrap();
    publish(&*log.producer().unwrap(), None, "old").unwrap();
    log.dead_letters().unwrap().write(&[promises::dead_letter(3, b"dead".to_vec())]).unwrap();
    drop(log);
    schema::downgrade(&Connection::open(&path).unwrap()).unwrap();

    let log = log::open::<Toy>(&format!("sqlite:{}?topic=t", path.display())).unwrap();
    let message = promises::ReaderHarness::start(&*log, Share::ALL).read(1).remove(0);
    assert_eq!((message.payload.bytes(), message.attempt), (&b"old"[..], 0));
    let span = DeadLetterSpan { from: DeadLettersFrom::Group("g"), follow: false };
    assert!(
        promises::read_letters(&mut *log.read_dead_letters(span).unwrap())
            == [promises::dead_letter(3, b"dead".to_vec())]
    );
    let version: i32 =
        Connection::open(&path).unwrap().pragma_query_value(None, "user_version", |row| row.get(0)).unwrap();
    assert_eq!(version, schema::VERSION);
    let store = store::open::<Toy>(&format!("sqlite:{}", path.display())).unwrap();
    let shadow = crate::testing::shadow_answer("a", "new", true);
    assert_eq!(store.shadows().unwrap().write(&[shadow]), Ok(vec![]));
    assert_eq!(store.compared().unwrap().len(), 1);
}
