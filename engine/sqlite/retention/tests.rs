//! The rules of what is dropped, one test each. The clock is the sweep's argument; its own rules are in `clock_tests`.

use super::*;
use crate::{
    clock::{self, BootId},
    domain::Domain,
    log::{
        self, DEAD_LETTER_BYTES_MAX, Offset, Offsets, PartitionId, Share, Start,
        promises::{ReaderHarness, dead_letter, publish},
    },
    sqlite::{Database, Inspector},
    store::{self, Outcome, promises::rejection},
    testing::{Toy, answer, shadow_answer, version},
};

const DAY_S: i64 = 24 * 3600;

struct Fixture {
    _dir: tempfile::TempDir,
    url: String,
    connection: Connection,
    inspector: Inspector,
    /// Days since the fixture was made.
    day: i64,
}

impl Fixture {
    fn new() -> Self {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("test.db");
        let url = format!("sqlite:{}?partitions=2", path.display());
        let connection = Database::open(&path).unwrap().connect().unwrap();
        let inspector = Inspector::open(&path).unwrap();
        Fixture { _dir: dir, url, connection, inspector, day: 0 }
    }

    fn reading(&self) -> Reading {
        let seconds = 1_800_000_000 + self.day * DAY_S;
        let since_boot = Duration::from_secs((self.day * DAY_S).unsigned_abs());
        Reading { wall: clock::of_seconds(seconds, 0), since_boot, boot: BootId(1) }
    }

    /// Marks what is there, lets time go on to a day, and sweeps until nothing is left to drop; how many rows were.
    fn sweep(&mut self, day: i64, limits: &Limits) -> usize {
        let marking = Limits { mark_every_ms: 0, ..*limits };
        let reading = self.reading();
        let mut dropped = sweep(&mut self.connection, &reading, &marking).unwrap().dropped;
        assert!(day >= self.day, "time goes on");
        self.day = day;
        let reading = self.reading();
        loop {
            let swept = sweep(&mut self.connection, &reading, limits).unwrap();
            dropped += swept.dropped;
            if !swept.more {
                return dropped;
            }
        }
    }

    fn commit(&self, group: &str, offsets: &[(u32, u64)]) {
        let log = log::open::<Toy>(&format!("{}&group={group}", self.url)).unwrap();
        let offsets = offsets.iter().map(|&(partition, offset)| (PartitionId(partition), Offset(offset)));
        ReaderHarness::start(&*log, Share::ALL).commit(&offsets.collect::<Offsets>());
    }
}

#[test]
fn rule_1_messages_go_when_old_and_behind_all_groups() {
    let mut fixture = Fixture::new();
    let log = log::open::<Toy>(&fixture.url).unwrap();
    let producer = log.producer().unwrap();
    for n in 0..1300 {
        producer.publish(None, format!("{n}").into(), Box::new(|landed| assert!(landed.is_ok())));
    }
    publish(&*producer, None, "last").unwrap();
    let limits = Limits::default();
    fixture.commit("a", &[(0, 600), (1, 10)]);
    fixture.commit("b", &[(0, 550)]);
    assert_eq!(fixture.sweep(6, &limits), 0, "not old enough");
    assert_eq!(fixture.sweep(8, &limits), 550, "group b has committed nothing of partition 1");
    fixture.commit("b", &[(1, 5)]);
    assert_eq!(fixture.sweep(8, &limits), 5);
    // A group that is new starts at the earliest that is left, and offsets go on.
    let log = log::open::<Toy>(&format!("{}&group=c", fixture.url)).unwrap();
    let messages = ReaderHarness::start(&*log, Share::ALL).read(1301 - 555);
    let first = |partition| messages.iter().find(|m| m.position.partition == PartitionId(partition)).unwrap().position;
    assert_eq!((first(0).offset, first(1).offset), (Offset(550), Offset(5)));
}

#[test]
fn rule_1_a_topic_has_a_retention_of_its_own() {
    let mut fixture = Fixture::new();
    let (requests, events_url) =
        (log::open::<Toy>(&fixture.url).unwrap(), log::events_url::<Toy>(&fixture.url).unwrap());
    let events = log::open_events::<Toy>(&events_url).unwrap();
    for log in [&requests, &events] {
        let producer = log.producer().unwrap();
        let published = (0..10).map(|n| publish(&*producer, None, format!("{n}")).unwrap());
        let offsets: Offsets = published.map(|position| (position.partition, position.offset.next())).collect();
        ReaderHarness::start(&**log, Share::ALL).commit(&offsets);
    }
    let limits = Limits::default();
    assert_eq!(fixture.sweep(8, &limits), 10, "the requests");
    assert_eq!(fixture.sweep(17, &limits), 0);
    let mut harness = ReaderHarness::start_at(&*events, Share::ALL, Start::Earliest);
    assert_eq!(harness.read(10).len(), 10);
    // What is not committed stays, however old it is.
    publish(&*events.producer().unwrap(), None, "not committed").unwrap();
    assert_eq!(fixture.sweep(19, &limits), 10);
    assert_eq!(fixture.sweep(100, &limits), 0);
    assert_eq!(ReaderHarness::start_at(&*events, Share::ALL, Start::Earliest).read(1)[0].payload.len(), 13);
}

#[test]
fn rule_1_marks_are_kept_for_the_longest_retention() {
    let mut fixture = Fixture::new();
    let log = log::open::<Toy>(&fixture.url).unwrap();
    let days = |days: i64| days * DAY_S * 1000;
    fixture.connection.execute("UPDATE topics SET retention_ms = ?1", [days(90)]).unwrap();
    let at = publish(&*log.producer().unwrap(), None, "first").unwrap();
    ReaderHarness::start(&*log, Share::ALL).commit(&Offsets::from([(at.partition, at.offset.next())]));
    let limits = Limits::default();
    let swept: usize = (1..90).map(|day| fixture.sweep(day, &limits)).sum();
    assert_eq!(swept, 0);
    assert_eq!(fixture.sweep(91, &limits), 1, "a mark of its age is left");
}

