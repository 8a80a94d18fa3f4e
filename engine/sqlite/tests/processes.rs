//! Several processes on one file: the test program starts itself again.

use std::{
    collections::BTreeSet,
    env,
    io::{BufRead, BufReader},
    process::{Child, Command, Stdio},
};

use rand::{RngExt, SeedableRng};

use super::*;
use crate::{
    log::{
        self, Position, Share,
        promises::{ReaderHarness, publish},
    },
    store::promises::rejection,
    testing::Toy,
};

const FILE: &str = "DELAYCAST_TEST_FILE";
const COUNT: &str = "DELAYCAST_TEST_COUNT";

/// Not a test: the other process. It appends so many messages, one by one, and says what was acknowledged.
#[test]
#[ignore = "run as a process of its own by the tests below"]
fn other_process() {
    let url = format!("sqlite:{}", env::var(FILE).unwrap());
    let count: usize = env::var(COUNT).unwrap().parse().unwrap();
    let (log, store) = (log::open::<Toy>(&url).unwrap(), store::open::<Toy>(&url).unwrap());
    let (producer, mut rejections) = (log.producer().unwrap(), store.rejections().unwrap());
    for n in 0..count {
        let landed = publish(&*producer, None, format!("other {n}")).unwrap();
        rejections.write(&[rejection(&format!("other {n}"), "why")]).unwrap();
        // The test harness may leave its own line open.
        println!("\nacknowledged {} {} {n}", landed.partition.0, landed.offset.0);
    }
}

pub(super) fn start_other(path: &Path, count: usize) -> Child {
    Command::new(env::current_exe().unwrap())
        .args(["--exact", "sqlite::tests::processes::other_process", "--ignored", "--nocapture"])
        .env(FILE, path)
        .env(COUNT, count.to_string())
        .stdout(Stdio::piped())
        .spawn()
        .unwrap()
}

/// Reads from the other process at most `count` operations that were acknowledged. Its output stays open.
fn acknowledged(said: &mut impl BufRead, count: usize) -> Vec<(Position, String)> {
    let entries = said.lines().map(Result::unwrap).filter_map(|line| {
        let words: Vec<u64> =
            line.strip_prefix("acknowledged ")?.split(' ').map(|word| word.parse().unwrap()).collect();
        let position = Position { partition: log::PartitionId(words[0] as u32), offset: log::Offset(words[1]) };
        Some((position, format!("other {}", words[2])))
    });
    entries.take(count).collect()
}

#[test]
fn rule_1_processes_that_start_together_share_a_file() {
    let (_dir, path) = temporary();
    let mut others = [start_other(&path, 50), start_other(&path, 50)];
    let log = log::open::<Toy>(&format!("sqlite:{}", path.display())).unwrap();
    let producer = log.producer().unwrap();
    let mut landed: BTreeSet<Position> = (0..50).map(|_| publish(&*producer, None, "own").unwrap()).collect();
    for other in &mut others {
        let mut said = BufReader::new(other.stdout.take().unwrap());
        landed.extend(acknowledged(&mut said, usize::MAX).into_iter().map(|(position, _)| position));
        assert!(other.wait().unwrap().success());
    }
    assert_eq!(landed.len(), 150, "an offset was given twice");
    let mut harness = ReaderHarness::start(&*log, Share::ALL);
    assert_eq!(harness.read(150).iter().map(|message| message.position).collect::<BTreeSet<_>>(), landed);
}

#[test]
fn rule_4_a_reader_is_woken_by_another_process() {
    let (_dir, path) = temporary();
    let log = log::open::<Toy>(&format!("sqlite:{}", path.display())).unwrap();
    let mut harness = ReaderHarness::start(&*log, Share::ALL);
    let mut other = start_other(&path, 20);
    assert_eq!(harness.read(20).len(), 20);
    assert!(other.wait().unwrap().success());
}

#[test]
fn a_process_killed_at_any_moment_loses_nothing_that_was_acknowledged() {
    let seed: u64 = rand::rng().random();
    println!("seed {seed}");
    let mut random = rand_chacha::ChaCha8Rng::seed_from_u64(seed);
    let (_dir, path) = temporary();
    let url = format!("sqlite:{}", path.display());
    for round in 0..3 {
        let mut other = start_other(&path, usize::MAX);
        let mut said = BufReader::new(other.stdout.take().unwrap());
        let kept = acknowledged(&mut said, random.random_range(1..60));
        std::thread::sleep(Duration::from_micros(random.random_range(0..3000)));
        other.kill().unwrap();
        other.wait().unwrap();
        let (log, store) = (log::open::<Toy>(&url).unwrap(), store::open::<Toy>(&url).unwrap());
        // Nothing was committed for the group, so all that ever landed is read.
        let mut harness = ReaderHarness::start(&*log, Share::ALL);
        let mut messages = Vec::new();
        while !kept.iter().all(|(position, _)| messages.iter().any(|m: &log::Message| m.position == *position)) {
            messages.extend(harness.read(1));
        }
        let lookup = store.lookup().unwrap();
        for (position, body) in &kept {
            let message = messages.iter().find(|message| message.position == *position).unwrap();
            assert_eq!(message.payload.bytes(), body.as_bytes(), "round {round} of seed {seed}");
            assert!(lookup.find(body).unwrap().is_some(), "round {round} of seed {seed}");
        }
    }
}
