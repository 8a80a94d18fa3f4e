//! Assigns partitions to a reader, on its own thread: it asks for partitions, which may block, and serves the
//! consumer's events.
//!
//! It also asks every second for the id of the topic. Another id means that the topic was recreated: the partitions are
//! revoked, and once all messages that were handed out have come back, reading starts over with a new consumer (see
//! rule 8 of [`crate::log`], and docs/adr/0017-a-position-belongs-to-a-topic-id.md).

use std::{
    collections::{BTreeMap, BTreeSet},
    sync::{Arc, mpsc::SyncSender},
    time::{Duration, Instant},
};

use rdkafka::{
    ClientConfig, Offset as KafkaOffset, TopicPartitionList,
    consumer::{BaseConsumer, Consumer},
};

use super::{
    client::{CoordinatorClient, EVENTS_MAX, ErrorCapture, unavailable},
    commit::CommitQueue,
    config::CALL_TIMEOUT,
    consumer::{OpenTransactions, TopicConsumer},
    offsets,
    reader::{Event, PartitionReader, ReadState, to_message},
    start::{Diagnostic, PartitionStart, StartFrom, Watermarks},
    topic::{self, TopicIdentity, Verdict},
};
use crate::{
    delivery::{Health, Unavailable},
    log::{PartitionId, Share, Start, TopicId, Wake},
    runtime::{Backoff, JOIN_TIMEOUT, Thread},
};

/// Interval at which the topic's id and number of partitions are asked for.
const REFRESH_INTERVAL: Duration = Duration::from_secs(1);
/// Interval at which the watermarks of the partitions are asked for.
const WATERMARKS_INTERVAL: Duration = Duration::from_secs(2);
/// Time for which the consumer is polled for events before the thread checks for its end.
const POLL_TIMEOUT: Duration = Duration::from_millis(50);
/// Upper bound on the backoff while the topic is missing: it may be about to be recreated.
const MISSING_BACKOFF_MAX: Duration = Duration::from_secs(1);
/// Time after the start in which a missing topic is not reported: brokers learn of a new topic after a moment.
const NEW_TOPIC_GRACE: Duration = Duration::from_secs(3);

/// Time without a connection, while another client's calls succeed, after which a consumer is replaced: librdkafka may
/// have forgotten all brokers, for ever, when one that had just started named none (its issue 5301).
const STUCK_AFTER: Duration = Duration::from_secs(20);

/// The reason of a revocation.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum RevokeReason {
    TopicRecreated,
    OutOfRange,
    /// The consumer does not connect.
    Stuck,
}

/// The reason why a refresh failed.
enum RefreshError {
    NoTopic,
    Unavailable(Unavailable),
}

impl From<Unavailable> for RefreshError {
    fn from(error: Unavailable) -> Self {
        RefreshError::Unavailable(error)
    }
}

/// A partition that is to be assigned.
struct NewPartition {
    id: PartitionId,
    watermarks: Watermarks,
    start: PartitionStart,
}

/// The assigning thread.
pub(super) struct Assigner {
    pub(super) config: ClientConfig,
    pub(super) consumer: TopicConsumer,
    /// The errors of the consumer.
    pub(super) errors: ErrorCapture,
    pub(super) coordinator: Arc<CoordinatorClient>,
    pub(super) topic: String,
    pub(super) group: String,
    pub(super) share: Share,
    pub(super) start: Start,
    pub(super) state: Arc<ReadState>,
    pub(super) commits: Arc<CommitQueue>,
    pub(super) events: SyncSender<Event>,
    pub(super) wake: Wake,
    pub(super) health: Arc<Health>,
    pub(super) identity: TopicIdentity,
    pub(super) start_from: StartFrom,
    pub(super) assigned: BTreeSet<PartitionId>,
    pub(super) revoking: Option<RevokeReason>,
    pub(super) open_transactions: OpenTransactions,
    /// The time since which calls by another client have succeeded.
    pub(super) serving_since: Option<Instant>,
    /// Closes the former consumer. The next one is closed after that has ended or was given up.
    pub(super) closing: Option<Thread>,
}

