//! Rules 4 and 5 of what is dropped, and those of [`super::elapsed`], under clocks that are set to anything.

use std::{collections::BTreeMap, path::PathBuf};

use rand::{RngExt, SeedableRng};
use rand_chacha::ChaCha8Rng;

use super::*;
use crate::{
    clock::{BootId, of_seconds},
    sqlite::Database,
};

const MINUTE_S: i64 = 60;
const DAY_S: i64 = 24 * 3600;
/// The true time at the start of a test.
const START_S: i64 = 1_800_000_000;

/// A machine: true time, and what its clocks make of it.
struct Machine {
    _dir: tempfile::TempDir,
    path: PathBuf,
    connection: Connection,
    true_s: i64,
    booted_s: i64,
    boot: u128,
    /// By how much the wall clock is wrong, s.
    wrong_s: i64,
    rows: i64,
}

impl Machine {
    fn new() -> Self {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("test.db");
        let connection = connect(&path);
        connection
            .execute_batch("INSERT INTO topics (id, name) VALUES (1, 't'); INSERT INTO partitions VALUES (1, 0, 0)")
            .unwrap();
        Machine { _dir: dir, path, connection, true_s: START_S, booted_s: START_S, boot: 1, wrong_s: 0, rows: 0 }
    }

    fn wall_s(&self) -> i64 {
        self.true_s.saturating_add(self.wrong_s)
    }

    fn reading(&self) -> Reading {
        let since_boot = Duration::from_secs((self.true_s - self.booted_s).unsigned_abs());
        Reading { wall: of_seconds(self.wall_s(), 0), since_boot, boot: BootId(self.boot) }
    }

    /// One row in each table, stamped by the wall clock; they have the same number in all of them, from 1 on.
    fn write(&mut self) -> i64 {
        self.rows += 1;
        let (row, stamp_ms) = (self.rows, self.wall_s().saturating_mul(1000));
        let id = row.to_string();
        let write =
            |sql: &str| self.connection.prepare_cached(sql).unwrap().execute(params![row, stamp_ms, id]).unwrap();
        write("INSERT INTO messages VALUES (1, 0, ?1, ?2, x'00', ?3 * 0)");
        write("INSERT INTO dead_letters VALUES (?1, 1, 0, ?1, ?3, 'r', x'00', 1, x'00', ?2, 0, 'other')");
        write("INSERT INTO rejections VALUES (?1, ?3, 'r', ?2)");
        write("INSERT INTO shadow_answers VALUES (?1, ?3, 's', 'c', 1, 0.0, ?2, '{}')");
        write("INSERT INTO versions VALUES (?1, ?3, ?2 * 0 + 1, '{}')");
        self.connection.execute("UPDATE partitions SET next_offset = ?1", [row + 1]).unwrap();
        row
    }

    fn commit(&self, next: i64) {
        let sql = "INSERT OR REPLACE INTO committed_offsets VALUES (1, 'g', 0, ?1, 0)";
        self.connection.execute(sql, [next]).unwrap();
    }

    /// Sweeps until nothing is left to drop.
    fn sweep(&mut self, limits: &Limits) {
        let reading = self.reading();
        while sweep(&mut self.connection, &reading, limits).unwrap().more {}
    }

    /// Lets time go on, and sweeps now and then.
    fn run(&mut self, seconds: i64, limits: &Limits) {
        for _ in 0..seconds / (10 * MINUTE_S) {
            self.true_s += 10 * MINUTE_S;
            self.sweep(limits);
        }
    }

    fn restart(&mut self) {
        self.connection = connect(&self.path);
    }

    fn reboot(&mut self, off_s: i64) {
        self.true_s += off_s;
        (self.booted_s, self.boot) = (self.true_s, self.boot + 1);
        self.restart();
    }

    /// The lowest number that a table still has.
    fn first(&self, table: &str) -> Option<i64> {
        let number = if table == "messages" { "\"offset\"" } else { "seq" };
        self.connection.query_row(&format!("SELECT min({number}) FROM {table}"), [], |row| row.get(0)).unwrap()
    }

    fn count(&self, table: &str) -> i64 {
        self.connection.query_row(&format!("SELECT count(*) FROM {table}"), [], |row| row.get(0)).unwrap()
    }
}

/// A file of its own, which no writing thread sweeps by the true clocks.
fn connect(path: &std::path::Path) -> Connection {
    drop(Database::open(path).unwrap());
    let connection = Connection::open(path).unwrap();
    // The machine of this test loses no power.
    connection.pragma_update(None, "synchronous", "off").unwrap();
    connection
}

