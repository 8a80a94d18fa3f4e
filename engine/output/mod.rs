//! The output topic: answers and rejections as messages, beside a store or instead of one.
//!
//! A message is the document of its answer in JSON, as the store keeps it, or that of a rejection. Its key is the id of
//! the request. Headers tell more, in a log that has headers (Kafka; the embedded log has none):
//!
//! | header | value |
//! |---|---|
//! | `delaycast-outcome` | `answered` or `rejected` |
//! | `delaycast-model` | the version of the model that answered |
//! | `delaycast-position` | the request's position, `PARTITION/OFFSET` |
//! | `topic_id` | the id of the request's topic, if topics have ids |
//!
//! # The promises
//!
//! Each has a test of its number, for every log.
//!
//! 1. [`Writer::write`] returns `Ok` only when the messages are durable; the offset of a request is committed after
//!    that.
//! 2. All messages of a request are in one partition, in the order of their writing.
//! 3. Delivery is at least once: after a crash, or a lost acknowledgement, a request may have several messages. The
//!    first is the answer, as in a store. A write that is retried repeats none that was acknowledged.
//! 4. A message that the log refuses for its length is named, and the others are written.
//! 5. [`Output::lookup`] finds the outcome of a request, also of one that was written before: its first message.

mod latest;

pub use latest::LATEST_BYTES_MAX;

use std::{
    sync::{Arc, mpsc::sync_channel},
    time::Duration,
};

use crate::{
    answer::Rejection,
    delivery::{Refusal, Unavailable, Writer},
    document::to_text,
    domain::{Answer, Domain},
    log::{Headers, Log, Position, Producer, PublishError, TopicId},
    request::RequestId,
    store::Lookup,
};

/// The header with the outcome.
const OUTCOME: &str = "delaycast-outcome";
/// The header with the version of the model.
const MODEL: &str = "delaycast-model";
/// The header with the position of the request.
const POSITION: &str = "delaycast-position";
/// The header with the id of the request's topic.
const TOPIC_ID: &str = "topic_id";
/// Upper bound on the messages in flight, well within a producer's queue.
const IN_FLIGHT_MAX: usize = 1024;
/// Timeout of an acknowledgement; longer than the producer's own deadline.
const ACKNOWLEDGEMENT_TIMEOUT: Duration = Duration::from_secs(7);

/// The outcome of a request that was read at a position.
#[derive(Debug, Clone, PartialEq)]
pub struct OutputRow<D: Domain> {
    /// The outcome.
    pub outcome: OutputOutcome<D>,
    /// The position of the request.
    pub position: Position,
    /// The id of its topic, if the log gives topics ids.
    pub topic_id: Option<TopicId>,
}

/// An answer or a rejection.
#[derive(Debug, Clone, PartialEq)]
pub enum OutputOutcome<D: Domain> {
    /// The request is answered.
    Answered(Box<Answer<D>>),
    /// The request is rejected.
    Rejected(Rejection),
}

impl<D: Domain> OutputRow<D> {
    fn id(&self) -> &RequestId {
        match &self.outcome {
            OutputOutcome::Answered(answer) => answer.id(),
            OutputOutcome::Rejected(rejection) => &rejection.id,
        }
    }

    fn message(&self) -> Vec<u8> {
        let document = match &self.outcome {
            OutputOutcome::Answered(answer) => answer.to_document(),
            OutputOutcome::Rejected(rejection) => rejection.to_document(),
        };
        to_text(&document).into_bytes()
    }

    fn headers(&self) -> Headers {
        let outcome = match &self.outcome {
            OutputOutcome::Answered(_) => "answered",
            OutputOutcome::Rejected(_) => "rejected",
        };
        let position = format!("{}/{}", self.position.partition.0, self.position.offset.0);
        let mut headers = vec![(OUTCOME, outcome.to_owned()), (POSITION, position)];
        if let OutputOutcome::Answered(answer) = &self.outcome {
            headers.push((MODEL, answer.model.to_string()));
        }
        headers.extend(self.topic_id.map(|id| (TOPIC_ID, id.to_string())));
        headers
    }
}

/// An open output topic.
#[derive(Clone)]
pub struct Output(Arc<dyn Log>);

impl Output {
    /// Returns the topic of an open log as an output.
    pub fn new(log: Arc<dyn Log>) -> Self {
        Output(log)
    }

    /// Returns the topic's address for operators, without secrets.
    pub fn describe(&self) -> String {
        self.0.describe()
    }

    /// Returns a writer.
    pub fn writer<D: Domain>(&self) -> Result<Box<dyn Writer<OutputRow<D>>>, Unavailable> {
        Ok(Box::new(OutputWriter { producer: self.0.producer()?, settled: Vec::new() }))
    }

    /// Returns a lookup of the latest outcomes, up to [`LATEST_BYTES_MAX`]. A thread of its own reads the topic from
    /// the earliest message on: what it has not read yet is not found yet.
    pub fn lookup(&self) -> Result<Box<dyn Lookup>, Unavailable> {
        Ok(Box::new(latest::Latest::of(Arc::clone(&self.0), LATEST_BYTES_MAX)?))
    }
}

struct OutputWriter {
    producer: Arc<dyn Producer>,
    /// For each row of a write that has failed whether it was acknowledged or refused: the same rows come again.
    settled: Vec<bool>,
}

impl<D: Domain> Writer<OutputRow<D>> for OutputWriter {
    fn write(&mut self, rows: &[OutputRow<D>]) -> Result<Vec<Refusal>, Unavailable> {
        self.settled.resize(rows.len(), false);
        let mut refusals = Vec::new();
        for first in (0..rows.len()).step_by(IN_FLIGHT_MAX) {
            let page = &rows[first..rows.len().min(first + IN_FLIGHT_MAX)];
            self.send(page, first, &mut refusals)?;
        }
        self.settled.clear();
        Ok(refusals)
    }
}

impl OutputWriter {
    /// Sends those rows of a page that are not settled, and waits for all of them.
    fn send<D: Domain>(
        &mut self,
        page: &[OutputRow<D>],
        first: usize,
        refusals: &mut Vec<Refusal>,
    ) -> Result<(), Unavailable> {
        let (report, reports) = sync_channel(page.len());
        let (mut sent, mut failure) = (0, None);
        for (row, index) in page.iter().zip(first..) {
            if self.settled[index] {
                continue;
            }
            let report = report.clone();
            // The channel has room for each result, and after an error its receiver is gone.
            let done = Box::new(move |result| drop(report.try_send((index, result))));
            self.producer.publish_with(Some(row.id().as_str()), row.message(), row.headers(), done);
            sent += 1;
        }
        for _ in 0..sent {
            match reports.recv_timeout(ACKNOWLEDGEMENT_TIMEOUT) {
                Ok((index, Ok(_))) => self.settled[index] = true,
                Ok((index, Err(error @ PublishError::TooLarge { .. }))) => {
                    refusals.push(Refusal { row: index, reason: error.to_string() });
                }
                Ok((_, Err(PublishError::Unavailable(error)))) => failure = Some(error),
                Err(_) => return Err(Unavailable::transient("messages are not acknowledged")),
            }
        }
        failure.map_or(Ok(()), Err)
    }
}

#[cfg(any(test, feature = "conformance"))]
pub mod promises;

#[cfg(test)]
mod tests;
