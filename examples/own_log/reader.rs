//! The reader: a thread looks for new lines, reads them into a bounded buffer, and commits offsets.

use std::{
    collections::{BTreeMap, VecDeque},
    fs::{self, File},
    io::{self, Write},
    path::PathBuf,
    sync::Arc,
    time::{Duration, Instant},
};

use engine::{
    delivery::{Health, Unavailable},
    log::{Lag, Message, Offset, Offsets, PartitionId, Reader, Share, Start, Wake},
    runtime::{Backoff, Condvar, Mutex, Stop, Thread},
};

use crate::partition::{Cursor, Partitions};

/// Interval at which the thread looks for new lines and for offsets to commit.
const INTERVAL: Duration = Duration::from_millis(10);
/// Upper bound on the messages that wait to be polled.
pub(crate) const READ_AHEAD_MAX: usize = 256;

/// The parts that the thread and the handle share.
#[derive(Default)]
struct Shared {
    state: Mutex<State>,
    committed: Condvar,
}

#[derive(Default)]
struct State {
    buffer: VecDeque<Message>,
    /// To be committed.
    pending: Offsets,
    committed: Offsets,
    ends: Offsets,
}

/// The handle of a reading thread, which ends after it is dropped.
pub(crate) struct FolderReader {
    shared: Arc<Shared>,
    stop: Stop,
}

impl FolderReader {
    pub(crate) fn start(
        partitions: &Partitions,
        group: &str,
        (share, start): (Share, Start),
        wake: Wake,
        health: Arc<Health>,
    ) -> Result<Self, Unavailable> {
        let (shared, stop) = (Arc::<Shared>::default(), Stop::default());
        let (partitions, group) = (partitions.clone(), group.to_owned());
        let (tail_shared, cursors) = (Arc::clone(&shared), BTreeMap::new());
        let mut tail = Tail { partitions, group, share, start, wake, shared: tail_shared, cursors };
        let (stopped, folder) = (stop.clone(), tail.partitions.clone());
        Thread::spawn("folder-read", move || tail.run(&stopped, &health))
            .map_err(|error| folder.unavailable(&error))?;
        Ok(FolderReader { shared, stop })
    }
}

impl Drop for FolderReader {
    fn drop(&mut self) {
        self.stop.request();
    }
}

impl Reader for FolderReader {
    fn poll(&mut self, messages_max: usize, into: &mut Vec<Message>) -> bool {
        let buffer = &mut self.shared.state.lock().buffer;
        into.extend(buffer.drain(..messages_max.min(buffer.len())));
        !buffer.is_empty()
    }

    fn committed(&self) -> Offsets {
        self.shared.state.lock().committed.clone()
    }

    /// Commits no offset that is below the committed one: a reader that has started at the first line comes by them.
    fn commit(&mut self, offsets: &Offsets) {
        let State { pending, committed, .. } = &mut *self.shared.state.lock();
        pending.extend(offsets.iter().filter(|(partition, offset)| committed.get(partition) < Some(*offset)));
    }

    /// The offsets of idle groups do not expire.
    fn renew(&mut self) {}

    fn close(&mut self, deadline: Instant) -> Result<(), Unavailable> {
        let limit = deadline.saturating_duration_since(Instant::now());
        let Shared { state, committed } = &*self.shared;
        let state = committed.wait_timeout_while(state.lock(), limit, |state| !state.pending.is_empty());
        let late = || Unavailable::transient("the last offsets were not committed in time");
        if state.pending.is_empty() { Ok(()) } else { Err(late()) }
    }

    fn lag(&self) -> Option<Lag> {
        let State { committed, ends, .. } = &*self.shared.state.lock();
        let committed = |partition| committed.get(partition).map_or(0, |offset| offset.0);
        let lag = ends.iter().map(|(partition, end)| (*partition, end.0.saturating_sub(committed(partition))));
        (!ends.is_empty()).then(|| lag.collect())
    }
}

/// The thread's state.
struct Tail {
    partitions: Partitions,
    group: String,
    share: Share,
    start: Start,
    wake: Wake,
    shared: Arc<Shared>,
    /// The next message to read and the end, for each owned partition.
    cursors: BTreeMap<PartitionId, [Cursor; 2]>,
}

impl Tail {
    fn run(&mut self, stop: &Stop, health: &Health) {
        let (mut backoff, mut pause) = (Backoff::new(), Duration::ZERO);
        while stop.sleep(pause) {
            pause = match self.read().and_then(|()| self.commit()) {
                Ok(()) => {
                    health.serving();
                    backoff = Backoff::new();
                    INTERVAL
                }
                Err(error) => {
                    health.waiting(&self.partitions.unavailable(&error));
                    backoff.next_pause(false)
                }
            };
        }
    }

    fn read(&mut self) -> io::Result<()> {
        for partition in (0..self.partitions.count()?).map(PartitionId).filter(|id| self.share.owns(*id)) {
            let file = File::open(self.partitions.file(partition))?;
            if !self.cursors.contains_key(&partition) {
                let committed = self.committed_line(partition, &file)?;
                self.shared.state.lock().committed.insert(partition, Offset(committed.offset));
                let start = match self.start {
                    Start::Committed => committed,
                    Start::Earliest => Cursor::default(),
                };
                self.cursors.insert(partition, [start, Cursor::default()]);
            }
            let Some([next, end]) = self.cursors.get_mut(&partition) else { continue };
            end.advance(&file, u64::MAX, |_, _| ())?;
            let room = READ_AHEAD_MAX.saturating_sub(self.shared.state.lock().buffer.len());
            let messages = next.read(&file, partition, room)?;
            let any = !messages.is_empty();
            let mut state = self.shared.state.lock();
            state.ends.insert(partition, Offset(end.offset));
            state.buffer.extend(messages);
            drop(state);
            if any {
                (self.wake)();
            }
        }
        Ok(())
    }

    /// Returns the line at the committed offset; the first line if there is none.
    fn committed_line(&self, partition: PartitionId, file: &File) -> io::Result<Cursor> {
        let committed = match fs::read_to_string(self.offset_file(partition)) {
            Ok(text) => text.parse().map_err(io::Error::other)?,
            Err(error) if error.kind() == io::ErrorKind::NotFound => 0,
            Err(error) => return Err(error),
        };
        let mut line = Cursor::default();
        line.advance(file, committed, |_, _| ())?;
        if line.offset == committed {
            return Ok(line);
        }
        tracing::warn!("partition {}: offset {committed} is after its end, and is not used", partition.0);
        Ok(Cursor::default())
    }

    fn offset_file(&self, partition: PartitionId) -> PathBuf {
        self.partitions.0.join(format!("{}.{}.offset", partition.0, self.group))
    }

    fn commit(&self) -> io::Result<()> {
        let pending = self.shared.state.lock().pending.clone();
        for (partition, offset) in &pending {
            let path = self.offset_file(*partition);
            let unfinished = path.with_extension("unfinished");
            let mut file = File::create(&unfinished)?;
            file.write_all(offset.0.to_string().as_bytes())?;
            file.sync_all()?;
            fs::rename(unfinished, path)?;
        }
        if !pending.is_empty() {
            File::open(&self.partitions.0)?.sync_all()?;
        }
        let mut state = self.shared.state.lock();
        state.pending.retain(|partition, offset| pending.get(partition) != Some(offset));
        state.committed.extend(pending);
        self.shared.committed.notify_all();
        Ok(())
    }
}
