//! The open connections: their phases, and the selection of one to evict.

use std::{
    cmp::Reverse,
    collections::HashMap,
    net::IpAddr,
    sync::{
        Arc,
        atomic::{AtomicBool, AtomicU64, Ordering},
    },
    time::Instant,
};

use engine::runtime::{Mutex, MutexGuard};
use tokio::{sync::Notify, task::AbortHandle};

/// The reason for which a connection was dropped or refused.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum DropReason {
    /// It was evicted for another one.
    Evicted,
    /// It was refused: no connection could be evicted for it.
    Refused,
    /// Its client did not read in time.
    WriteTimeout,
    /// It exceeded its maximum age.
    TooOld,
}

impl DropReason {
    const ALL: [DropReason; 4] =
        [DropReason::Evicted, DropReason::Refused, DropReason::WriteTimeout, DropReason::TooOld];

    fn name(self) -> &'static str {
        match self {
            DropReason::Evicted => "room",
            DropReason::Refused => "busy",
            DropReason::WriteTimeout => "not_read",
            DropReason::TooOld => "life",
        }
    }
}

/// Counts the connections that were dropped, by reason.
#[derive(Debug, Default)]
pub struct DropCounters([AtomicU64; 4]);

impl DropCounters {
    fn add(&self, reason: DropReason) {
        if let Some(count) = self.0.get(reason as usize) {
            count.fetch_add(1, Ordering::Relaxed);
        }
    }

    /// The counts, each with the name of its reason.
    pub fn get(&self) -> [(&'static str, u64); 4] {
        DropReason::ALL
            .map(|reason| (reason.name(), self.0.get(reason as usize).map_or(0, |count| count.load(Ordering::Relaxed))))
    }
}

/// The phase of a connection, and whether written bytes are still unread.
pub(super) struct ConnectionState {
    started_at: Instant,
    /// Milliseconds since `started_at`, times two; plus one if a request is being worked on.
    phase: AtomicU64,
    is_blocked: AtomicBool,
    drained: Notify,
    is_dropped: AtomicBool,
    counters: Arc<DropCounters>,
}

impl ConnectionState {
    fn new(started_at: Instant, counters: &Arc<DropCounters>) -> Self {
        let state = ConnectionState {
            started_at,
            phase: AtomicU64::new(0),
            is_blocked: AtomicBool::new(false),
            drained: Notify::new(),
            is_dropped: AtomicBool::new(false),
            counters: Arc::clone(counters),
        };
        state.set_waiting();
        state
    }

    fn set(&self, is_working: bool) {
        let ms = self.started_at.elapsed().as_millis() as u64;
        self.phase.store((ms << 1) | u64::from(is_working), Ordering::Relaxed);
    }

    /// The server awaits the client from now on.
    pub(super) fn set_waiting(&self) {
        self.set(false);
    }

    /// The server works on a request from now on.
    pub(super) fn set_working(&self) {
        self.set(true);
    }

    fn phase(&self) -> Phase {
        let phase = self.phase.load(Ordering::Relaxed);
        Phase { is_working: phase & 1 == 1, since_ms: phase >> 1 }
    }

    /// The client does not read what is written.
    pub(super) fn set_blocked(&self) {
        self.is_blocked.store(true, Ordering::Release);
    }

    /// All written bytes are sent.
    pub(super) fn set_drained(&self) {
        self.is_blocked.store(false, Ordering::Release);
        self.drained.notify_waiters();
    }

    /// Waits until all written bytes are sent.
    pub(super) async fn drained(&self) {
        let drained = self.drained.notified();
        if self.is_blocked.load(Ordering::Acquire) {
            drained.await;
        }
    }

    /// Marks the connection as dropped; only the first reason is counted.
    pub(super) fn mark_dropped(&self, reason: DropReason) {
        if !self.is_dropped.swap(true, Ordering::AcqRel) {
            self.counters.add(reason);
        }
    }

