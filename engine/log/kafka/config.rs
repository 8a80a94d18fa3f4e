//! The configuration of a Kafka log: its URL, `kafka://host:9092,host2:9092/TOPIC?group=G&security.protocol=…`, and the
//! options of librdkafka's clients, each with its reason. Options of the URL override these, except [`RESERVED`] ones,
//! on which the promises depend.

use std::{fmt, path::Path, time::Duration};

use rdkafka::{ClientConfig, config::RDKafkaLogLevel, error::KafkaError, types::RDKafkaConfRes};

use crate::{
    address::{Address, OpenError},
    key_file,
    log::GROUP,
};

/// Kafka's bound on the length of a topic's name.
const TOPIC_BYTES_MAX: usize = 249;
/// Upper bound on the partitions of a new topic.
const PARTITIONS_MAX: i32 = 1024;
/// The suffix of the topic of dead letters.
const DEAD_LETTER_SUFFIX: &str = ".dlq";

/// Options that name a file with a private key.
const KEY_FILES: [&str; 2] = ["ssl.key.location", "ssl.keystore.location"];

/// Timeout of a blocking call to a broker.
pub(super) const CALL_TIMEOUT: Duration = Duration::from_secs(4);
/// Time after which a message that is not acknowledged has failed. librdkafka checks once a second, so it is less than
/// the promised 5 s.
const MESSAGE_TIMEOUT_MS: &str = "4000";
/// Approximate upper bound on the messages that are fetched ahead of an owned partition,
pub const READ_AHEAD_MESSAGES_MAX: usize = 16384;
/// and on their bytes. One fetch more may be there (1 MiB, or one message if that is longer).
pub const READ_AHEAD_BYTES_MAX: usize = 4 << 20;
/// Upper bound on a message; librdkafka's bound of 1,000,000 bytes includes key, headers and framing.
pub const PUBLISH_BYTES_MAX: usize = 960 << 10;
/// Upper bound on the messages in a producer's queue,
const PUBLISH_QUEUE_MESSAGES_MAX: &str = "20000";
/// and on their KiB.
const PUBLISH_QUEUE_KIB_MAX: &str = "65536";

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

/// The settings of a URL.
#[derive(Clone, PartialEq, Eq)]
pub(super) struct Settings {
    /// `host:port`, separated by commas.
    pub(super) brokers: String,
    pub(super) topic: String,
    pub(super) group: String,
    /// Number of partitions of a new topic; `None` if none is to be created.
    pub(super) partitions: Option<i32>,
    /// Options of librdkafka, as given. They may hold a password.
    pub(super) options: Vec<(String, String)>,
}

/// Omits the options: they may hold a password.
impl fmt::Debug for Settings {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Settings { brokers, topic, group, partitions, options: _ } = self;
        let mut shown = f.debug_struct("Settings");
        shown.field("brokers", brokers).field("topic", topic).field("group", group).field("partitions", partitions);
        shown.finish_non_exhaustive()
    }
}

