//! Accepts connections within bounds, and evicts idle ones.
//!
//! warp's own server has no such bounds: idle sockets, or clients that never read, would lock all others out.
//!
//! 1. Accepting never waits. At [`ConnectionConfig::connections_max`] a new connection evicts the one whose client has
//!    been awaited longest: idle, slow to send or slow to read. A connection with a request in progress is only
//!    evicted under rule 2. If none can be evicted, the new one gets a 503.
//! 2. Each address has a share of the connections ([`ConnectionConfig::address_share`]). At the bound an address
//!    beyond its share loses connections before others do, at last also those with a request in progress; its own new
//!    connections evict its own. Below the bound the share has no effect: a proxy may have all connections.
//! 3. Each phase has a deadline: the head [`ConnectionConfig::head_within`] (also while idle between requests), the
//!    body [`ConnectionConfig::body_within`], the response [`ConnectionConfig::write_within`].
//! 4. A connection ends after [`ConnectionConfig::requests_max`] requests or [`ConnectionConfig::life_max`], with
//!    `Connection: close` on the last response, so that no request is lost. One that is still open then is reset.
//! 5. A connection has bounded buffers: [`USER_BUFFER_BYTES`] in this process and
//!    [`ConnectionConfig::kernel_buffer_bytes`] each way in the kernel. They also bound the work for a client that
//!    never reads: while a write is blocked, the next pipelined request is not begun.
//! 6. A dropped connection is counted, logged and reset, which frees the kernel's buffers.

mod service;
mod stream;
pub(crate) mod table;

use std::{
    fmt::Display,
    future::Future,
    io,
    net::{IpAddr, SocketAddr, TcpListener as StdListener},
    pin::pin,
    sync::Arc,
    time::{Duration, Instant},
};

use hyper::server::conn::http1;
use hyper_util::{
    rt::{TokioIo, TokioTimer},
    server::graceful::GracefulShutdown,
    service::TowerToHyperService,
};
use socket2::{Domain, Protocol, SockRef, Socket, Type};
use tokio::{
    net::{TcpListener, TcpStream},
    task::yield_now,
    time::{sleep, timeout},
};
use warp::{filters::BoxedFilter, reply::Response};

use service::ConnectionService;
use stream::TimeoutStream;
use table::{ConnectionTable, DropCounters, Permit};

/// Upper bound on hyper's buffer of a connection in each direction: heads and pipelined requests, written responses.
const USER_BUFFER_BYTES: usize = 64 << 10;
/// Backlog of the listener: as many connections as any attack in the tests opens at once.
const BACKLOG: i32 = 4096;
/// Pause after an error of `accept`, as when file descriptors run out.
const ACCEPT_PAUSE: Duration = Duration::from_millis(20);
/// Minimum interval between log lines about dropped connections.
const LOG_INTERVAL: Duration = Duration::from_secs(60);
/// The response to a refused connection.
const BUSY: &[u8] =
    b"HTTP/1.1 503 Service Unavailable\r\nretry-after: 2\r\nconnection: close\r\ncontent-length: 0\r\n\r\n";

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

/// The address of a connection's peer, which is an extension of each request.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct PeerAddress(pub IpAddr);

/// The server could not be started.
#[derive(Debug, thiserror::Error)]
pub enum ServeError {
    /// The address cannot be listened on.
    #[error(
        "cannot listen on {address}: is another program using it, and is it an address of this machine? Port 0 takes a free one"
    )]
    Bind {
        /// The address.
        address: SocketAddr,
        /// The system's error.
        source: io::Error,
    },
    /// The listener cannot be used.
    #[error("cannot use the listener")]
    Listener(#[source] io::Error),
}

/// Listens on an address, with a backlog for bursts. warp would panic if the port is taken. (The standard library's
/// backlog is 128: beyond it the kernel drops a client's first packet, which is sent again only after a second.)
pub fn bind(address: SocketAddr) -> Result<StdListener, ServeError> {
    let listen = || -> io::Result<StdListener> {
        let socket = Socket::new(Domain::for_address(address), Type::STREAM, Some(Protocol::TCP))?;
        socket.set_reuse_address(true)?;
        socket.bind(&address.into())?;
        socket.listen(BACKLOG)?;
        Ok(socket.into())
    };
    listen().map_err(|source| ServeError::Bind { address, source })
}

/// Serves until `shutdown` is ready, then finishes requests in flight, within [`ConnectionConfig::drain_within`]:
/// a client that keeps its connection busy or silent cannot delay the process's end.
pub async fn serve(
    listener: StdListener,
    routes: BoxedFilter<(Response,)>,
    config: &ConnectionConfig,
    shutdown: impl Future<Output = ()>,
) -> Result<(), ServeError> {
    listener.set_nonblocking(true).map_err(ServeError::Listener)?;
    let listener = TcpListener::from_std(listener).map_err(ServeError::Listener)?;
    accept(listener, routes, config, shutdown).await;
    Ok(())
}

