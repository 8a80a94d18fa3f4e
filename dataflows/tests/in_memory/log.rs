//! The log in memory. It checks every commit against the store: an offset beyond the durable records is a breach.

use std::{
    collections::{BTreeMap, BTreeSet},
    sync::Arc,
    thread,
    time::{Duration, Instant},
};

use engine::{
    delivery::{Health, Refusal, Unavailable, Writer},
    domain::Domain,
    finding::Finding,
    log::{
        DeadLetter, DeadLetterReader, DeadLetterSpan, Lag, Log, Message, Offset, Offsets, PartitionId, Payload,
        Position, Producer, Reader, Share, Start, Topic, TopicOptions, Wake,
    },
    runtime::Mutex,
};

use super::{MemoryStore, domain::Readings};

#[derive(Default)]
struct State {
    partitions: Vec<Vec<Vec<u8>>>,
    committed: Offsets,
    dead_letters: BTreeMap<(PartitionId, Offset), DeadLetter>,
    wakes: Vec<Wake>,
    breaches: Vec<String>,
    reads: Vec<(Share, Position)>,
    holds_dead_letters: bool,
    breaks_writers: bool,
    hides_ends: bool,
}

pub struct MemoryLog {
    state: Arc<Mutex<State>>,
    store: Arc<MemoryStore>,
}

impl MemoryLog {
    pub fn new(partitions: usize, store: &Arc<MemoryStore>) -> Arc<Self> {
        let state = State { partitions: vec![vec![]; partitions], ..State::default() };
        Arc::new(MemoryLog { state: Arc::new(Mutex::new(state)), store: Arc::clone(store) })
    }

    pub fn append(&self, partition: usize, payload: Vec<u8>) {
        let mut state = self.state.lock();
        state.partitions[partition].push(payload);
        state.wakes.iter().for_each(|wake| wake());
    }

    pub fn add_partition(&self) {
        self.state.lock().partitions.push(vec![]);
    }

    /// Returns the number of messages that are not committed.
    pub fn uncommitted(&self) -> usize {
        let state = self.state.lock();
        let all: usize = state.partitions.iter().map(Vec::len).sum();
        all - state.committed.values().map(|offset| offset.0 as usize).sum::<usize>()
    }

    pub fn dead_letters(&self) -> Vec<DeadLetter> {
        self.state.lock().dead_letters.values().cloned().collect()
    }

    /// Makes writes of dead letters block while `hold` is true.
    pub fn hold_dead_letters(&self, hold: bool) {
        self.state.lock().holds_dead_letters = hold;
    }

    /// Makes the thread of each writer of dead letters end at its next write, as by a defect.
    #[allow(dead_code, reason = "for those of the live state")]
    pub fn break_writers_of_dead_letters(&self) {
        self.state.lock().breaks_writers = true;
    }

    /// Makes readers know no ends of partitions while `hide` is true.
    #[allow(dead_code, reason = "for those that follow")]
    pub fn hide_ends(&self, hide: bool) {
        self.state.lock().hides_ends = hide;
    }

    pub fn reads(&self) -> Vec<(Share, Position)> {
        self.state.lock().reads.clone()
    }

    /// Returns the commits beyond the durable records.
    pub fn breaches(&self) -> Vec<String> {
        self.state.lock().breaches.clone()
    }
}

impl Log for MemoryLog {
    fn describe(&self) -> String {
        "in memory".into()
    }

    fn partitions(&self) -> Result<u32, Unavailable> {
        Ok(self.state.lock().partitions.len() as u32)
    }

    fn reader(&self, share: Share, start: Start, wake: Wake, _: Arc<Health>) -> Result<Box<dyn Reader>, Unavailable> {
        self.state.lock().wakes.push(wake);
        Ok(Box::new(MemoryReader {
            state: Arc::clone(&self.state),
            store: Arc::clone(&self.store),
            share,
            start,
            next: BTreeMap::new(),
            committed: Offsets::new(),
            pending: Offsets::new(),
        }))
    }

    fn producer(&self) -> Result<Arc<dyn Producer>, Unavailable> {
        Err(Unavailable::transient("messages are appended by the test"))
    }

    fn dead_letters(&self) -> Result<Box<dyn Writer<DeadLetter>>, Unavailable> {
        Ok(Box::new(DeadLetters(Arc::clone(&self.state))))
    }

    fn create_topics(&self, _: &TopicOptions) -> Result<Vec<Topic>, Unavailable> {
        Ok(Vec::new())
    }

    fn inspect(&self) -> Vec<Finding> {
        Vec::new()
    }

    fn read_dead_letters(&self, span: DeadLetterSpan<'_>) -> Result<Box<dyn DeadLetterReader>, Unavailable> {
        Ok(Box::new(Letters { state: Arc::clone(&self.state), read: BTreeSet::new(), follow: span.follow }))
    }
}

