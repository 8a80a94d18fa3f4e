//! A topic and a database for one test, with independent clients of both.

use std::{
    collections::BTreeMap,
    fs::File,
    path::PathBuf,
    sync::atomic::{AtomicU32, Ordering},
    time::Duration,
};

use futures_executor::block_on;
use mongodb::{
    Client, Database,
    bson::{Document, doc},
};
use rdkafka::{
    ClientConfig, Message, Offset, TopicPartitionList,
    admin::{AdminClient, AdminOptions, NewPartitions, NewTopic, TopicReplication},
    client::DefaultClientContext,
    consumer::{BaseConsumer, CommitMode, Consumer},
    message::Headers,
    producer::{BaseProducer, BaseRecord, Producer},
};
use tempfile::TempDir;
use tokio::{runtime::Runtime, time::timeout};

use crate::support::{DEADLINE, Process, delaycast, models, services, until};

pub(crate) const ANSWERS: &str = "flight_delay_classification_response";
pub(crate) const REJECTIONS: &str = "flight_delay_classification_rejection";

/// A message in a topic.
pub(crate) struct TopicMessage {
    pub(crate) key: Option<String>,
    pub(crate) payload: Vec<u8>,
    pub(crate) headers: BTreeMap<String, String>,
}

/// A topic and a database. They are deleted when this is dropped.
pub(crate) struct Fixture {
    kafka: String,
    pub(crate) topic: String,
    pub(crate) store: String,
    runtime: Runtime,
    database: Database,
    /// The folder of the processes' captured output, if any.
    words: TempDir,
}

impl Fixture {
    pub(crate) fn new(partitions: i32) -> Option<Self> {
        let (kafka, mongo) = services()?;
        Some(Self::at(&kafka, &mongo, partitions))
    }

    /// Creates the topic and the database on these services.
    pub(crate) fn at(kafka: &str, mongo: &str, partitions: i32) -> Self {
        static NUMBER: AtomicU32 = AtomicU32::new(0);
        let name = format!("test-cli-{}-{}", std::process::id(), NUMBER.fetch_add(1, Ordering::Relaxed));
        let store = format!("{}/{name}", mongo.trim_end_matches('/'));
        let runtime = Runtime::new().unwrap();
        let database = runtime.block_on(Client::with_uri_str(&store)).unwrap().database(&name);
        let words = tempfile::tempdir().unwrap();
        let kafka = kafka.trim_end_matches('/').to_owned();
        let fixture = Fixture { kafka, topic: name, store, runtime, database, words };
        let new = NewTopic::new(&fixture.topic, partitions, TopicReplication::Fixed(1));
        let made = block_on(fixture.admin().create_topics([&new], &limit())).unwrap();
        assert!(made.iter().all(Result::is_ok), "{made:?}");
        fixture
    }

    pub(crate) fn log(&self) -> String {
        format!("{}/{}", self.kafka, self.topic)
    }

    /// Starts `delaycast score`.
    pub(crate) fn score(&self, workers: usize) -> Process {
        self.start("score", &["--workers", &workers.to_string()])
    }

    /// Starts a command with the log and the store.
    pub(crate) fn start(&self, command: &str, more: &[&str]) -> Process {
        let (log, models) = (self.log(), models().to_string_lossy());
        let arguments = [&[command, "--log", &log, "--store", &self.store, "--models", &models], more].concat();
        Process::spawn(
            delaycast(&arguments)
                .env("DELAYCAST_LOG_LEVEL", std::env::var("DELAYCAST_LOG_LEVEL").unwrap_or("warn".into())),
        )
    }

    /// Starts `delaycast score` with another store.
    pub(crate) fn score_into(&self, store: &str, workers: usize) -> Process {
        let (log, models, workers) = (self.log(), models().to_string_lossy(), workers.to_string());
        let arguments = ["score", "--log", &log, "--store", store, "--models", &models, "--workers", &workers];
        Process::spawn(
            delaycast(&arguments)
                .env("DELAYCAST_LOG_LEVEL", std::env::var("DELAYCAST_LOG_LEVEL").unwrap_or("warn".into())),
        )
    }

    /// Starts `delaycast score`, and returns the file with its output.
    pub(crate) fn score_with_output(&self, workers: usize) -> (Process, PathBuf) {
        self.score_from_with_output(&self.log(), workers)
    }

    /// Starts `delaycast score` with another log, and returns the file with its output.
    pub(crate) fn score_from_with_output(&self, log: &str, workers: usize) -> (Process, PathBuf) {
        static NUMBER: AtomicU32 = AtomicU32::new(0);
        let words = self.words.path().join(NUMBER.fetch_add(1, Ordering::Relaxed).to_string());
        let (models, workers) = (models().to_string_lossy(), workers.to_string());
        let arguments = ["score", "--log", log, "--store", &self.store, "--models", &models, "--workers", &workers];
        (Process::spawn(delaycast(&arguments).stderr(File::create(&words).unwrap())), words)
    }

