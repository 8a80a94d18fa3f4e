//! Checks that brokers are reached at the addresses that they give.
//!
//! A client connects to an address of its URL, is told how the brokers name themselves (`advertised.listeners`), and
//! goes there for everything else. A broker in a container often names itself as only other containers can resolve.

use std::{
    net::{TcpStream, ToSocketAddrs},
    sync::mpsc::{Receiver, channel},
    thread,
    time::{Duration, Instant},
};

use rdkafka::metadata::MetadataBroker;

use crate::finding::Finding;

/// At most this many brokers are tried; the others are named alike.
const BROKERS_MAX: usize = 16;
/// They are tried at the same time, for so long.
const LIMIT: Duration = Duration::from_secs(3);

/// The brokers that are not reached at their own address. Blocks, [`LIMIT`] at most.
pub(super) fn unreachable(brokers: &[MetadataBroker]) -> Vec<Finding> {
    let tried: Vec<_> = brokers
        .iter()
        .take(BROKERS_MAX)
        .map(|broker| (broker.id(), format!("{}:{}", broker.host(), broker.port())))
        .map(|(id, address)| (id, try_to_reach(&address), address))
        .collect();
    let deadline = Instant::now() + LIMIT;
    let finding = |(id, outcome, address): (i32, Receiver<Result<(), String>>, String)| {
        let in_vain = || Err(format!("does not answer within {} s", LIMIT.as_secs()));
        let outcome = outcome.recv_timeout(deadline.saturating_duration_since(Instant::now()));
        outcome.unwrap_or_else(|_| in_vain()).err().map(|why| told(id, &address, &why))
    };
    tried.into_iter().filter_map(finding).collect()
}

/// On a thread of its own: to resolve a name takes as long as the system likes.
fn try_to_reach(address: &str) -> Receiver<Result<(), String>> {
    let (report, outcome) = channel();
    let address = address.to_owned();
    let reach = move || {
        // After the deadline nothing listens.
        let _ = report.send(reach(&address));
    };
    // Without a thread there is no report, which counts as no answer.
    let _ = thread::Builder::new().name("kafka-reach".into()).spawn(reach);
    outcome
}

fn reach(address: &str) -> Result<(), String> {
    let addresses = address.to_socket_addrs().map_err(|error| format!("cannot be resolved here ({error})"))?;
    let mut last = "has no address".to_owned();
    for address in addresses {
        match TcpStream::connect_timeout(&address, LIMIT) {
            Ok(_) => return Ok(()),
            Err(error) => last = format!("is not reached from here ({error})"),
        }
    }
    Err(last)
}

/// The broker that an error of librdkafka speaks of, as in `kafka:9092/1: Failed to resolve`, if its address came
/// from the brokers and not from the URL.
pub(super) fn named_in(reason: &str, brokers_of_url: &str) -> Option<Finding> {
    reason.split_whitespace().find_map(|word| {
        let (address, id) = word.strip_suffix(':')?.rsplit_once('/')?;
        let (id, is_address) = (id.parse().ok()?, address.contains(':'));
        let is_news = is_address && brokers_of_url.split(',').all(|known| known != address);
        is_news.then(|| told(id, address, "is not reached from here"))
    })
}

fn told(id: i32, address: &str, why: &str) -> Finding {
    let found = format!("broker {id} names itself {address}, and that {why}");
    let advice = "set advertised.listeners of the broker to a host and port that are reached from here (clients go \
                  where the brokers say, whatever host the URL has), or make that name known here";
    Finding::fail("brokers", found, advice)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_address_is_reached_refused_or_not_resolved() {
        let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
        let address = listener.local_addr().unwrap().to_string();
        assert_eq!(reach(&address), Ok(()));
        drop(listener);
        assert!(reach(&address).unwrap_err().contains("not reached from here"));
        let unknown = try_to_reach("kafka.invalid:9092").recv_timeout(Duration::from_secs(60)).unwrap();
        assert!(unknown.as_ref().unwrap_err().contains("cannot be resolved here"), "{unknown:?}");
        let failed = "the connection fails: Resolve (…): kafka:9092/1: Failed to resolve 'kafka:9092': Name or service";
        let named = named_in(failed, "127.0.0.1:9092").unwrap();
        assert!(named.found.contains("broker 1 names itself kafka:9092"), "{named:?}");
        for (reason, brokers) in
            [(failed, "a:1,kafka:9092"), ("a:1/bootstrap: Connect failed", "b:1"), ("x/1: y", "a:1")]
        {
            assert_eq!(named_in(reason, brokers), None, "{reason}");
        }
        let finding = told(1, "kafka:9092", "cannot be resolved here");
        assert!(finding.found.contains("names itself kafka:9092"), "{finding:?}");
        assert!(finding.advice.unwrap().contains("advertised.listeners"));
    }
}
