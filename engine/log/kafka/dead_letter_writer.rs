//! Writes dead letters to a topic beside that of the requests.
//!
//! A dead letter is a message: its value the record's bytes (truncated as in [`crate::log::Payload`]), its key the
//! record's position `topic/partition/offset`, its headers the rest, as text: `reason`, `kind` (the name of its
//! [`crate::log::DeadLetterReason`]), `topic`, `partition`, `offset`, `found_at` (RFC 3339, UTC), `length` (of the
//! whole record, bytes), `sha256` (of the whole record, hexadecimal), and `id`, if it could be read; `topic_id`, if
//! topics have ids; and `delaycast-attempt`, if it had been replayed before. It is written at least once. Key and
//! `topic_id` together are its identity: a recreated topic has the same positions.

use std::{sync::mpsc::sync_channel, time::Duration};

use chrono::SecondsFormat;
use rdkafka::{
    ClientConfig,
    message::{Header, OwnedHeaders},
};

use super::{
    admin::{self, NewTopicSpec},
    producer::{ATTEMPT_HEADER, Outgoing, Sender},
};
use crate::{
    delivery::{Refusal, Unavailable, Writer},
    log::{DeadLetter, PublishError, TopicOptions},
    runtime::hex,
};

/// The header with the id of the record's topic, if topics have ids.
pub(super) const TOPIC_ID_HEADER: &str = "topic_id";
/// Upper bound on the dead letters in flight: with 256 KiB each, well within a producer's queue.
const IN_FLIGHT_MAX: usize = 64;
/// Time within which each of them is acknowledged or has failed.
const DELIVERY_TIMEOUT: Duration = Duration::from_secs(7);

/// Number of partitions of a new topic of dead letters: they are few, and read in one order.
const PARTITIONS: i32 = 1;

/// Minimum retention of dead letters, 30 days: an operator has to look at them and repair the cause.
const RETENTION_MIN: Duration = Duration::from_secs(30 * 24 * 3600);

/// Returns the specification of a new topic of dead letters.
pub(super) fn new_topic<'a>(name: &'a str, options: &TopicOptions) -> NewTopicSpec<'a> {
    let retention = options.retention.unwrap_or(RETENTION_MIN).max(RETENTION_MIN);
    NewTopicSpec { name, partitions: PARTITIONS, options: TopicOptions { retention: Some(retention), ..*options } }
}

/// The writer of the dead letters of one topic.
pub(super) struct DeadLetterWriter {
    pub(super) sender: Sender,
    pub(super) requests: String,
    pub(super) topic: String,
    /// The configuration of the client that creates the topic.
    pub(super) admin_config: ClientConfig,
    /// True if the topic exists, or if an operator has to create it.
    pub(super) is_topic_settled: bool,
}

impl DeadLetterWriter {
    /// Creates the topic if it is missing: many brokers do not create topics by themselves. A user that may not create
    /// it may still write to it, so a failure is only logged.
    fn create_topic(&mut self) {
        if self.is_topic_settled {
            return;
        }
        let created = admin::create(&self.admin_config, &[new_topic(&self.topic, &TopicOptions::default())]);
        self.is_topic_settled = created.as_ref().is_ok() || created.as_ref().is_err_and(|error| error.needs_operator);
        if let Err(error) = created {
            tracing::warn!("{error}");
        }
    }