const TABLES: [&str; 5] = ["messages", "dead_letters", "rejections", "shadow_answers", "versions"];

#[test]
fn rule_4_a_clock_forty_days_ahead_drops_nothing_and_shields_nothing() {
    let (mut machine, limits) = (Machine::new(), Limits::default());
    machine.write();
    machine.run(DAY_S, &limits);
    for wrong_s in [40 * DAY_S, -40 * DAY_S, 0] {
        machine.wrong_s = wrong_s;
        machine.write();
        machine.run(3600, &limits);
    }
    machine.write();
    machine.commit(9);
    machine.run(3600, &limits);
    assert_eq!(TABLES.map(|table| machine.count(table)), [5; 5]);
    // Each goes in its time, the one from the future and the one from the past with its neighbours.
    machine.run(7 * DAY_S, &limits);
    assert_eq!(TABLES.map(|table| machine.count(table)), [0, 5, 5, 5, 5]);
    machine.run(22 * DAY_S, &limits);
    assert_eq!(TABLES.map(|table| machine.count(table)), [0, 4, 4, 4, 4]);
    machine.run(DAY_S + 3600, &limits);
    assert_eq!(TABLES.map(|table| machine.count(table)), [0; 5]);
}

#[test]
fn rule_4_a_process_started_under_a_wrong_clock_drops_nothing() {
    let (mut machine, limits) = (Machine::new(), Limits::default());
    machine.write();
    machine.commit(9);
    machine.run(3600, &limits);
    for wrong_s in [40 * DAY_S, 400 * DAY_S, -40 * DAY_S, i64::MAX / 4, -START_S * 2] {
        machine.wrong_s = wrong_s;
        machine.reboot(MINUTE_S);
        machine.run(2 * 3600, &limits);
        assert_eq!(TABLES.map(|table| machine.count(table)), [1; 5], "{wrong_s}");
    }
}

#[test]
fn rule_4_while_the_clock_jumps_or_is_out_of_bounds_only_bytes_count() {
    let (mut machine, limits) = (Machine::new(), Limits::default());
    while machine.write() < 3 {}
    machine.run(3600, &limits);
    machine.true_s += 31 * DAY_S;
    // It comes to 31 days with a clock that has just been set, and then with one before 1970.
    for wrong_s in [600, -START_S * 2] {
        machine.wrong_s = wrong_s;
        machine.sweep(&limits);
        machine.run(3000, &limits);
        assert_eq!(machine.count("dead_letters"), 3, "{wrong_s}");
    }
    machine.sweep(&Limits { dead_bytes: 4, ..limits });
    assert_eq!(machine.count("dead_letters"), 2);
    machine.wrong_s = 0;
    machine.run(2 * 3600, &limits);
    assert_eq!(machine.count("dead_letters"), 0);
}

#[test]
fn rule_5_time_without_the_machine_is_no_age_and_two_processes_count_it_once() {
    let (mut machine, limits) = (Machine::new(), Limits::default());
    machine.write();
    machine.run(3600, &limits);
    machine.reboot(100 * DAY_S);
    let mut other = connect(&machine.path);
    for _ in 0..15 {
        machine.run(DAY_S, &limits);
        sweep(&mut other, &machine.reading(), &limits).unwrap();
    }
    assert_eq!(machine.count("rejections"), 1);
    // The machine is on, and no process runs: the boot clock tells.
    machine.restart();
    machine.true_s += 16 * DAY_S;
    machine.sweep(&limits);
    assert_eq!(machine.count("rejections"), 0);
}

#[test]
fn marks_are_kept_for_as_long_as_they_can_tell_something() {
    let mut machine = Machine::new();
    machine.write();
    for _ in 0..100 {
        machine.true_s += DAY_S;
        machine.sweep(&Limits::default());
    }
    let most = "SELECT max(marks) FROM (SELECT count(*) AS marks FROM retention_marks GROUP BY name)";
    let marks: i64 = machine.connection.query_row(most, [], |row| row.get(0)).unwrap();
    assert!((30..=32).contains(&marks), "{marks} of a hundred days, also of a topic that no group has read");
}

