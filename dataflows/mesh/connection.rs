//! A connection between two processes: TCP or TLS while a generation forms, a [`Link`] for timely afterwards.

use std::{
    io::{self, Read, Write},
    net::{Shutdown, SocketAddr, TcpStream},
    os::unix::net::UnixStream,
    time::Duration,
};

use socket2::{SockRef, TcpKeepalive};
use timely::communication::allocator::zero_copy::stream::Stream;
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt, copy_bidirectional_with_sizes},
    task::JoinHandle,
};
use tokio_rustls::TlsStream;

/// Timeout of unacknowledged data: the kernel of a hanging process still acknowledges, a lost machine or network does
/// not.
const UNACKNOWLEDGED_TIMEOUT: Duration = Duration::from_secs(3);
/// Idle time before the first keepalive probe, and between probes.
const PROBE_INTERVAL: Duration = Duration::from_secs(1);
/// Number of keepalive probes that may be lost.
const PROBE_RETRIES: u32 = 2;
/// Buffer of the proxy of an encrypted connection, each way.
const PROXY_BUFFER_BYTES: usize = 256 << 10;

/// Sets the options of a socket: keepalive, so that a lost peer is noticed soon, and no delay for small messages.
pub(super) fn configure(stream: &tokio::net::TcpStream) -> io::Result<()> {
    stream.set_nodelay(true)?;
    let socket = SockRef::from(stream);
    let keepalive =
        TcpKeepalive::new().with_time(PROBE_INTERVAL).with_interval(PROBE_INTERVAL).with_retries(PROBE_RETRIES);
    socket.set_tcp_keepalive(&keepalive)?;
    socket.set_tcp_user_timeout(Some(UNACKNOWLEDGED_TIMEOUT))
}

/// The transport of a connection while a generation forms.
pub(super) enum Transport {
    Tcp(tokio::net::TcpStream),
    Tls(Box<TlsStream<tokio::net::TcpStream>>),
}

impl Transport {
    pub(super) fn local_address(&self) -> io::Result<SocketAddr> {
        match self {
            Transport::Tcp(stream) => stream.local_addr(),
            Transport::Tls(stream) => stream.get_ref().0.local_addr(),
        }
    }

    pub(super) async fn read(&mut self, bytes: &mut [u8]) -> io::Result<()> {
        match self {
            Transport::Tcp(stream) => stream.read_exact(bytes).await.map(drop),
            Transport::Tls(stream) => stream.read_exact(bytes).await.map(drop),
        }
    }

    pub(super) async fn write(&mut self, bytes: &[u8]) -> io::Result<()> {
        match self {
            Transport::Tcp(stream) => stream.write_all(bytes).await,
            Transport::Tls(stream) => {
                stream.write_all(bytes).await?;
                stream.flush().await
            }
        }
    }
}

/// A bidirectional connection to another process, as timely takes it.
#[derive(Debug)]
pub enum Link {
    /// The socket to the process.
    Tcp(TcpStream),
    /// A local socket to the task that encrypts and decrypts: timely reads and writes on two threads, and TLS has one
    /// state.
    Proxied(UnixStream),
}

impl Link {
    /// Returns the link, and the proxy task of an encrypted connection.
    pub(super) fn new(transport: Transport) -> io::Result<(Self, Option<JoinHandle<()>>)> {
        match transport {
            Transport::Tcp(stream) => Ok((Link::Tcp(stream.into_std()?), None)),
            Transport::Tls(mut stream) => {
                let (near, far) = UnixStream::pair()?;
                far.set_nonblocking(true)?;
                let mut far = tokio::net::UnixStream::from_std(far)?;
                // When one end closes, the task ends and thereby closes the other end.
                let proxy = tokio::spawn(async move {
                    let (out, back) = (PROXY_BUFFER_BYTES, PROXY_BUFFER_BYTES);
                    if let Err(error) = copy_bidirectional_with_sizes(&mut stream, &mut far, out, back).await {
                        tracing::debug!("mesh: a connection ended: {error}");
                    }
                });
                Ok((Link::Proxied(near), Some(proxy)))
            }
        }
    }
}

impl Read for Link {
    fn read(&mut self, bytes: &mut [u8]) -> io::Result<usize> {
        match self {
            Link::Tcp(stream) => stream.read(bytes),
            Link::Proxied(stream) => stream.read(bytes),
        }
    }
}

impl Write for Link {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        match self {
            Link::Tcp(stream) => stream.write(bytes),
            Link::Proxied(stream) => stream.write(bytes),
        }
    }

    fn flush(&mut self) -> io::Result<()> {
        match self {
            Link::Tcp(stream) => stream.flush(),
            Link::Proxied(stream) => stream.flush(),
        }
    }
}

impl Stream for Link {
    fn try_clone(&self) -> io::Result<Self> {
        Ok(match self {
            Link::Tcp(stream) => Link::Tcp(stream.try_clone()?),
            Link::Proxied(stream) => Link::Proxied(stream.try_clone()?),
        })
    }

    fn set_nonblocking(&self, nonblocking: bool) -> io::Result<()> {
        match self {
            Link::Tcp(stream) => stream.set_nonblocking(nonblocking),
            Link::Proxied(stream) => stream.set_nonblocking(nonblocking),
        }
    }

    fn shutdown(&self, how: Shutdown) -> io::Result<()> {
        match self {
            Link::Tcp(stream) => stream.shutdown(how),
            Link::Proxied(stream) => stream.shutdown(how),
        }
    }
}
