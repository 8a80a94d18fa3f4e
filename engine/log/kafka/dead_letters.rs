//! Keeps dead letters in a topic beside that of the requests.
//!
//! A dead letter is a message: its value the record's bytes (cut where [`crate::log::Payload`] cuts them), its key the
//! record's position `topic/partition/offset`, its headers the rest, as text: `reason`, `kind` (the name of its
//! [`crate::log::DeadLetterReason`]), `topic`, `partition`, `offset`, `found_at` (RFC 3339, UTC), `length` (of the
//! whole record, bytes), `sha256` (of the whole record, hexadecimal), and `id`, if that could be read; `topic_id`, if
//! topics have ids; and `delaycast-attempt`, if it had been replayed before. It is written at least once. Key and
//! `topic_id` together are its identity: a topic that was made anew has the same positions.

use std::{sync::mpsc::sync_channel, time::Duration};

use chrono::SecondsFormat;
use rdkafka::{
    ClientConfig,
    message::{Header, OwnedHeaders},
};

use super::{
    sender::{Outgoing, Sender},
    topics::{self, New},
};
use crate::{
    delivery::{Refusal, Unavailable, Writer},
    log::{DeadLetter, PublishError, TopicOptions},
    runtime::hex,
};

/// The header that says how often a message has been replayed; without it, never.
pub(super) const ATTEMPT: &str = "delaycast-attempt";
/// The header that says which topic the record stands in, where topics have ids.
pub(super) const TOPIC_ID: &str = "topic_id";
/// So many dead letters are under way at a time: with 256 KiB each, well within what a producer may have waiting.
const UNDER_WAY_MAX: usize = 64;
/// Every one of them is acknowledged, or has failed, within this time.
const DEADLINE: Duration = Duration::from_secs(7);

/// The topic of dead letters, where this makes it, has one partition: they are few, and read in one order.
const PARTITIONS: i32 = 1;

/// Dead letters are kept for 30 days at least, however long requests are: somebody has to look at them, and mend what is wrong.
const KEPT: Duration = Duration::from_secs(30 * 24 * 3600);

/// The topic of dead letters, to be made.
pub(super) fn new_topic<'a>(name: &'a str, options: &TopicOptions) -> New<'a> {
    let retention = options.retention.unwrap_or(KEPT).max(KEPT);
    New { name, partitions: PARTITIONS, options: TopicOptions { retention: Some(retention), ..*options } }
}

/// Writes dead letters of one topic.
pub(super) struct DeadLetterWriter {
    pub(super) sender: Sender,
    pub(super) requests: String,
    pub(super) topic: String,
    /// Connects to where the topic is to be made.
    pub(super) brokers: ClientConfig,
    /// Whether the topic is there, or is somebody else's to make.
    pub(super) topic_is_settled: bool,
}

impl DeadLetterWriter {
    /// Makes the topic if it is not there: many brokers do not do so by themselves, and what was made for the old system
    /// has none. Who may not make it may still write to it, so whether it can be written to is for the write to tell.
    fn make_topic(&mut self) {
        if self.topic_is_settled {
            return;
        }
        let made = topics::make(&self.brokers, &[new_topic(&self.topic, &TopicOptions::default())]);
        self.topic_is_settled = made.as_ref().is_ok() || made.as_ref().is_err_and(|error| error.needs_operator);
        if let Err(error) = made {
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
            // It has room for each, and after an error nobody listens.
            self.sender.send(outgoing, Box::new(move |landed| drop(report.try_send((index, landed)))));
        }
        for _ in letters {
            match reports.recv_timeout(DEADLINE) {
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
        self.make_topic();
        let mut refusals = Vec::new();
        for (chunk, some) in letters.chunks(UNDER_WAY_MAX).enumerate() {
            self.send_all(some, chunk * UNDER_WAY_MAX, &mut refusals)?;
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
    headers.extend(topic_id.map(|id| (TOPIC_ID, id.to_string())));
    headers.extend((*attempt > 0).then(|| (ATTEMPT, attempt.to_string())));
    headers
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::log::{DEAD_LETTER_BYTES_MAX, TopicId, promises::dead_letter};

    #[test]
    fn headers_tell_all_that_the_value_does_not() {
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
        assert_eq!(key("requests", &of_a_topic), "requests/1/7", "others read it");
        assert!(headers("requests", &of_a_topic).contains(&("topic_id", "AAAAAAAAAAAAAAAAAAAAAA".to_owned())));

        let mut anonymous = dead_letter(7, vec![0; DEAD_LETTER_BYTES_MAX + 5]);
        anonymous.id = None;
        let headers = headers("requests", &anonymous);
        assert!(headers.iter().all(|(name, _)| *name != "id"));
        assert!(headers.contains(&("length", (DEAD_LETTER_BYTES_MAX + 5).to_string())));
    }
}
