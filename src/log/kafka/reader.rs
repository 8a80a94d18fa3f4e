//! Reads a topic: librdkafka fetches into a bounded queue for each partition, and `poll` takes from them in turn.

use std::{
    collections::{BTreeMap, BTreeSet},
    sync::{
        Arc, Condvar, Mutex, MutexGuard, PoisonError,
        mpsc::{Receiver, TryRecvError, sync_channel},
    },
    time::{Duration, Instant},
};

use rdkafka::consumer::{BaseConsumer, base_consumer::PartitionQueue};

use super::{
    address::Settings,
    commits::Commits,
    committer::Committer,
    context::Context,
    fault::unavailable,
    keeper::{Keeper, taken},
    office::Office,
    options,
    start::Extent,
};
use crate::{
    background::{FAREWELL, Thread},
    delivery::{Health, Unavailable},
    log::{Lag, Message, Offset, Offsets, PartitionId, Reader, Share, Wake},
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
    /// The next offset to read.
    pub(super) next: u64,
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
    stop: bool,
}

/// What the reader, its keeper and librdkafka's callbacks share.
#[derive(Default)]
pub(super) struct Shared {
    state: Mutex<State>,
    /// Something is to be committed, or was, or it is time to end.
    commits_changed: Condvar,
}

impl Shared {
    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
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

    pub(super) fn begins(&self, partition: PartitionId, start: u64, committed: Option<Offset>, extent: Extent) {
        let mut state = self.state();
        state.places.insert(partition, Place { start, high: extent.high });
        // One that is out of range is not to be kept alive.
        if let Some(offset) = committed.filter(|offset| offset.0 == start) {
            state.commits.found(partition, offset);
        }
    }

    pub(super) fn extends(&self, partition: PartitionId, extent: Extent) {
        if let Some(place) = self.state().places.get_mut(&partition) {
            place.high = extent.high;
        }
    }

    /// Waits for a commit that is due; `None` once the reader is gone.
    pub(super) fn next_commit(&self) -> Option<Offsets> {
        let mut state = self.state();
        while !state.stop {
            if let Some(offsets) = state.commits.due() {
                return Some(offsets);
            }
            let pause = state.commits.pause().unwrap_or(LOOK_EVERY);
            state = self.commits_changed.wait_timeout(state, pause).unwrap_or_else(PoisonError::into_inner).0;
        }
        None
    }

    pub(super) fn commit_ended(&self, offsets: &Offsets, outcome: Result<(), Unavailable>) {
        self.state().commits.ended(offsets, outcome);
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
        let consumer = options::consumer(settings)
            .create_with_context(Context(Arc::clone(&shared)))
            .map_err(|error| unavailable("cannot start a consumer", &error))?;
        let consumer: Arc<BaseConsumer<Context>> = Arc::new(consumer);
        let (send, arrivals) = sync_channel(ARRIVALS_MAX);
        let office = Arc::new(Office::new(options::clerk(settings)));
        let committer =
            Committer { office: Arc::clone(&office), topic: settings.topic.clone(), shared: Arc::clone(&shared) };
        let mut keeper = Keeper {
            consumer,
            office,
            topic: settings.topic.clone(),
            group: settings.group.clone(),
            share,
            assigned: BTreeSet::new(),
            shared: Arc::clone(&shared),
            arrivals: send,
            wake,
            health,
        };
        let started = Thread::start("kafka-read", move || keeper.run())
            .and_then(|keeper| Ok([keeper, Thread::start("kafka-commit", move || committer.run())?]));
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
                Ok(Arrival::Message(message)) => into.push(message),
                Err(TryRecvError::Empty | TryRecvError::Disconnected) => return,
            }
        }
    }
}

impl Queue {
    /// Moves at most `messages_max` messages; true if the queue was not emptied.
    fn take(&mut self, messages_max: usize, into: &mut Vec<Message>, shared: &Shared) -> bool {
        for _ in 0..messages_max {
            match self.queue.poll(Duration::ZERO) {
                None => return false,
                Some(Ok(message)) => {
                    let message = taken(&message);
                    self.next = message.position.offset.next().0;
                    into.push(message);
                }
                Some(Err(error)) => {
                    let fault = unavailable(&format!("cannot read partition {}", self.partition.0), &error);
                    shared.state().faults.insert(self.partition, (Instant::now(), fault));
                }
            }
        }
        true
    }
}

impl Reader for KafkaReader {
    fn poll(&mut self, messages_max: usize, into: &mut Vec<Message>) -> bool {
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
        into.len() == end
    }

    fn commit(&mut self, offsets: &Offsets) {
        self.shared.state().commits.want(offsets);
        self.shared.commits_changed.notify_all();
    }

    fn renew(&mut self) {
        self.shared.state().commits.renew();
        self.shared.commits_changed.notify_all();
    }

    fn close(&mut self, deadline: Instant) -> Result<(), Unavailable> {
        let limit = deadline.saturating_duration_since(Instant::now());
        let waited = self
            .shared
            .commits_changed
            .wait_timeout_while(self.shared.state(), limit, |state| !state.commits.settled());
        let state = waited.unwrap_or_else(PoisonError::into_inner).0;
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
        let deadline = Instant::now() + FAREWELL;
        self.threads.iter().for_each(|thread| thread.wait(deadline.saturating_duration_since(Instant::now())));
    }
}