    pub(super) fn is_dropped(&self) -> bool {
        self.is_dropped.load(Ordering::Acquire)
    }
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Phase {
    is_working: bool,
    since_ms: u64,
}

struct OpenConnection {
    client: IpAddr,
    state: Arc<ConnectionState>,
    task: Option<AbortHandle>,
}

/// The open connections. Clones share one table.
#[derive(Clone)]
pub(super) struct ConnectionTable {
    open: Arc<Mutex<(u64, HashMap<u64, OpenConnection>)>>,
    connections_max: usize,
    address_share: usize,
    started_at: Instant,
    counters: Arc<DropCounters>,
}

/// An entry of the table, removed when this is dropped.
pub(super) struct Permit {
    id: u64,
    state: Arc<ConnectionState>,
    table: ConnectionTable,
}

impl ConnectionTable {
    pub(super) fn new(connections_max: usize, address_share: usize, counters: &Arc<DropCounters>) -> Self {
        ConnectionTable {
            open: Arc::default(),
            connections_max: connections_max.max(1),
            address_share: address_share.max(1),
            started_at: Instant::now(),
            counters: Arc::clone(counters),
        }
    }

    fn open(&self) -> MutexGuard<'_, (u64, HashMap<u64, OpenConnection>)> {
        self.open.lock()
    }

    /// Admits a connection from `peer`, at the bound by evicting another one; `None` if none can be evicted.
    pub(super) fn admit(&self, peer: IpAddr) -> Option<Permit> {
        let (mut open, client) = (self.open(), client_of(peer));
        let (next, open) = &mut *open;
        while open.len() >= self.connections_max {
            let Some(id) = select_victim(phases(open), Some(client), self.address_share) else {
                self.counters.add(DropReason::Refused);
                return None;
            };
            evict(open, id);
        }
        *next += 1;
        let (id, state) = (*next, Arc::new(ConnectionState::new(self.started_at, &self.counters)));
        open.insert(id, OpenConnection { client, state: Arc::clone(&state), task: None });
        Some(Permit { id, state, table: self.clone() })
    }

    /// Sets the task that serves the connection; an eviction aborts it.
    pub(super) fn set_task(&self, id: u64, task: AbortHandle) {
        if let Some(open) = self.open().1.get_mut(&id) {
            open.task = Some(task);
        }
    }

    /// Evicts a connection, if one can be evicted.
    pub(super) fn evict_one(&self) {
        let mut open = self.open();
        if let Some(id) = select_victim(phases(&open.1), None, self.address_share) {
            evict(&mut open.1, id);
        }
    }
}

/// The id, client and phase of each connection.
fn phases(open: &HashMap<u64, OpenConnection>) -> Vec<(u64, IpAddr, Phase)> {
    open.iter().map(|(id, open)| (*id, open.client, open.state.phase())).collect()
}

fn evict(open: &mut HashMap<u64, OpenConnection>, id: u64) {
    if let Some(OpenConnection { state, task, .. }) = open.remove(&id) {
        state.mark_dropped(DropReason::Evicted);
        if let Some(task) = task {
            task.abort();
        }
    }
}

impl Permit {
    pub(super) fn id(&self) -> u64 {
        self.id
    }

    pub(super) fn state(&self) -> &Arc<ConnectionState> {
        &self.state
    }

    /// The connection has exceeded its maximum age.
    pub(super) fn exceeded_age(&self) {
        self.state.mark_dropped(DropReason::TooOld);
    }
}

impl Drop for Permit {
    fn drop(&mut self) {
        self.table.open().1.remove(&self.id);
    }
}

/// Returns the client of an address: itself under IPv4, its network of 64 bits under IPv6.
fn client_of(peer: IpAddr) -> IpAddr {
    match peer.to_canonical() {
        IpAddr::V6(address) => IpAddr::V6((address.to_bits() & (u128::MAX << 64)).into()),
        address => address,
    }
}

/// Selects the connection to evict for one from `newcomer`: the one whose client has been awaited longest. Clients
/// beyond their share come first; a newcomer beyond its share evicts only its own connections. If no client is
/// awaited, it is the oldest request of another client beyond its share.
fn select_victim(open: Vec<(u64, IpAddr, Phase)>, newcomer: Option<IpAddr>, share: usize) -> Option<u64> {
    let mut counts: HashMap<IpAddr, usize> = HashMap::new();
    open.iter().for_each(|(_, client, _)| *counts.entry(*client).or_default() += 1);
    let is_crowded = |client: &IpAddr| counts.get(client).is_some_and(|count| *count >= share);
    let newcomer = newcomer.filter(is_crowded);
    // Clients beyond their share first, then the longest wait, then the oldest connection.
    let rank = |(id, client, phase): &&(u64, IpAddr, Phase)| (is_crowded(client), Reverse((phase.since_ms, *id)));
    let may = |(_, client, _): &&(u64, IpAddr, Phase)| newcomer.is_none_or(|newcomer| newcomer == *client);
    let waiting = open.iter().filter(may).filter(|(_, _, phase)| !phase.is_working).max_by_key(rank);
    let working = || {
        let crowded = open.iter().filter(|(_, client, _)| newcomer.is_none() && is_crowded(client));
        crowded.max_by_key(rank)
    };
    waiting.or_else(working).map(|(id, _, _)| *id)
}

#[cfg(test)]
mod tests {
    use super::*;

