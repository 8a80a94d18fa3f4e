//! The engine's conformance suite, on folders.

use engine::{log::promises, testing::Toy};

use super::*;
use crate::{partition::MESSAGE_BYTES_MAX, reader::READ_AHEAD_MAX};

/// Tests a log in a temporary folder.
fn with_log(partitions: u32, test: impl FnOnce(&FolderLog, &Path)) {
    let dir = tempfile::tempdir().unwrap();
    test(&FolderLog::open::<Toy>(dir.path(), "group", partitions).unwrap(), dir.path());
}

#[test]
fn promise_1_each_partition_in_order_without_a_gap_from_the_committed_offset() {
    with_log(4, |log, _| {
        promises::promise_1_each_partition_in_order_without_a_gap_from_the_committed_offset(log);
    });
}

#[test]
fn promise_1_shares_are_disjoint_and_complete() {
    with_log(4, |log, _| promises::promise_1_shares_are_disjoint_and_complete(log));
}

#[test]
fn promise_1_new_partitions_are_picked_up() {
    with_log(2, |log, dir| {
        promises::promise_1_new_partitions_are_picked_up(log, || {
            drop(FolderLog::open::<Toy>(dir, "group", 6).unwrap())
        });
    });
}

#[test]
fn promise_2_the_callback_runs_for_new_messages() {
    with_log(4, |log, _| promises::promise_2_the_callback_runs_for_new_messages(log));
}

#[test]
fn promise_3_only_commit_commits_and_lag_shows_it() {
    with_log(4, |log, _| promises::promise_3_only_commit_commits_and_lag_shows_it(log));
}

#[test]
fn promises_3_and_4_outages_are_retried() {
    with_log(4, |log, dir| {
        let (folder, away) = (dir.join("partitions"), dir.join("away"));
        let move_away = || fs::rename(&folder, &away).unwrap();
        promises::promises_3_and_4_outages_are_retried(log, move_away, || fs::rename(&away, &folder).unwrap());
    });
}

#[test]
fn promise_5_buffers_are_bounded() {
    with_log(2, |log, _| promises::promise_5_buffers_are_bounded(log, READ_AHEAD_MAX));
}

#[test]
fn promise_6_dead_letters_are_read_from_a_timestamp_or_a_committed_offset() {
    with_log(2, |log, _| promises::promise_6_dead_letters_are_read_from_a_timestamp_or_a_committed_offset(log));
}

#[test]
fn promise_7_a_replayed_message_carries_its_attempts() {
    with_log(1, |log, _| promises::promise_7_a_replayed_message_carries_its_attempts(log));
}

#[test]
fn promise_10_the_earliest_reader_yields_all_messages_and_tells_those_that_were_committed() {
    with_log(4, |log, _| {
        promises::promise_10_the_earliest_reader_yields_all_messages_and_tells_those_that_were_committed(log);
    });
}

#[test]
fn promise_10_commits_of_the_earliest_reader_lower_no_committed_offset() {
    with_log(4, |log, _| promises::promise_10_commits_of_the_earliest_reader_lower_no_committed_offset(log));
}

#[test]
fn messages_of_a_key_share_a_partition() {
    with_log(4, |log, _| promises::messages_of_a_key_share_a_partition(log));
}

#[test]
fn a_message_of_the_largest_size_is_published_and_a_larger_one_is_refused() {
    with_log(1, |log, _| {
        promises::a_message_of_the_largest_size_is_published_and_a_larger_one_is_refused(log, MESSAGE_BYTES_MAX);
    });
}

#[test]
fn a_line_written_by_hand_is_a_message_and_an_unfinished_line_is_replaced() {
    with_log(1, |log, dir| {
        fs::write(dir.join("partitions/0.ndjson"), "{\"UUID\":\"by hand\"}\n{\"attempt\":0,\"mess").unwrap();
        let producer = log.producer().unwrap();
        assert_eq!(promises::publish(&*producer, None, b"\xff".as_slice()).unwrap().offset.0, 1);
        let messages = promises::ReaderHarness::start(log, Share::ALL).read(2);
        assert_eq!(messages[0].payload.bytes(), br#"{"UUID":"by hand"}"#);
        assert_eq!(messages[1].payload.bytes(), b"\xff");
    });
}

#[test]
fn the_example_reads_what_it_publishes_and_commits_it() {
    let dir = tempfile::tempdir().unwrap();
    let lines = run(dir.path()).unwrap();
    assert_eq!(lines, ["partition 0 offset 0: two", "partition 1 offset 0: one", "partition 1 offset 1: three"]);
    assert_eq!(fs::read_to_string(dir.path().join("partitions/1.scorers.offset")).unwrap(), "2");
    let file = fs::read_to_string(dir.path().join("partitions/0.ndjson")).unwrap();
    assert_eq!(file, "{\"attempt\":0,\"message\":\"two\"}\n");
}
