//! Accepts connections, and drops those that hold a place without using it.
//!
//! warp's own server has no such bounds: idle sockets, or clients that never read, would shut all others out.
//!
//! 1. Accepting never waits. At [`Config::connections_max`] a connection is dropped to make room: the one whose
//!    client has been waited for longest, be it idle, slow to send or slow to read. A connection whose request is
//!    being worked on is only dropped under rule 2. If none can be dropped, the new one is told 503.
//! 2. One address has a share ([`Config::address_share`]) of the places: at the bound an address beyond its share
//!    loses connections before others do, in the end also one whose request is being worked on, and its own new ones
//!    take the places of its own. Below the bound the share means nothing, so a proxy, from whose address all
//!    connections come, has all places.
//! 3. Each phase has a deadline: the head [`Config::head_within`] (idleness between requests, too), the body
//!    [`Config::body_within`], the writing of what is buffered [`Config::write_within`].
//! 4. A connection ends after [`Config::requests_max`] requests or [`Config::life_max`], with `Connection: close` on
//!    the last response, so that no request is lost. What is then still open is cut.
//! 5. A connection has bounded buffers: [`USER_BUFFER_BYTES`] here and [`Config::kernel_buffer_bytes`] each way in
//!    the kernel. They also bound the work that is done for a client that never reads. While written bytes are not
//!    taken, the next pipelined request is not begun.
//! 6. A dropped connection is counted and logged, and is dropped with a reset, which frees the kernel's buffers, too.

mod pace;
mod stream;
mod table;

