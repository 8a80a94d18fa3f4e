//! One try to form a generation: what is known, what is waited for, and why it came to nothing.

use std::{
    fmt,
    sync::{Mutex, PoisonError},
};

use super::{Peers, Terms, Trust, channel::Fault, message::Incarnation};

/// What a process knows of its cluster.
pub struct Site {
    /// Who and where.
    pub peers: Peers,
    /// What all must agree on; asked for again at each try, because a new model may have come meanwhile.
    pub terms: Box<dyn Fn() -> Terms + Send + Sync>,
    /// How all prove themselves.
    pub trust: Trust,
    /// The number of the last generation that this process knows of, or 0.
    pub last_generation: u64,
    /// How many partitions the log has, as far as this process knows.
    pub partitions: u32,
}

/// Why a try came to nothing.
#[derive(Debug, thiserror::Error)]
pub(super) enum Failure {
    #[error("process {index} ({address}): {fault}")]
    Peer { index: usize, address: String, fault: Fault },
    #[error("process 0 has started over while this one waited for {0}")]
    StartedOver(String),
    #[error("the port was closed")]
    Closed,
    #[error("there is a new model")]
    Outdated,
}

/// What a try waits for, to be told when its time is over.
#[derive(Default)]
pub(super) struct Waiting(Mutex<String>);

impl Waiting {
    pub(super) fn for_(&self, what: impl fmt::Display) {
        *self.0.lock().unwrap_or_else(PoisonError::into_inner) = what.to_string();
    }

    pub(super) fn get(&self) -> String {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }
}

/// One try.
pub(super) struct Attempt<'a> {
    pub(super) site: &'a Site,
    pub(super) terms: Terms,
    pub(super) incarnation: Incarnation,
    pub(super) waiting: Waiting,
}

impl Attempt<'_> {
    /// A fault of process 0; its end says less than what was waited for.
    pub(super) fn of_leader(&self, fault: Fault) -> Failure {
        if fault.is_end() { Failure::StartedOver(self.waiting.get()) } else { self.of(0)(fault) }
    }

    /// A fault of a process, told with its name.
    pub(super) fn of(&self, index: usize) -> impl Fn(Fault) -> Failure + use<'_> {
        let address = self.site.peers.address(index);
        move |fault| Failure::Peer { index, address: address.to_owned(), fault }
    }
}
