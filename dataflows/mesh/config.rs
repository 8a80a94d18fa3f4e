//! The configuration of a process: its cluster's processes, what they must agree on, and its credentials.

use std::{io, net::SocketAddr, time::Duration};

use serde::{Deserialize, Serialize};
use tokio::{net::lookup_host, time::timeout};

use super::credentials::Credentials;

/// Timeout of a DNS lookup.
const DNS_TIMEOUT: Duration = Duration::from_secs(2);
/// Upper bound on the processes of a cluster: a larger number is a mistake in the configuration.
const PROCESSES_MAX: usize = 256;

/// The configuration of one process.
pub struct MeshConfig {
    /// The cluster's processes.
    pub peers: Peers,
    /// Returns what all processes must agree on. Called at each attempt, because a new model may have become current.
    pub spec: Box<dyn Fn() -> ClusterSpec + Send + Sync>,
    /// The credentials of this process.
    pub credentials: Credentials,
    /// The number of the last generation that this process knows of, or 0.
    pub last_generation: u64,
    /// The number of the log's partitions, as far as this process knows.
    pub partitions: u32,
}

/// The properties that must be the same in all processes before they exchange data.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ClusterSpec {
    /// The cluster's name.
    pub cluster: String,
    /// The number of its processes.
    pub processes: usize,
    /// The number of worker threads in each of them.
    pub workers: usize,
    /// A fingerprint of the program file.
    pub program: String,
    /// The options that the dataflow is built from, beyond the program, in words.
    pub dataflow: String,
    /// The version of the model that scores.
    pub model: String,
}

impl ClusterSpec {
    /// Returns the first difference, in words for both operators; `theirs` is the spec of the other process.
    pub(super) fn difference(&self, theirs: &ClusterSpec) -> Option<String> {
        let differs = |what: &str, ours: &str, theirs: &str| {
            (ours != theirs).then(|| format!("the {what} differs: {theirs} there, {ours} here"))
        };
        let number = |number: usize| number.to_string();
        differs("cluster", &self.cluster, &theirs.cluster)
            .or_else(|| differs("number of processes", &number(self.processes), &number(theirs.processes)))
            .or_else(|| differs("number of workers", &number(self.workers), &number(theirs.workers)))
            .or_else(|| differs("program", &self.program, &theirs.program))
            .or_else(|| differs("dataflow", &self.dataflow, &theirs.dataflow))
            .or_else(|| differs("model", &self.model, &theirs.model))
    }
}

/// The addresses of a cluster's processes by number, and the number of this one.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Peers {
    index: usize,
    addresses: Vec<String>,
    leader: Option<String>,
}

/// An invalid description of a cluster's processes.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
pub enum PeersError {
    /// Not a host and a port.
    #[error("{0:?} is no address of a process: HOST:PORT is wanted, as in score-0.score:2101")]
    Address(String),
    /// The number of processes is out of range.
    #[error("a cluster has 1 to {PROCESSES_MAX} processes, not {0}")]
    Count(usize),
    /// The number of this process is out of range.
    #[error("this is process {index}, and there are {processes}, counted from 0")]
    Index {
        /// The number of this process.
        index: usize,
        /// The number of processes.
        processes: usize,
    },
    /// The host name does not end in a pod's ordinal.
    #[error("the host name {0:?} does not end in the number of a pod, as delaycast-score-0 does")]
    NoOrdinal(String),
}

impl Peers {
    /// Parses a list `host:port,host:port`, in the order of the processes' numbers.
    pub fn from_list(list: &str, index: usize) -> Result<Self, PeersError> {
        Self::new(list.split(',').map(|address| address.trim().to_owned()).collect(), index)
    }

    /// Returns the pods of a StatefulSet with a headless service: `SET-i.DOMAIN:port`. The set's name and this pod's
    /// ordinal are taken from the host name, `SET-i`.
    pub fn from_stateful_set(replicas: usize, domain: &str, port: u16, hostname: &str) -> Result<Self, PeersError> {
        let pod = hostname.split('.').next().and_then(|pod| pod.rsplit_once('-'));
        let pod = pod.and_then(|(set, ordinal)| Some((set, ordinal.parse().ok()?)));
        let (set, index) = pod.ok_or_else(|| PeersError::NoOrdinal(hostname.to_owned()))?;
        if replicas > PROCESSES_MAX {
            return Err(PeersError::Count(replicas));
        }
        Self::new((0..replicas).map(|pod| format!("{set}-{pod}.{domain}:{port}")).collect(), index)
    }

