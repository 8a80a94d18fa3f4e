//! Which processes there are, and where.

use std::{io, net::SocketAddr, time::Duration};

use tokio::{net::lookup_host, time::timeout};

/// A name is looked up for so long.
const LOOK_UP: Duration = Duration::from_secs(2);
/// More processes than this are a slip of the finger.
const PROCESSES_MAX: usize = 256;

/// The processes of a cluster by number, and which of them this one is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Peers {
    index: usize,
    addresses: Vec<String>,
}

/// Why the processes of a cluster cannot be told.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
pub enum PeersError {
    /// Not a host and a port.
    #[error("{0:?} is no address of a process: HOST:PORT is wanted, as in score-0.score:2101")]
    Address(String),
    /// The number of processes.
    #[error("a cluster has 1 to {PROCESSES_MAX} processes, not {0}")]
    Count(usize),
    /// The own number.
    #[error("this is process {index}, and there are {processes}, counted from 0")]
    Index {
        /// The number.
        index: usize,
        /// How many there are.
        processes: usize,
    },
    /// A host name that does not end in a number.
    #[error("the host name {0:?} does not end in the number of a pod, as delaycast-score-0 does")]
    NoOrdinal(String),
}

impl Peers {
    /// From a list `host:port,host:port`, in the order of their numbers.
    pub fn listed(list: &str, index: usize) -> Result<Self, PeersError> {
        Self::new(list.split(',').map(|address| address.trim().to_owned()).collect(), index)
    }

    /// As the pods of a StatefulSet with a headless service: `SET-i.DOMAIN:port`. The set's name and the own number are
    /// in the host name, `SET-i`.
    pub fn stateful_set(replicas: usize, domain: &str, port: u16, hostname: &str) -> Result<Self, PeersError> {
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
            let parts = address.rsplit_once(':').map(|(host, port)| (host, port.parse::<u16>()));
            if !matches!(parts, Some((host, Ok(_))) if !host.is_empty()) {
                return Err(PeersError::Address(address.clone()));
            }
        }
        if index >= processes {
            return Err(PeersError::Index { index, processes });
        }
        Ok(Peers { index, addresses })
    }

    /// This process's number.
    pub fn index(&self) -> usize {
        self.index
    }

    /// How many processes there are.
    pub fn count(&self) -> usize {
        self.addresses.len()
    }

    /// Where a process is, as it was given.
    pub fn address(&self, index: usize) -> &str {
        &self.addresses[index]
    }

    /// The port of a process.
    pub fn port(&self, index: usize) -> u16 {
        let port = self.address(index).rsplit_once(':').and_then(|(_, port)| port.parse().ok());
        // Looked at when it was made.
        port.unwrap_or_default()
    }

    /// Where a process is now: a pod that was replaced has the name of the old one and another address.
    pub(super) async fn resolve(&self, index: usize) -> io::Result<Vec<SocketAddr>> {
        let address = self.address(index);
        let found = timeout(LOOK_UP, lookup_host(address)).await.map_err(|_| {
            io::Error::new(io::ErrorKind::TimedOut, format!("the name service does not answer for {address}"))
        })??;
        Ok(found.collect())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_list_names_the_processes_in_order() {
        let peers = Peers::listed("a:2101, b:2102,[::1]:2103", 1).unwrap();
        assert_eq!((peers.index(), peers.count(), peers.address(2)), (1, 3, "[::1]:2103"));
        for bad in ["", "a", "a:", ":1", "a:1,,b:2", "a:70000"] {
            assert!(matches!(Peers::listed(bad, 0), Err(PeersError::Address(_))), "{bad:?}");
        }
        assert_eq!(Peers::listed("a:1,b:2", 2), Err(PeersError::Index { index: 2, processes: 2 }));
    }

    #[test]
    fn pods_are_numbered_by_their_names() {
        let pods = |hostname| Peers::stateful_set(3, "score-headless", 2101, hostname);
        for hostname in ["score-2", "score-2.score-headless.default.svc.cluster.local"] {
            let peers = pods(hostname).unwrap();
            assert_eq!((peers.index(), peers.address(0)), (2, "score-0.score-headless:2101"));
        }
        assert_eq!(pods("score-3"), Err(PeersError::Index { index: 3, processes: 3 }));
        assert_eq!(pods("laptop"), Err(PeersError::NoOrdinal("laptop".into())));
        assert!(matches!(Peers::stateful_set(1 << 40, "d", 1, "s-0"), Err(PeersError::Count(_))));
    }
}
