//! The URL of a Kafka log: `kafka://host:9092,host2:9092/TOPIC?group=G&security.protocol=sasl_plaintext&…`.

use std::{fmt, path::Path};

use rdkafka::{ClientConfig, error::KafkaError, types::RDKafkaConfRes};

use super::options;
use crate::{
    address::{Address, OpenError},
    key_file,
    log::{GROUP, TOPIC},
};

/// Kafka's own bound on the length of a topic's name.
const TOPIC_BYTES_MAX: usize = 249;
/// A topic is made with at most this many partitions.
const PARTITIONS_MAX: i32 = 1024;
/// The dead letters of a topic go to the topic of this name and suffix.
const DEAD_LETTER_SUFFIX: &str = ".dlq";

/// Options that name a file with a private key.
const KEY_FILES: [&str; 2] = ["ssl.key.location", "ssl.keystore.location"];

/// What a URL says.
#[derive(Clone, PartialEq, Eq)]
pub(super) struct Settings {
    /// `host:port`, separated by commas.
    pub(super) brokers: String,
    pub(super) topic: String,
    pub(super) group: String,
    /// How many partitions the topic gets, if it is to be made.
    pub(super) partitions: Option<i32>,
    /// Options for librdkafka, as they were given. They may hold a password.
    pub(super) extra: Vec<(String, String)>,
}

/// Shows no options: they may hold a password.
impl fmt::Debug for Settings {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Settings { brokers, topic, group, partitions, extra: _ } = self;
        let mut shown = f.debug_struct("Settings");
        shown.field("brokers", brokers).field("topic", topic).field("group", group).field("partitions", partitions);
        shown.finish_non_exhaustive()
    }
}

impl Settings {
    /// Reads and checks a URL; nothing is connected to. Options are held against those that librdkafka knows.
    pub(super) fn parse(address: &Address) -> Result<Self, OpenError> {
        let form = || address.invalid("the location", "must be as in kafka://host:9092,host2:9092/TOPIC?group=G");
        let location = address.location.strip_prefix("//").ok_or_else(form)?;
        let (brokers, topic) = location.split_once('/').unwrap_or((location, ""));
        if !brokers.split(',').all(is_broker) {
            return Err(form());
        }
        let topic = if topic.is_empty() { TOPIC } else { topic };
        let plain = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'.' | b'_' | b'-');
        if topic.len() > TOPIC_BYTES_MAX - DEAD_LETTER_SUFFIX.len() || !topic.bytes().all(plain) {
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
        let ours = ["group", "partitions"];
        let extra: Vec<_> =
            address.parameters.iter().filter(|(name, _)| !ours.contains(&name.as_str())).cloned().collect();
        if let Some((name, _)) = extra.iter().find(|(name, _)| options::RESERVED.contains(&name.as_str())) {
            return Err(address.invalid(name, "cannot be set: what the log promises depends on it"));
        }
        let settings = Settings {
            brokers: brokers.into(),
            topic: topic.into(),
            group: group.into(),
            partitions: partitions.transpose()?,
            extra,
        };
        let protocol = settings.extra.iter().find(|(name, _)| name == "security.protocol");
        let encrypted = protocol.is_some_and(|(_, protocol)| protocol.to_ascii_lowercase().ends_with("ssl"));
        if encrypted && !cfg!(feature = "ssl") {
            let reason =
                "asks for TLS, which this build lacks: build with `--features ssl`, or take the image, which has it";
            return Err(address.invalid("security.protocol", reason));
        }
        for (name, path) in settings.extra.iter().filter(|(name, _)| KEY_FILES.contains(&name.as_str())) {
            key_file::check(Path::new(path)).map_err(|error| address.invalid(name, error.to_string()))?;
        }
        for config in [options::consumer(&settings), options::producer(&settings)] {
            settings.check(address, &config)?;
        }
        Ok(settings)
    }

    /// The topic of dead letters.
    pub(super) fn dead_letter_topic(&self) -> String {
        format!("{}{DEAD_LETTER_SUFFIX}", self.topic)
    }

    /// Asks librdkafka what it thinks of the options. Its words repeat values, and are not shown.
    fn check(&self, address: &Address, config: &ClientConfig) -> Result<(), OpenError> {
        match config.create_native_config() {
            Ok(_) => Ok(()),
            Err(KafkaError::ClientConfig(RDKafkaConfRes::RD_KAFKA_CONF_INVALID, _, name, _)) => {
                Err(address
                    .invalid(name, "is refused by librdkafka: its value is none of those in librdkafka's manual"))
            }
            // What stands in the place of a name may be the rest of a password.
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

/// Returns whether this is a host with or without a port: anything else may be a user and a password, and would be
/// shown.
fn is_broker(broker: &str) -> bool {
    let (host, port) = match broker.strip_prefix('[').and_then(|rest| rest.split_once(']')) {
        Some((host, port)) => (host, port.strip_prefix(':').or(port.is_empty().then_some("0"))),
        None => broker.split_once(':').map_or((broker, Some("0")), |(host, port)| (host, Some(port))),
    };
    let plain = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'.' | b'_' | b'-' | b':');
    !host.is_empty() && host.bytes().all(plain) && port.is_some_and(|port| port.parse::<u16>().is_ok())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parse(url: &str) -> Result<Settings, OpenError> {
        Settings::parse(&Address::parse(url).unwrap())
    }

    #[test]
    fn a_url_names_brokers_topic_group_and_options() {
        let settings =
            parse("kafka://a:9092,b:9093/requests?group=g&client.id=me&fetch.min.bytes=2&partitions=3").unwrap();
        assert_eq!((&*settings.brokers, &*settings.topic, &*settings.group), ("a:9092,b:9093", "requests", "g"));
        assert_eq!((settings.dead_letter_topic(), settings.partitions), ("requests.dlq".to_owned(), Some(3)));
        let given = [("client.id", "me"), ("fetch.min.bytes", "2")].map(|(name, value)| (name.into(), value.into()));
        assert_eq!(settings.extra, given);
        for url in ["kafka://a", "kafka://a/"] {
            let settings = parse(url).unwrap();
            assert_eq!((&*settings.brokers, &*settings.topic, &*settings.group), ("a", TOPIC, GROUP));
        }
    }

    #[test]
    fn what_cannot_be_used_is_refused_with_a_reason() {
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
        // The rest of a password with an & in it stands where a name would.
        let unknown = refused("kafka://a?fetch.min.bytes=2&sasl.password=s3&cr3t");
        assert!(unknown.contains("parameter 3 is no option") && !unknown.contains("cr3t"), "{unknown}");
        let secret = refused("kafka://a?sasl.username=me&sasl.password=secret&security.protocol=secret");
        assert!(secret.contains("security.protocol is refused") && !secret.contains("secret"), "{secret}");
        // librdkafka would name the part of the value that it does not know.
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
    fn a_key_that_others_may_read_is_refused() {
        use std::os::unix::fs::PermissionsExt;
        let file = tempfile::NamedTempFile::new().unwrap();
        std::fs::set_permissions(file.path(), std::fs::Permissions::from_mode(0o644)).unwrap();
        for name in KEY_FILES {
            let said = parse(&format!("kafka://a?{name}={}", file.path().display())).unwrap_err().to_string();
            assert!(said.contains(name) && said.contains("chmod 600"), "{said}");
        }
    }

    #[test]
    fn options_are_not_shown() {
        let shown = format!("{:?}", parse("kafka://a?sasl.password=s3cr3t").unwrap());
        assert!(!shown.contains("s3cr3t"), "{shown}");
    }
}
