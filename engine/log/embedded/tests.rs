//! The embedded log against the promises of every log, and against an oracle.

use std::{
    collections::BTreeMap,
    path::PathBuf,
    time::{Duration, Instant},
};

use proptest::prelude::*;

use super::{partitions::Subscription, reader::EmbeddedReader};
use crate::{
    delivery::Health,
    domain::Domain,
    log::{
        self, DEAD_LETTER_BYTES_MAX, Log, Message, Offset, Offsets, PartitionId, Position, Share, Start,
        promises::{self, ReaderHarness, TIMEOUT, dead_letter, publish},
    },
    sqlite::{Database, Inspector},
    testing::Toy,
};

use super::*;

struct Place {
    _dir: tempfile::TempDir,
    path: PathBuf,
}

impl Place {
    fn new() -> Self {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("a log.db");
        Place { _dir: dir, path }
    }

    fn url(&self, parameters: &str) -> String {
        format!("sqlite:{}?{parameters}", self.path.display().to_string().replace(' ', "%20"))
    }

    fn log(&self, parameters: &str) -> Arc<dyn Log> {
        log::open::<Toy>(&self.url(parameters)).unwrap()
    }
}

#[test]
fn promise_1_each_partition_in_order_without_a_gap_from_the_committed_offset() {
    let place = Place::new();
    promises::promise_1_each_partition_in_order_without_a_gap_from_the_committed_offset(&*place.log(""));
}

#[test]
fn promise_1_shares_are_disjoint_and_complete() {
    let place = Place::new();
    promises::promise_1_shares_are_disjoint_and_complete(&*place.log(""));
}

#[test]
fn promise_1_new_partitions_are_picked_up() {
    let place = Place::new();
    let grow = || drop(place.log("partitions=6"));
    promises::promise_1_new_partitions_are_picked_up(&*place.log("partitions=2"), grow);
    assert_eq!(place.log("partitions=3").partitions(), Ok(6), "never fewer");
    assert_eq!(place.log("topic=other").partitions(), Ok(PARTITIONS));
}

#[test]
fn promise_2_the_callback_runs_for_new_messages() {
    let place = Place::new();
    promises::promise_2_the_callback_runs_for_new_messages(&*place.log(""));
}

#[test]
fn promise_3_only_commit_commits_and_lag_shows_it() {
    let place = Place::new();
    promises::promise_3_only_commit_commits_and_lag_shows_it(&*place.log(""));
}

#[test]
fn promise_3_the_larger_of_two_commits_stays() {
    let place = Place::new();
    let log = place.log("partitions=1");
    let producer = log.producer().unwrap();
    for n in 0..10 {
        publish(&*producer, None, format!("{n}")).unwrap();
    }
    let (old, new) = (ReaderHarness::start(&*log, Share::ALL), ReaderHarness::start(&*log, Share::ALL));
    let to = |offset| Offsets::from([(PartitionId(0), Offset(offset))]);
    new.commit(&to(8));
    old.commit(&to(3));
    let committed = || Inspector::open(&place.path).unwrap().committed_offsets(Toy::TOPIC).unwrap();
    assert_eq!((committed()[0].next, committed()[0].end), (Offset(8), Offset(10)));
    // No commit goes beyond the end.
    ReaderHarness::start(&*log, Share::ALL).commit(&to(1000));
    assert_eq!(committed()[0].next, Offset(10));
    // Another group has offsets of its own.
    assert_eq!(ReaderHarness::start(&*place.log("group=other"), Share::ALL).read(10).len(), 10);
}

#[test]
fn promises_3_and_4_outages_are_retried() {
    let place = Place::new();
    let name = "g".repeat(249);
    let log = place.log(&format!("group={name}"));
    let database = Database::open(&place.path).unwrap();
    // Long names of other groups fill the page that the first commit of this one goes to: it will need another page.
    let fill = move |connection: &Connection| {
        for n in 0..13 {
            let group = format!("{n:x>248}");
            connection.execute("INSERT INTO committed_offsets VALUES (99, ?1, 0, 0, 0)", [group])?;
        }
        Ok(())
    };
    database.write(0, fill).unwrap();
    let pages = |count: i64| database.write(0, move |c| c.pragma_update(None, "max_page_count", count)).unwrap();
    promises::promises_3_and_4_outages_are_retried(&*log, || pages(1), || pages(1_000_000));
}

