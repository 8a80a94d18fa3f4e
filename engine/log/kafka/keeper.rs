//! The thread behind a reader: it learns of partitions, which may block, and serves librdkafka's events.
//!
//! It also asks every second which topic has the name. Another one means another id: the reader is told to leave the
//! topic, and when all that it had handed out has come back, reading starts over with a new client (see [`super`], rule
//! 8 of [`crate::log`], and docs/adr/0017-a-position-belongs-to-a-topic-id.md).

use std::{
    collections::BTreeSet,
    sync::{Arc, mpsc::SyncSender},
    time::{Duration, Instant},
};

use rdkafka::{
    ClientConfig, Message as _,
    message::{BorrowedMessage, Headers},
};

use super::{
    dead_letters::ATTEMPT,
    identity::{Identity, Verdict},
    office::{EVENTS_MAX, Office},
    progress::{HeldBack, Source},
    reader::{Arrival, Shared},
    start::Basis,
    topic_id, topics,
};
use crate::{
    delivery::{Health, Unavailable},
    log::{Message, Offset, PartitionId, Payload, Position, Share, TopicId, Wake},
    runtime::{Backoff, JOIN_TIMEOUT, Thread},
};

/// Interval at which the thread asks for the id of the topic and its number of partitions.
const ASK_EVERY: Duration = Duration::from_secs(1);
/// Interval at which it asks for the extents of the partitions.
const EXTENTS_EVERY: Duration = Duration::from_secs(2);
/// It waits for events this long, then sees whether it should stop.
const EVENTS: Duration = Duration::from_millis(50);
/// A topic that is not there is asked for again within this time: it may be on its way from one life to the next.
const MISSING_ASKED_WITHIN: Duration = Duration::from_secs(1);
/// For this long after the start a topic that is not there is no news: brokers hear a moment later of one that was
/// made.
const MADE_JUST_NOW: Duration = Duration::from_secs(3);

/// Why a topic is left.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum LeavingFor {
    /// It is another one.
    Another,
    /// It is the same, and a position is out of range.
    Elsewhere,
}

/// The thread's state.
pub(super) struct Keeper {
    pub(super) config: ClientConfig,
    pub(super) source: Source,
    pub(super) office: Arc<Office>,
    pub(super) topic: String,
    pub(super) group: String,
    pub(super) share: Share,
    pub(super) identity: Identity,
    pub(super) basis: Basis,
    pub(super) assigned: BTreeSet<PartitionId>,
    pub(super) leaving_for: Option<LeavingFor>,
    pub(super) held_back: HeldBack,
    /// Closes the client that read before. The next one is not closed before that has ended, or has been given up.
    pub(super) closing: Option<Thread>,
    pub(super) shared: Arc<Shared>,
    pub(super) arrivals: SyncSender<Arrival>,
    pub(super) wake: Wake,
    pub(super) health: Arc<Health>,
}

/// The reason why a survey fails.
pub(super) enum Obstacle {
    /// There is no such topic.
    Missing,
    Other(Unavailable),
}

impl From<Unavailable> for Obstacle {
    fn from(error: Unavailable) -> Self {
        Obstacle::Other(error)
    }
}

impl Keeper {
    pub(super) fn run(&mut self) {
        let (mut backoff, mut looks_for) = (Backoff::new(), Backoff::between(Backoff::FIRST, MISSING_ASKED_WITHIN));
        let (mut survey_at, mut extents_at, mut well) = (Instant::now(), Instant::now(), true);
        let quiet_until = Instant::now() + MADE_JUST_NOW;
        while !self.shared.stopping() {
            // A complaint makes it look at once, but only the first one: the others must not defeat the backoff.
            let alarmed = well && (self.shared.has_complaint() || self.shared.is_out_of_range());
            let has_left = self.leaving_for.is_some() && self.shared.has_left();
            if alarmed || has_left || Instant::now() >= survey_at {
                let with_extents = Instant::now() >= extents_at;
                let outcome = self.survey(with_extents);
                if with_extents {
                    extents_at = Instant::now() + EXTENTS_EVERY;
                }
                well = outcome.is_ok();
                let mut is_news = true;
                let (outcome, pause) = match outcome {
                    Ok(()) => {
                        backoff = Backoff::new();
                        looks_for = Backoff::between(Backoff::FIRST, MISSING_ASKED_WITHIN);
                        (Ok(()), ASK_EVERY)
                    }
                    Err(Obstacle::Missing) => {
                        is_news = self.identity.has_seen_one() || Instant::now() >= quiet_until;
                        (Err(topics::missing(&self.topic)), looks_for.next_pause(false))
                    }
                    Err(Obstacle::Other(error)) => {
                        let pause = backoff.next_pause(error.needs_operator);
                        // What went wrong is told by events that wait by now.
                        (0..EVENTS_MAX).for_each(|_| self.serve(Duration::ZERO));
                        (Err(error), pause)
                    }
                };
                survey_at = Instant::now() + pause;
                match self.shared.fault(outcome) {
                    Some(error) if is_news => self.health.waiting(&error),
                    Some(_) => {}
                    None => self.health.serving(),
                }
                self.held_back
                    .look(&self.source.progress, Instant::now())
                    .iter()
                    .for_each(|told| tracing::warn!("{told}"));
            }
            self.serve(EVENTS);
        }
    }