impl Settings {
    /// Parses a URL and has librdkafka check its options. Connects to nothing.
    pub(super) fn parse(address: &Address, default_topic: &str) -> Result<Self, OpenError> {
        let form = || address.invalid("the location", "must be as in kafka://host:9092,host2:9092/TOPIC?group=G");
        let location = address.location.strip_prefix("//").ok_or_else(form)?;
        let (brokers, topic) = location.split_once('/').unwrap_or((location, ""));
        if !brokers.split(',').all(is_broker) {
            return Err(form());
        }
        let topic = if topic.is_empty() { default_topic } else { topic };
        let is_valid = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'.' | b'_' | b'-');
        if topic.len() > TOPIC_BYTES_MAX - DEAD_LETTER_SUFFIX.len() || !topic.bytes().all(is_valid) {
            return Err(address.invalid("the topic", "must have 1 to 245 letters, digits, dots, dashes, underscores"));
        }
        let group = address.parameter("group").unwrap_or(GROUP);
        if group.is_empty() || group.len() > TOPIC_BYTES_MAX {
            return Err(address.invalid("group", "must have 1 to 249 bytes"));
        }
        let partitions = address.parameter("partitions").map(|text| match text.parse() {
            Ok(count @ 1..=PARTITIONS_MAX) => Ok(count),
            _ => Err(address.invalid("partitions", format!("must be a number from 1 to {PARTITIONS_MAX}"))),
        });
        let own = ["group", "partitions"];
        let options: Vec<_> =
            address.parameters.iter().filter(|(name, _)| !own.contains(&name.as_str())).cloned().collect();
        if let Some((name, _)) = options.iter().find(|(name, _)| RESERVED.contains(&name.as_str())) {
            return Err(address.invalid(name, "cannot be set: what the log promises depends on it"));
        }
        let settings = Settings {
            brokers: brokers.into(),
            topic: topic.into(),
            group: group.into(),
            partitions: partitions.transpose()?,
            options,
        };
        let protocol = settings.options.iter().find(|(name, _)| name == "security.protocol");
        let encrypted = protocol.is_some_and(|(_, protocol)| protocol.to_ascii_lowercase().ends_with("ssl"));
        if encrypted && !cfg!(feature = "ssl") {
            let reason =
                "asks for TLS, which this build lacks: build with `--features ssl`, or take the image, which has it";
            return Err(address.invalid("security.protocol", reason));
        }
        for (name, path) in settings.options.iter().filter(|(name, _)| KEY_FILES.contains(&name.as_str())) {
            key_file::check(Path::new(path)).map_err(|error| address.invalid(name, error.to_string()))?;
        }
        for config in [settings.consumer_config(), settings.producer_config()] {
            settings.check(address, &config)?;
        }
        Ok(settings)
    }

    /// Returns the topic of dead letters.
    pub(super) fn dead_letter_topic(&self) -> String {
        format!("{}{DEAD_LETTER_SUFFIX}", self.topic)
    }

    /// Has librdkafka check the options. Its messages repeat values and are not shown.
    fn check(&self, address: &Address, config: &ClientConfig) -> Result<(), OpenError> {
        match config.create_native_config() {
            Ok(_) => Ok(()),
            Err(KafkaError::ClientConfig(RDKafkaConfRes::RD_KAFKA_CONF_INVALID, _, name, _)) => {
                Err(address
                    .invalid(name, "is refused by librdkafka: its value is none of those in librdkafka's manual"))
            }
            // An unknown name may be the rest of a password.
            Err(KafkaError::ClientConfig(_, _, name, _)) => {
                let number = address.parameters.iter().position(|(known, _)| *known == name);
                let part = number.map_or("an option".into(), |index| format!("parameter {}", index + 1));
                let reason = "is no option that this build of librdkafka knows (an & in a value is written as %26)";
                Err(address.invalid(part, reason))
            }
            Err(_) => Err(address.invalid("the options", "are refused by librdkafka")),
        }
    }
}

/// The configurations of librdkafka's clients.
impl Settings {
    /// Returns the configuration of a client that makes administrative calls alone.
    pub(super) fn admin_config(&self) -> ClientConfig {
        self.with_options(self.common_config())
    }

    /// Returns the configuration of a reader's consumer.
    pub(super) fn consumer_config(&self) -> ClientConfig {
        let mut config = self.common_config();
        config
            .set("group.id", &self.group)
            // Offsets are committed behind the durable frontier, and by nothing else.
            .set("enable.auto.commit", "false")
            .set("enable.auto.offset.store", "false")
            // If a position is out of range (retention has passed the reader, or the topic is another one), librdkafka
            // stops and reports that; the reader decides where to continue. librdkafka itself would continue in another
            // topic of the same name.
            .set("auto.offset.reset", "error")
            // Statistics give the offset up to which a partition is fetched, beyond its last message (see `consumer`).
            .set("statistics.interval.ms", "1000")
            // Partitions are assigned, not subscribed to, so there is no session. This only bounds how long a commit
            // waits for the group's coordinator.
            .set("session.timeout.ms", "6000")
            // Bounds on the fetched messages. They hold for each partition, as each has its own queue.
            .set("queued.min.messages", READ_AHEAD_MESSAGES_MAX.to_string())
            .set("queued.max.messages.kbytes", (READ_AHEAD_BYTES_MAX >> 10).to_string())
            .set("fetch.message.max.bytes", "1048576")
            // Pause of a partition at those bounds; the default of 1 s would limit it to that many messages a second.
            .set("fetch.queue.backoff.ms", "5")
            // Bounds the broker's wait for new messages; it answers as soon as there is one. librdkafka has one request
            // to a broker at a time: while a partition's queue is full, the request leaves it out, and if the others
            // have no messages, it is not fetched from before the answer. A worker empties a full queue in 50 ms.
            .set("fetch.wait.max.ms", "25");
        self.with_options(config)
    }