#[test]
fn promise_5_buffers_are_bounded_in_messages() {
    let place = Place::new();
    promises::promise_5_buffers_are_bounded(&*place.log(""), READ_AHEAD_MESSAGES_MAX);
    let reader = filled(&place, "slow", READ_AHEAD_MESSAGES_MAX, 0);
    assert_eq!(reader.buffered().0, READ_AHEAD_MESSAGES_MAX);
}

#[test]
fn promise_5_buffers_are_bounded_in_bytes() {
    let place = Place::new();
    let producer = place.log("").producer().unwrap();
    for _ in 0..80 {
        publish(&*producer, None, vec![7; DEAD_LETTER_BYTES_MAX]).unwrap();
    }
    let reader = filled(&place, "slow", 0, READ_AHEAD_BYTES_MAX);
    assert!(reader.buffered().1 < READ_AHEAD_BYTES_MAX + 2 * DEAD_LETTER_BYTES_MAX);
    let (mut reader, mut messages, start) = (reader, Vec::new(), Instant::now());
    while messages.len() < 80 {
        reader.poll(3, &mut messages);
        assert!(start.elapsed() < TIMEOUT);
    }
}

/// A reader that is not polled, once it has as much as this.
fn filled(place: &Place, group: &str, messages: usize, bytes: usize) -> EmbeddedReader {
    let subscription = Subscription { topic: 1, group: group.into(), share: Share::ALL, start: Start::Committed };
    let database = Database::open(&place.path).unwrap();
    let reader = EmbeddedReader::start(&database, subscription, Arc::new(|| ()), Arc::new(Health::new("log"))).unwrap();
    let start = Instant::now();
    loop {
        let buffered = reader.buffered();
        if buffered.0 >= messages && buffered.1 >= bytes {
            // Time enough to go on, if it would.
            std::thread::sleep(Duration::from_millis(50));
            return reader;
        }
        assert!(start.elapsed() < TIMEOUT);
        std::thread::sleep(Duration::from_millis(1));
    }
}

#[test]
fn messages_of_a_key_share_a_partition() {
    let place = Place::new();
    promises::messages_of_a_key_share_a_partition(&*place.log(""));
}

#[test]
fn a_message_of_the_largest_size_is_published_and_a_larger_one_is_refused() {
    let place = Place::new();
    let log = place.log("");
    promises::a_message_of_the_largest_size_is_published_and_a_larger_one_is_refused(&*log, APPEND_BYTES_MAX);
}

#[test]
fn promise_6_dead_letters_are_read_from_a_timestamp_or_a_committed_offset() {
    let place = Place::new();
    promises::promise_6_dead_letters_are_read_from_a_timestamp_or_a_committed_offset(&*place.log(""));
}

#[test]
fn promise_7_a_replayed_message_carries_its_attempts() {
    let place = Place::new();
    promises::promise_7_a_replayed_message_carries_its_attempts(&*place.log(""));
}

#[test]
fn promise_10_the_earliest_reader_yields_all_messages_and_tells_those_that_were_committed() {
    let place = Place::new();
    promises::promise_10_the_earliest_reader_yields_all_messages_and_tells_those_that_were_committed(&*place.log(""));
}

#[test]
fn promise_10_commits_of_the_earliest_reader_lower_no_committed_offset() {
    let place = Place::new();
    promises::promise_10_commits_of_the_earliest_reader_lower_no_committed_offset(&*place.log(""));
}

#[test]
fn promise_11_a_reader_knows_when_it_has_read_everything() {
    let place = Place::new();
    promises::promise_11_a_reader_knows_when_it_has_read_everything(&*place.log("partitions=4"));
}

#[test]
fn a_dead_letter_is_kept_once_with_all_it_had() {
    let place = Place::new();
    let log = place.log("topic=t");
    let mut writer = log.dead_letters().unwrap();
    let letter = dead_letter(7, b"\xff\0not UTF-8".to_vec());
    let nameless = dead_letter(8, Vec::new());
    assert_eq!(writer.write(&[letter.clone(), nameless.clone()]), Ok(vec![]));
    assert_eq!(writer.write(&[nameless, letter.clone()]), Ok(vec![]));
    let inspector = Inspector::open(&place.path).unwrap();
    let kept = inspector.dead_letters("t", 0, 10).unwrap();
    assert_eq!(kept.len(), 2);
    assert_eq!(
        (kept[0].position, &kept[0].reason, kept[0].found_at),
        (letter.position, &letter.reason, letter.found_at)
    );
    assert_eq!((kept[0].id.as_deref(), &kept[0].bytes[..]), (Some("id 7"), letter.payload.bytes()));
    assert_eq!((kept[0].length, &kept[0].sha256[..]), (11, &letter.payload.sha256()[..]));
    assert_eq!(inspector.dead_letters("t", kept[0].seq, 10).unwrap(), kept[1..]);
    assert_eq!(inspector.dead_letters("other", 0, 10).unwrap(), []);
}

