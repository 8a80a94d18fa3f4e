//! A log of its own: a folder of NDJSON files, one for each partition. It keeps the promises of [`engine::log`].
//!
//! `cargo run --package delaycast-examples --bin own-log` publishes messages, reads them and commits them;
//! `cargo test --package delaycast-examples --bin own-log` runs the engine's conformance suite on it.
//!
//! ```text
//! DIR/partitions/0.ndjson           a message a line: {"attempt":0,"message":"…"}
//! DIR/partitions/0.scorers.offset   the offset that the group "scorers" has committed: the number of a line
//! DIR/dead-letters.db               the dead letters, which the embedded log keeps
//! ```
//!
//! It has neither transactions nor ids of topics, so that promises 8 and 9 do not apply, and it keeps all messages.

mod partition;
mod producer;
mod reader;
#[cfg(test)]
mod tests;

use std::{
    fs::{self, OpenOptions},
    path::{Path, PathBuf},
    sync::{Arc, mpsc},
    time::{Duration, Instant},
};

use delaycast::domain::Flights;
use engine::{
    delivery::{Health, Unavailable, Writer},
    domain::Domain,
    finding::Finding,
    log::{
        self, DeadLetter, DeadLetterReader, DeadLetterSpan, Log, Offsets, PartitionId, Producer, Reader, Share, Start,
        Topic, TopicOptions, Wake,
    },
};

use partition::Partitions;

/// A folder of partitions, as one group reads it.
struct FolderLog {
    partitions: Partitions,
    group: String,
    dead_letters: Arc<dyn Log>,
}

impl FolderLog {
    /// Opens a folder, and creates what is missing: the folder, and partitions up to this number.
    fn open<D: Domain>(dir: &Path, group: &str, partitions: u32) -> anyhow::Result<Self> {
        let folder: PathBuf = dir.join("partitions");
        fs::create_dir_all(&folder)?;
        let url = format!("sqlite:{}?group={group}", dir.join("dead-letters.db").display());
        let dead_letters = log::open::<D>(&url)?;
        let log = FolderLog { partitions: Partitions(folder), group: group.to_owned(), dead_letters };
        for partition in (0..partitions).map(PartitionId) {
            OpenOptions::new().create(true).append(true).open(log.partitions.file(partition))?;
        }
        Ok(log)
    }
}

impl Log for FolderLog {
    fn describe(&self) -> String {
        self.partitions.0.display().to_string()
    }

    fn partitions(&self) -> Result<u32, Unavailable> {
        self.partitions.count().map_err(|error| self.partitions.unavailable(&error))
    }

    fn reader(
        &self,
        share: Share,
        start: Start,
        wake: Wake,
        health: Arc<Health>,
    ) -> Result<Box<dyn Reader>, Unavailable> {
        Ok(Box::new(reader::FolderReader::start(&self.partitions, &self.group, (share, start), wake, health)?))
    }

    fn producer(&self) -> Result<Arc<dyn Producer>, Unavailable> {
        Ok(Arc::new(producer::FolderProducer::start(&self.partitions)?))
    }

    fn dead_letters(&self) -> Result<Box<dyn Writer<DeadLetter>>, Unavailable> {
        self.dead_letters.dead_letters()
    }

    fn create_topics(&self, _: &TopicOptions) -> Result<Vec<Topic>, Unavailable> {
        let (name, partitions) = (self.describe(), self.partitions()?);
        Ok(vec![Topic { name, created: false, partitions, replication: None, retention_s: None }])
    }

    fn inspect(&self) -> Vec<Finding> {
        vec![match self.partitions() {
            Ok(count) => Finding::ok("log", format!("{} has {count} partitions", self.describe())),
            Err(error) => Finding::fail("log", error.reason, "see whether the folder is there and can be read"),
        }]
    }

    fn read_dead_letters(&self, span: DeadLetterSpan<'_>) -> Result<Box<dyn DeadLetterReader>, Unavailable> {
        self.dead_letters.read_dead_letters(span)
    }
}

/// Publishes three messages to a log in `dir`, reads and commits them, and returns a line for each.
fn run(dir: &Path) -> anyhow::Result<Vec<String>> {
    const TIMEOUT: Duration = Duration::from_secs(10);
    let log = FolderLog::open::<Flights>(dir, "scorers", 2)?;
    let (producer, (done, published)) = (log.producer()?, mpsc::channel());
    for message in ["one", "two", "three"] {
        let done = done.clone();
        producer.publish(None, message.into(), Box::new(move |result| _ = done.send(result)));
        published.recv_timeout(TIMEOUT)??;
    }
    let (wake, woken) = mpsc::channel();
    let health = Arc::new(Health::new(log.describe()));
    let mut reader = log.reader(Share::ALL, Start::Committed, Arc::new(move || _ = wake.send(())), health)?;
    let mut messages = Vec::new();
    while messages.len() < 3 {
        woken.recv_timeout(TIMEOUT)?;
        reader.poll(100, &mut messages);
    }
    messages.sort_by_key(|message| message.position);
    // The last message of each partition.
    let next = messages.iter().map(|message| (message.position.partition, message.position.offset.next()));
    reader.commit(&next.collect::<Offsets>());
    reader.close(Instant::now() + TIMEOUT)?;
    let line =
        |message: &log::Message| format!("{}: {}", message.position, String::from_utf8_lossy(message.payload.bytes()));
    Ok(messages.iter().map(line).collect())
}

#[allow(clippy::print_stdout)]
fn main() -> anyhow::Result<()> {
    let dir = tempfile::tempdir()?;
    run(dir.path())?.iter().for_each(|line| println!("{line}"));
    Ok(())
}