    /// Serves an event: a complaint, statistics, or a log line.
    fn serve(&self, limit: Duration) {
        match self.source.consumer.poll(limit) {
            // The context has heard of the error, with its reason.
            None | Some(Err(_)) => {}
            // Partitions have queues of their own before they are assigned, so none is expected; but it is a record.
            Some(Ok(message)) => {
                if self.arrivals.send(Arrival::Message(taken(&message, self.identity.id()))).is_ok() {
                    (self.wake)();
                }
            }
        }
    }

    /// Asks which topic it is, and looks at its partitions: whether there are new ones, and how far the others go.
    /// Blocks, a few calls long. What fails for one partition is no reason to leave the others.
    fn survey(&mut self, with_extents: bool) -> Result<(), Obstacle> {
        self.end_leaving()?;
        let found = self.office.call(|client| topic_id::describe(client, &self.topic))?;
        let found = found.ok_or(Obstacle::Missing)?;
        match self.identity.judge(found) {
            Verdict::Same => {}
            Verdict::Former => {
                let lags = "a broker has not heard yet that the topic was made anew";
                return Err(Unavailable::transient(format!("topic {}: {lags}", self.topic)).into());
            }
            Verdict::Anew(why) => {
                tracing::warn!(
                    "topic {} was deleted and made anew ({why}): reading starts at its earliest message, and offsets \
                     of the former topic are not used",
                    self.topic
                );
                return self.leave(LeavingFor::Another);
            }
        }
        if self.shared.is_out_of_range() {
            tracing::warn!(
                "topic {}: the position read to is out of range in partitions {:?} (the log was cut back, or its retention \
                 has overtaken the reader): reading starts at their earliest messages",
                self.topic,
                self.shared.out_of_range()
            );
            return self.leave(LeavingFor::Elsewhere);
        }
        self.shared.reads(self.identity.id());
        let owned = (0..found.partitions).map(PartitionId).filter(|partition| self.share.owns(*partition));
        let (known, new): (Vec<_>, Vec<_>) = owned.partition(|partition| self.assigned.contains(partition));
        let mut outcome = if new.is_empty() { Ok(()) } else { self.assign(&new) };
        for partition in known.into_iter().filter(|_| with_extents) {
            match self.extent(partition) {
                Ok(extent) => self.shared.extends(partition, extent),
                Err(error) => outcome = outcome.and(Err(error)),
            }
        }
        Ok(outcome?)
    }

    /// Has the reader leave the topic. Nothing is assigned before that has ended.
    fn leave(&mut self, leaving_for: LeavingFor) -> Result<(), Obstacle> {
        self.shared.leave();
        self.leaving_for = Some(leaving_for);
        (self.wake)();
        self.end_leaving()
    }

    /// Starts over with a new client, once all that was handed out has come back; an error before that.
    fn end_leaving(&mut self) -> Result<(), Obstacle> {
        let Some(leaving_for) = self.leaving_for else { return Ok(()) };
        if !self.shared.has_left() {
            let doing = "what was read of it before is being finished";
            return Err(Unavailable::transient(format!("topic {} is to be read anew: {doing}", self.topic)).into());
        }
        let new = Source::start(&self.config, &self.topic, &self.shared)?;
        let Some(positions) = self.shared.end_leaving() else { return Ok(()) };
        self.close(new);
        self.assigned.clear();
        self.held_back = HeldBack::default();
        self.basis = match leaving_for {
            LeavingFor::Another => {
                self.identity.leave();
                Basis::Anew
            }
            LeavingFor::Elsewhere => Basis::Positions(positions),
        };
        self.leaving_for = None;
        Ok(())
    }

    /// Closes the client that has read, on a thread of its own: that may take a while.
    fn close(&mut self, new: Source) {
        let old = std::mem::replace(&mut self.source, new);
        if let Some(closing) = self.closing.take() {
            closing.join(JOIN_TIMEOUT);
        }
        // Without a thread it is dropped here.
        self.closing = Thread::spawn("kafka-close", move || drop(old)).ok();
    }
}

/// A message of our own. A message without a payload (a tombstone) counts as an empty one.
pub(super) fn taken(message: &BorrowedMessage<'_>, topic_id: Option<TopicId>) -> Message {
    let partition = PartitionId(message.partition().cast_unsigned());
    let position = Position { partition, offset: Offset(message.offset().cast_unsigned()) };
    let attempt = message.headers().map_or(0, attempt);
    Message { position, payload: Payload::new(message.payload().unwrap_or_default().to_vec()), attempt, topic_id }
}

/// How often a message with these headers has been replayed.
pub(super) fn attempt(headers: &impl Headers) -> u32 {
    let of = headers.iter().find(|header| header.key == ATTEMPT).and_then(|header| header.value);
    of.and_then(|value| str::from_utf8(value).ok()?.parse().ok()).unwrap_or(0)
}
