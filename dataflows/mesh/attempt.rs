//! One attempt to form a generation: its state, its errors, and the connections to other processes.

use std::{
    fmt, io,
    time::{Duration, Instant},
};

use engine::runtime::Mutex;
use rand::RngExt;
use tokio::{
    net::TcpStream,
    time::{sleep, timeout},
};

use super::{
    channel::{Channel, ChannelError, Incarnation},
    config::{ClusterSpec, MeshConfig},
    connection::configure,
    handshake,
};

/// Timeout of a connection with its handshake; it is retried afterwards.
const CONNECT_TIMEOUT: Duration = Duration::from_secs(2);
/// Minimum time between two warnings about the same connection.
const WARN_INTERVAL: Duration = Duration::from_secs(10);
/// Longest pause between two connection attempts; the shortest is a tenth of it.
const RETRY_PAUSE: Duration = Duration::from_millis(200);

/// A failed attempt.
#[derive(Debug, thiserror::Error)]
pub(super) enum AttemptError {
    #[error("process {index} ({address}): {error}")]
    Peer { index: usize, address: String, error: ChannelError },
    #[error("process 0 has started over while this one waited for {0}")]
    LeaderRestarted(String),
    #[error("the port was closed")]
    ListenerClosed,
    #[error("there is a new model")]
    SpecChanged,
}

/// The event that an attempt waits for, logged when the attempt times out.
#[derive(Default)]
pub(super) struct Waiting(Mutex<String>);

impl Waiting {
    pub(super) fn set(&self, event: impl fmt::Display) {
        *self.0.lock() = event.to_string();
    }

    pub(super) fn get(&self) -> String {
        self.0.lock().clone()
    }
}

/// The state of an attempt.
pub(super) struct Attempt<'a> {
    pub(super) config: &'a MeshConfig,
    pub(super) spec: ClusterSpec,
    pub(super) incarnation: Incarnation,
    pub(super) waiting: Waiting,
}

impl Attempt<'_> {
    /// Converts an error of process 0; a closed connection is reported with the event that was waited for.
    pub(super) fn leader_error(&self, error: ChannelError) -> AttemptError {
        match error.is_closed() {
            true => AttemptError::LeaderRestarted(self.waiting.get()),
            false => self.peer_error(0)(error),
        }
    }

    /// Converts an error of a process.
    pub(super) fn peer_error(&self, index: usize) -> impl Fn(ChannelError) -> AttemptError + use<'_> {
        let address = self.config.peers.address(index);
        move |error| AttemptError::Peer { index, address: address.to_owned(), error }
    }

    /// Connects to a process of a lower number; retries until it succeeds.
    pub(super) async fn connect(&self, index: usize) -> Channel {
        let mut warned_at: Option<Instant> = None;
        loop {
            let connected = timeout(CONNECT_TIMEOUT, self.connect_once(index)).await;
            match connected.unwrap_or(Err(ChannelError::Timeout)) {
                Ok(channel) => return channel,
                Err(error) => {
                    let why = format!("process {index} ({}): {error}", self.config.peers.address(index));
                    // Log no warning for a process that has not started yet.
                    if !error.is_unavailable() && warned_at.is_none_or(|at| at.elapsed() >= WARN_INTERVAL) {
                        tracing::warn!("mesh: cannot connect to {why}");
                        warned_at = Some(Instant::now());
                    }
                    self.waiting.set(why);
                }
            }
            let pause = RETRY_PAUSE.mul_f64(rand::rng().random_range(0.1..1.0));
            sleep(pause).await;
        }
    }

    async fn connect_once(&self, index: usize) -> Result<Channel, ChannelError> {
        let mut last_error = io::Error::new(io::ErrorKind::NotFound, "its name has no address");
        for address in self.config.peers.resolve(index).await? {
            match TcpStream::connect(address).await {
                Ok(tcp) => {
                    configure(&tcp)?;
                    return handshake::connect(&self.config.credentials, tcp, address).await;
                }
                Err(error) => last_error = error,
            }
        }
        Err(last_error.into())
    }
}
