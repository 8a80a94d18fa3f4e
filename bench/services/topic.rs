//! A topic for a measurement, and a plain consumer of it.

use std::time::{Duration, Instant};

use anyhow::{Context, ensure};
use futures_executor::block_on;
use rdkafka::{
    ClientConfig, Message, Offset, TopicPartitionList,
    admin::{AdminClient, AdminOptions, NewTopic, TopicReplication},
    client::DefaultClientContext,
    consumer::{BaseConsumer, Consumer},
};

/// Number of partitions.
pub(crate) const PARTITIONS: i32 = 4;
/// Timeout of a message, and of a call.
const DEADLINE: Duration = Duration::from_secs(20);

/// A topic that is deleted on drop, with its dead-letter topic.
pub(crate) struct Topic {
    server: String,
    name: String,
}

impl Topic {
    pub(crate) fn make(kafka: &str, name: &str) -> anyhow::Result<Self> {
        let server = kafka.trim_end_matches('/').to_owned();
        let topic = Topic { server, name: format!("delaycast-bench-{}-{name}", std::process::id()) };
        let new = NewTopic::new(&topic.name, PARTITIONS, TopicReplication::Fixed(1));
        for made in block_on(topic.admin()?.create_topics([&new], &Self::limit()))? {
            made.map_err(|(_, code)| code).context("cannot make the topic")?;
        }
        Ok(topic)
    }

    /// The URL of the log at this topic, for a consumer group.
    pub(crate) fn url(&self, group: &str) -> String {
        format!("{}/{}?group={group}", self.server, self.name)
    }

    fn limit() -> AdminOptions {
        AdminOptions::new().operation_timeout(Some(DEADLINE)).request_timeout(Some(DEADLINE))
    }

    /// Its name.
    pub(crate) fn name(&self) -> &str {
        &self.name
    }

    /// The brokers, as in 127.0.0.1:9092.
    pub(crate) fn brokers(&self) -> &str {
        self.server.trim_start_matches("kafka://")
    }

    /// The options of a client of the brokers.
    pub(crate) fn config(&self) -> ClientConfig {
        let mut config = ClientConfig::new();
        config.set("bootstrap.servers", self.brokers());
        config
    }

    fn admin(&self) -> anyhow::Result<AdminClient<DefaultClientContext>> {
        Ok(self.config().create()?)
    }

    /// Messages per second that a consumer with librdkafka's default options reads and drops, from the first message
    /// to the last.
    pub(crate) fn consume(&self, count: usize) -> anyhow::Result<f64> {
        let mut config = self.config();
        let consumer: BaseConsumer = config.set("group.id", "raw").set("enable.auto.commit", "false").create()?;
        let mut list = TopicPartitionList::new();
        for partition in 0..PARTITIONS {
            list.add_partition_offset(&self.name, partition, Offset::Beginning)?;
        }
        consumer.assign(&list)?;
        let (mut read, mut bytes, mut first) = (0, 0, Instant::now());
        while read < count {
            let message = consumer.poll(DEADLINE).context("no message")??;
            bytes += message.payload().map_or(0, <[u8]>::len);
            if read == 0 {
                first = Instant::now();
            }
            read += 1;
        }
        ensure!(bytes > 0, "the messages are empty");
        Ok((read - 1) as f64 / first.elapsed().as_secs_f64())
    }
}

impl Drop for Topic {
    fn drop(&mut self) {
        // A topic that stays does no harm.
        if let Ok(admin) = self.admin() {
            let _ = block_on(admin.delete_topics(&[&self.name, &format!("{}.dlq", self.name)], &Self::limit()));
        }
    }
}
