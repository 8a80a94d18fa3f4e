//! Rule 8: the file is what its path names.

use std::fs;

use super::*;
use crate::sqlite::{filesystem::companion, identity::Mismatch};

fn open_with(names: &[&str]) -> (tempfile::TempDir, PathBuf, Arc<Database>) {
    let (dir, path) = temporary();
    let database = Database::open(&path).unwrap();
    for name in names {
        database.write(0, topic(name)).unwrap();
    }
    (dir, path, database)
}

/// Returns the topics that a start on the same path finds.
fn found_after_a_restart(path: &Path, database: Arc<Database>) -> Vec<String> {
    drop(database);
    topics(&Database::open(path).unwrap().connect().unwrap())
}

/// Replaces a file by another one with the same content.
fn replace(path: &Path) {
    let other = companion(path, ".other");
    fs::copy(path, &other).unwrap();
    fs::rename(other, path).unwrap();
}

#[test]
fn rule_8_each_loss_is_seen_before_the_next_acknowledgement() {
    type Fault = fn(&Path);
    let cases: [(Mismatch, Fault); 9] = [
        (Mismatch::FileGone, |path| fs::remove_file(path).unwrap()),
        (Mismatch::FileGone, |path| fs::rename(path, companion(path, ".aside")).unwrap()),
        (Mismatch::FileGone, |path| {
            fs::rename(path.parent().unwrap(), companion(path.parent().unwrap(), "2")).unwrap()
        }),
        (Mismatch::FileReplaced, replace),
        (Mismatch::FileOverwritten, |path| fs::write(path, "no database").unwrap()),
        (Mismatch::WalGone, |path| fs::remove_file(companion(path, "-wal")).unwrap()),
        (Mismatch::WalReplaced, |path| replace(&companion(path, "-wal"))),
        (Mismatch::WalOverwritten, |path| fs::write(companion(path, "-wal"), "").unwrap()),
        (Mismatch::ShmGone, |path| fs::remove_file(companion(path, "-shm")).unwrap()),
    ];
    for (mismatch, fault) in cases {
        let root = tempfile::tempdir().unwrap();
        let path = root.path().join("folder/test.db");
        fs::create_dir(path.parent().unwrap()).unwrap();
        let database = Database::open(&path).unwrap();
        database.write(0, topic("before")).unwrap();
        let connected = database.connect().unwrap();
        fault(&path);
        let error = database.write(0, topic("after")).unwrap_err();
        assert!(error.needs_operator && error.reason.contains("Nothing is acknowledged"), "{mismatch:?}: {error}");
        assert_eq!(database.identity.lost(), Some(mismatch));
        // It stays so, and each call fails with it; nothing is made anew.
        assert_eq!(database.intact().unwrap_err(), error);
        assert_eq!(database.connect().map(drop).unwrap_err(), error);
        assert_eq!(database.write(0, topic("later")).unwrap_err(), error);
        let left = |suffix| companion(&path, suffix).exists();
        assert_eq!(left(""), !matches!(mismatch, Mismatch::FileGone), "{mismatch:?}");
        assert_eq!(left("-wal"), !matches!(mismatch, Mismatch::WalGone) && path.parent().unwrap().exists());
        drop((connected, database));
    }
}

#[test]
fn rule_8_a_loss_is_seen_without_traffic_and_wakes_the_readers() {
    let (_dir, path, database) = open_with(&["before"]);
    let notifier = Arc::new(Notifier::default());
    database.listen(&notifier).unwrap();
    while notifier.wait(Duration::from_millis(200)) {}
    fs::remove_file(companion(&path, "-shm")).unwrap();
    let start = Instant::now();
    while database.intact().is_ok() {
        assert!(start.elapsed() < PATIENCE);
        std::thread::sleep(Duration::from_millis(10));
    }
    assert!(notifier.wait(PATIENCE));
}