struct MemoryReader {
    state: Arc<Mutex<State>>,
    store: Arc<MemoryStore>,
    share: Share,
    start: Start,
    next: BTreeMap<usize, usize>,
    /// The committed offsets: the group's when the partition was first read, and then this reader's.
    committed: Offsets,
    /// The pending commits: like in any log they are acknowledged later, at the next poll or when the reader is closed.
    pending: Offsets,
}

impl MemoryReader {
    fn acknowledge(&mut self) {
        self.committed.extend(&self.pending);
        self.state.lock().committed.append(&mut self.pending);
    }
}

impl Reader for MemoryReader {
    fn poll(&mut self, messages_max: usize, into: &mut Vec<Message>) -> bool {
        self.acknowledge();
        let mut state = self.state.lock();
        let State { partitions, committed, reads, .. } = &mut *state;
        for (index, messages) in partitions.iter().enumerate() {
            let partition = PartitionId(index as u32);
            if !self.share.owns(partition) {
                continue;
            }
            let next = self.next.entry(index).or_insert_with(|| {
                let committed = committed.get(&partition).copied();
                self.committed.extend(committed.map(|offset| (partition, offset)));
                match self.start {
                    Start::Committed => committed.map_or(0, |offset| offset.0 as usize),
                    Start::Earliest => 0,
                }
            });
            for (offset, payload) in messages.iter().enumerate().skip(*next) {
                if into.len() == messages_max {
                    return true;
                }
                let position = Position { partition, offset: Offset(offset as u64) };
                into.push(Message { position, payload: Payload::new(payload.clone()), attempt: 0, topic_id: None });
                reads.push((self.share, position));
                *next = offset + 1;
            }
        }
        false
    }

    fn committed(&self) -> Offsets {
        self.committed.clone()
    }

    fn commit(&mut self, offsets: &Offsets) {
        let mut state = self.state.lock();
        for (partition, next) in offsets {
            for offset in 0..next.0 {
                let payload = &state.partitions[partition.0 as usize][offset as usize];
                let answered =
                    Readings::decode(payload).is_ok_and(|request| self.store.is_durable(request.id.as_str()));
                if !answered && !state.dead_letters.contains_key(&(*partition, Offset(offset))) {
                    let breach = format!("committed {partition:?} {next:?}, but {offset} is not durable");
                    state.breaches.push(breach);
                }
            }
        }
        let lowers = |(partition, offset): &(&PartitionId, &Offset)| {
            self.start == Start::Earliest && self.committed.get(partition).is_some_and(|committed| *offset < committed)
        };
        self.pending.extend(offsets.iter().filter(|offset| !lowers(offset)));
    }

    fn renew(&mut self) {}

    fn close(&mut self, _: Instant) -> Result<(), Unavailable> {
        self.acknowledge();
        Ok(())
    }

    fn lag(&self) -> Option<Lag> {
        let State { partitions, committed, .. } = &*self.state.lock();
        let lags = partitions.iter().zip(0..).map(|(messages, number)| {
            let done = committed.get(&PartitionId(number)).map_or(0, |offset| offset.0);
            (PartitionId(number), messages.len() as u64 - done)
        });
        Some(lags.filter(|(partition, _)| self.share.owns(*partition)).collect())
    }

    fn exhausted(&self) -> usize {
        let State { partitions, hides_ends, .. } = &*self.state.lock();
        self.next.iter().filter(|(index, next)| !hides_ends && **next == partitions[**index].len()).count()
    }
}

/// Reads all dead letters, from the first.
struct Letters {
    state: Arc<Mutex<State>>,
    read: BTreeSet<(PartitionId, Offset)>,
    follow: bool,
}

impl DeadLetterReader for Letters {
    fn next(&mut self, letters_max: usize, _: Duration) -> Result<Vec<DeadLetter>, Unavailable> {
        let state = self.state.lock();
        let new = state.dead_letters.iter().filter(|(position, _)| !self.read.contains(position)).take(letters_max);
        let (positions, letters): (Vec<_>, Vec<_>) = new.map(|(position, letter)| (*position, letter.clone())).unzip();
        self.read.extend(positions);
        Ok(letters)
    }

    fn is_done(&self) -> bool {
        !self.follow && self.read.len() == self.state.lock().dead_letters.len()
    }

    fn commit(&mut self) -> Result<(), Unavailable> {
        Ok(())
    }
}

struct DeadLetters(Arc<Mutex<State>>);

impl Writer<DeadLetter> for DeadLetters {
    fn write(&mut self, rows: &[DeadLetter]) -> Result<Vec<Refusal>, Unavailable> {
        while self.0.lock().holds_dead_letters {
            thread::sleep(Duration::from_millis(1));
        }
        let breaks = self.0.lock().breaks_writers;
        assert!(!breaks, "a defect");
        let mut state = self.0.lock();
        for row in rows {
            state.dead_letters.entry((row.position.partition, row.position.offset)).or_insert_with(|| row.clone());
        }
        Ok(vec![])
    }
}
