//! Opens and examines a log at a URL: that of requests, or that of a domain's events.

use std::sync::Arc;

#[cfg(feature = "kafka")]
use super::kafka::{self, KafkaLog};
use super::{
    connector::Log,
    embedded::{self, EmbeddedLog},
    topic::TopicDefaults,
};
use crate::{
    address::{Address, OpenError},
    domain::Domain,
    finding::Finding,
    sqlite,
};

/// The connectors, by their schemes.
const KNOWN: &str = "sqlite, kafka";

/// Opens the log of a domain at a URL: `sqlite:PATH?topic=T&group=G&partitions=N`, or
/// `kafka://host:9092,host2:9092/TOPIC?group=G`. A URL without a topic means [`Domain::TOPIC`].
pub fn open<D: Domain>(url: &str) -> Result<Arc<dyn Log>, OpenError> {
    open_at(url, of_requests::<D>())
}

/// Opens an existing log as [`open`] does, and creates neither a file nor a topic.
pub fn open_existing<D: Domain>(url: &str) -> Result<Arc<dyn Log>, OpenError> {
    open_existing_at(url, of_requests::<D>())
}

/// Examines the log at a URL as [`Log::inspect`] does. It creates and changes nothing in an embedded file.
pub fn inspect<D: Domain>(url: &str) -> Result<Vec<Finding>, OpenError> {
    inspect_at(url, of_requests::<D>())
}

/// Opens the log of a domain's events as [`open`] opens that of requests. A URL without a topic means the one of
/// [`Domain::EVENTS`]. An embedded topic gets the retention of [`Domain::EVENTS`], also if it exists; in Kafka a topic
/// gets it when it is created. Fails with [`OpenError::NoEvents`] for a domain without events.
pub fn open_events<D: Domain>(url: &str) -> Result<Arc<dyn Log>, OpenError> {
    open_at(url, of_events::<D>()?)
}

/// Opens an existing log of events as [`open_events`] does; creates neither a file nor a topic, and changes neither.
pub fn open_existing_events<D: Domain>(url: &str) -> Result<Arc<dyn Log>, OpenError> {
    open_existing_at(url, of_events::<D>()?)
}

/// Examines the log of events at a URL as [`inspect`] does that of requests.
pub fn inspect_events<D: Domain>(url: &str) -> Result<Vec<Finding>, OpenError> {
    inspect_at(url, of_events::<D>()?)
}

/// Returns the URL of the log of events that belongs to the log of requests at a URL: the same file or brokers, the
/// same options and group, and the topic of [`Domain::EVENTS`]. If the URL has a password, so has the returned one.
/// Fails with [`OpenError::NoEvents`] for a domain without events, and if the URL cannot be read or names that topic
/// already.
pub fn events_url<D: Domain>(url: &str) -> Result<String, OpenError> {
    let events = of_events::<D>()?.topic;
    let address = parse(url)?;
    let beside = match address.scheme.as_str() {
        "sqlite" => embedded::beside_requests(&address, D::TOPIC, events)?,
        #[cfg(feature = "kafka")]
        "kafka" => kafka::beside_requests(&address, D::TOPIC, events)?,
        #[cfg(not(feature = "kafka"))]
        "kafka" => return Err(OpenError::NoConnector { scheme: address.scheme }),
        _ => return Err(address.unknown("log", KNOWN)),
    };
    Ok(beside.to_url())
}

/// Opens the topic of a domain's answers as [`open`] opens that of requests. A URL without a topic means the one that
/// is named as the collection of answers.
pub fn open_output<D: Domain>(url: &str) -> Result<Arc<dyn Log>, OpenError> {
    open_at(url, of_answers::<D>())
}

/// Returns the topic that the URL of an embedded log means.
pub fn topic_of<D: Domain>(url: &str) -> Result<String, OpenError> {
    embedded::topic_of(&embedded_address(url)?, D::TOPIC)
}

/// Removes a group of the topic of the embedded log at a URL. Returns whether it existed.
pub fn remove_group<D: Domain>(url: &str, group: &str) -> Result<bool, OpenError> {
    EmbeddedLog::open_existing(&embedded_address(url)?, of_requests::<D>())?.remove_group(group)
}

