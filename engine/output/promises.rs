//! The conformance suite of output topics: each function takes an open log of the domain [`Toy`], whose topic is empty.

#![allow(clippy::unwrap_used, clippy::panic)]

use std::{
    sync::Arc,
    time::{Duration, Instant},
};

use serde_json::Value;

use super::{Output, OutputOutcome, OutputRow};
use crate::{
    answer::Rejection,
    clock,
    delivery::Health,
    log::{Log, Message, Offset, PartitionId, Position, Share, Start},
    request::RequestId,
    store::{Lookup, Outcome},
    testing::{Toy, answer},
};

const TIMEOUT: Duration = Duration::from_secs(30);

fn row(id: &str, model: &str) -> OutputRow<Toy> {
    let position = Position { partition: PartitionId(3), offset: Offset(17) };
    OutputRow { outcome: OutputOutcome::Answered(Box::new(answer(id, model))), position, topic_id: None }
}

fn rejected(id: &str, reason: &str) -> OutputRow<Toy> {
    let rejection = Rejection { id: RequestId::new(id).unwrap(), reason: reason.to_owned(), rejected_at: clock::now() };
    OutputRow { outcome: OutputOutcome::Rejected(rejection), ..row(id, "m") }
}

/// Reads the topic from its beginning, until it has this many messages.
pub fn read(log: &dyn Log, wanted: usize) -> Vec<Message> {
    let health = Arc::new(Health::new("the output topic"));
    let mut reader = log.reader(Share::ALL, Start::Earliest, Arc::new(|| ()), health).unwrap();
    let (mut messages, deadline) = (Vec::new(), Instant::now() + TIMEOUT);
    while messages.len() < wanted {
        assert!(Instant::now() < deadline, "{} of {wanted} messages", messages.len());
        reader.poll(100, &mut messages);
        std::thread::sleep(Duration::from_millis(1));
    }
    messages
}

fn documents(messages: &[Message]) -> Vec<Value> {
    messages.iter().map(|message| serde_json::from_slice(message.payload.bytes()).unwrap()).collect()
}

/// Messages that were written are durable: the document of the answer, or of the rejection.
pub fn promise_1_what_is_written_is_durable(log: &Arc<dyn Log>) {
    let mut writer = Output::new(Arc::clone(log)).writer::<Toy>().unwrap();
    assert_eq!(writer.write(&[row("a", "m1"), rejected("b", "Colour: is missing")]).unwrap(), []);
    assert_eq!(writer.write(&[]).unwrap(), []);
    drop(writer);
    let mut found = documents(&read(&**log, 2));
    found.sort_by_key(|document| document["_id"].to_string());
    assert_eq!(
        (&found[0]["UUID"], &found[0]["ModelVersion"], &found[0]["Prediction"]),
        (&"a".into(), &"m1".into(), &2.0.into())
    );
    assert_eq!((&found[1]["UUID"], &found[1]["Reason"]), (&"b".into(), &"Colour: is missing".into()));
}

/// All messages of a request are in one partition, in the order of their writing; those of many are in several.
pub fn promise_2_messages_of_a_request_are_in_one_partition_in_their_order(log: &Arc<dyn Log>) {
    let mut writer = Output::new(Arc::clone(log)).writer::<Toy>().unwrap();
    for model in ["m1", "m2", "m3"] {
        let rows: Vec<_> = (0..40).map(|number| row(&number.to_string(), model)).collect();
        assert_eq!(writer.write(&rows).unwrap(), []);
    }
    let messages = read(&**log, 120);
    let partitions: std::collections::BTreeSet<_> = messages.iter().map(|it| it.position.partition).collect();
    assert!(partitions.len() > 1, "{partitions:?}");
    let all = documents(&messages);
    for number in 0..40 {
        let mut of_it: Vec<_> =
            messages.iter().zip(&all).filter(|(_, it)| it["_id"] == number.to_string().as_str()).collect();
        of_it.sort_by_key(|(message, _)| message.position);
        let models: Vec<_> = of_it.iter().map(|(_, document)| document["ModelVersion"].as_str().unwrap()).collect();
        assert_eq!(models, ["m1", "m2", "m3"], "of {number}");
    }
}

/// A message that is too long is named, and the others are written. `bytes_max` is the log's bound.
pub fn promise_4_a_message_that_is_too_long_is_named_and_the_others_are_written(log: &Arc<dyn Log>, bytes_max: usize) {
    let mut writer = Output::new(Arc::clone(log)).writer::<Toy>().unwrap();
    let long = "x".repeat(bytes_max);
    let refusals = writer.write(&[row("a", "m"), rejected("b", &long), row("c", "m")]).unwrap();
    assert_eq!(refusals.iter().map(|refusal| refusal.row).collect::<Vec<_>>(), [1]);
    let mut ids: Vec<_> = documents(&read(&**log, 2)).iter().map(|document| document["_id"].to_string()).collect();
    ids.sort();
    assert_eq!(ids, [r#""a""#, r#""c""#]);
}

/// Outcomes are found, also of before the lookup began; the first message of a request counts.
pub fn promise_5_the_first_outcome_of_a_request_is_found(log: &Arc<dyn Log>) {
    let output = Output::new(Arc::clone(log));
    let mut writer = output.writer::<Toy>().unwrap();
    assert_eq!(writer.write(&[row("a", "first"), row("a", "second")]).unwrap(), []);
    let lookup = output.lookup().unwrap();
    assert_eq!(lookup.find("b"), Ok(None));
    assert_eq!(writer.write(&[row("b", "third"), rejected("c", "Colour: is missing")]).unwrap(), []);
    let model = |id| match wait_for(&*lookup, id) {
        Outcome::Answered(document) => document["ModelVersion"].as_str().unwrap().to_owned(),
        Outcome::Rejected(reason) => panic!("{reason}"),
    };
    assert_eq!((model("a"), model("b")), ("first".to_owned(), "third".to_owned()));
    assert_eq!(wait_for(&*lookup, "c"), Outcome::Rejected("Colour: is missing".to_owned()));
}

fn wait_for(lookup: &dyn Lookup, id: &str) -> Outcome {
    let deadline = Instant::now() + TIMEOUT;
    loop {
        match lookup.find(id).unwrap() {
            Some(outcome) => return outcome,
            None => assert!(Instant::now() < deadline, "no outcome of {id}"),
        }
        std::thread::sleep(Duration::from_millis(1));
    }
}
