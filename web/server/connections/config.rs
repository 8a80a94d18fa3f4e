//! The bounds of a listener's connections.

use std::{sync::Arc, time::Duration};

use super::table::DropCounters;

/// Limits and deadlines of connections.
#[derive(Debug, Clone)]
pub struct ConnectionConfig {
    /// Upper bound on open connections. At the bound a new one evicts the one whose client has been awaited longest.
    pub connections_max: usize,
    /// At that bound the connections of an address that has this many or more are evicted first.
    pub address_share: usize,
    /// Deadline of a request's head, also between two requests.
    pub head_within: Duration,
    /// Deadline of a request's body, which its handler enforces.
    pub body_within: Duration,
    /// Deadline of the client's reading of what was written.
    pub write_within: Duration,
    /// Maximum age: an older connection is closed after its next response.
    pub life_max: Duration,
    /// Maximum number of requests of a connection.
    pub requests_max: u64,
    /// Size of the kernel's buffer of a connection in each direction; the kernel doubles it for its bookkeeping.
    pub kernel_buffer_bytes: usize,
    /// Deadline of requests in flight after the shutdown signal.
    pub drain_within: Duration,
    /// Counts the connections that are dropped.
    pub dropped: Arc<DropCounters>,
}

impl Default for ConnectionConfig {
    fn default() -> Self {
        ConnectionConfig {
            connections_max: 512,
            address_share: 128,
            head_within: Duration::from_secs(15),
            body_within: Duration::from_secs(10),
            write_within: Duration::from_secs(30),
            life_max: Duration::from_secs(600),
            requests_max: 1000,
            kernel_buffer_bytes: 128 << 10,
            drain_within: Duration::from_secs(5),
            dropped: Arc::default(),
        }
    }
}
