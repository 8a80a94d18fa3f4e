//! The options that librdkafka's clients run with, each with its reason. Those of the URL come on top, but for
//! [`RESERVED`] ones, on which the promises depend.

use std::time::Duration;

use rdkafka::{ClientConfig, config::RDKafkaLogLevel};

use super::address::Settings;

/// A call to a broker that blocks gives up after this time.
pub(super) const CALL: Duration = Duration::from_secs(4);
/// A message that is not acknowledged by now has failed. librdkafka looks once a second, so that the promised 5 s hold.
const PUBLISH_MS: &str = "4000";
/// An owned partition has at most about this many messages waiting here,
pub const READ_AHEAD_MESSAGES_MAX: usize = 16384;
/// and at most this many bytes and one fetch more (1 MiB, or one message if that is longer).
pub const READ_AHEAD_BYTES_MAX: usize = 4 << 20;
/// The largest message taken; librdkafka's own bound of 1,000,000 bytes counts key, headers and framing too.
pub const PUBLISH_BYTES_MAX: usize = 960 << 10;
/// A producer has at most this many messages waiting,
const PUBLISH_AHEAD_MESSAGES_MAX: &str = "20000";
/// and at most this many KiB.
const PUBLISH_AHEAD_KIB_MAX: &str = "65536";

/// Options that a URL cannot set.
pub(super) const RESERVED: [&str; 15] = [
    "bootstrap.servers",
    "metadata.broker.list",
    "group.id",
    "enable.auto.commit",
    "auto.commit.enable",
    "enable.auto.offset.store",
    "auto.offset.reset",
    "enable.partition.eof",
    "statistics.interval.ms",
    "acks",
    "request.required.acks",
    "enable.idempotence",
    "message.timeout.ms",
    "delivery.timeout.ms",
    "transactional.id",
];

fn common(settings: &Settings) -> ClientConfig {
    let mut config = ClientConfig::new();
    config
        .set("bootstrap.servers", &settings.brokers)
        .set("client.id", "delaycast")
        // A broker that answers nothing is given up after this long, not after a minute.
        .set("socket.timeout.ms", "6000")
        // So that it is tried again soon after it is back; the default goes up to 10 s.
        .set("reconnect.backoff.max.ms", "2000")
        // A peer that vanished without a word is noticed even where nothing is sent.
        .set("socket.keepalive.enable", "true")
        // Idle connections that a broker closes are no news.
        .set("log.connection.close", "false")
        .set_log_level(RDKafkaLogLevel::Info);
    config
}

fn with_extra(mut config: ClientConfig, settings: &Settings) -> ClientConfig {
    for (name, value) in &settings.extra {
        config.set(name, value);
    }
    config
}

/// The options of a reader.
pub(super) fn consumer(settings: &Settings) -> ClientConfig {
    let mut config = common(settings);
    config
        .set("group.id", &settings.group)
        // Offsets are committed behind the durable frontier, and by nothing else.
        .set("enable.auto.commit", "false")
        .set("enable.auto.offset.store", "false")
        // Out of range while running (retention overtook the reader, or the topic is another): librdkafka stops there
        // and says so, and where to go on is decided here. It alone would go on in another topic under the same name.
        .set("auto.offset.reset", "error")
        // They tell how far a partition was fetched, beyond the last message (see `progress`).
        .set("statistics.interval.ms", "1000")
        // Partitions are assigned, not subscribed to, so there is no session. This only bounds how long a commit
        // waits for the group's coordinator before it is reported as failed.
        .set("session.timeout.ms", "6000")
        // The bounds on what waits here; they hold for each partition, as each has a queue of its own.
        .set("queued.min.messages", READ_AHEAD_MESSAGES_MAX.to_string())
        .set("queued.max.messages.kbytes", (READ_AHEAD_BYTES_MAX >> 10).to_string())
        .set("fetch.message.max.bytes", "1048576")
        // At those bounds a partition pauses this long; the default of 1 s would cap it at so many messages a second.
        .set("fetch.queue.backoff.ms", "5")
        // The broker answers as soon as there is a message; this only bounds a wait in vain.
        .set("fetch.wait.max.ms", "250");
    with_extra(config, settings)
}

/// The options of a producer.
pub(super) fn producer(settings: &Settings) -> ClientConfig {
    let mut config = common(settings);
    config
        // Acknowledged by all replicas in sync, and written once however often it is sent.
        .set("acks", "all")
        .set("enable.idempotence", "true")
        .set("message.timeout.ms", PUBLISH_MS)
        // What waits is bounded, and more is refused.
        .set("queue.buffering.max.messages", PUBLISH_AHEAD_MESSAGES_MAX)
        .set("queue.buffering.max.kbytes", PUBLISH_AHEAD_KIB_MAX)
        // Somebody waits at a page: gather for a moment only.
        .set("linger.ms", "1")
        // The partition of a key is the one that Kafka's own clients choose.
        .set("partitioner", "murmur2_random")
        // Messages without a key are spread one by one, not a batch at a time: scoring is balanced by partition.
        .set("sticky.partitioning.linger.ms", "0")
        // New partitions are written to within this time.
        .set("topic.metadata.refresh.interval.ms", "10000")
        // A topic that has just been made may be unknown for a moment; one that was not made is not waited for.
        .set("topic.metadata.propagation.max.ms", "3000");
    with_extra(config, settings)
}

/// The options of a client that asks for a group, and commits for it.
pub(super) fn clerk(settings: &Settings) -> ClientConfig {
    let mut config = common(settings);
    config
        .set("group.id", &settings.group)
        .set("enable.auto.commit", "false")
        // How long a commit waits for the group's coordinator before it is reported as failed.
        .set("session.timeout.ms", "6000");
    let mut config = with_extra(config, settings);
    // The end of a partition is what was written, also by a transaction that is open: that, too, is still to go.
    config.set("isolation.level", "read_uncommitted");
    config
}

/// The options of a client that reads dead letters as `group`.
pub(super) fn dead_letter_consumer(settings: &Settings, group: String) -> ClientConfig {
    let mut config = consumer(&Settings { group, ..settings.clone() });
    config
        .set("auto.offset.reset", "earliest")
        .set("statistics.interval.ms", "0")
        // The last offsets of a partition may be no messages, so that its end is not to be told by counting.
        .set("enable.partition.eof", "true");
    config
}

/// The options of a client that only asks questions.
pub(super) fn inquirer(settings: &Settings) -> ClientConfig {
    with_extra(common(settings), settings)
}