    pub(crate) fn config(&self) -> ClientConfig {
        let mut config = ClientConfig::new();
        config.set("bootstrap.servers", self.kafka.trim_start_matches("kafka://")).set("group.id", "delaycast");
        config
    }

    /// Starts `delaycast score` with another store, and returns the file with its output.
    pub(crate) fn score_into_with_output(&self, store: &str, workers: usize) -> (Process, PathBuf) {
        let words = self.words.path().join("into");
        let (log, models, workers) = (self.log(), models().to_string_lossy(), workers.to_string());
        let arguments = ["score", "--log", &log, "--store", store, "--models", &models, "--workers", &workers];
        (Process::spawn(delaycast(&arguments).stderr(File::create(&words).unwrap())), words)
    }

    fn admin(&self) -> AdminClient<DefaultClientContext> {
        self.config().create().unwrap()
    }

    /// Publishes without keys and headers, as the previous front end did.
    pub(crate) fn publish(&self, messages: &[(Option<i32>, String)]) {
        let producer: BaseProducer = self.config().create().unwrap();
        for (partition, message) in messages {
            let mut record = BaseRecord::<[u8], str>::to(&self.topic).payload(message);
            record.partition = *partition;
            producer.send(record).map_err(|(error, _)| error).unwrap();
        }
        producer.flush(DEADLINE).unwrap();
        assert_eq!(producer.in_flight_count(), 0);
    }

    /// Adds partitions to the topic, and waits until they exist.
    pub(crate) fn grow(&self, partitions: usize) {
        let more = NewPartitions::new(&self.topic, partitions);
        let made = block_on(self.admin().create_partitions([&more], &limit())).unwrap();
        assert!(made.iter().all(Result::is_ok), "{made:?}");
        until("the partitions are there", || self.partitions(&self.topic) == partitions);
    }

    /// Deletes the topic with this suffix, and its dead-letter topic.
    pub(crate) fn delete(&self, suffix: &str) {
        let topic = format!("{}{suffix}", self.topic);
        let deleted = block_on(self.admin().delete_topics(&[&topic, &format!("{topic}.dlq")], &limit())).unwrap();
        assert!(deleted.iter().all(Result::is_ok), "{deleted:?}");
    }

    /// Deletes only the topic of requests.
    pub(crate) fn delete_topic(&self) {
        let deleted = block_on(self.admin().delete_topics(&[&self.topic], &limit())).unwrap();
        assert!(deleted.iter().all(Result::is_ok), "{deleted:?}");
    }

    /// Creates the topic of requests again, as soon as the broker accepts it.
    pub(crate) fn create_topic(&self, partitions: i32) {
        let new = NewTopic::new(&self.topic, partitions, TopicReplication::Fixed(1));
        let (admin, limit) = (self.admin(), limit());
        until("the topic is made anew", || {
            block_on(admin.create_topics([&new], &limit)).unwrap().iter().all(Result::is_ok)
        });
    }

