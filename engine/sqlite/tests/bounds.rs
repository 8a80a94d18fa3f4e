//! Rule 5 under a forgotten reader, and rule 10: groups.

use std::path::Path;

use chrono::{DateTime, Utc};

use super::*;
use crate::{
    clock::{self, BootId, Reading},
    sqlite::{groups, readers},
    testing::Toy,
};

const DAY_MS: i64 = 24 * 3600 * 1000;

#[test]
fn rule_5_under_a_forgotten_reader_writing_stops_and_goes_on_by_itself() {
    let (_dir, path) = temporary();
    let url = format!("sqlite:{}?wal=4", path.display());
    let log = log::open::<Toy>(&url).unwrap();
    let producer = log.producer().unwrap();
    let mut landed = vec![publish(&*producer, None, vec![b'm'; 50_000]).unwrap()];
    let mut other = Connection::open(&path).unwrap();
    let reading = other.transaction().unwrap();
    reading.query_row("SELECT count(*) FROM topics", [], |_| Ok(())).unwrap();
    let length = || std::fs::metadata(path.with_extension("db-wal")).unwrap().len();
    let error = loop {
        match publish(&*producer, None, vec![b'm'; 50_000]) {
            Ok(position) => landed.push(position),
            Err(error) => break error.to_string(),
        }
        assert!(length() < 5 << 20, "it grows without bound");
    };
    assert!(error.contains("write-ahead log") && error.contains("read transaction open"), "{error}");
    assert!(length() >= 4 << 20);
    let database = Database::open(&path).unwrap();
    // Other tests of this process have files open, too.
    let own = path.canonicalize().unwrap();
    let metrics =
        || file_metrics().into_iter().find(|it| Path::new(&it.file).canonicalize().is_ok_and(|file| file == own));
    assert!(metrics().is_some_and(|it| it.blocked_checkpoints > 0 && it.is_intact));
    // Reading goes on, and no other kind of change is made.
    assert_eq!(topics(&database.connect().unwrap()).len(), 1);
    assert!(!database.write(0, topic("full")).unwrap_err().needs_operator);
    drop(reading);
    let start = Instant::now();
    while database.write(0, topic("goes on")).is_err() {
        assert!(start.elapsed() < PATIENCE);
        std::thread::sleep(Duration::from_millis(20));
    }
    assert!(length() < 1 << 20);
    landed.push(publish(&*producer, None, "last").unwrap());
    let read = promises::ReaderHarness::start(&*log, Share::ALL).read(landed.len());
    assert_eq!(read.len(), landed.len(), "what was acknowledged is there");
}

#[test]
fn rule_5_the_stop_is_named_in_the_url() {
    let (_dir, path) = temporary();
    for wrong in ["0", "x", "1048577", ""] {
        let error = log::open::<Toy>(&format!("sqlite:{}?wal={wrong}", path.display())).map(drop).unwrap_err();
        assert!(error.to_string().contains("MiB"), "{error}");
    }
    let stop = || Database::open(&path).unwrap().wal_stats.stop.load(std::sync::atomic::Ordering::Relaxed);
    let database = Database::open(&path).unwrap();
    assert_eq!(stop(), WAL_BYTES_STOP);
    drop(log::open::<Toy>(&format!("sqlite:{}?wal=100", path.display())).unwrap());
    drop(store::open::<Toy>(&format!("sqlite:{}", path.display())).unwrap());
    assert_eq!(stop(), 100 << 20);
    drop(database);
}

/// A topic with 20 messages of which `fast` has committed all, `slow` some and `stopped` some others, long ago.
fn three_groups() -> (tempfile::TempDir, PathBuf, Arc<Database>, i64) {
    let (dir, path) = temporary();
    let log = log::open::<Toy>(&format!("sqlite:{}?topic=t&partitions=2", path.display())).unwrap();
    let producer = log.producer().unwrap();
    for _ in 0..20 {
        publish(&*producer, None, vec![b'm'; 1024]).unwrap();
    }
    let (database, now) = (Database::open(&path).unwrap(), now_ms());
    database
        .write(0, move |connection| {
            let mut insert = connection.prepare("INSERT INTO committed_offsets VALUES (1, ?1, ?2, ?3, ?4)")?;
            for (group, days, next) in [("fast", 0, 10), ("slow", 2, 6), ("stopped", 40, 4)] {
                insert.execute(rusqlite::params![group, 0, next, now - days * DAY_MS])?;
                insert.execute(rusqlite::params![group, 1, next, now - days * DAY_MS])?;
            }
            Ok(())
        })
        .unwrap();
    (dir, path, database, now)
}

fn names(database: &Database, now: i64) -> Vec<String> {
    groups::list(&database.connect().unwrap(), now).unwrap().into_iter().map(|group| group.group).collect()
}