    /// Returns the configuration of a producer.
    pub(super) fn producer_config(&self) -> ClientConfig {
        let mut config = self.common_config();
        config
            // Acknowledged by all replicas in sync, and appended once however often it is sent.
            .set("acks", "all")
            .set("enable.idempotence", "true")
            .set("message.timeout.ms", MESSAGE_TIMEOUT_MS)
            // The queue is bounded; when it is full, messages are refused.
            .set("queue.buffering.max.messages", PUBLISH_QUEUE_MESSAGES_MAX)
            .set("queue.buffering.max.kbytes", PUBLISH_QUEUE_KIB_MAX)
            // A user waits: each message is sent at once. Under load those that wait for the connection form batches.
            .set("linger.ms", "0")
            // The partitioner of Kafka's own clients.
            .set("partitioner", "murmur2_random")
            // Messages without a key are spread one by one, not by batch: scoring is balanced by partition.
            .set("sticky.partitioning.linger.ms", "0")
            // New partitions are written to within this time.
            .set("topic.metadata.refresh.interval.ms", "10000")
            // A new topic may be unknown for a moment; a missing one is not waited for.
            .set("topic.metadata.propagation.max.ms", "3000");
        self.with_options(config)
    }

    /// Returns the configuration of a client that talks to the group's coordinator: asks for offsets and commits them.
    pub(super) fn coordinator_config(&self) -> ClientConfig {
        let mut config = self.common_config();
        config
            .set("group.id", &self.group)
            .set("enable.auto.commit", "false")
            // Bounds how long a commit waits for the group's coordinator.
            .set("session.timeout.ms", "6000");
        let mut config = self.with_options(config);
        // The end of a partition includes messages of open transactions: they are lag, too.
        config.set("isolation.level", "read_uncommitted");
        config
    }

    /// Returns the configuration of a consumer that reads dead letters as `group`.
    pub(super) fn dead_letter_consumer_config(&self, group: String) -> ClientConfig {
        let mut config = Settings { group, ..self.clone() }.consumer_config();
        config
            .set("auto.offset.reset", "earliest")
            .set("statistics.interval.ms", "0")
            // The last offsets of a partition may be no messages, so counting does not find its end.
            .set("enable.partition.eof", "true");
        config
    }

    fn common_config(&self) -> ClientConfig {
        let mut config = ClientConfig::new();
        config
            .set("bootstrap.servers", &self.brokers)
            .set("client.id", "delaycast")
            // Time after which a broker that does not answer is given up; the default is a minute.
            .set("socket.timeout.ms", "6000")
            // Upper bound on the reconnect backoff; the default is 10 s.
            .set("reconnect.backoff.max.ms", "2000")
            // Detects a vanished peer even when nothing is sent.
            .set("socket.keepalive.enable", "true")
            // Brokers close idle connections: that is not logged.
            .set("log.connection.close", "false")
            .set_log_level(RDKafkaLogLevel::Info);
        config
    }

    fn with_options(&self, mut config: ClientConfig) -> ClientConfig {
        for (name, value) in &self.options {
            config.set(name, value);
        }
        config
    }
}

