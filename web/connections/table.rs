//! The open connections: the side that each one waits for, and the one to drop for room.

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

use delaycast::runtime::{Mutex, MutexGuard};
use tokio::{sync::Notify, task::AbortHandle};

use crate::Config;

/// Why a connection was dropped, or not taken.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Drop {
    /// To make room for another one.
    ForRoom,
    /// No connection could be dropped for it.
    NoPlace,
    /// The client did not read.
    NotRead,
    /// It was open for too long.
    Outlived,
}

impl Drop {
    const ALL: [Drop; 4] = [Drop::ForRoom, Drop::NoPlace, Drop::NotRead, Drop::Outlived];

    fn name(self) -> &'static str {
        match self {
            Drop::ForRoom => "room",
            Drop::NoPlace => "busy",
            Drop::NotRead => "not_read",
            Drop::Outlived => "life",
        }
    }
}

/// Counts the connections that were dropped, by reason.
#[derive(Debug, Default)]
pub struct Dropped([AtomicU64; 4]);

impl Dropped {
    fn add(&self, why: Drop) {
        if let Some(count) = self.0.get(why as usize) {
            count.fetch_add(1, Ordering::Relaxed);
        }
    }

    /// The counts, each with the name of its reason.
    pub fn get(&self) -> [(&'static str, u64); 4] {
        Drop::ALL.map(|why| (why.name(), self.0.get(why as usize).map_or(0, |count| count.load(Ordering::Relaxed))))
    }
}

/// Whose turn a connection is, since when, and whether what was written is not taken.
pub(super) struct Turn {
    started_at: Instant,
    /// Milliseconds from `started_at` on, times two; plus one if the turn is ours.
    since: AtomicU64,
    blocked: AtomicBool,
    unblocked: Notify,
    is_dropped: AtomicBool,
    dropped: Arc<Dropped>,
}

impl Turn {
    fn new(started_at: Instant, dropped: &Arc<Dropped>) -> Self {
        let turn = Turn {
            started_at,
            since: AtomicU64::new(0),
            blocked: AtomicBool::new(false),
            unblocked: Notify::new(),
            is_dropped: AtomicBool::new(false),
            dropped: Arc::clone(dropped),
        };
        turn.is_clients();
        turn
    }

    fn set(&self, ours: bool) {
        let ms = self.started_at.elapsed().as_millis() as u64;
        self.since.store((ms << 1) | u64::from(ours), Ordering::Relaxed);
    }

    /// From now on the client is waited for.
    pub(super) fn is_clients(&self) {
        self.set(false);
    }

    /// From now on a request is worked on.
    pub(super) fn is_ours(&self) {
        self.set(true);
    }

    fn get(&self) -> State {
        let since = self.since.load(Ordering::Relaxed);
        State { is_ours: since & 1 == 1, since_ms: since >> 1 }
    }

    /// The client does not take what is written.
    pub(super) fn block(&self) {
        self.blocked.store(true, Ordering::Release);
    }

    /// It has taken everything.
    pub(super) fn unblock(&self) {
        self.blocked.store(false, Ordering::Release);
        self.unblocked.notify_waiters();
    }

    /// Waits until everything is taken.
    pub(super) async fn unblocked(&self) {
        let unblocked = self.unblocked.notified();
        if self.blocked.load(Ordering::Acquire) {
            unblocked.await;
        }
    }

    /// The connection is dropped: said once.
    pub(super) fn dropped(&self, why: Drop) {
        if !self.is_dropped.swap(true, Ordering::AcqRel) {
            self.dropped.add(why);
        }
    }