#[test]
fn rule_1_while_no_group_has_committed_nothing_is_dropped() {
    let mut fixture = Fixture::new();
    publish(&*log::open::<Toy>(&fixture.url).unwrap().producer().unwrap(), None, "first").unwrap();
    assert_eq!(fixture.sweep(800, &Limits::default()), 0);
}

#[test]
fn rule_1_a_committed_offset_that_is_no_longer_kept_means_the_earliest() {
    let mut fixture = Fixture::new();
    let log = log::open::<Toy>(&fixture.url).unwrap();
    let producer = log.producer().unwrap();
    for n in 0..20 {
        publish(&*producer, Some("k"), format!("{n}")).unwrap();
    }
    let partition = publish(&*producer, Some("k"), "20").unwrap().partition.0;
    fixture.commit("fast", &[(partition, 15)]);
    assert_eq!(fixture.sweep(8, &Limits::default()), 15);
    // Group `slow` had its say before, but an operator's hand or a restored file may bring this about.
    let insert = "INSERT INTO committed_offsets VALUES (1, 'slow', ?1, ?2, 0)";
    for committed in [3, 900] {
        fixture.connection.execute("DELETE FROM committed_offsets WHERE consumer_group = 'slow'", []).unwrap();
        fixture.connection.execute(insert, params![partition, committed]).unwrap();
        let log = log::open::<Toy>(&format!("{}&group=slow", fixture.url)).unwrap();
        let mut harness = ReaderHarness::start(&*log, Share::ALL);
        assert_eq!(harness.read(6)[0].position.offset, Offset(15));
        harness.commit(&Offsets::from([(PartitionId(partition), Offset(16))]));
        let kept = fixture.inspector.committed_offsets(Toy::TOPIC).unwrap();
        assert_eq!(kept.iter().find(|kept| kept.group == "slow").unwrap().next, Offset(16), "not {committed}");
    }
}

#[test]
fn rule_2_dead_letters_and_rejections_go_by_age_and_by_bytes_and_are_counted() {
    let mut fixture = Fixture::new();
    let (log, store) = (log::open::<Toy>(&fixture.url).unwrap(), store::open::<Toy>(&fixture.url).unwrap());
    let letters: Vec<_> = (0..600).map(|n| dead_letter(n, vec![7; 10_000])).collect();
    log.dead_letters().unwrap().write(&letters).unwrap();
    let rejections: Vec<_> = (0..10).map(|n| rejection(&format!("{n}"), "why")).collect();
    store.rejections().unwrap().write(&rejections).unwrap();
    let shadows: Vec<_> = (0..4).map(|n| shadow_answer(&format!("{n}"), "new", true)).collect();
    store.shadows().unwrap().write(&shadows).unwrap();
    let versions: Vec<_> = (1..=3).map(|number| version("a", number)).collect();
    store.versions().unwrap().write(&versions).unwrap();
    let tally = |fixture: &Fixture| {
        let tallies = fixture.inspector.table_stats().unwrap();
        tallies.iter().map(|tally| (tally.rows, tally.dropped)).collect::<Vec<_>>()
    };
    let young = Limits { dead_age_ms: i64::MAX / 4, ..Limits::default() };
    assert_eq!(fixture.sweep(0, &young), 0);
    // The oldest go until the bytes fit.
    let bytes = fixture.inspector.table_stats().unwrap()[0].bytes;
    let fits = Limits { dead_bytes: bytes as i64 / 600 * 50, ..young };
    assert_eq!(fixture.sweep(0, &fits), 550);
    let kept = fixture.inspector.dead_letters(Toy::TOPIC, 0, 1000).unwrap();
    assert_eq!((kept.len(), kept[0].position.offset), (50, Offset(550)));
    assert_eq!(tally(&fixture), [(50, 550), (10, 0), (4, 0), (3, 0)]);
    // They say that they were found in 2023; what counts is the time since they came.
    assert_eq!(fixture.sweep(29, &Limits::default()), 0);
    assert_eq!(fixture.sweep(31, &Limits::default()), 67);
    assert_eq!(tally(&fixture), [(0, 600), (0, 10), (0, 4), (0, 3)]);
    assert_eq!(fixture.inspector.table_stats().unwrap()[0].bytes, 0);
}

#[test]
fn rule_3_answers_are_kept() {
    let mut fixture = Fixture::new();
    let store = store::open::<Toy>(&fixture.url).unwrap();
    store.answers().unwrap().write(&[answer("a", "m")]).unwrap();
    fixture.sweep(10_000, &Limits { dead_bytes: 0, ..Limits::default() });
    assert!(matches!(store.lookup().unwrap().find("a").unwrap(), Some(Outcome::Answered(_))));
}

#[test]
fn a_dead_letters_bytes_are_kept_up_to_the_cut() {
    let fixture = Fixture::new();
    let log = log::open::<Toy>(&fixture.url).unwrap();
    log.dead_letters().unwrap().write(&[dead_letter(1, vec![7; DEAD_LETTER_BYTES_MAX + 1])]).unwrap();
    let kept = &fixture.inspector.dead_letters(Toy::TOPIC, 0, 10).unwrap()[0];
    assert_eq!((kept.bytes.len(), kept.length), (DEAD_LETTER_BYTES_MAX, DEAD_LETTER_BYTES_MAX as u64 + 1));
}
