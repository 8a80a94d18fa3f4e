//! Compares the parser with SQLite's own recovery, over logs that are cut and changed in every way.

use std::{fs, path::PathBuf, time::Duration};

use proptest::prelude::*;
use rusqlite::{Connection, config::DbConfig};

use super::*;

/// Small, so that a log has many frames.
const PAGE_BYTES: usize = 512;

/// A database and its log as a crash leaves them: `commits` transactions, after an earlier use of the same log.
fn crashed(before: usize, commits: usize) -> (Vec<u8>, Vec<u8>) {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("x.db");
    let connection = Connection::open(&path).unwrap();
    connection
        .execute_batch(
            "PRAGMA page_size = 512; PRAGMA journal_mode = wal; PRAGMA wal_autocheckpoint = 0; CREATE TABLE t (x)",
        )
        .unwrap();
    let fill = |count: usize| {
        for number in 0..count {
            connection.execute("INSERT INTO t VALUES (randomblob(?1))", [(number * 97 % 900) as i64]).unwrap();
        }
    };
    fill(before);
    if before > 0 {
        // The next commit starts the log over, and leaves behind it what was there.
        connection.query_row("PRAGMA wal_checkpoint(RESTART)", [], |_| Ok(())).unwrap();
    }
    fill(commits);
    (fs::read(&path).unwrap(), fs::read(wal_of(&path)).unwrap())
}

fn wal_of(path: &Path) -> PathBuf {
    companion(path, "-wal")
}

fn parsed(wal: &[u8]) -> Contents {
    read(wal, PAGE_BYTES, Instant::now() + Duration::from_secs(60)).unwrap()
}

/// The last frame that SQLite takes.
fn recovered(database: &[u8], wal: &[u8]) -> u64 {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("x.db");
    fs::write(&path, database).unwrap();
    fs::write(wal_of(&path), wal).unwrap();
    let connection = Connection::open(&path).unwrap();
    connection.set_db_config(DbConfig::SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE, true).unwrap();
    connection.query_row("SELECT count(*) FROM sqlite_schema", [], |_| Ok(())).unwrap();
    let frames: i64 = connection.query_row("PRAGMA wal_checkpoint(PASSIVE)", [], |row| row.get(1)).unwrap();
    frames.unsigned_abs()
}

#[test]
fn rule_1_a_whole_log_is_recovered_whole() {
    for (before, commits) in [(0, 1), (0, 30), (40, 5), (5, 40)] {
        let (database, wal) = crashed(before, commits);
        let contents = parsed(&wal);
        assert_eq!(contents.last_frame, recovered(&database, &wal));
        assert!(contents.commits >= commits as u64);
        assert_eq!((contents.bytes_behind, contents.commits_lost, contents.header_is_damaged), (0, 0, false));
    }
    assert_eq!(parsed(b""), Contents::default());
}

#[test]
fn rule_2_what_an_earlier_use_left_is_no_damage() {
    let (_, wal) = crashed(200, 3);
    let contents = parsed(&wal);
    let frames = (wal.len() - HEADER_BYTES) / (FRAME_HEADER_BYTES + PAGE_BYTES);
    assert!(contents.last_frame < frames as u64, "the log was not started over");
    assert_eq!((contents.commits, contents.bytes_behind, contents.commits_lost), (3, 0, 0));
}

#[test]
fn rule_3_a_torn_end_is_told_from_damage_in_the_middle() {
    let (_, wal) = crashed(0, 30);
    let whole = parsed(&wal);
    let frame = FRAME_HEADER_BYTES + PAGE_BYTES;
    // A crash in the middle of the last write.
    let torn = parsed(&wal[..wal.len() - 100]);
    assert!(torn.commits == whole.commits - 1 && torn.bytes_behind > 0, "{torn:?}");
    assert!(!torn.is_damaged());
    // One bit of a page, of a salt, and a hole: everything behind it was acknowledged.
    for (at, length) in [(3 * frame + 100, 1), (3 * frame + 8, 1), (3 * frame, frame)] {
        let mut damaged = wal.clone();
        damaged[HEADER_BYTES + at..][..length]
            .iter_mut()
            .for_each(|byte| *byte = if length > 1 { 0 } else { *byte ^ 1 });
        let found = parsed(&damaged);
        assert!(found.commits < whole.commits && found.last_frame <= 3, "{found:?}");
        assert!(found.acknowledged_lost && found.commits_lost > 20, "{found:?}");
    }
    // The header: SQLite takes nothing at all.
    for at in [0, 9, 17, 26] {
        let mut damaged = wal.clone();
        damaged[at] ^= 0x40;
        let found = parsed(&damaged);
        assert!(found.header_is_damaged && found.last_frame == 0 && found.acknowledged_lost, "{at}: {found:?}");
    }
}

#[test]
fn rule_4_reading_ends_at_the_deadline() {
    let (_, wal) = crashed(0, 3);
    let contents = read(&wal[..], PAGE_BYTES, Instant::now()).unwrap();
    assert!(contents.is_partial && contents.commits == 0);
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn rule_1_any_damage_is_read_as_sqlite_reads_it(
        (before, commits) in (0_usize..40, 1_usize..40),
        cut in prop_oneof![Just(1.0), 0.0..1.0],
        flips in prop::collection::vec((0.0..1.0, 0_u8..8), 0..4),
    ) {
        let (database, mut wal) = crashed(before, commits);
        wal.truncate((wal.len() as f64 * cut) as usize);
        for (at, bit) in flips {
            let at = (wal.len() as f64 * at) as usize;
            // The version of the format is an error in SQLite, and is none here.
            if at < wal.len() && !(4..8).contains(&at) {
                wal[at] ^= 1 << bit;
            }
        }
        prop_assert_eq!(parsed(&wal).last_frame, recovered(&database, &wal));
    }

    #[test]
    fn any_bytes_are_read_without_a_panic(bytes in prop::collection::vec(any::<u8>(), 0..4000)) {
        parsed(&bytes);
    }
}