/// Returns the consumer groups of the embedded log at a URL, of all topics. Kafka's own tools list those of Kafka.
pub fn groups(url: &str) -> Result<Vec<sqlite::Group>, OpenError> {
    Ok(sqlite::Inspector::at(&embedded_address(url)?)?.groups()?)
}

fn of_requests<D: Domain>() -> TopicDefaults {
    TopicDefaults { topic: D::TOPIC, retention: None }
}

fn of_events<D: Domain>() -> Result<TopicDefaults, OpenError> {
    let events = D::EVENTS.ok_or(OpenError::NoEvents)?;
    Ok(TopicDefaults { topic: events.topic, retention: Some(events.retention) })
}

fn of_answers<D: Domain>() -> TopicDefaults {
    TopicDefaults { topic: D::COLLECTIONS.answers, retention: None }
}

fn parse(url: &str) -> Result<Address, OpenError> {
    let example = "sqlite:var/delaycast.db?topic=requests";
    Address::parse(url).ok_or(OpenError::NoScheme { what: "log", example })
}

fn open_at(url: &str, defaults: TopicDefaults) -> Result<Arc<dyn Log>, OpenError> {
    let address = parse(url)?;
    match address.scheme.as_str() {
        "sqlite" => Ok(Arc::new(EmbeddedLog::open(address.of_a_file()?, defaults)?)),
        #[cfg(feature = "kafka")]
        "kafka" => Ok(Arc::new(KafkaLog::open(&address, defaults)?)),
        #[cfg(not(feature = "kafka"))]
        "kafka" => Err(OpenError::NoConnector { scheme: address.scheme }),
        _ => Err(address.unknown("log", KNOWN)),
    }
}

fn open_existing_at(url: &str, defaults: TopicDefaults) -> Result<Arc<dyn Log>, OpenError> {
    match Address::parse(url) {
        Some(address) if address.scheme == "sqlite" => Ok(Arc::new(EmbeddedLog::open_existing(&address, defaults)?)),
        _ => open_at(url, defaults),
    }
}

fn inspect_at(url: &str, defaults: TopicDefaults) -> Result<Vec<Finding>, OpenError> {
    match Address::parse(url) {
        Some(address) if address.scheme == "sqlite" => embedded::inspect_at(&address, defaults.topic),
        _ => Ok(open_at(url, defaults)?.inspect()),
    }
}