    fn new(addresses: Vec<String>, index: usize) -> Result<Self, PeersError> {
        let processes = addresses.len();
        if processes == 0 || processes > PROCESSES_MAX {
            return Err(PeersError::Count(processes));
        }
        for address in &addresses {
            check_address(address)?;
        }
        if index >= processes {
            return Err(PeersError::Index { index, processes });
        }
        Ok(Peers { index, addresses, leader: None })
    }

    /// Makes the others reach process 0 at an address that outlives it, such as that of a Service, in place of its own.
    pub fn with_leader(mut self, address: &str) -> Result<Self, PeersError> {
        check_address(address)?;
        self.leader = Some(address.to_owned());
        Ok(self)
    }

    /// Returns the number of this process.
    pub fn index(&self) -> usize {
        self.index
    }

    /// Returns the number of processes.
    pub fn count(&self) -> usize {
        self.addresses.len()
    }

    /// Returns the address at which the others reach a process, as it was configured.
    pub fn address(&self, index: usize) -> &str {
        match &self.leader {
            Some(leader) if index == 0 => leader,
            _ => &self.addresses[index],
        }
    }

    /// Returns the port on which a process listens.
    pub fn port(&self, index: usize) -> u16 {
        let port = self.addresses[index].rsplit_once(':').and_then(|(_, port)| port.parse().ok());
        // `new` has checked that it parses.
        port.unwrap_or_default()
    }

    /// Resolves the address of a process. Not cached: a replaced pod keeps its name and gets another address.
    pub(super) async fn resolve(&self, index: usize) -> io::Result<Vec<SocketAddr>> {
        let address = self.address(index);
        let found = timeout(DNS_TIMEOUT, lookup_host(address)).await.map_err(|_| {
            io::Error::new(io::ErrorKind::TimedOut, format!("the name service does not answer for {address}"))
        })??;
        Ok(found.collect())
    }
}

/// Checks that an address has a host and a port.
fn check_address(address: &str) -> Result<(), PeersError> {
    let parts = address.rsplit_once(':').map(|(host, port)| (host, port.parse::<u16>()));
    match parts {
        Some((host, Ok(_))) if !host.is_empty() => Ok(()),
        _ => Err(PeersError::Address(address.to_owned())),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_list_names_the_processes_in_order() {
        let peers = Peers::from_list("a:2101, b:2102,[::1]:2103", 1).unwrap();
        assert_eq!((peers.index(), peers.count(), peers.address(2)), (1, 3, "[::1]:2103"));
        for bad in ["", "a", "a:", ":1", "a:1,,b:2", "a:70000"] {
            assert!(matches!(Peers::from_list(bad, 0), Err(PeersError::Address(_))), "{bad:?}");
        }
        assert_eq!(Peers::from_list("a:1,b:2", 2), Err(PeersError::Index { index: 2, processes: 2 }));
    }

    #[test]
    fn process_0_may_be_reached_at_another_address_than_its_own() {
        let peers = Peers::from_list("a:2101,b:2102", 0).unwrap();
        let by_service = peers.clone().with_leader("score-0:2100").unwrap();
        assert_eq!(
            (by_service.address(0), by_service.port(0), by_service.address(1)),
            ("score-0:2100", 2101, "b:2102")
        );
        assert_eq!(peers.with_leader("score-0"), Err(PeersError::Address("score-0".into())));
    }

    #[test]
    fn pods_are_numbered_by_their_host_names() {
        let pods = |hostname| Peers::from_stateful_set(3, "score-headless", 2101, hostname);
        for hostname in ["score-2", "score-2.score-headless.default.svc.cluster.local"] {
            let peers = pods(hostname).unwrap();
            assert_eq!((peers.index(), peers.address(0)), (2, "score-0.score-headless:2101"));
        }
        assert_eq!(pods("score-3"), Err(PeersError::Index { index: 3, processes: 3 }));
        assert_eq!(pods("laptop"), Err(PeersError::NoOrdinal("laptop".into())));
        assert!(matches!(Peers::from_stateful_set(1 << 40, "d", 1, "s-0"), Err(PeersError::Count(_))));
    }
}