    /// Returns the group's committed offsets, each with its metadata.
    pub(crate) fn committed_with_metadata(&self) -> Vec<(i32, i64, String)> {
        let consumer: BaseConsumer = self.config().create().unwrap();
        let mut list = TopicPartitionList::new();
        for partition in 0..self.partitions(&self.topic) {
            list.add_partition(&self.topic, partition as i32);
        }
        let committed = consumer.committed_offsets(list, DEADLINE).unwrap();
        let of = |element: &rdkafka::topic_partition_list::TopicPartitionListElem<'_>| {
            (element.partition(), element.offset().to_raw().unwrap(), element.metadata().to_owned())
        };
        committed.elements().iter().map(of).collect()
    }

    /// Commits these offsets for the group, in the existing partitions.
    pub(crate) fn commit(&self, offsets: &[(i32, i64, String)]) {
        let (consumer, partitions): (BaseConsumer, _) = (self.config().create().unwrap(), self.partitions(&self.topic));
        let mut list = TopicPartitionList::new();
        for (partition, offset, metadata) in offsets.iter().filter(|(partition, ..)| (*partition as usize) < partitions)
        {
            let mut element = list.add_partition(&self.topic, *partition);
            element.set_offset(Offset::Offset(*offset)).unwrap();
            element.set_metadata(metadata);
        }
        consumer.commit(&list, CommitMode::Sync).unwrap();
    }

    fn partitions(&self, topic: &str) -> usize {
        let consumer: BaseConsumer = self.config().create().unwrap();
        let mut partitions = 0;
        // A topic under creation has no partitions yet.
        until("the topic has partitions", || {
            partitions = consumer.fetch_metadata(Some(topic), DEADLINE).unwrap().topics()[0].partitions().len();
            partitions > 0
        });
        partitions
    }

    /// Waits for this many messages of the topic with this suffix, and returns them.
    pub(crate) fn messages(&self, suffix: &str, count: usize) -> Vec<TopicMessage> {
        let topic = format!("{}{suffix}", self.topic);
        let consumer: BaseConsumer = self.config().set("enable.auto.commit", "false").create().unwrap();
        let mut list = TopicPartitionList::new();
        for partition in 0..self.partitions(&topic) {
            list.add_partition_offset(&topic, partition as i32, Offset::Beginning).unwrap();
        }
        consumer.assign(&list).unwrap();
        let mut found = Vec::new();
        until("the messages are there", || {
            if let Some(message) = consumer.poll(Duration::from_millis(50)) {
                let message = message.unwrap();
                let text = |bytes: &[u8]| String::from_utf8(bytes.to_vec()).unwrap();
                let headers = message.headers().map(|headers| {
                    headers.iter().map(|header| (header.key.to_owned(), text(header.value.unwrap()))).collect()
                });
                found.push(TopicMessage {
                    key: message.key().map(text),
                    payload: message.payload().unwrap().to_vec(),
                    headers: headers.unwrap_or_default(),
                });
            }
            found.len() >= count
        });
        found
    }

    /// Returns the number of messages that the group has not committed.
    pub(crate) fn uncommitted(&self) -> i64 {
        let consumer: BaseConsumer = self.config().create().unwrap();
        let mut list = TopicPartitionList::new();
        for partition in 0..self.partitions(&self.topic) {
            list.add_partition(&self.topic, partition as i32);
        }
        let committed = consumer.committed_offsets(list, DEADLINE).unwrap();
        let lag = |element: &rdkafka::topic_partition_list::TopicPartitionListElem<'_>| {
            let (_, high) = consumer.fetch_watermarks(&self.topic, element.partition(), DEADLINE).unwrap();
            high - element.offset().to_raw().filter(|offset| *offset >= 0).unwrap_or(0)
        };
        committed.elements().iter().map(lag).sum()
    }

    /// Returns the group's committed offsets by partition; `None` if the log does not answer.
    pub(crate) fn committed(&self) -> Option<BTreeMap<i32, i64>> {
        const LIMIT: Duration = Duration::from_secs(2);
        let consumer: BaseConsumer = self.config().create().unwrap();
        let metadata = consumer.fetch_metadata(Some(&self.topic), LIMIT).ok()?;
        let mut list = TopicPartitionList::new();
        for partition in metadata.topics().first()?.partitions() {
            list.add_partition(&self.topic, partition.id());
        }
        let committed = consumer.committed_offsets(list, LIMIT).ok()?;
        let next = |element: &rdkafka::topic_partition_list::TopicPartitionListElem<'_>| {
            Some((element.partition(), element.offset().to_raw().filter(|offset| *offset >= 0)?))
        };
        Some(committed.elements().iter().filter_map(next).collect())
    }

    /// Returns all documents; `None` if the store does not answer.
    pub(crate) fn documents(&self, collection: &str) -> Option<Vec<Document>> {
        self.documents_within(DEADLINE, collection)
    }

    /// Returns all documents; `None` if the store does not answer within `limit`.
    pub(crate) fn documents_within(&self, limit: Duration, collection: &str) -> Option<Vec<Document>> {
        let collection = self.database.collection::<Document>(collection);
        let all = async {
            let (mut cursor, mut documents) = (collection.find(doc! {}).await?, Vec::new());
            while cursor.advance().await? {
                documents.push(cursor.deserialize_current()?);
            }
            mongodb::error::Result::Ok(documents)
        };
        self.runtime.block_on(async { timeout(limit, all).await }).ok()?.ok()
    }

    /// Runs a command of the database.
    pub(crate) fn run(&self, command: Document) -> Document {
        self.runtime.block_on(self.database.run_command(command).into_future()).unwrap()
    }

    /// Counts documents. A connection that a killed server has left behind fails once, as the driver does not repeat
    /// commands.
    pub(crate) fn count(&self, collection: &str) -> i32 {
        let mut counted = None;
        until("the store counts", || {
            let count = self.database.run_command(doc! { "count": collection });
            counted = self.runtime.block_on(count.into_future()).ok();
            counted.is_some()
        });
        counted.unwrap().get_i32("n").unwrap()
    }

    /// Waits for the document with this `UUID`, and returns it.
    pub(crate) fn document(&self, collection: &str, id: &str) -> Document {
        let mut found = None;
        until("the document is there", || {
            let collection = self.database.collection::<Document>(collection);
            found = self.runtime.block_on(collection.find_one(doc! { "UUID": id }).into_future()).unwrap();
            found.is_some()
        });
        found.unwrap()
    }
}

fn limit() -> AdminOptions {
    AdminOptions::new().operation_timeout(Some(DEADLINE)).request_timeout(Some(DEADLINE))
}

impl Drop for Fixture {
    fn drop(&mut self) {
        // A failure to clean up must not hide the failure of the test.
        let _ = block_on(self.admin().delete_topics(&[&self.topic, &format!("{}.dlq", self.topic)], &limit()));
        let _ = self.runtime.block_on(self.database.drop().into_future());
    }
}
