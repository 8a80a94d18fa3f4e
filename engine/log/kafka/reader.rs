//! Reads a topic: librdkafka fetches into a bounded queue for each partition, and `poll` takes from them in turn.
//!
//! When the topic turns out to be another one, the keeper says so, and the reader hands out nothing more. Once all that
//! it has handed out has come back through `commit` it lets go of its queues, and the keeper starts over: so no offset
//! of the former topic can be taken for one of the new topic.

use std::{
    collections::{BTreeMap, BTreeSet},
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
        mpsc::{Receiver, TryRecvError, sync_channel},
    },
    time::{Duration, Instant},
};

use rdkafka::{consumer::base_consumer::PartitionQueue, error::RDKafkaErrorCode as Code};

use super::{
    address::Settings,
    commits::{Commits, Due},
    committer::Committer,
    context::Context,
    fault::unavailable,
    identity::Identity,
    keeper::{Keeper, taken},
    office::Office,
    options,
    progress::{HeldBack, Marks, Source},
    start::{Basis, Extent, Positions},
};
use crate::{
    delivery::{Health, Unavailable},
    log::{Lag, Message, Offset, Offsets, PartitionId, Position, Reader, Share, TopicId, Wake},
    runtime::{Condvar, JOIN_TIMEOUT, Mutex, MutexGuard, Thread},
};

/// One partition gives at most this many messages at a time, then it is the next one's turn.
const CHUNK_MESSAGES_MAX: usize = 256;
/// An error in reading a partition counts this long, unless a message comes: librdkafka says it once.
const FAULT_STANDS: Duration = Duration::from_secs(30);
/// A thread that hears nothing looks by itself after this time.
const LOOK_EVERY: Duration = Duration::from_secs(1);
/// At most this many new partitions wait to be taken up by `poll`.
const ARRIVALS_MAX: usize = 1024;

/// The messages of one partition.
pub(super) struct Queue {
    pub(super) partition: PartitionId,
    pub(super) queue: PartitionQueue<Context>,
    pub(super) marks: Arc<Marks>,
    /// Of the topic that it was made for.
    pub(super) topic_id: Option<TopicId>,
    /// Behind the last message that was handed out.
    pub(super) next: u64,
    /// Behind the last message that has come back through `commit`.
    pub(super) returned: u64,
    /// From `next` to here there is no message.
    pub(super) clear_to: u64,
}

/// What the keeper hands to the reader.
pub(super) enum Arrival {
    Partition(Queue),
    Message(Message),
}

/// What is known of an owned partition.
#[derive(Debug, Clone, Copy)]
struct Place {
    /// Where reading started.
    start: u64,
    /// The offset that the next message will get, when last seen.
    high: u64,
}

#[derive(Default)]
struct State {
    commits: Commits,
    places: BTreeMap<PartitionId, Place>,
    /// The last error that belongs to no call.
    complaint: Option<Unavailable>,
    faults: BTreeMap<PartitionId, (Instant, Unavailable)>,
    /// Partitions that librdkafka has stopped reading, because its position is out of range.
    out_of_range: BTreeSet<PartitionId>,
    leaving: Leaving,
    stop: bool,
}

/// The state of leaving the topic.
#[derive(Default)]
enum Leaving {
    #[default]
    No,
    /// Messages that were handed out have not all come back yet.
    Waiting,
    /// Nothing is on its way any more; this far it was read.
    Left(Positions),
}

/// What the reader, its keeper and librdkafka's callbacks share.
#[derive(Default)]
pub(super) struct Shared {
    state: Mutex<State>,
    /// Something is to be committed, or was, or it is time to end.
    commits_changed: Condvar,
    /// True while the topic is being left, for `poll` to see at no cost.
    leaving: AtomicBool,
}