/// Serves connections until `shutdown` is ready; then finishes requests in flight, within
/// [`ConnectionConfig::drain_within`].
async fn accept(
    listener: TcpListener,
    routes: BoxedFilter<(Response,)>,
    config: &ConnectionConfig,
    shutdown: impl Future<Output = ()>,
) {
    let mut http = http1::Builder::new();
    // The timeout also runs while a connection is idle between requests.
    http.timer(TokioTimer::new()).header_read_timeout(config.head_within);
    http.max_buf_size(USER_BUFFER_BYTES).pipeline_flush(false);
    // hyper's own panics when the machine's clock is before 1970 or after 9999.
    http.auto_date_header(false);
    let service = TowerToHyperService::new(warp::service(routes));
    let (graceful, table) =
        (GracefulShutdown::new(), ConnectionTable::new(config.connections_max, config.address_share, &config.dropped));
    // Beyond its maximum age a connection has time for one more request of any kind.
    let life_max = config.life_max + config.head_within + config.body_within + config.write_within;
    let (mut shutdown, mut drop_log) = (pin!(shutdown), DropLog::default());
    loop {
        drop_log.log_drops(config, &listener);
        let accepted = tokio::select! {
            accepted = listener.accept() => accepted,
            () = &mut shutdown => break,
        };
        let (stream, peer) = match accepted {
            Ok(accepted) => accepted,
            Err(error) => {
                // An eviction frees a file descriptor.
                if !concerns_one_connection(&error) {
                    drop_log.log_accept_error(&error);
                    table.evict_one();
                    sleep(ACCEPT_PAUSE).await;
                }
                continue;
            }
        };
        let Some(permit) = table.admit(peer.ip()) else {
            // Best effort: a client that sends a lot before it reads will not see it.
            let _ = stream.try_write(BUSY);
            continue;
        };
        bound_buffers(&stream, config.kernel_buffer_bytes);
        let (id, state) = (permit.id(), Arc::clone(permit.state()));
        let stream = TimeoutStream::new(stream, Arc::clone(&state), config.write_within);
        let routes = ConnectionService::new(service.clone(), state, PeerAddress(peer.ip()), config);
        let connection = graceful.watch(http.serve_connection(TokioIo::new(stream), routes));
        let task = tokio::spawn(serve_connection(permit, life_max, connection));
        table.set_task(id, task.abort_handle());
        // In a burst each connection may read its first request before it can be evicted.
        yield_now().await;
    }
    drop(listener);
    tokio::select! {
        () = graceful.shutdown() => {}
        () = sleep(config.drain_within) => {
            tracing::warn!("connections were still open {:?} after the word to stop; they are cut", config.drain_within);
        }
    }
}

/// Rate-limits log lines about connections that are dropped or cannot be accepted.
#[derive(Default)]
struct DropLog {
    logged_at: Option<Instant>,
    count: u64,
    accept_error_at: Option<Instant>,
}

impl DropLog {
    /// Logs an error of the listener, which repeats while file descriptors are exhausted.
    fn log_accept_error(&mut self, error: &io::Error) {
        if self.accept_error_at.is_none_or(|at| at.elapsed() >= LOG_INTERVAL) {
            tracing::warn!("cannot accept a connection: {error}; may this process have more files (ulimit -n)?");
            self.accept_error_at = Some(Instant::now());
        }
    }

    /// Logs the counts of dropped connections.
    fn log_drops(&mut self, config: &ConnectionConfig, listener: &TcpListener) {
        let counts = config.dropped.get();
        let count: u64 = counts.iter().map(|(_, count)| count).sum();
        if count == self.count || self.logged_at.is_some_and(|at| at.elapsed() < LOG_INTERVAL) {
            return;
        }
        let counts: Vec<String> = counts.iter().map(|(why, count)| format!("{why} {count}")).collect();
        let port = listener.local_addr().map(|address| address.port()).unwrap_or_default();
        tracing::warn!(
            "port {port} drops connections whose clients keep it waiting, {} places are for all; so far: {}",
            config.connections_max,
            counts.join(", ")
        );
        (self.logged_at, self.count) = (Some(Instant::now()), count);
    }
}

async fn serve_connection<E: Display>(
    permit: Permit,
    life_max: Duration,
    connection: impl Future<Output = Result<(), E>>,
) {
    let mut connection = pin!(connection);
    match timeout(life_max, connection.as_mut()).await {
        Ok(Ok(())) => {}
        Ok(Err(error)) => tracing::debug!("a connection ended: {error}"),
        // It is reset when it goes out of scope.
        Err(_) => permit.exceeded_age(),
    }
}

/// Bounds the kernel's buffers: a client that never reads would occupy megabytes otherwise.
fn bound_buffers(stream: &TcpStream, bytes: usize) {
    let socket = SockRef::from(stream);
    // If they cannot be set, a connection takes more memory, which is no error.
    let _ = socket.set_send_buffer_size(bytes);
    let _ = socket.set_recv_buffer_size(bytes);
    // Responses are small, and none waits for the next one.
    let _ = stream.set_nodelay(true);
}

/// Returns whether an error of `accept` concerns the connection to be accepted, not the listener.
fn concerns_one_connection(error: &io::Error) -> bool {
    matches!(
        error.kind(),
        io::ErrorKind::ConnectionAborted | io::ErrorKind::ConnectionReset | io::ErrorKind::Interrupted
    )
}