/// Returns whether this is a host with or without a port. Anything else may be a user and a password, and is refused,
/// as brokers are shown.
fn is_broker(broker: &str) -> bool {
    let (host, port) = match broker.strip_prefix('[').and_then(|rest| rest.split_once(']')) {
        Some((host, port)) => (host, port.strip_prefix(':').or(port.is_empty().then_some("0"))),
        None => broker.split_once(':').map_or((broker, Some("0")), |(host, port)| (host, Some(port))),
    };
    let is_valid = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'.' | b'_' | b'-' | b':');
    !host.is_empty() && host.bytes().all(is_valid) && port.is_some_and(|port| port.parse::<u16>().is_ok())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parse(url: &str) -> Result<Settings, OpenError> {
        Settings::parse(&Address::parse(url).unwrap(), "things")
    }

    #[test]
    fn a_url_names_brokers_topic_group_and_options() {
        let settings =
            parse("kafka://a:9092,b:9093/requests?group=g&client.id=me&fetch.min.bytes=2&partitions=3").unwrap();
        assert_eq!((&*settings.brokers, &*settings.topic, &*settings.group), ("a:9092,b:9093", "requests", "g"));
        assert_eq!((settings.dead_letter_topic(), settings.partitions), ("requests.dlq".to_owned(), Some(3)));
        let given = [("client.id", "me"), ("fetch.min.bytes", "2")].map(|(name, value)| (name.into(), value.into()));
        assert_eq!(settings.options, given);
        for url in ["kafka://a", "kafka://a/"] {
            let settings = parse(url).unwrap();
            assert_eq!((&*settings.brokers, &*settings.topic, &*settings.group), ("a", "things", GROUP));
        }
    }

    #[test]
    fn an_invalid_url_is_refused_with_a_reason() {
        let refused = |url: &str| parse(url).unwrap_err().to_string();
        for url in [
            "kafka:a:9092/t",
            "kafka://",
            "kafka:///t",
            "kafka://a,,b/t",
            "kafka://me:secret@a/t",
            "kafka://me:secret/t",
            "kafka://[a/t",
        ] {
            assert!(refused(url).contains("must be as in kafka://host"), "{url}");
        }
        assert!(refused("kafka://a/t/u").contains("the topic must have"));
        assert!(refused(&format!("kafka://a/{}", "t".repeat(246))).contains("the topic must have"));
        assert!(refused("kafka://a/t?group=").contains("group must have"));
        for partitions in ["0", "1025", "many"] {
            let url = format!("kafka://a/t?partitions={partitions}");
            assert!(refused(&url).contains("partitions must be a number from 1 to 1024"), "{url}");
        }
        assert!(refused("kafka://a?enable.auto.commit=true").contains("enable.auto.commit cannot be set"));
        // The rest of a password with an & in it takes the place of a name.
        let unknown = refused("kafka://a?fetch.min.bytes=2&sasl.password=s3&cr3t");
        assert!(unknown.contains("parameter 3 is no option") && !unknown.contains("cr3t"), "{unknown}");
        let secret = refused("kafka://a?sasl.username=me&sasl.password=secret&security.protocol=secret");
        assert!(secret.contains("security.protocol is refused") && !secret.contains("secret"), "{secret}");
        // librdkafka itself names the part of the value that it does not know.
        let part = refused("kafka://a?debug=broker,s3cr3t");
        assert!(part.contains("debug is refused") && !part.contains("s3cr3t"), "{part}");
        assert!(refused("kafka://a?sasl.password=%00s3cr3t").contains("the options are refused"));
    }

    #[test]
    fn brokers_are_hosts_with_or_without_a_port() {
        for broker in ["a", "a:9092", "127.0.0.1:9092", "[::1]:9092", "[::1]", "b-1.kafka_x.example.org:65535"] {
            assert!(is_broker(broker), "{broker}");
        }
        for broker in ["", ":9092", "a:", "a:b", "a:65536", "me:secret@a", "a b", "[::1", "[::1]x", "::1:x"] {
            assert!(!is_broker(broker), "{broker}");
        }
    }

    #[test]
    fn a_key_file_that_others_may_read_is_refused() {
        use std::os::unix::fs::PermissionsExt;
        let file = tempfile::NamedTempFile::new().unwrap();
        std::fs::set_permissions(file.path(), std::fs::Permissions::from_mode(0o644)).unwrap();
        for name in KEY_FILES {
            let error = parse(&format!("kafka://a?{name}={}", file.path().display())).unwrap_err().to_string();
            assert!(error.contains(name) && error.contains("chmod 600"), "{error}");
        }
    }

    #[test]
    fn options_are_not_shown() {
        let shown = format!("{:?}", parse("kafka://a?sasl.password=s3cr3t").unwrap());
        assert!(!shown.contains("s3cr3t"), "{shown}");
    }
}