impl Shared {
    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock()
    }

    pub(super) fn stopping(&self) -> bool {
        self.state().stop
    }

    pub(super) fn complain(&self, complaint: Unavailable) {
        self.state().complaint = Some(complaint);
    }

    pub(super) fn has_complaint(&self) -> bool {
        self.state().complaint.is_some()
    }

    /// What to report after a survey: the complaint says more than a call that got no answer.
    pub(super) fn fault(&self, survey: Result<(), Unavailable>) -> Option<Unavailable> {
        let mut state = self.state();
        let complaint = state.complaint.take();
        if let Err(error) = survey {
            return Some(if error.needs_operator { error } else { complaint.unwrap_or(error) });
        }
        state.faults.retain(|_, (at, _)| at.elapsed() < FAULT_STANDS);
        let fault = state.faults.values().next().map(|(_, fault)| fault.clone());
        fault.or_else(|| state.commits.failure().cloned())
    }

    /// Offsets that are committed from now on belong to this topic.
    pub(super) fn reads(&self, topic: Option<TopicId>) {
        self.state().commits.begin(topic);
    }

    pub(super) fn begins(&self, partition: PartitionId, start: u64, committed: Option<Offset>, extent: Extent) {
        let mut state = self.state();
        state.places.insert(partition, Place { start, high: extent.high });
        // One that is out of range is not to be kept alive.
        if let Some(offset) = committed.filter(|offset| offset.0 == start) {
            state.commits.found(partition, offset);
        }
        // The start is committed: it says which topic it belongs to, and that a scorer is there.
        state.commits.want_start(partition, Offset(start));
        drop(state);
        self.commits_changed.notify_all();
    }

    /// The topic is another one, or is to be read from elsewhere: nothing more is handed out or committed.
    pub(super) fn leave(&self) {
        let mut state = self.state();
        state.commits.leave();
        state.places.clear();
        state.leaving = Leaving::Waiting;
        self.leaving.store(true, Ordering::Release);
        drop(state);
        self.commits_changed.notify_all();
    }

    /// Returns whether the topic is left: all messages that were handed out have come back.
    pub(super) fn has_left(&self) -> bool {
        matches!(self.state().leaving, Leaving::Left(_))
    }

    /// Ends the leaving: how far the partitions were read; `None` if something is on its way still.
    pub(super) fn end_leaving(&self) -> Option<Positions> {
        let mut state = self.state();
        let Leaving::Left(positions) = &mut state.leaving else { return None };
        let positions = std::mem::take(positions);
        state.leaving = Leaving::No;
        state.faults.clear();
        state.out_of_range.clear();
        self.leaving.store(false, Ordering::Release);
        Some(positions)
    }

    pub(super) fn is_out_of_range(&self) -> bool {
        !self.state().out_of_range.is_empty()
    }

    /// The partitions whose position is out of range.
    pub(super) fn out_of_range(&self) -> Vec<u32> {
        self.state().out_of_range.iter().map(|partition| partition.0).collect()
    }

    pub(super) fn extends(&self, partition: PartitionId, extent: Extent) {
        if let Some(place) = self.state().places.get_mut(&partition) {
            place.high = extent.high;
        }
    }

    /// Waits for a commit that is due; `None` once the reader is gone.
    pub(super) fn next_commit(&self) -> Option<Due> {
        let mut state = self.state();
        while !state.stop {
            if let Some(due) = state.commits.due() {
                return Some(due);
            }
            let pause = state.commits.pause().unwrap_or(LOOK_EVERY);
            state = self.commits_changed.wait_timeout(state, pause);
        }
        None
    }

    pub(super) fn commit_ended(&self, due: &Due, outcome: Result<(), Unavailable>) {
        self.state().commits.ended(due, outcome);
        self.commits_changed.notify_all();
    }
}

/// The near end. Dropping it ends the threads.
pub(super) struct KafkaReader {
    shared: Arc<Shared>,
    arrivals: Option<Receiver<Arrival>>,
    queues: Vec<Queue>,
    turn: usize,
    threads: [Thread; 2],
}

