//! The intake of one worker: messages become events or dead letters, and offsets are committed behind both (rule 6).
//!
//! All messages are read at every start, so that a committed offset says which of them have had their dead letters.

use std::{
    cell::LazyCell,
    collections::VecDeque,
    marker::PhantomData,
    time::{Duration, Instant},
};

use engine::{
    delivery::{Delivery, WriterGone},
    live::Live,
    log::{DeadLetter, Message, Offsets, Reader},
    request::{Malformed, MalformedKind},
};

use super::{counters::Counters, keep::EventOf, open::Opened};

/// Least interval between commits: an offset that is not committed costs a dead letter that is written twice.
const COMMIT_INTERVAL: Duration = Duration::from_secs(1);
/// Interval at which offsets are committed again without traffic: brokers delete the commits of idle groups.
const RENEW_INTERVAL: Duration = Duration::from_secs(3600);
/// Upper bound on the batches with dead letters that are not durable. While they are as many, nothing is read.
const BATCHES_MAX: usize = 8;

/// Reads messages, decodes them, and keeps account of what is handled.
pub(super) struct Intake<L: Live> {
    reader: Box<dyn Reader>,
    /// The partitions that the reader owns.
    partitions: usize,
    dead_letters: Delivery<DeadLetter>,
    /// The offsets behind each batch that was read, with the number of its dead letters that are not durable.
    waiting: VecDeque<Batch>,
    next_token: u64,
    /// True if a dead letter may be missing: then no offset is committed, so that the next start writes it.
    is_writer_gone: bool,
    /// Offsets that can be committed.
    handled: Offsets,
    committed_at: Instant,
    renewed_at: Instant,
    messages: Vec<Message>,
    domain: PhantomData<fn() -> L>,
}

struct Batch {
    token: u64,
    next: Offsets,
}

impl<L: Live> Intake<L> {
    pub(super) fn new(Opened { reader, partitions, dead_letters }: Opened) -> Self {
        let now = Instant::now();
        Intake {
            reader,
            partitions,
            dead_letters,
            waiting: VecDeque::new(),
            next_token: 0,
            is_writer_gone: false,
            handled: Offsets::new(),
            committed_at: now,
            renewed_at: now,
            messages: Vec::new(),
            domain: PhantomData,
        }
    }

    /// Appends the events of at most `messages_max` messages, without blocking. Returns whether more are ready.
    pub(super) fn poll(&mut self, messages_max: usize, events: &mut Vec<EventOf<L>>, counters: &Counters) -> bool {
        let has_room = messages_max > 0 && self.waiting.len() < BATCHES_MAX;
        let more = has_room && self.read(messages_max, events, counters);
        if let Err(gone) = self.settle() {
            // The thread ends by a defect only: events go on.
            tracing::error!("{gone}: dead letters of events are not written until the next start");
            self.is_writer_gone = true;
            self.waiting.clear();
            self.handled.clear();
        }
        if !self.handled.is_empty() && self.committed_at.elapsed() >= COMMIT_INTERVAL {
            self.reader.commit(&std::mem::take(&mut self.handled));
            self.committed_at = Instant::now();
        }
        if self.renewed_at.elapsed() >= RENEW_INTERVAL {
            self.reader.renew();
            self.renewed_at = Instant::now();
        }
        more
    }

    /// Returns whether all messages were read that the log had when it was opened.
    pub(super) fn is_exhausted(&self) -> bool {
        self.reader.exhausted() >= self.partitions
    }

    fn read(&mut self, messages_max: usize, events: &mut Vec<EventOf<L>>, counters: &Counters) -> bool {
        let more = self.reader.poll(messages_max, &mut self.messages);
        if self.messages.is_empty() {
            return more;
        }
        counters.read.add(self.messages.len());
        let reader = &self.reader;
        let committed = LazyCell::new(|| reader.committed());
        let (mut next, mut letters) = (Offsets::new(), Vec::new());
        for message in self.messages.drain(..) {
            let position = message.position;
            next.insert(position.partition, position.offset.next());
            match decode::<L>(&message) {
                Ok(event) => events.push(event),
                // An earlier run has written its dead letter.
                Err(_) if committed.get(&position.partition).is_some_and(|next| position.offset < *next) => {}
                Err(malformed) => letters.push(dead_letter(message, malformed)),
            }
        }
        counters.broken.add(letters.len());
        if let Some(letter) = letters.first() {
            let (partition, offset) = (letter.position.partition.0, letter.position.offset.0);
            let count = letters.len();
            tracing::warn!("{count} dead letters of events: partition {partition} offset {offset}: {}", letter.reason);
        }
        if self.is_writer_gone {
            return more;
        }
        if letters.is_empty() && self.waiting.is_empty() {
            self.handled.extend(next);
        } else {
            let token = self.next_token;
            self.next_token += 1;
            self.waiting.push_back(Batch { token, next });
            // An empty batch settles as well, behind those before it. If the writer is gone, the next poll of it tells.
            let _ = self.dead_letters.submit(token, letters);
        }
        more
    }

    /// Takes what is durable. Batches settle in their order.
    fn settle(&mut self) -> Result<(), WriterGone> {
        while !self.waiting.is_empty()
            && let Some(settled) = self.dead_letters.poll()?
        {
            for refused in settled.refused {
                tracing::error!("a dead letter of an event is refused, and is lost: {}", refused.reason);
            }
            if self.waiting.front().is_some_and(|batch| batch.token == settled.token) {
                self.handled.extend(self.waiting.pop_front().into_iter().flat_map(|batch| batch.next));
            }
        }
        Ok(())
    }
}

fn decode<L: Live>(message: &Message) -> Result<EventOf<L>, Malformed> {
    let bytes = message.payload.len();
    if bytes > L::EVENT_BYTES_MAX {
        let reason = format!("the message has {bytes} bytes, more than {}", L::EVENT_BYTES_MAX);
        return Err(Malformed::new(None, MalformedKind::TooLong, reason));
    }
    L::decode_event(message.payload.bytes())
}

fn dead_letter(message: Message, Malformed { id, reason, kind }: Malformed) -> DeadLetter {
    DeadLetter::new(message, id, reason, kind.into())
}