impl Assigner {
    pub(super) fn run(&mut self) {
        let mut backoff = Backoff::new();
        let mut missing_backoff = Backoff::between(Backoff::FIRST, MISSING_BACKOFF_MAX);
        let (mut refresh_at, mut watermarks_at, mut is_ok) = (Instant::now(), Instant::now(), true);
        let report_missing_at = Instant::now() + NEW_TOPIC_GRACE;
        while !self.state.is_stopped() {
            // The first error causes a refresh at once; later ones must not defeat the backoff.
            let has_failed = is_ok && (self.errors.has_error() || self.state.is_out_of_range());
            let is_revoked = self.revoking.is_some() && self.state.is_revoked();
            if has_failed || is_revoked || Instant::now() >= refresh_at {
                let with_watermarks = Instant::now() >= watermarks_at;
                let result = self.refresh(with_watermarks);
                if with_watermarks {
                    watermarks_at = Instant::now() + WATERMARKS_INTERVAL;
                }
                is_ok = result.is_ok();
                if !is_ok {
                    self.serving_since = None;
                }
                let mut is_reported = true;
                let (result, pause) = match result {
                    Ok(()) => {
                        backoff = Backoff::new();
                        missing_backoff = Backoff::between(Backoff::FIRST, MISSING_BACKOFF_MAX);
                        (Ok(()), REFRESH_INTERVAL)
                    }
                    Err(RefreshError::NoTopic) => {
                        is_reported = self.identity.was_described() || Instant::now() >= report_missing_at;
                        (Err(topic::missing(&self.topic)), missing_backoff.next_pause(false))
                    }
                    Err(RefreshError::Unavailable(error)) => {
                        let pause = backoff.next_pause(error.needs_operator);
                        // Pending events carry the cause.
                        (0..EVENTS_MAX).for_each(|_| self.serve(Duration::ZERO));
                        (Err(error), pause)
                    }
                };
                refresh_at = Instant::now() + pause;
                match self.outage(result) {
                    Some(error) if is_reported => self.health.waiting(&error),
                    Some(_) => {}
                    None => self.health.serving(),
                }
                let lines = self.open_transactions.report(&self.consumer.fetched, Instant::now());
                lines.iter().for_each(|line| tracing::warn!("{line}"));
            }
            self.serve(POLL_TIMEOUT);
        }
    }

    /// Returns the outage to report after a refresh. An error of the consumer says more than that a call got no answer.
    fn outage(&self, result: Result<(), Unavailable>) -> Option<Unavailable> {
        let captured = self.errors.take();
        match result {
            Err(error) if error.needs_operator => Some(error),
            Err(error) => Some(captured.unwrap_or(error)),
            Ok(()) => self.state.error().or_else(|| self.commits.last_error()),
        }
    }

    /// Serves an event of the consumer: an error, statistics, or a log line.
    fn serve(&self, limit: Duration) {
        match self.consumer.consumer.poll(limit) {
            // The context has captured the error, with its reason.
            None | Some(Err(_)) => {}
            // Not expected, as partitions have their own queues before they are assigned; but it is not to be lost.
            Some(Ok(message)) => {
                if self.events.send(Event::Message(to_message(&message, self.identity.id()))).is_ok() {
                    (self.wake)();
                }
            }
        }
    }

    /// Checks the topic's identity, assigns new partitions, and updates the watermarks of the others. Blocks for a few
    /// calls. An error of one partition does not affect the others.
    fn refresh(&mut self, with_watermarks: bool) -> Result<(), RefreshError> {
        self.end_revocation()?;
        let found = self.coordinator.call(|client| topic::identify(client, &self.topic))?;
        let found = found.ok_or(RefreshError::NoTopic)?;
        match self.identity.check(found) {
            Verdict::Same => {}
            Verdict::Stale => {
                let lags = "a broker has not heard yet that the topic was made anew";
                return Err(Unavailable::transient(format!("topic {}: {lags}", self.topic)).into());
            }
            Verdict::Recreated(why) => {
                tracing::warn!(
                    "topic {} was deleted and made anew ({why}): reading starts at its earliest message, and offsets \
                     of the former topic are not used",
                    self.topic
                );
                return self.revoke(RevokeReason::TopicRecreated);
            }
        }
        if self.state.is_out_of_range() {
            tracing::warn!(
                "topic {}: the position read to is out of range in partitions {:?} (the log was cut back, or its retention \
                 has overtaken the reader): reading starts at their earliest messages",
                self.topic,
                self.state.out_of_range()
            );
            return self.revoke(RevokeReason::OutOfRange);
        }
        let serving_since = *self.serving_since.get_or_insert_with(Instant::now);
        let disconnected_for = serving_since.elapsed().min(self.consumer.fetched.disconnected_for());
        if !self.assigned.is_empty() && disconnected_for >= STUCK_AFTER {
            tracing::warn!(
                "topic {}: librdkafka's consumer does not connect to a broker that serves: a new one takes its place",
                self.topic
            );
            return self.revoke(RevokeReason::Stuck);
        }
        self.commits.begin(self.identity.id());
        let owned = (0..found.partitions).map(PartitionId).filter(|partition| self.share.owns(*partition));
        let (known, new): (Vec<_>, Vec<_>) = owned.partition(|partition| self.assigned.contains(partition));
        let mut result = if new.is_empty() { Ok(()) } else { self.assign(&new) };
        for partition in known.into_iter().filter(|_| with_watermarks) {
            match self.watermarks(partition) {
                Ok(watermarks) => self.state.update(partition, watermarks),
                Err(error) => result = result.and(Err(error)),
            }
        }
        Ok(result?)
    }

