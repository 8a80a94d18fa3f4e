//! Connections in the shape that timely takes.

use std::{
    io::{self, Read, Write},
    net::{Shutdown, TcpStream},
    os::unix::net::UnixStream,
    time::Duration,
};

use socket2::{SockRef, TcpKeepalive};
use timely::communication::allocator::zero_copy::stream::Stream;
use tokio::{io::copy_bidirectional_with_sizes, task::JoinHandle};

use super::channel::Wire;

/// A connection over which nothing is acknowledged for so long is lost: a peer that hangs still acknowledges, one whose
/// machine or network is gone does not.
const UNACKNOWLEDGED: Duration = Duration::from_secs(3);
/// An idle connection is probed after this time, and this often.
const PROBE: Duration = Duration::from_secs(1);
/// So many probes may be lost.
const PROBES: u32 = 2;
/// Bytes that the pump takes at once, each way.
const PUMP_BYTES: usize = 256 << 10;

/// Makes a connection that tells soon when its other end is gone, and sends small messages at once.
pub(super) fn tune(stream: &tokio::net::TcpStream) -> io::Result<()> {
    stream.set_nodelay(true)?;
    let socket = SockRef::from(stream);
    socket.set_tcp_keepalive(&TcpKeepalive::new().with_time(PROBE).with_interval(PROBE).with_retries(PROBES))?;
    socket.set_tcp_user_timeout(Some(UNACKNOWLEDGED))
}

/// A connection to another process, both ways.
#[derive(Debug)]
pub enum Link {
    /// To the process itself.
    Tcp(TcpStream),
    /// To a task that encrypts and decrypts: timely reads and writes on two threads, TLS has one state.
    Pumped(UnixStream),
}

impl Link {
    /// The link, and the task that carries its bytes if there is one.
    pub(super) fn new(wire: Wire) -> io::Result<(Self, Option<JoinHandle<()>>)> {
        match wire {
            Wire::Plain(stream) => Ok((Link::Tcp(stream.into_std()?), None)),
            Wire::Tls(mut stream) => {
                let (near, far) = UnixStream::pair()?;
                far.set_nonblocking(true)?;
                let mut far = tokio::net::UnixStream::from_std(far)?;
                // When either end is gone the task ends, and so does the other end.
                let pump = tokio::spawn(async move {
                    if let Err(error) =
                        copy_bidirectional_with_sizes(&mut stream, &mut far, PUMP_BYTES, PUMP_BYTES).await
                    {
                        tracing::debug!("mesh: a connection ended: {error}");
                    }
                });
                Ok((Link::Pumped(near), Some(pump)))
            }
        }
    }
}

impl Read for Link {
    fn read(&mut self, bytes: &mut [u8]) -> io::Result<usize> {
        match self {
            Link::Tcp(stream) => stream.read(bytes),
            Link::Pumped(stream) => stream.read(bytes),
        }
    }
}

impl Write for Link {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        match self {
            Link::Tcp(stream) => stream.write(bytes),
            Link::Pumped(stream) => stream.write(bytes),
        }
    }

    fn flush(&mut self) -> io::Result<()> {
        match self {
            Link::Tcp(stream) => stream.flush(),
            Link::Pumped(stream) => stream.flush(),
        }
    }
}

impl Stream for Link {
    fn try_clone(&self) -> io::Result<Self> {
        Ok(match self {
            Link::Tcp(stream) => Link::Tcp(stream.try_clone()?),
            Link::Pumped(stream) => Link::Pumped(stream.try_clone()?),
        })
    }

    fn set_nonblocking(&self, nonblocking: bool) -> io::Result<()> {
        match self {
            Link::Tcp(stream) => stream.set_nonblocking(nonblocking),
            Link::Pumped(stream) => stream.set_nonblocking(nonblocking),
        }
    }

    fn shutdown(&self, how: Shutdown) -> io::Result<()> {
        match self {
            Link::Tcp(stream) => stream.shutdown(how),
            Link::Pumped(stream) => stream.shutdown(how),
        }
    }
}