    const WAITING: bool = false;
    const WORKING: bool = true;

    fn address(number: u8) -> IpAddr {
        [10, 0, 0, number].into()
    }

    /// Returns the connection that is evicted for one from `newcomer`, where a share is 3; connections are given by
    /// address, phase and its start.
    fn evicted(open: &[(u8, bool, u64)], newcomer: u8) -> Option<u64> {
        let open = open.iter().zip(0..);
        let open = open.map(|(&(from, is_working, since_ms), id)| (id, address(from), Phase { is_working, since_ms }));
        select_victim(open.collect(), Some(address(newcomer)), 3)
    }

    #[test]
    fn rule_1_the_client_awaited_longest_is_evicted_and_no_request_in_progress() {
        let open = [(1, WORKING, 1), (2, WAITING, 9), (3, WAITING, 5), (4, WAITING, 7)];
        assert_eq!(evicted(&open, 5), Some(2));
        assert_eq!(evicted(&open[..1], 5), None, "the new one is told 503");
    }

    #[test]
    fn rule_2_an_address_beyond_its_share_is_evicted_first_and_for_its_own_connections() {
        let crowd = [(1, WAITING, 7), (1, WAITING, 6), (1, WORKING, 2), (2, WAITING, 1)];
        assert_eq!(evicted(&crowd, 3), Some(1), "though address 2 has been awaited longer");
        assert_eq!(evicted(&crowd, 1), Some(1));
        assert_eq!(evicted(&crowd[1..], 1), Some(2), "no address is beyond its share");
        let working = [(1, WORKING, 7), (1, WORKING, 6), (1, WORKING, 8), (2, WORKING, 1)];
        assert_eq!(evicted(&working, 3), Some(1), "its oldest request");
        assert_eq!(evicted(&working, 1), None, "but not for one of its own");
        // All come from a proxy: its share means nothing.
        let proxied = [(1, WAITING, 9), (1, WAITING, 8), (1, WORKING, 1), (1, WORKING, 2)];
        assert_eq!(evicted(&proxied, 1), Some(1));
    }

    #[test]
    fn rule_2_an_address_of_ipv6_is_its_network() {
        let of = |text: &str| client_of(text.parse().unwrap());
        assert_eq!(of("2001:db8:1:2:3:4:5:6"), of("2001:db8:1:2::"));
        assert_ne!(of("2001:db8:1:2::1"), of("2001:db8:1:3::1"));
        assert_eq!(of("::ffff:10.0.0.1"), address(1));
    }

    #[test]
    fn rule_6_a_connection_is_counted_once() {
        let counters = Arc::new(DropCounters::default());
        let state = ConnectionState::new(Instant::now(), &counters);
        state.mark_dropped(DropReason::WriteTimeout);
        state.mark_dropped(DropReason::Evicted);
        assert_eq!(counters.get(), [("room", 0), ("busy", 0), ("not_read", 1), ("life", 0)]);
    }

    #[tokio::test]
    async fn rule_5_the_next_request_waits_until_all_bytes_are_sent() {
        let state = Arc::new(ConnectionState::new(Instant::now(), &Arc::default()));
        state.drained().await;
        state.set_blocked();
        let waiting = tokio::spawn({
            let state = Arc::clone(&state);
            async move { state.drained().await }
        });
        tokio::task::yield_now().await;
        assert!(!waiting.is_finished());
        state.set_drained();
        waiting.await.unwrap();
    }
}