    /// Revokes all partitions. Nothing is assigned before that has ended.
    fn revoke(&mut self, reason: RevokeReason) -> Result<(), RefreshError> {
        self.commits.leave();
        self.state.revoke();
        self.revoking = Some(reason);
        (self.wake)();
        self.end_revocation()
    }

    /// Starts over with a new consumer, once all messages that were handed out have come back; an error before that.
    fn end_revocation(&mut self) -> Result<(), RefreshError> {
        let Some(reason) = self.revoking else { return Ok(()) };
        if !self.state.is_revoked() {
            let doing = "what was read of it before is being finished";
            return Err(Unavailable::transient(format!("topic {} is to be read anew: {doing}", self.topic)).into());
        }
        let new = TopicConsumer::start(&self.config, &self.topic, &self.errors)?;
        let Some(positions) = self.state.end_revocation() else { return Ok(()) };
        self.replace_consumer(new);
        self.assigned.clear();
        self.open_transactions = OpenTransactions::default();
        self.start_from = match reason {
            RevokeReason::TopicRecreated => {
                self.identity.leave();
                StartFrom::Recreated
            }
            RevokeReason::OutOfRange | RevokeReason::Stuck => StartFrom::Positions(positions),
        };
        self.revoking = None;
        Ok(())
    }

    /// Closes the consumer on its own thread, as that may take a while.
    fn replace_consumer(&mut self, new: TopicConsumer) {
        let old = std::mem::replace(&mut self.consumer, new);
        if let Some(closing) = self.closing.take() {
            closing.join(JOIN_TIMEOUT);
        }
        // Without a thread it is dropped here.
        self.closing = Thread::spawn("kafka-close", move || drop(old)).ok();
    }

    fn watermarks(&self, partition: PartitionId) -> Result<Watermarks, Unavailable> {
        let number = partition.0.cast_signed();
        let failed = |error| unavailable(&format!("cannot learn the offsets of partition {number}"), &error);
        let fetch = |client: &BaseConsumer<ErrorCapture>| {
            client.fetch_watermarks(&self.topic, number, CALL_TIMEOUT).map_err(failed)
        };
        let (low, high) = self.coordinator.call(fetch)?;
        Ok(Watermarks { low: low.max(0).cast_unsigned(), high: high.max(0).cast_unsigned() })
    }

    /// Assigns as many of these partitions as possible. Each gets its queue before it is assigned: none of its messages
    /// goes to the common queue. The assignment is incremental: `assign` would disable the queues of the others.
    fn assign(&mut self, partitions: &[PartitionId]) -> Result<(), Unavailable> {
        let (mut list, mut readers, mut result) = (TopicPartitionList::new(), Vec::new(), Ok(()));
        for new in self.starts(partitions, &mut result)? {
            match self.prepare(&new, &mut list) {
                Ok(reader) => readers.push((reader, new)),
                Err(error) => result = result.and(Err(error)),
            }
        }
        if readers.is_empty() {
            return result;
        }
        let consumer = &self.consumer.consumer;
        // The consumer itself asks for the leaders of a topic only when it connects, if it knows the topic by then, and
        // once a second. It goes on asking if this fails.
        if let Err(error) = consumer.fetch_metadata(Some(&self.topic), CALL_TIMEOUT) {
            tracing::debug!("topic {}: its leaders are not known yet: {error}", self.topic);
        }
        consumer.incremental_assign(&list).map_err(|error| unavailable("cannot assign partitions", &error))?;
        for (reader, NewPartition { id, watermarks, start }) in readers {
            self.assigned.insert(id);
            self.state.add(id, start.next, watermarks);
            self.commits.request_start(id, &start, self.start == Start::Committed);
            // Fails only if the reader is dropped, and this thread is to end.
            let _ = self.events.send(Event::Assigned(reader));
        }
        (self.wake)();
        result
    }