use std::{
    fmt::Display,
    future::Future,
    io,
    net::{SocketAddr, TcpListener as StdListener},
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

use crate::{
    Config,
    connections::{
        pace::Paced,
        stream::Stream,
        table::{Seat, Table},
    },
};

pub use table::Dropped;

/// Bytes of a connection that hyper buffers in each direction: heads and pipelined requests, written responses.
const USER_BUFFER_BYTES: usize = 64 << 10;
/// Connections that the kernel holds until they are accepted: as many as any attack here opens at once.
const BACKLOG: i32 = 4096;
/// Pause after the system could not give a connection, as when files run out.
const ACCEPT_PAUSE: Duration = Duration::from_millis(20);
/// Dropped connections are logged this often at most.
const TELL_EVERY: Duration = Duration::from_secs(60);
/// Told to a connection that finds no place.
const BUSY: &[u8] =
    b"HTTP/1.1 503 Service Unavailable\r\nretry-after: 2\r\nconnection: close\r\ncontent-length: 0\r\n\r\n";

/// Binds an address, with a backlog that outlasts a burst. (That of the standard library is 128: with more at once, the
/// next client's first packet is dropped, and sent again only after a second.)
pub(crate) fn bind(address: SocketAddr) -> io::Result<StdListener> {
    let socket = Socket::new(Domain::for_address(address), Type::STREAM, Some(Protocol::TCP))?;
    socket.set_reuse_address(true)?;
    socket.bind(&address.into())?;
    socket.listen(BACKLOG)?;
    Ok(socket.into())
}

/// Serves connections until `shutdown` is ready; then finishes the requests under way, within [`Config::drain_within`].
pub(crate) async fn accept(
    listener: TcpListener,
    routes: BoxedFilter<(Response,)>,
    config: &Config,
    shutdown: impl Future<Output = ()>,
) {
    let mut http = http1::Builder::new();
    // The time runs while a connection is idle between requests, too.
    http.timer(TokioTimer::new()).header_read_timeout(config.head_within);
    http.max_buf_size(USER_BUFFER_BYTES).pipeline_flush(false);
    // hyper's own panics when the machine's clock is before 1970 or after 9999.
    http.auto_date_header(false);
    let service = TowerToHyperService::new(warp::service(routes));
    let (graceful, table) = (GracefulShutdown::new(), Table::new(config));
    // A connection that is past its life, and has said nothing since, has had time for one more request of any kind.
    let life_max = config.life_max + config.head_within + config.body_within + config.write_within;
    let (mut shutdown, mut told) = (pin!(shutdown), Told::default());
    loop {
        told.tell(config, &listener);
        let accepted = tokio::select! {
            accepted = listener.accept() => accepted,
            () = &mut shutdown => break,
        };
        let (stream, peer) = match accepted {
            Ok(accepted) => accepted,
            Err(error) => {
                // Where files have run out, one connection less makes room.
                if !is_of_one_connection(&error) {
                    told.cannot_accept(&error);
                    table.make_room();
                    sleep(ACCEPT_PAUSE).await;
                }
                continue;
            }
        };
        let Some(seat) = table.admit(peer.ip()) else {
            // Best effort: a client that sends a lot before it reads will not see it.
            let _ = stream.try_write(BUSY);
            continue;
        };
        bound_buffers(&stream, config.kernel_buffer_bytes);
        let (id, turn) = (seat.id(), Arc::clone(seat.turn()));
        let stream = Stream::new(stream, Arc::clone(&turn), config.write_within);
        let paced = Paced::new(service.clone(), turn, config);
        let connection = graceful.watch(http.serve_connection(TokioIo::new(stream), paced));
        let task = tokio::spawn(serve(seat, life_max, connection));
        table.runs(id, task.abort_handle());
        // In a burst each connection gets to read its first request before others can take its place.
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

/// Rate limit of the log lines about connections that are dropped or cannot be accepted.
#[derive(Default)]
struct Told {
    at: Option<Instant>,
    count: u64,
    cannot_accept_at: Option<Instant>,
}

impl Told {
    /// Logs an error of the listener, which comes again and again where files have run out.
    fn cannot_accept(&mut self, error: &io::Error) {
        if self.cannot_accept_at.is_none_or(|at| at.elapsed() >= TELL_EVERY) {
            tracing::warn!("cannot accept a connection: {error}; may this process have more files (ulimit -n)?");
            self.cannot_accept_at = Some(Instant::now());
        }
    }

    /// Logs that connections are dropped, not more often than an attack can be told of without filling the log.
    fn tell(&mut self, config: &Config, listener: &TcpListener) {
        let counts = config.dropped.get();
        let count: u64 = counts.iter().map(|(_, count)| count).sum();
        if count == self.count || self.at.is_some_and(|at| at.elapsed() < TELL_EVERY) {
            return;
        }
        let counts: Vec<String> = counts.iter().map(|(why, count)| format!("{why} {count}")).collect();
        let port = listener.local_addr().map(|address| address.port()).unwrap_or_default();
        tracing::warn!(
            "port {port} drops connections whose clients keep it waiting, {} places are for all; so far: {}",
            config.connections_max,
            counts.join(", ")
        );
        (self.at, self.count) = (Some(Instant::now()), count);
    }
}

async fn serve<E: Display>(seat: Seat, life_max: Duration, connection: impl Future<Output = Result<(), E>>) {
    let mut connection = pin!(connection);
    match timeout(life_max, connection.as_mut()).await {
        Ok(Ok(())) => {}
        Ok(Err(error)) => tracing::debug!("a connection ended: {error}"),
        // It is reset when it goes out of scope.
        Err(_) => seat.outlived(),
    }
}

/// Without its buffers bounded, a client that never reads would take megabytes of the kernel.
fn bound_buffers(stream: &TcpStream, bytes: usize) {
    let socket = SockRef::from(stream);
    // Where they cannot be set, a connection takes more, and nothing is wrong.
    let _ = socket.set_send_buffer_size(bytes);
    let _ = socket.set_recv_buffer_size(bytes);
    // Responses are small, and each waits for none after it.
    let _ = stream.set_nodelay(true);
}

/// Errors of `accept` that say something of the connection that was to be accepted, not of the listener.
fn is_of_one_connection(error: &io::Error) -> bool {
    matches!(
        error.kind(),
        io::ErrorKind::ConnectionAborted | io::ErrorKind::ConnectionReset | io::ErrorKind::Interrupted
    )
}
