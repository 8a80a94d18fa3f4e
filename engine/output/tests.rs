use std::sync::Mutex;

use super::{promises, *};
use crate::{
    answer::ModelVersion,
    log::{self, Offset, PartitionId, PublishCallback},
    testing::{Toy, answer},
};

fn with_log(test: impl FnOnce(&Arc<dyn Log>)) {
    let folder = tempfile::tempdir().unwrap();
    let url = format!("sqlite:{}", folder.path().join("x.db").display());
    test(&log::open_output::<Toy>(&url).unwrap());
}

#[test]
fn promise_1_what_is_written_is_durable() {
    with_log(promises::promise_1_what_is_written_is_durable);
}

#[test]
fn promise_2_messages_of_a_request_are_in_one_partition_in_their_order() {
    with_log(promises::promise_2_messages_of_a_request_are_in_one_partition_in_their_order);
}

#[test]
fn promise_4_a_message_that_is_too_long_is_named_and_the_others_are_written() {
    with_log(|log| {
        let bytes_max = log::embedded::APPEND_BYTES_MAX;
        promises::promise_4_a_message_that_is_too_long_is_named_and_the_others_are_written(log, bytes_max);
    });
}

#[test]
fn promise_5_the_first_outcome_of_a_request_is_found() {
    with_log(promises::promise_5_the_first_outcome_of_a_request_is_found);
}

/// A producer that fails the messages of these keys, once each.
struct Failing {
    fails: Mutex<Vec<&'static str>>,
    sent: Mutex<Vec<(String, Headers)>>,
}

impl Producer for Failing {
    fn republish(&self, _: Option<&str>, _: Vec<u8>, _: u32, _: PublishCallback) {}

    fn publish_with(&self, key: Option<&str>, _: Vec<u8>, headers: Headers, done: PublishCallback) {
        let mut fails = self.fails.lock().unwrap();
        if let Some(at) = fails.iter().position(|failing| Some(*failing) == key) {
            fails.remove(at);
            return done(Err(Unavailable::transient("not now").into()));
        }
        self.sent.lock().unwrap().push((key.unwrap().to_owned(), headers));
        done(Ok(Position { partition: PartitionId(0), offset: Offset(0) }));
    }
}

fn row(id: &str) -> OutputRow<Toy> {
    let position = Position { partition: PartitionId(3), offset: Offset(17) };
    let topic_id = Some(TopicId([7; 16]));
    OutputRow { outcome: OutputOutcome::Answered(Box::new(answer(id, "m1"))), position, topic_id }
}

#[test]
fn promise_3_a_retried_write_repeats_no_message_that_was_acknowledged() {
    let producer = Arc::new(Failing { fails: Mutex::new(vec!["b", "b", "d"]), sent: Mutex::default() });
    let mut writer = OutputWriter { producer: Arc::clone(&producer) as _, settled: Vec::new() };
    let rows = ["a", "b", "c", "d"].map(row);
    assert!(writer.write(&rows).is_err());
    assert!(writer.write(&rows).is_err());
    assert_eq!(writer.write(&rows), Ok(vec![]));
    let sent = || producer.sent.lock().unwrap().iter().map(|(key, _)| key.clone()).collect::<Vec<_>>();
    assert_eq!(sent(), ["a", "c", "d", "b"]);
    assert_eq!(writer.write(&[row("a")]), Ok(vec![]));
    assert_eq!(sent().last().map(String::as_str), Some("a"), "another write sends it again");
}

#[test]
fn headers_tell_outcome_position_and_model() {
    let headers = row("a").headers();
    let expected = [
        (OUTCOME, "answered".to_owned()),
        (POSITION, "3/17".to_owned()),
        (MODEL, ModelVersion::new("m1").to_string()),
        (TOPIC_ID, TopicId([7; 16]).to_string()),
    ];
    assert_eq!(headers, expected);
}
