//! Rule 9: inspection creates and changes nothing, and reports a crash.

use std::{collections::BTreeMap, fs};

use super::*;
use crate::{
    domain::Domain,
    finding::Severity,
    sqlite::{Inspector, filesystem::companion, open::path_of},
    testing::Toy,
};

/// The files of a folder with their content.
fn content(dir: &Path) -> BTreeMap<PathBuf, Vec<u8>> {
    let paths = fs::read_dir(dir).unwrap().map(|entry| entry.unwrap().path());
    paths.map(|path| (path.clone(), fs::read(path).unwrap())).collect()
}

fn filled() -> (tempfile::TempDir, PathBuf) {
    let (dir, path) = temporary();
    let log = log::open::<Toy>(&format!("sqlite:{}", path.display())).unwrap();
    publish(&*log.producer().unwrap(), None, "m").unwrap();
    (dir, path)
}

/// Copies of the three files as a killed process leaves them.
fn crashed(path: &Path, suffixes: &[&str]) -> (tempfile::TempDir, PathBuf) {
    let database = Database::open(path).unwrap();
    database.write(0, topic("in the log alone")).unwrap();
    let (dir, copy) = temporary();
    for suffix in suffixes {
        fs::copy(companion(path, suffix), companion(&copy, suffix)).unwrap();
    }
    (dir, copy)
}

#[test]
fn rule_9_a_missing_file_is_a_finding_and_is_not_made() {
    let dir = tempfile::tempdir().unwrap();
    for path in [dir.path().join("none.db"), dir.path().join("none/none.db")] {
        let url = format!("sqlite:{}", path.display());
        for error in [log::inspect::<Toy>(&url).unwrap_err(), store::inspect::<Toy>(&url).unwrap_err()] {
            assert!(error.to_string().contains("delaycast up"), "{error}");
        }
        assert!(log::open_existing::<Toy>(&url).is_err() && store::open_existing::<Toy>(&url).is_err());
    }
    fs::write(dir.path().join("empty.db"), "").unwrap();
    assert!(matches!(Inspector::open(&dir.path().join("empty.db")).map(drop), Err(OpenError::Missing { .. })));
    assert_eq!(content(dir.path()).into_values().collect::<Vec<_>>(), [b""]);
}

#[test]
fn rule_9_a_file_that_nothing_uses_is_read_and_left_as_it_is() {
    let (dir, path) = filled();
    let before = content(dir.path());
    assert_eq!(before.len(), 1);
    let url = format!("sqlite:{}", path.display());
    for finding in log::inspect::<Toy>(&url).unwrap().into_iter().chain(store::inspect::<Toy>(&url).unwrap()) {
        assert!(finding.severity != Severity::Fail, "{finding:?}");
    }
    assert_eq!(log::groups(&url).unwrap(), []);
    let no_topic = log::inspect::<Toy>(&format!("{url}?topic=none")).unwrap();
    assert!(no_topic[0].found.contains("no topic none"), "{no_topic:?}");
    assert!(log::open_existing::<Toy>(&format!("{url}?topic=none")).is_err());
    assert_eq!(content(dir.path()), before);
    // Of an earlier version: it is not brought up to this one.
    schema::downgrade(&Connection::open(&path).unwrap()).unwrap();
    let before = content(dir.path());
    assert!(log::inspect::<Toy>(&url).unwrap().iter().all(|finding| finding.severity != Severity::Fail));
    assert_eq!(content(dir.path()), before);
    Connection::open(&path).unwrap().pragma_update(None, "user_version", schema::VERSION + 1).unwrap();
    assert!(log::inspect::<Toy>(&url).unwrap_err().to_string().contains("version"));
}

#[test]
fn rule_9_a_file_in_use_is_read_as_it_is_now() {
    let (_dir, path) = filled();
    let database = Database::open(&path).unwrap();
    let inspector = Inspector::open(&path).unwrap();
    for number in 0..3 {
        database.write(0, topic(&format!("{number}"))).unwrap();
        let connection = database.connect().unwrap();
        assert_eq!(topics(&connection).len(), 2 + number);
        assert_eq!(inspector.partitions(Toy::TOPIC).unwrap(), 4);
    }
    assert!(inspector.findings().is_empty(), "{:?}", inspector.findings());
}

#[test]
fn rule_9_what_a_crash_has_left_is_told_and_read_without_recovering_it() {
    let (_dir, path) = filled();
    let (dir, copy) = crashed(&path, &["", "-wal", "-shm"]);
    let before = content(dir.path());
    let inspector = Inspector::open(&copy).unwrap();
    let findings = inspector.findings();
    assert!(findings.len() == 1 && findings[0].found.contains("not closed in order"), "{findings:?}");
    assert_eq!(inspector.partitions(Toy::TOPIC).unwrap(), 4);
    let after = content(dir.path());
    assert_eq!(after.keys().collect::<Vec<_>>(), before.keys().collect::<Vec<_>>());
    for path in [&copy, &companion(&copy, "-wal")] {
        assert!(after[path] == before[path], "{path:?} has changed");
    }
    assert_eq!(topics(&Database::open(&copy).unwrap().connect().unwrap()).last().unwrap(), "in the log alone");

    // Without its index it is told, and the index is not made.
    let (_dir, path) = filled();
    let (dir, copy) = crashed(&path, &["", "-wal"]);
    assert!(matches!(Inspector::open(&copy).map(drop), Err(OpenError::Unrecovered { .. })));
    assert_eq!(content(dir.path()).len(), 2);
}

#[test]
fn rule_9_a_path_comes_from_the_url_whatever_its_characters() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("a b#c%20?é.db");
    drop(Database::open(&path).unwrap());
    let url = crate::address::of_file(&path);
    assert_eq!(path_of(&crate::address::Address::parse(&url).unwrap()).unwrap(), path);
    assert!(store::inspect::<Toy>(&url).unwrap().iter().all(|finding| finding.severity == Severity::Ok));
    assert_eq!(content(dir.path()).len(), 1);
}