    /// Returns the start of each partition, and logs its diagnostic. A partition whose watermarks cannot be fetched is
    /// omitted, with the error in `result`.
    fn starts(
        &mut self,
        partitions: &[PartitionId],
        result: &mut Result<(), Unavailable>,
    ) -> Result<Vec<NewPartition>, Unavailable> {
        let fetch =
            |client: &BaseConsumer<ErrorCapture>| offsets::committed(client, &self.topic, &self.group, partitions);
        let by_group = self.coordinator.call(fetch)?;
        let mut found = Vec::new();
        for &partition in partitions {
            match self.watermarks(partition) {
                Ok(watermarks) => found.push((partition, watermarks)),
                Err(error) => *result = std::mem::replace(result, Ok(())).and(Err(error)),
            }
        }
        let topic_id = self.identity.id();
        let committed_in = |from: &StartFrom, partition| from.committed(partition, by_group.get(&partition).copied());
        // Without ids this is a sign of a recreated topic, and one partition is enough.
        let is_beyond = |(partition, watermarks): &(PartitionId, Watermarks)| {
            let committed = committed_in(&self.start_from, *partition);
            committed.is_some_and(|committed| committed.offset.0 > watermarks.high)
        };
        if topic_id.is_none() && self.assigned.is_empty() && found.iter().any(is_beyond) {
            tracing::warn!(
                "group {} has read beyond the end of topic {}, and this broker gives topics no id: it counts as \
                 made anew, and reading starts at its earliest message",
                self.group,
                self.topic
            );
            self.start_from = StartFrom::Recreated;
        }
        let (mut new, mut former) = (Vec::new(), BTreeMap::<TopicId, Vec<u32>>::new());
        for (id, watermarks) in found {
            // A broker names a new topic a moment before it serves it, and may have given the low watermark of the
            // former one. The first offset of a topic is 0; if it is deleted already it is out of range, and the reader
            // starts over.
            let low = if self.start_from == StartFrom::Recreated && topic_id.is_some() { 0 } else { watermarks.low };
            let watermarks = Watermarks { low, ..watermarks };
            let committed = by_group.get(&id).copied();
            let start = self.start_from.of(self.start, id, committed, topic_id, watermarks);
            let place = format!("group {} in partition {} of topic {}", self.group, id.0, self.topic);
            match &start.diagnostic {
                _ if self.start_from == StartFrom::Recreated => {}
                Diagnostic::None => {}
                Diagnostic::FirstStart => {
                    tracing::info!("{place}: no offset is committed: reading from the first message on");
                }
                Diagnostic::Warning(warning) => tracing::warn!("{place}: {warning}"),
                Diagnostic::FormerTopic(topic) => former.entry(*topic).or_default().push(id.0),
            }
            new.push(NewPartition { id, watermarks, start });
        }
        for (other, partitions) in former {
            let now = topic_id.map(|id| format!(", it is {id} now")).unwrap_or_default();
            tracing::warn!(
                "topic {} was deleted and made anew: what group {} has committed in partitions {partitions:?} belongs \
                 to a former topic of this name (id {other}{now}), and reading starts at the earliest message",
                self.topic,
                self.group
            );
        }
        Ok(new)
    }

    /// Creates a partition's queue, and adds the partition to the list to be assigned.
    fn prepare(&self, new: &NewPartition, list: &mut TopicPartitionList) -> Result<PartitionReader, Unavailable> {
        let (partition, number, start) = (new.id, new.id.0.cast_signed(), new.start.next);
        let queue = self.consumer.consumer.split_partition_queue(&self.topic, number);
        let mut queue = queue.ok_or_else(|| Unavailable::transient(format!("partition {number} has no queue")))?;
        let wake = Arc::clone(&self.wake);
        queue.set_nonempty_callback(move || wake());
        list.add_partition_offset(&self.topic, number, KafkaOffset::Offset(start.cast_signed()))
            .map_err(|error| unavailable(&format!("cannot assign partition {number}"), &error))?;
        Ok(PartitionReader {
            partition,
            queue,
            fetched: self.consumer.fetched.of(partition),
            topic_id: self.identity.id(),
            committed: new.start.committed,
            next: start,
            handled: start,
            gap_end: start,
        })
    }
}
