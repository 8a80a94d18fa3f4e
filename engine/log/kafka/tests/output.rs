//! The promises of output topics on Kafka, and the headers of their messages.

use super::*;
use crate::{
    answer::Rejection,
    clock,
    log::Position,
    output::{Output, OutputOutcome, OutputRow, promises},
    request::RequestId,
    testing::answer,
};

#[test]
fn output_promise_1_what_is_written_is_durable() {
    Cluster::each(|cluster| promises::promise_1_what_is_written_is_durable(&cluster.new_log(4)));
}

#[test]
fn output_promise_2_messages_of_a_request_are_in_one_partition_in_their_order() {
    Cluster::each(|cluster| {
        promises::promise_2_messages_of_a_request_are_in_one_partition_in_their_order(&cluster.new_log(4));
    });
}

#[test]
fn output_promise_4_a_message_that_is_too_long_is_named_and_the_others_are_written() {
    Cluster::each(|cluster| {
        promises::promise_4_a_message_that_is_too_long_is_named_and_the_others_are_written(
            &cluster.new_log(4),
            PUBLISH_BYTES_MAX,
        );
    });
}

#[test]
fn output_promise_5_the_first_outcome_of_a_request_is_found() {
    Cluster::each(|cluster| promises::promise_5_the_first_outcome_of_a_request_is_found(&cluster.new_log(4)));
}

#[test]
fn messages_have_the_key_and_the_headers_of_their_request() {
    Cluster::each(|cluster| {
        let topic = cluster.topic(1);
        let mut writer = Output::new(cluster.log(&topic, "")).writer::<Toy>().unwrap();
        let position = Position { partition: PartitionId(3), offset: Offset(17) };
        let row = |outcome| OutputRow { outcome, position, topic_id: None };
        let rejection =
            Rejection { id: RequestId::new("b").unwrap(), reason: "no".to_owned(), rejected_at: clock::now() };
        let rows = [row(OutputOutcome::Answered(Box::new(answer("a", "m1")))), row(OutputOutcome::Rejected(rejection))];
        assert_eq!(writer.write(&rows).unwrap(), []);
        let consumer: BaseConsumer =
            ClientConfig::new().set("bootstrap.servers", cluster.brokers()).set("group.id", &topic).create().unwrap();
        let mut from = TopicPartitionList::new();
        from.add_partition_offset(&topic, 0, KafkaOffset::Beginning).unwrap();
        consumer.assign(&from).unwrap();
        for (key, expected) in [
            ("a", vec![("delaycast-model", "m1"), ("delaycast-outcome", "answered"), ("delaycast-position", "3/17")]),
            ("b", vec![("delaycast-outcome", "rejected"), ("delaycast-position", "3/17")]),
        ] {
            let message = consumer.poll(TIMEOUT).unwrap().unwrap();
            assert_eq!(message.key(), Some(key.as_bytes()));
            let headers = headers_of(message.headers().unwrap());
            let headers: Vec<_> = headers.iter().map(|(name, value)| (&**name, &**value)).collect();
            assert_eq!(headers, expected);
        }
    });
}