#[test]
fn rule_10_a_group_tells_what_it_alone_keeps() {
    let (_dir, path, database, now) = three_groups();
    let groups = groups::list(&database.connect().unwrap(), now).unwrap();
    let told: Vec<_> = groups.iter().map(|it| (it.group.as_str(), it.to_go, it.keeps.messages, it.is_read)).collect();
    assert_eq!(told, [("fast", 0, 0, false), ("slow", 8, 0, false), ("stopped", 12, 4, false)]);
    assert_eq!(groups[2].keeps.bytes, 4 * 1024);
    let words = groups[2].describe(DateTime::from_timestamp_millis(now).unwrap(), false);
    assert!(words.contains("4 messages (about 4 KiB)") && words.contains("groups remove stopped"), "{words}");
    assert!(groups[2].retains_alone() && !groups[1].retains_alone());
    // A reader says that its group is read, until it is gone.
    let log = log::open::<Toy>(&format!("sqlite:{}?topic=t&group=stopped", path.display())).unwrap();
    let is_read = || {
        let groups = groups::list(&database.connect().unwrap(), now_ms()).unwrap();
        groups.into_iter().find(|group| group.group == "stopped").unwrap().is_read
    };
    let mut harness = promises::ReaderHarness::start(&*log, Share::ALL);
    harness.read(1);
    database.write(0, |_| Ok(())).unwrap();
    assert!(is_read());
    // It renews its commits, so that an idle group that is read does not expire.
    harness.reader.renew();
    database.write(0, |_| Ok(())).unwrap();
    assert!(groups::list(&database.connect().unwrap(), now).unwrap()[2].idle(Utc::now()) < PATIENCE);
    drop(harness);
    database.write(0, |_| Ok(())).unwrap();
    assert!(!is_read());
}

/// Clocks of a machine: days since its start, and the wall clock's days beside them.
fn clocks(elapsed_days: i64, wall_days: i64) -> Reading {
    let wall = clock::of_seconds(1_800_000_000 + wall_days * DAY_MS / 1000, 0);
    let since_boot = Duration::from_millis((elapsed_days * DAY_MS).unsigned_abs());
    Reading { wall, since_boot, boot: BootId(1) }
}

#[test]
fn rule_10_an_idle_group_expires_by_elapsed_time_and_never_the_last() {
    let (_dir, path, database, now) = three_groups();
    let mut connection = Connection::open(&path).unwrap();
    let mut reminders = groups::Reminders::default();
    let mut expire = |reading: Reading| groups::expire(&mut connection, &reading, &mut reminders).unwrap();
    // Whatever the wall clock says, no time has elapsed.
    for ahead in [0, 100, -300, 100, 0] {
        assert_eq!(expire(clocks(0, ahead)), 0);
    }
    // The stamps of a group's commits decide nothing either: this one commits on the tenth day, in the distant past.
    let commit = "UPDATE committed_offsets SET committed_at_ms = 1 WHERE consumer_group = 'fast'";
    let wait = |day| {
        if day == 10 {
            database.write(0, |connection| connection.execute(commit, [])).unwrap();
        }
    };
    for day in 1..30 {
        wait(day);
        assert_eq!(expire(clocks(day, day)), 0, "day {day}");
    }
    // A jump on the very day: not before the clock has kept pace again.
    assert_eq!(expire(clocks(30, 3000)), 0);
    assert_eq!(names(&database, now), ["fast", "slow", "stopped"]);
    assert_eq!(expire(clocks(31, 3001)), 2);
    assert_eq!(names(&database, now), ["fast"]);
    // Everything is stopped for a year: the last one that committed stays.
    for day in (40..400).step_by(30) {
        assert_eq!(expire(clocks(day, day + 2970)), 0);
    }
    assert_eq!(names(&database, now), ["fast"]);
}

#[test]
fn rule_10_groups_that_stopped_together_keep_each_other() {
    let (_dir, path, database, now) = three_groups();
    let mut connection = Connection::open(&path).unwrap();
    for day in 0..100 {
        assert_eq!(groups::expire(&mut connection, &clocks(day, day), &mut groups::Reminders::default()).unwrap(), 0);
    }
    assert_eq!(names(&database, now), ["fast", "slow", "stopped"]);
}

#[test]
fn rule_10_a_group_is_removed_from_its_topic_alone() {
    let (_dir, path, database, now) = three_groups();
    let url = format!("sqlite:{}?topic=t", path.display());
    assert!(log::remove_group::<Toy>(&url, "stopped").unwrap());
    assert!(!log::remove_group::<Toy>(&url, "stopped").unwrap());
    assert!(log::remove_group::<Toy>(&format!("sqlite:{}?topic=other", path.display()), "slow").is_err());
    assert_eq!(names(&database, now), ["fast", "slow"]);
}

#[test]
fn rule_10_a_process_that_was_killed_reads_no_more() {
    let (_dir, path, database, _) = three_groups();
    database.write(0, |connection| readers::Process::insert_ended(connection, 1, "slow")).unwrap();
    let rows = |connection: &Connection| -> i64 {
        connection.query_row("SELECT count(*) FROM readers", [], |row| row.get(0)).unwrap()
    };
    let connection = database.connect().unwrap();
    assert!(!readers::is_read_by_name(&connection, "t", "slow").unwrap());
    assert_eq!(rows(&connection), 1);
    // The next reader of the group removes what is left of it.
    let log = log::open::<Toy>(&format!("sqlite:{}?topic=t&group=slow", path.display())).unwrap();
    let _harness = promises::ReaderHarness::start(&*log, Share::ALL);
    database.write(0, |_| Ok(())).unwrap();
    assert_eq!(rows(&connection), 1);
    assert!(readers::is_read_by_name(&connection, "t", "slow").unwrap());
}