impl KafkaReader {
    /// Starts to read. Nothing here waits for a broker: an outage is borne by the keeper.
    pub(super) fn start(
        settings: &Settings,
        share: Share,
        wake: Wake,
        health: Arc<Health>,
    ) -> Result<Self, Unavailable> {
        let shared = Arc::new(Shared::default());
        let config = options::consumer(settings);
        let source = Source::start(&config, &settings.topic, &shared)?;
        let (send, arrivals) = sync_channel(ARRIVALS_MAX);
        let office = Arc::new(Office::new(options::clerk(settings)));
        let committer =
            Committer { office: Arc::clone(&office), topic: settings.topic.clone(), shared: Arc::clone(&shared) };
        let mut keeper = Keeper {
            config,
            source,
            office,
            topic: settings.topic.clone(),
            group: settings.group.clone(),
            share,
            identity: Identity::default(),
            basis: Basis::Group,
            assigned: BTreeSet::new(),
            leaving_for: None,
            held_back: HeldBack::default(),
            closing: None,
            shared: Arc::clone(&shared),
            arrivals: send,
            wake,
            health,
        };
        let started = Thread::spawn("kafka-read", move || keeper.run())
            .and_then(|keeper| Ok([keeper, Thread::spawn("kafka-commit", move || committer.run())?]));
        let threads = started.map_err(|error| {
            shared.state().stop = true;
            Unavailable::transient(format!("cannot start a thread: {error}"))
        })?;
        Ok(KafkaReader { shared, arrivals: Some(arrivals), queues: Vec::new(), turn: 0, threads })
    }

    fn arrive(&mut self, messages_max: usize, into: &mut Vec<Message>) {
        let Some(arrivals) = &self.arrivals else { return };
        let before = into.len();
        while into.len() - before < messages_max {
            match arrivals.try_recv() {
                Ok(Arrival::Partition(queue)) => self.queues.push(queue),
                Ok(Arrival::Message(message)) => {
                    let Position { partition, offset } = message.position;
                    let queue = self.queues.iter_mut().find(|queue| queue.partition == partition);
                    queue.into_iter().for_each(|queue| queue.next = queue.next.max(offset.next().0));
                    into.push(message);
                }
                Err(TryRecvError::Empty | TryRecvError::Disconnected) => return,
            }
        }
    }

    /// Lets go of the topic once all that was handed out has come back.
    fn leave(&mut self) {
        // What has arrived and was not handed out is read again, if it is there.
        while let Some(Ok(arrival)) = self.arrivals.as_ref().map(Receiver::try_recv) {
            if let Arrival::Partition(queue) = arrival {
                self.queues.push(queue);
            }
        }
        if !self.queues.iter().all(Queue::has_all_back) {
            return;
        }
        let mut state = self.shared.state();
        // A position that was out of range is not used again: the log may have grown beyond it since, with other messages.
        let out = &state.out_of_range;
        let position =
            |queue: Queue| (queue.partition, (!out.contains(&queue.partition)).then_some(Offset(queue.next)));
        let positions = self.queues.drain(..).map(position).collect();
        if let Leaving::Waiting = state.leaving {
            state.leaving = Leaving::Left(positions);
        }
    }

    /// Wants committed what is behind the last message of a partition, where that is all handled.
    fn clear(&mut self) {
        for queue in &mut self.queues {
            if let Some(offset) = queue.clear() {
                self.shared.state().commits.want_besides(queue.partition, offset);
                self.shared.commits_changed.notify_all();
            }
        }
    }
}