fn embedded_address(url: &str) -> Result<Address, OpenError> {
    let example = "sqlite:var/delaycast.db";
    let address = Address::parse(url).ok_or(OpenError::NoScheme { what: "log", example })?;
    match address.scheme.as_str() {
        "sqlite" => Ok(address),
        "kafka" => {
            Err(address.invalid("groups", "are Kafka's own: use kafka-consumer-groups.sh --list, --describe, --delete"))
        }
        _ => Err(OpenError::UnknownScheme { what: "embedded log", scheme: address.scheme, known: "sqlite" }),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{log::TopicOptions, testing::Toy};
    use payments::Payments;

    #[expect(unreachable_pub, reason = "it is the example in the documentation, too")]
    mod payments {
        include!(concat!(env!("CARGO_MANIFEST_DIR"), "/domain/payments.rs"));
    }

    fn events_of(url: &str) -> String {
        events_url::<Toy>(url).unwrap()
    }

    #[test]
    fn the_log_of_events_is_beside_that_of_requests() {
        for (requests, events) in [
            ("sqlite:var/x.db", "sqlite:var/x.db?topic=toy-events"),
            ("sqlite:a%20b%3f.db?topic=t&group=g%26h&wal=9", "sqlite:a b%3F.db?group=g%26h&wal=9&topic=toy-events"),
            ("sqlite:x.db?topic=a&topic=b&partitions=3", "sqlite:x.db?partitions=3&topic=toy-events"),
        ] {
            assert_eq!(events_of(requests), events);
        }
        #[cfg(feature = "kafka")]
        for (requests, events) in [
            ("kafka://a:9092,b:9093/requests", "kafka://a:9092,b:9093/toy-events"),
            ("kafka://a", "kafka://a/toy-events"),
            (
                "kafka://a/t?group=g&partitions=3&sasl.password=p%26w%3d",
                "kafka://a/toy-events?group=g&partitions=3&sasl.password=p%26w%3D",
            ),
        ] {
            assert_eq!(events_of(requests), events);
        }
    }

    #[test]
    fn a_url_without_a_log_of_events_is_refused_and_not_repeated() {
        for (url, reason) in [
            ("s3cr3t", "the URL of a log starts with a scheme"),
            ("redis://me:s3cr3t@host/t", "redis: is no log; known are sqlite, kafka"),
            ("sqlite:kafka://me:s3cr3t@host/t", "has a URL in it"),
            ("sqlite:x.db?topic=toy-events&s3cr3t", "topic is toy-events, which is that of events"),
            #[cfg(feature = "kafka")]
            ("kafka://me:s3cr3t@host/t", "must be as in kafka://host"),
            #[cfg(feature = "kafka")]
            ("kafka://host/toy-events?sasl.password=s3cr3t", "the topic is toy-events, which is that of events"),
        ] {
            let error = events_url::<Toy>(url).unwrap_err();
            let texts = format!("{error} {error:?}");
            assert!(texts.contains(reason) && !texts.contains("s3cr3t"), "{texts}");
        }
    }

    #[test]
    fn a_domain_without_events_has_no_log_of_them() {
        let folder = tempfile::tempdir().unwrap();
        let url = format!("sqlite:{}", folder.path().join("x.db").display());
        let failed = [
            events_url::<Payments>(&url).map(drop),
            open_events::<Payments>(&url).map(drop),
            open_existing_events::<Payments>(&url).map(drop),
            inspect_events::<Payments>(&url).map(drop),
        ];
        assert!(failed.iter().all(|failed| matches!(failed, Err(OpenError::NoEvents))), "{failed:?}");
        assert_eq!(folder.path().read_dir().unwrap().count(), 0);
    }

    #[test]
    fn an_embedded_topic_of_events_has_its_retention_and_its_dead_letters() {
        let folder = tempfile::tempdir().unwrap();
        let requests = format!("sqlite:{}?partitions=2&group=g", folder.path().join("x.db").display());
        let topics = |log: &dyn Log| {
            let topics = log.create_topics(&TopicOptions::default()).unwrap();
            topics
                .into_iter()
                .map(|it| (it.name, it.partitions, it.retention_s.unwrap_or(0) / 86400))
                .collect::<Vec<_>>()
        };
        let of = |name: &str, days| vec![(name.to_owned(), 2, days), (format!("{name}.dlq"), 1, 30)];
        assert!(open_existing_events::<Toy>(&events_of(&requests)).is_err(), "there is no file");
        assert_eq!(topics(&*open::<Toy>(&requests).unwrap()), of("requests", 7));
        assert!(open_existing_events::<Toy>(&events_of(&requests)).is_err(), "there is no topic");
        // Made by `open`, as by a command that sends to any topic.
        assert_eq!(topics(&*open::<Toy>(&events_of(&requests)).unwrap()), of("toy-events", 7));
        assert_eq!(topics(&*open_existing_events::<Toy>(&events_of(&requests)).unwrap()), of("toy-events", 7));
        assert_eq!(topics(&*open_events::<Toy>(&events_of(&requests)).unwrap()), of("toy-events", 18));
        assert_eq!(topics(&*open::<Toy>(&events_of(&requests)).unwrap()), of("toy-events", 18));
        assert_eq!(topics(&*open_existing::<Toy>(&requests).unwrap()), of("requests", 7));
        // A URL without a topic means the topic of events.
        let log = open_events::<Toy>(&requests).unwrap();
        assert!(log.describe().starts_with("topic toy-events in "), "{}", log.describe());
        let found = inspect_events::<Toy>(&requests).unwrap();
        assert!(found.iter().any(|finding| finding.found == "toy-events has 2 partitions"), "{found:?}");
    }
}