    pub(super) fn is_dropped(&self) -> bool {
        self.is_dropped.load(Ordering::Acquire)
    }
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct State {
    is_ours: bool,
    since_ms: u64,
}

struct Open {
    origin: IpAddr,
    turn: Arc<Turn>,
    task: Option<AbortHandle>,
}

/// The open connections. Its clones are one table.
#[derive(Clone)]
pub(super) struct Table {
    open: Arc<Mutex<(u64, HashMap<u64, Open>)>>,
    connections_max: usize,
    share: usize,
    started_at: Instant,
    dropped: Arc<Dropped>,
}

/// A connection's place, given up when it is dropped.
pub(super) struct Seat {
    id: u64,
    turn: Arc<Turn>,
    table: Table,
}

impl Table {
    pub(super) fn new(config: &Config) -> Self {
        Table {
            open: Arc::default(),
            connections_max: config.connections_max.max(1),
            share: config.address_share.max(1),
            started_at: Instant::now(),
            dropped: Arc::clone(&config.dropped),
        }
    }

    fn open(&self) -> MutexGuard<'_, (u64, HashMap<u64, Open>)> {
        self.open.lock()
    }

    /// A place for a connection from `peer`; another connection may lose its own. None if no place can be had.
    pub(super) fn admit(&self, peer: IpAddr) -> Option<Seat> {
        let (mut open, origin) = (self.open(), origin(peer));
        let (next, open) = &mut *open;
        while open.len() >= self.connections_max {
            let states = open.iter().map(|(id, open)| (*id, open.origin, open.turn.get()));
            let Some(id) = victim(states, Some(origin), self.share) else {
                self.dropped.add(Drop::NoPlace);
                return None;
            };
            drop_for_room(open, id);
        }
        *next += 1;
        let (id, turn) = (*next, Arc::new(Turn::new(self.started_at, &self.dropped)));
        open.insert(id, Open { origin, turn: Arc::clone(&turn), task: None });
        Some(Seat { id, turn, table: self.clone() })
    }

    /// The task that serves the connection, to be ended with it.
    pub(super) fn runs(&self, id: u64, task: AbortHandle) {
        if let Some(open) = self.open().1.get_mut(&id) {
            open.task = Some(task);
        }
    }

    /// Drops a connection, if one can be dropped.
    pub(super) fn make_room(&self) {
        let mut open = self.open();
        let states = open.1.iter().map(|(id, open)| (*id, open.origin, open.turn.get()));
        if let Some(id) = victim(states, None, self.share) {
            drop_for_room(&mut open.1, id);
        }
    }
}

fn drop_for_room(open: &mut HashMap<u64, Open>, id: u64) {
    if let Some(Open { turn, task, .. }) = open.remove(&id) {
        turn.dropped(Drop::ForRoom);
        if let Some(task) = task {
            task.abort();
        }
    }
}

impl Seat {
    pub(super) fn id(&self) -> u64 {
        self.id
    }

    pub(super) fn turn(&self) -> &Arc<Turn> {
        &self.turn
    }

    /// The connection has been open for too long.
    pub(super) fn outlived(&self) {
        self.turn.dropped(Drop::Outlived);
    }
}

impl std::ops::Drop for Seat {
    fn drop(&mut self) {
        self.table.open().1.remove(&self.id);
    }
}

/// Where a connection comes from: an address, or the network of 64 bits that is one customer's under IPv6.
fn origin(peer: IpAddr) -> IpAddr {
    match peer.to_canonical() {
        IpAddr::V6(address) => IpAddr::V6((address.to_bits() & (u128::MAX << 64)).into()),
        address => address,
    }
}

/// The connection to drop for one from `newcomer`. One whose client is waited for, the longest first; of origins beyond
/// their share first, and only of its own where the newcomer's origin is beyond its share itself. If there is none, the
/// request that has been worked on for longest of an origin beyond its share, unless that is the newcomer's.
fn victim(open: impl Iterator<Item = (u64, IpAddr, State)>, newcomer: Option<IpAddr>, share: usize) -> Option<u64> {
    let open: Vec<_> = open.collect();
    let mut counts: HashMap<IpAddr, usize> = HashMap::new();
    open.iter().for_each(|(_, origin, _)| *counts.entry(*origin).or_default() += 1);
    let is_crowded = |origin: &IpAddr| counts.get(origin).is_some_and(|count| *count >= share);
    let newcomer = newcomer.filter(is_crowded);
    // The larger, the sooner: of an origin beyond its share, then the longest wait, then the oldest.
    let rank = |(id, origin, state): &&(u64, IpAddr, State)| (is_crowded(origin), Reverse((state.since_ms, *id)));
    let may = |(_, origin, _): &&(u64, IpAddr, State)| newcomer.is_none_or(|newcomer| newcomer == *origin);
    let waiting = open.iter().filter(may).filter(|(_, _, state)| !state.is_ours).max_by_key(rank);
    let working = || {
        let crowded = open.iter().filter(|(_, origin, _)| newcomer.is_none() && is_crowded(origin));
        crowded.max_by_key(rank)
    };
    waiting.or_else(working).map(|(id, _, _)| *id)
}

#[cfg(test)]
mod tests {
    use super::*;