#[test]
fn what_does_not_change_is_timed_by_elapsed_time() {
    let machine = Machine::new();
    let elapsed = |ms, is_steady| {
        elapsed::advance(&machine.connection, &machine.reading(), 0).unwrap();
        Elapsed { ms, is_steady }
    };
    let unchanged = |value, ms, is_steady| {
        elapsed::unchanged_for(&machine.connection, "group/g", value, elapsed(ms, is_steady)).unwrap()
    };
    assert_eq!(
        [unchanged("1", 5, true), unchanged("1", 15, true), unchanged("1", 25, false)],
        [Some(0), Some(10), None]
    );
    assert_eq!([unchanged("2", 25, true), unchanged("2", 26, true)], [Some(0), Some(1)]);
    let forget_all_but = |names: &[String]| elapsed::forget_all_but(&machine.connection, "group/", names).unwrap();
    forget_all_but(&["group/g".to_owned()]);
    assert_eq!(unchanged("2", 28, true), Some(3));
    forget_all_but(&["group/other".to_owned()]);
    assert_eq!(unchanged("2", 30, true), Some(0));
}

/// The seed given in DELAYCAST_SEED, else a new one; printed, so that a failure can be repeated.
fn seed() -> u64 {
    let given = std::env::var("DELAYCAST_SEED").ok().map(|seed| seed.parse().expect("DELAYCAST_SEED is a number"));
    let seed = given.unwrap_or_else(rand::random);
    println!("DELAYCAST_SEED={seed}");
    seed
}

/// The error, in seconds, of a clock that an operator or a protocol may set.
fn step(random: &mut ChaCha8Rng, true_s: i64) -> i64 {
    match random.random_range(0..8) {
        0 => 0,
        1 => random.random_range(-120..120),
        2 => random.random_range(-7200..7200),
        3 => random.random_range(-40 * DAY_S..40 * DAY_S),
        4 => random.random_range(-40 * 365 * DAY_S..40 * 365 * DAY_S),
        5 => -true_s - random.random_range(0..100 * DAY_S),
        6 => (1 << 34) + random.random_range(0..100 * DAY_S),
        _ => {
            if random.random() {
                i64::MAX / 4
            } else {
                i64::MIN / 4
            }
        }
    }
}

/// A month in steps of 10 minutes, in each of which rows are written and the file is swept, with the clock set at
/// random, processes started again, and the machine switched off. Ages are shorter, so that much is dropped.
#[test]
fn rule_4_a_month_of_clock_steps_at_random() {
    let mut random = ChaCha8Rng::seed_from_u64(seed());
    let (log_s, dead_s) = (2 * DAY_S, 4 * DAY_S);
    let limits = Limits { log_age_ms: log_s * 1000, dead_age_ms: dead_s * 1000, ..Limits::default() };
    let (mut machine, mut written_s, mut committed) = (Machine::new(), BTreeMap::new(), 1);
    let (mut steps, mut reboots, mut early, mut lost) = (0, 0, 0, 0);
    let mut swept_below = TABLES.map(|_| 1);
    while machine.true_s < START_S + 30 * DAY_S {
        match random.random_range(0..100) {
            0..4 => {
                machine.wrong_s = step(&mut random, machine.true_s);
                steps += 1;
            }
            4 => machine.restart(),
            5 if random.random_range(0..4) == 0 => {
                machine.reboot(random.random_range(1..2 * DAY_S));
                reboots += 1;
            }
            _ => {}
        }
        let row = machine.write();
        written_s.insert(row, machine.true_s);
        if random.random_range(0..10) > 0 {
            committed = random.random_range(committed..=row + 1);
            machine.commit(committed);
        }
        machine.true_s += 10 * MINUTE_S;
        machine.sweep(&limits);
        for (table, below) in TABLES.into_iter().zip(&mut swept_below) {
            let first = machine.first(table).unwrap_or(row + 1);
            let least_s = if table == "messages" { log_s } else { dead_s };
            let is_early = |row: &i64| machine.true_s - written_s[row] < least_s;
            early += (*below..first).filter(is_early).count();
            lost += if table == "messages" { (*below..first).filter(|row| *row >= committed).count() } else { 0 };
            *below = first;
        }
    }
    let dropped: i64 = swept_below.iter().map(|below| below - 1).sum();
    println!(
        "a month: {steps} clock steps, {reboots} starts of the machine, {} rows a table, {dropped} dropped",
        machine.rows
    );
    assert_eq!((lost, early), (0, 0), "lost, dropped too early");
    assert!(dropped > machine.rows / 4, "much is dropped all the same: {dropped}");
    // With a clock that is left alone, whatever it says, everything is dropped in its time.
    machine.wrong_s = step(&mut random, machine.true_s).clamp(-START_S / 2, START_S);
    machine.commit(machine.rows + 1);
    machine.run(dead_s + 3 * 3600, &limits);
    assert_eq!(TABLES.map(|table| machine.count(table)), [0; 5]);
}