    fn send_all(&self, letters: &[DeadLetter], first: usize, refusals: &mut Vec<Refusal>) -> Result<(), Unavailable> {
        let (report, reports) = sync_channel(letters.len());
        for (index, letter) in letters.iter().enumerate() {
            let report = report.clone();
            let key = key(&self.requests, letter);
            let headers = headers(&self.requests, letter).iter().fold(OwnedHeaders::new(), |headers, (name, value)| {
                headers.insert(Header { key: name, value: Some(value.as_str()) })
            });
            let (payload, headers) = (letter.payload.bytes(), Some(headers));
            let outgoing = Outgoing { topic: &self.topic, key: Some(&key), payload, headers };
            // The channel has room for each result, and after an error its receiver is gone.
            self.sender.send(outgoing, Box::new(move |result| drop(report.try_send((index, result)))));
        }
        for _ in letters {
            match reports.recv_timeout(DELIVERY_TIMEOUT) {
                Ok((_, Ok(_))) => {}
                Ok((index, Err(error @ PublishError::TooLarge { .. }))) => {
                    refusals.push(Refusal { row: first + index, reason: error.to_string() });
                }
                Ok((_, Err(PublishError::Unavailable(error)))) => {
                    return Err(Unavailable { reason: format!("topic {}: {}", self.topic, error.reason), ..error });
                }
                Err(_) => return Err(Unavailable::transient(format!("topic {}: no answer", self.topic))),
            }
        }
        Ok(())
    }
}

impl Writer<DeadLetter> for DeadLetterWriter {
    fn write(&mut self, letters: &[DeadLetter]) -> Result<Vec<Refusal>, Unavailable> {
        self.create_topic();
        let mut refusals = Vec::new();
        for (chunk, some) in letters.chunks(IN_FLIGHT_MAX).enumerate() {
            self.send_all(some, chunk * IN_FLIGHT_MAX, &mut refusals)?;
        }
        Ok(refusals)
    }
}

fn key(requests: &str, letter: &DeadLetter) -> String {
    format!("{requests}/{}/{}", letter.position.partition.0, letter.position.offset.0)
}

fn headers(requests: &str, letter: &DeadLetter) -> Vec<(&'static str, String)> {
    let DeadLetter { position, id, reason, kind, payload, found_at, attempt, topic_id } = letter;
    let mut headers = vec![
        ("reason", reason.clone()),
        ("kind", kind.name().to_owned()),
        ("topic", requests.to_owned()),
        ("partition", position.partition.0.to_string()),
        ("offset", position.offset.0.to_string()),
        ("found_at", found_at.to_rfc3339_opts(SecondsFormat::Millis, true)),
        ("length", payload.len().to_string()),
        ("sha256", hex::encode(payload.sha256())),
    ];
    headers.extend(id.as_ref().map(|id| ("id", id.as_str().to_owned())));
    headers.extend(topic_id.map(|id| (TOPIC_ID_HEADER, id.to_string())));
    headers.extend((*attempt > 0).then(|| (ATTEMPT_HEADER, attempt.to_string())));
    headers
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::log::{DEAD_LETTER_BYTES_MAX, TopicId, promises::dead_letter};

    #[test]
    fn headers_carry_all_fields_but_the_payload() {
        let letter = dead_letter(7, b"abc".to_vec());
        // printf abc | sha256sum
        let sha256 = "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad";
        let expected = [
            ("reason", "Colour: is missing"),
            ("kind", "Colour"),
            ("topic", "requests"),
            ("partition", "1"),
            ("offset", "7"),
            ("found_at", "2023-11-14T22:13:20.123Z"),
            ("length", "3"),
            ("sha256", sha256),
            ("id", "id 7"),
        ];
        assert_eq!(headers("requests", &letter), expected.map(|(name, value)| (name, value.to_owned())));
        assert_eq!(key("requests", &letter), "requests/1/7");
        let of_a_topic = DeadLetter { topic_id: Some(TopicId([0; 16])), ..letter };
        assert_eq!(key("requests", &of_a_topic), "requests/1/7", "other programs read it");
        assert!(headers("requests", &of_a_topic).contains(&("topic_id", "AAAAAAAAAAAAAAAAAAAAAA".to_owned())));

        let mut anonymous = dead_letter(7, vec![0; DEAD_LETTER_BYTES_MAX + 5]);
        anonymous.id = None;
        let headers = headers("requests", &anonymous);
        assert!(headers.iter().all(|(name, _)| *name != "id"));
        assert!(headers.contains(&("length", (DEAD_LETTER_BYTES_MAX + 5).to_string())));
    }
}