    const CLIENTS: bool = false;
    const OURS: bool = true;

    fn address(number: u8) -> IpAddr {
        [10, 0, 0, number].into()
    }

    /// Returns the connection that is dropped for one from `newcomer`, where a share is 3; connections by address,
    /// turn and since when.
    fn loser(open: &[(u8, bool, u64)], newcomer: u8) -> Option<u64> {
        let open = open.iter().zip(0..);
        let open = open.map(|(&(from, is_ours, since_ms), id)| (id, address(from), State { is_ours, since_ms }));
        victim(open, Some(address(newcomer)), 3)
    }

    #[test]
    fn rule_1_the_client_waited_for_longest_loses_and_no_request_that_is_worked_on() {
        let open = [(1, OURS, 1), (2, CLIENTS, 9), (3, CLIENTS, 5), (4, CLIENTS, 7)];
        assert_eq!(loser(&open, 5), Some(2));
        assert_eq!(loser(&open[..1], 5), None, "the new one is told 503");
    }

    #[test]
    fn rule_2_an_address_beyond_its_share_loses_first_and_makes_room_for_its_own() {
        let crowd = [(1, CLIENTS, 7), (1, CLIENTS, 6), (1, OURS, 2), (2, CLIENTS, 1)];
        assert_eq!(loser(&crowd, 3), Some(1), "though address 2 has been waited for longer");
        assert_eq!(loser(&crowd, 1), Some(1));
        assert_eq!(loser(&crowd[1..], 1), Some(2), "nobody is beyond a share");
        let working = [(1, OURS, 7), (1, OURS, 6), (1, OURS, 8), (2, OURS, 1)];
        assert_eq!(loser(&working, 3), Some(1), "its longest request");
        assert_eq!(loser(&working, 1), None, "but not for one of its own");
        // All come from a proxy: its share means nothing.
        let proxied = [(1, CLIENTS, 9), (1, CLIENTS, 8), (1, OURS, 1), (1, OURS, 2)];
        assert_eq!(loser(&proxied, 1), Some(1));
    }

    #[test]
    fn rule_2_an_address_of_ipv6_is_its_network() {
        let of = |text: &str| origin(text.parse().unwrap());
        assert_eq!(of("2001:db8:1:2:3:4:5:6"), of("2001:db8:1:2::"));
        assert_ne!(of("2001:db8:1:2::1"), of("2001:db8:1:3::1"));
        assert_eq!(of("::ffff:10.0.0.1"), address(1));
    }

    #[test]
    fn rule_6_a_connection_is_counted_once() {
        let dropped = Arc::new(Dropped::default());
        let turn = Turn::new(Instant::now(), &dropped);
        turn.dropped(Drop::NotRead);
        turn.dropped(Drop::ForRoom);
        assert_eq!(dropped.get(), [("room", 0), ("busy", 0), ("not_read", 1), ("life", 0)]);
    }

    #[tokio::test]
    async fn rule_5_the_next_request_waits_until_all_is_taken() {
        let turn = Arc::new(Turn::new(Instant::now(), &Arc::default()));
        turn.unblocked().await;
        turn.block();
        let waiting = tokio::spawn({
            let turn = Arc::clone(&turn);
            async move { turn.unblocked().await }
        });
        tokio::task::yield_now().await;
        assert!(!waiting.is_finished());
        turn.unblock();
        waiting.await.unwrap();
    }
}
