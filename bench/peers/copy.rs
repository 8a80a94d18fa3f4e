//! A consumer that produces what it reads to another topic, with nothing in between: the floor of any way from a topic
//! to a topic with these clients.

use std::{io, thread, time::Duration};

use anyhow::Context;
use rdkafka::{
    ClientConfig, Message, Offset, TopicPartitionList,
    consumer::{BaseConsumer, Consumer},
    producer::{BaseRecord, DefaultProducerContext, ThreadedProducer},
};

use crate::services::topic::PARTITIONS;

#[derive(clap::Args)]
pub(crate) struct Options {
    /// The brokers, as in 127.0.0.1:9092
    #[arg(long)]
    brokers: String,
    #[arg(long)]
    from: String,
    #[arg(long)]
    to: String,
}

/// Copies until its input ends.
pub(crate) fn run(options: &Options) -> anyhow::Result<()> {
    thread::spawn(|| {
        let _ = io::copy(&mut io::stdin(), &mut io::sink());
        std::process::exit(0);
    });
    let mut config = ClientConfig::new();
    config.set("bootstrap.servers", &options.brokers);
    let consumer = consumer_of(&config, &options.from)?;
    // A message is sent at once; the default waits 5 ms for others.
    let producer: ThreadedProducer<DefaultProducerContext> = config.set("queue.buffering.max.ms", "0").create()?;
    loop {
        let Some(message) = consumer.poll(Duration::from_secs(1)) else { continue };
        let message = message?;
        let payload = message.payload().context("a message without content")?;
        let record = BaseRecord::to(&options.to).key(message.key().unwrap_or_default()).payload(payload);
        producer.send(record).map_err(|(error, _)| error)?;
    }
}

/// A consumer of all partitions of a topic, from its first message on.
pub(super) fn consumer_of(config: &ClientConfig, topic: &str) -> anyhow::Result<BaseConsumer> {
    let mut config = config.clone();
    let consumer: BaseConsumer = config.set("group.id", "none").set("enable.auto.commit", "false").create()?;
    let mut list = TopicPartitionList::new();
    for partition in 0..PARTITIONS {
        list.add_partition_offset(topic, partition, Offset::Beginning)?;
    }
    consumer.assign(&list)?;
    Ok(consumer)
}
