//! The listening port: each connection runs its handshake in its own task, within bounds.

use std::{
    collections::VecDeque,
    io,
    net::SocketAddr,
    time::{Duration, Instant},
};

use engine::runtime::Mutex;
use tokio::{
    net::{TcpListener, TcpStream},
    sync::mpsc::{Receiver, Sender, channel},
    task::{AbortHandle, JoinHandle},
    time::{sleep, timeout},
};

use super::{
    channel::{Channel, ChannelError, Generation, Message},
    connection::configure,
    credentials::{Credentials, CredentialsError},
    handshake,
};

/// Handshake timeout.
pub const HANDSHAKE_TIMEOUT: Duration = Duration::from_secs(5);
/// Upper bound on concurrent handshakes. One more aborts the oldest: that of a process takes milliseconds.
pub const HANDSHAKES_MAX: usize = 64;
/// Pause after an error of `accept`, such as too many open files.
const ACCEPT_RETRY_PAUSE: Duration = Duration::from_millis(100);
/// Minimum time between two log lines; those in between are counted.
const LOG_INTERVAL: Duration = Duration::from_secs(1);

/// Rejections of connections that have not authenticated.
static REJECTED_CONNECTIONS: RateLimitedLog = RateLimitedLog::new();
/// Rejections of authenticated processes: limited apart, so that a port scan does not hide them.
static REJECTED_PROCESSES: RateLimitedLog = RateLimitedLog::new();

/// An authenticated process, and its first message.
pub(super) struct Incoming {
    pub(super) message: Message,
    pub(super) channel: Channel,
}

/// An open port. Dropping it closes the port.
pub struct Listener {
    incoming: Receiver<Incoming>,
    accepting: JoinHandle<()>,
}

/// A port that cannot be listened on.
#[derive(Debug, thiserror::Error)]
pub enum ListenerError {
    /// The system refuses.
    #[error("cannot listen for other processes: {0}")]
    Io(#[from] io::Error),
    /// A secret does not suffice for the address.
    #[error(transparent)]
    Credentials(#[from] CredentialsError),
}

impl Listener {
    /// Starts to accept connections. Must be called within a tokio runtime.
    pub fn open(listener: std::net::TcpListener, credentials: Credentials) -> Result<Self, ListenerError> {
        listener.set_nonblocking(true)?;
        credentials.check_address(listener.local_addr()?)?;
        let listener = TcpListener::from_std(listener)?;
        let (sender, incoming) = channel(HANDSHAKES_MAX);
        Ok(Listener { incoming, accepting: tokio::spawn(accept_all(listener, credentials, sender)) })
    }

    /// Rejects each process with the reason that a generation runs, until dropped.
    pub async fn reject_all(mut self, generation: Generation) {
        let reason = format!("generation {} runs, and ends with the first of its processes", generation.number);
        while let Some(Incoming { channel, .. }) = self.incoming.recv().await {
            reject(channel, reason.clone()).await;
        }
    }

    /// Returns the next authenticated process.
    pub(super) async fn next(&mut self) -> Option<Incoming> {
        self.incoming.recv().await
    }
}

impl Drop for Listener {
    fn drop(&mut self) {
        self.accepting.abort();
    }
}

async fn accept_all(listener: TcpListener, credentials: Credentials, incoming: Sender<Incoming>) {
    let mut handshakes: VecDeque<AbortHandle> = VecDeque::new();
    loop {
        let (tcp, address) = match listener.accept().await {
            Ok(accepted) => accepted,
            Err(error) => {
                tracing::warn!("mesh: cannot accept a connection: {error}");
                sleep(ACCEPT_RETRY_PAUSE).await;
                continue;
            }
        };
        handshakes.retain(|handshake| !handshake.is_finished());
        if handshakes.len() >= HANDSHAKES_MAX {
            handshakes.pop_front().inspect(AbortHandle::abort);
        }
        let (credentials, incoming) = (credentials.clone(), incoming.clone());
        handshakes.push_back(tokio::spawn(handle(tcp, address, credentials, incoming)).abort_handle());
    }
}

async fn handle(tcp: TcpStream, address: SocketAddr, credentials: Credentials, incoming: Sender<Incoming>) {
    let authenticated = timeout(HANDSHAKE_TIMEOUT, authenticate(tcp, address, &credentials)).await;
    match authenticated.unwrap_or(Err(ChannelError::Timeout)) {
        // If nothing receives it in time, the other process connects again.
        Ok(process) => drop(timeout(HANDSHAKE_TIMEOUT, incoming.send(process)).await),
        // A check whether the port is open, or a process that was killed while it waited.
        Err(error) if error.is_closed() => {
            tracing::debug!("mesh: a connection from {address} ended before it was one");
        }
        Err(error) => REJECTED_CONNECTIONS.warn(format!("refused a connection from {address}: {error}")),
    }
}

async fn authenticate(
    tcp: TcpStream,
    address: SocketAddr,
    credentials: &Credentials,
) -> Result<Incoming, ChannelError> {
    configure(&tcp)?;
    let mut channel = handshake::accept(credentials, tcp, address).await?;
    let message = channel.receive().await?;
    Ok(Incoming { message, channel })
}

/// Rejects an authenticated process, and logs it.
pub(super) async fn reject(channel: Channel, reason: String) {
    REJECTED_PROCESSES.warn(format!("refused the process at {}: {reason}", channel.address()));
    channel.reject(reason).await;
}

/// Rate-limits log lines about rejected connections.
struct RateLimitedLog(Mutex<LogState>);

struct LogState {
    logged_at: Option<Instant>,
    suppressed: u64,
}

impl RateLimitedLog {
    const fn new() -> Self {
        RateLimitedLog(Mutex::new(LogState { logged_at: None, suppressed: 0 }))
    }

    fn warn(&self, line: String) {
        if let Some(line) = self.admit(line, Instant::now()) {
            tracing::warn!("mesh: {line}");
        }
    }

    /// Returns the line to log now, if any.
    fn admit(&self, line: String, now: Instant) -> Option<String> {
        let mut state = self.0.lock();
        if state.logged_at.is_some_and(|at| now.saturating_duration_since(at) < LOG_INTERVAL) {
            state.suppressed += 1;
            return None;
        }
        state.logged_at = Some(now);
        match std::mem::take(&mut state.suppressed) {
            0 => Some(line),
            suppressed => Some(format!("{line} (and {suppressed} other refusals before)")),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_line_a_second_is_logged_and_the_others_are_counted() {
        let (log, start) = (RateLimitedLog::new(), Instant::now());
        let at = |ms| log.admit("no".into(), start + Duration::from_millis(ms));
        assert_eq!(at(0).as_deref(), Some("no"));
        assert_eq!((at(1), at(999)), (None, None));
        assert_eq!(at(1000).as_deref(), Some("no (and 2 other refusals before)"));
        assert_eq!(at(2000).as_deref(), Some("no"));
    }
}