impl Queue {
    /// Moves at most `messages_max` messages; true if the queue was not emptied.
    fn take(&mut self, messages_max: usize, into: &mut Vec<Message>, shared: &Shared) -> bool {
        // Read before the queue is: what stands before it is in the queue by now, or was.
        let fetched = self.marks.fetched();
        for _ in 0..messages_max {
            match self.queue.poll(Duration::ZERO) {
                None => {
                    self.clear_to = self.clear_to.max(fetched);
                    return false;
                }
                Some(Ok(message)) => {
                    let message = taken(&message, self.topic_id);
                    self.next = message.position.offset.next().0;
                    into.push(message);
                }
                Some(Err(error)) => {
                    let fault = unavailable(&format!("cannot read partition {}", self.partition.0), &error);
                    let mut state = shared.state();
                    if error.rdkafka_error_code() == Some(Code::AutoOffsetReset) {
                        state.out_of_range.insert(self.partition);
                    }
                    state.faults.insert(self.partition, (Instant::now(), fault));
                }
            }
        }
        true
    }

    /// Returns whether no message that was handed out is outstanding.
    fn has_all_back(&self) -> bool {
        self.returned >= self.next
    }

    /// Moves beyond what is no message, if all before it is handled; where to, if that is news.
    fn clear(&mut self) -> Option<Offset> {
        if self.clear_to <= self.next || !self.has_all_back() {
            return None;
        }
        (self.next, self.returned) = (self.clear_to, self.clear_to);
        Some(Offset(self.clear_to))
    }
}

impl Reader for KafkaReader {
    fn poll(&mut self, messages_max: usize, into: &mut Vec<Message>) -> bool {
        if self.shared.leaving.load(Ordering::Acquire) {
            self.leave();
            return false;
        }
        let end = into.len() + messages_max;
        self.arrive(messages_max, into);
        let mut empty = 0;
        while into.len() < end && empty < self.queues.len() {
            self.turn = (self.turn + 1) % self.queues.len();
            let Some(queue) = self.queues.get_mut(self.turn) else { break };
            let before = into.len();
            let more = queue.take(CHUNK_MESSAGES_MAX.min(end - before), into, &self.shared);
            if into.len() > before {
                self.shared.state().faults.remove(&queue.partition);
            }
            empty = if more { 0 } else { empty + 1 };
        }
        self.clear();
        into.len() == end
    }

    fn commit(&mut self, offsets: &Offsets) {
        for queue in &mut self.queues {
            queue.returned = offsets.get(&queue.partition).map_or(queue.returned, |offset| offset.0);
        }
        if self.shared.leaving.load(Ordering::Acquire) {
            return self.leave();
        }
        self.shared.state().commits.want(offsets);
        self.shared.commits_changed.notify_all();
        self.clear();
    }

    fn renew(&mut self) {
        self.shared.state().commits.renew();
        self.shared.commits_changed.notify_all();
    }

    fn close(&mut self, deadline: Instant) -> Result<(), Unavailable> {
        let limit = deadline.saturating_duration_since(Instant::now());
        let state = self
            .shared
            .commits_changed
            .wait_timeout_while(self.shared.state(), limit, |state| !state.commits.settled());
        match (state.commits.settled(), state.commits.failure()) {
            (true, _) => Ok(()),
            (false, Some(failure)) => Err(failure.clone()),
            (false, None) => Err(Unavailable::transient("the last offsets were not committed in time")),
        }
    }

    fn lag(&self) -> Option<Lag> {
        let state = self.shared.state();
        let lag = |(partition, place): (&PartitionId, &Place)| {
            let read = self.queues.iter().find(|queue| queue.partition == *partition).map_or(0, |queue| queue.next);
            let committed = state.commits.committed().get(partition).map_or(place.start, |offset| offset.0);
            (*partition, place.high.max(read).saturating_sub(committed))
        };
        Some(state.places.iter().map(lag).collect())
    }
}

impl Drop for KafkaReader {
    fn drop(&mut self) {
        // The consumer must not outlive its queues, and its last owner waits while it closes: that is one of the threads.
        self.queues.clear();
        self.arrivals = None;
        self.shared.state().stop = true;
        self.shared.commits_changed.notify_all();
        let deadline = Instant::now() + JOIN_TIMEOUT;
        self.threads.iter().for_each(|thread| thread.join(deadline.saturating_duration_since(Instant::now())));
    }
}