#[test]
fn a_url_that_cannot_be_used_says_why() {
    let place = Place::new();
    let cases = [
        ("nowhere".to_owned(), "the URL of a log starts with a scheme"),
        ("mongodb://u:secret@host/d".to_owned(), "mongodb: is no log; known are sqlite, kafka"),
        ("sqlite:".to_owned(), "sqlite: path is missing"),
        ("sqlite://host/x".to_owned(), "has no host"),
        (place.url("partitions=0"), "partitions must be a number from 1 to 1024"),
        (place.url("partitions=many"), "partitions must be a number"),
        (place.url("topic="), "topic must have 1 to 249 bytes"),
        (place.url("x=1"), "parameter 1 is unknown; known are topic, group, partitions"),
    ];
    for (url, reason) in cases {
        let error = log::open::<Toy>(&url).map(drop).unwrap_err().to_string();
        assert!(error.contains(reason) && !error.contains("secret"), "{url}: {error}");
    }
}

/// An operation on a log.
#[derive(Debug, Clone)]
enum Step {
    Append { key: Option<u8>, count: u8 },
    Commit { group: u8, read: u8 },
    Grow,
}

fn step() -> impl Strategy<Value = Step> {
    prop_oneof![
        4 => (prop::option::of(0u8..5), 1u8..20).prop_map(|(key, count)| Step::Append { key, count }),
        3 => (0u8..2, 0u8..40).prop_map(|(group, read)| Step::Commit { group, read }),
        1 => Just(Step::Grow),
    ]
}

type Partitions = BTreeMap<PartitionId, Vec<Vec<u8>>>;

/// Returns the messages that a group has not committed.
fn rest(partitions: &Partitions, committed: &Offsets) -> BTreeMap<Position, Vec<u8>> {
    let mut rest = BTreeMap::new();
    for (&partition, bodies) in partitions {
        let from = committed.get(&partition).map_or(0, |offset| offset.0);
        for (offset, body) in (0..).zip(bodies).skip(from as usize) {
            rest.insert(Position { partition, offset: Offset(offset) }, body.clone());
        }
    }
    rest
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(12))]

    /// Appends, reads and commits in any order leave what an array a partition would hold.
    #[test]
    fn the_log_does_what_plain_arrays_would(steps in prop::collection::vec(step(), 1..25)) {
        let place = Place::new();
        let (mut size, mut partitions, mut committed) = (1, Partitions::new(), [Offsets::new(), Offsets::new()]);
        let mut log = place.log("partitions=1&group=0");
        for (number, step) in steps.into_iter().enumerate() {
            match step {
                Step::Append { key, count } => {
                    let producer = log.producer().unwrap();
                    for n in 0..count {
                        let body = format!("{number} {n}").into_bytes();
                        let at = publish(&*producer, key.map(|key| key.to_string()).as_deref(), body.clone()).unwrap();
                        prop_assert!(at.partition.0 < size);
                        let bodies = partitions.entry(at.partition).or_default();
                        prop_assert_eq!(at.offset, Offset(bodies.len() as u64));
                        bodies.push(body);
                    }
                }
                Step::Commit { group, read } => {
                    let expected = rest(&partitions, &committed[usize::from(group)]);
                    let reading = place.log(&format!("group={group}"));
                    let mut harness = ReaderHarness::start(&*reading, Share::ALL);
                    let messages: Vec<Message> = harness.read(expected.len());
                    let offsets = promises::offsets_after(&messages[..messages.len().min(read.into())]);
                    let pairs = messages.into_iter().map(|m| (m.position, m.payload.bytes().to_vec()));
                    prop_assert_eq!(pairs.collect::<BTreeMap<_, _>>(), expected);
                    harness.commit(&offsets);
                    committed[usize::from(group)].extend(offsets);
                }
                Step::Grow => {
                    size += 1;
                    log = place.log(&format!("partitions={size}&group=0"));
                }
            }
        }
    }
}