#[test]
fn rule_8_what_was_acknowledged_survives_the_loss_of_a_companion() {
    for suffix in ["-wal", "-shm"] {
        let (_dir, path, database) = open_with(&["a", "b"]);
        fs::remove_file(companion(&path, suffix)).unwrap();
        database.write(0, topic("c")).unwrap_err();
        if suffix == "-wal" {
            // The file has it before this process ends, however it ends.
            let start = Instant::now();
            let copy = companion(&path, ".copy");
            let in_the_file = || {
                fs::copy(&path, &copy).unwrap();
                let uri = format!("file:{}?immutable=1", copy.display());
                let flags = rusqlite::OpenFlags::SQLITE_OPEN_READ_ONLY | rusqlite::OpenFlags::SQLITE_OPEN_URI;
                let names = Connection::open_with_flags(uri, flags).and_then(|connection| {
                    let mut query = connection.prepare("SELECT name FROM topics ORDER BY id")?;
                    query.query_map([], |row| row.get::<_, String>(0))?.collect::<rusqlite::Result<Vec<_>>>()
                });
                names.is_ok_and(|names| names.starts_with(&["a".to_owned(), "b".to_owned()]))
            };
            while !in_the_file() {
                assert!(start.elapsed() < PATIENCE);
                std::thread::sleep(Duration::from_millis(10));
            }
        }
        let found = found_after_a_restart(&path, database);
        assert_eq!(found[..2], ["a", "b"], "{suffix}");
    }
}

#[test]
fn rule_8_a_backup_that_is_copied_over_the_file_is_seen() {
    let (_dir, path, database) = open_with(&["before"]);
    let checkpoint = || {
        let cut = "PRAGMA wal_checkpoint(TRUNCATE)";
        database.write(0, |_| Ok(())).unwrap();
        Connection::open(&path).unwrap().query_row(cut, [], |_| Ok(())).unwrap();
    };
    checkpoint();
    let backup = companion(&path, ".backup");
    fs::copy(&path, &backup).unwrap();
    for number in 0..200 {
        database.write(0, topic(&format!("{number:0>2000}"))).unwrap();
    }
    checkpoint();
    database.write(0, topic("still fine")).unwrap();
    fs::copy(&backup, &path).unwrap();
    database.write(0, topic("after")).unwrap_err();
    assert_eq!(database.identity.lost(), Some(Mismatch::FileOverwritten));
}

#[test]
fn rule_8_what_sqlite_does_by_itself_is_no_loss() {
    let (_dir, path, database) = open_with(&["before"]);
    for round in 0..3 {
        for statement in ["PRAGMA wal_checkpoint(TRUNCATE)", "PRAGMA wal_checkpoint(RESTART)", "VACUUM"] {
            // Another connection that comes, works and closes, as another process would.
            let other = Connection::open(&path).unwrap();
            let mut query = other.prepare(statement).unwrap();
            query.query([]).unwrap().next().unwrap();
            drop(query);
            other.close().unwrap();
            assert_eq!(database.identity.check(), Ok(()), "{statement}");
            database.write(0, topic(&format!("{round} {statement}"))).unwrap();
        }
        fs::hard_link(&path, companion(&path, &format!(".link{round}"))).unwrap();
        database.write(0, topic(&format!("{round} link"))).unwrap();
    }
    let mut other = processes::start_other(&path, 20);
    assert!(other.wait().unwrap().success());
    database.write(0, topic("last")).unwrap();
    assert_eq!(found_after_a_restart(&path, database).last().unwrap(), "last");
}

#[test]
fn rule_8_a_log_without_its_file_is_not_thrown_away() {
    let (_dir, path, database) = open_with(&["before"]);
    fs::remove_file(&path).unwrap();
    database.write(0, topic("after")).unwrap_err();
    drop(database);
    let wal = companion(&path, "-wal");
    let kept = fs::read(&wal).unwrap();
    assert!(matches!(refusal(&path), OpenError::OrphanedWal { .. }));
    // An empty file, as `touch` makes it, is no better.
    fs::write(&path, "").unwrap();
    assert!(matches!(refusal(&path), OpenError::OrphanedWal { .. }));
    assert_eq!(fs::read(&wal).unwrap(), kept);
}
