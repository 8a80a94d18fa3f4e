//! Tests of a thousand hostile clients at the ports of the page and of health: silent, slow, never reading,
//! half-closed.

use std::{
    fs,
    io::{ErrorKind, Read, Write},
    net::{Shutdown, SocketAddr, TcpListener, TcpStream},
    sync::{
        Arc,
        atomic::{AtomicBool, AtomicUsize, Ordering},
    },
    thread,
    time::{Duration, Instant},
};

use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};
use socket2::{Domain, Socket, Type};

use crate::support::{Process, delaycast, give_models, long, until};

/// Concurrent connections, and the threads that maintain them.
const CLIENTS: usize = 1000;
const THREADS: usize = 4;
/// The pause before a dropped connection is made again.
const RECONNECT_DELAY: Duration = Duration::from_secs(1);
/// Bytes of requests that a client pipelines without reading.
const PIPELINED_BYTES: usize = 400_000;
/// Upper bound on the time of a probe. The time is printed.
const PROBE_TIMEOUT: Duration = Duration::from_secs(10);

#[derive(Clone, Copy)]
enum ClientKind {
    Silent,
    SlowHead,
    SlowBody,
    NeverReading,
    HalfClosed,
}

const CLIENT_KINDS: [ClientKind; 5] =
    [ClientKind::Silent, ClientKind::SlowHead, ClientKind::SlowBody, ClientKind::NeverReading, ClientKind::HalfClosed];

/// A hostile client. It reconnects whenever it is dropped.
struct HostileClient {
    kind: ClientKind,
    path: &'static str,
    stream: Option<TcpStream>,
}

impl HostileClient {
    fn connect(&self, address: SocketAddr) -> std::io::Result<TcpStream> {
        let socket = Socket::new(Domain::IPV4, Type::STREAM, None)?;
        socket.set_recv_buffer_size(2048)?;
        socket.connect_timeout(&address.into(), PROBE_TIMEOUT)?;
        let mut stream = TcpStream::from(socket);
        stream.set_nonblocking(true)?;
        let path = self.path;
        match self.kind {
            ClientKind::Silent | ClientKind::SlowHead => {}
            ClientKind::SlowBody => {
                let body = "Content-Type: application/json\r\nContent-Length: 5000\r\n\r\n";
                write!(stream, "POST {path} HTTP/1.1\r\nHost: localhost\r\n{body}")?;
            }
            ClientKind::NeverReading => {
                let requests = format!("GET {path} HTTP/1.1\r\nHost: localhost\r\n\r\n").repeat(500);
                let mut sent = 0;
                while sent < PIPELINED_BYTES {
                    match stream.write(requests.as_bytes()) {
                        Ok(bytes) => sent += bytes,
                        Err(error) if error.kind() == ErrorKind::WouldBlock => break,
                        Err(error) => return Err(error),
                    }
                }
            }
            ClientKind::HalfClosed => {
                write!(stream, "GET {path} HTTP/1.1\r\nHost: localhost\r\n")?;
                stream.shutdown(Shutdown::Write)?;
            }
        }
        Ok(stream)
    }

    /// Sends the next byte of a slow request. Returns false if the connection is closed.
    fn send_more(&mut self) -> bool {
        let Some(stream) = &mut self.stream else { return false };
        let alive = match self.kind {
            ClientKind::SlowHead => stream.write(b"G"),
            ClientKind::SlowBody => stream.write(b"{"),
            ClientKind::Silent | ClientKind::HalfClosed => stream.read(&mut [0; 64]),
            ClientKind::NeverReading => return matches!(stream.take_error(), Ok(None)),
        };
        match alive {
            Ok(bytes) => bytes > 0,
            Err(error) => error.kind() == ErrorKind::WouldBlock,
        }
    }
}

/// Maintains a share of the connections until it is stopped.
fn attack(share: usize, address: SocketAddr, path: &'static str, stop: &AtomicBool, made: &AtomicUsize) {
    let kinds = CLIENT_KINDS.iter().cycle().take(share);
    let mut hostile: Vec<HostileClient> = kinds.map(|kind| HostileClient { kind: *kind, path, stream: None }).collect();
    while !stop.load(Ordering::Relaxed) {
        let round = Instant::now();
        for client in &mut hostile {
            if !client.send_more() {
                client.stream = client.connect(address).ok();
                made.fetch_add(1, Ordering::Relaxed);
            }
        }
        thread::sleep(RECONNECT_DELAY.saturating_sub(round.elapsed()));
    }
}

/// Returns the time until the status line of the answer has arrived.
fn probe(address: SocketAddr, path: &str) -> Duration {
    let started = Instant::now();
    let mut stream = TcpStream::connect_timeout(&address, PROBE_TIMEOUT).unwrap();
    stream.set_read_timeout(Some(PROBE_TIMEOUT)).unwrap();
    write!(stream, "GET {path} HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n").unwrap();
    let mut status = [0; 15];
    stream.read_exact(&mut status).unwrap();
    let took = started.elapsed();
    assert_eq!(&status, b"HTTP/1.1 200 OK", "{path}");
    took
}

fn probe_under_attack(what: &str, address: SocketAddr, path: &'static str) {
    let (stop, made) = (Arc::new(AtomicBool::new(false)), Arc::new(AtomicUsize::new(0)));
    let calm = (0..5).map(|_| probe(address, path)).max().unwrap();
    let attack = |_| {
        let (stop, made) = (Arc::clone(&stop), Arc::clone(&made));
        thread::spawn(move || attack(CLIENTS / THREADS, address, path, &stop, &made))
    };
    let attackers: Vec<_> = (0..THREADS).map(attack).collect();
    until("all are connected", || made.load(Ordering::Relaxed) >= CLIENTS);
    let mut took = Vec::new();
    for _ in 0..if long() { 60 } else { 5 } {
        thread::sleep(Duration::from_secs(1));
        took.push(probe(address, path));
    }
    stop.store(true, Ordering::Relaxed);
    attackers.into_iter().for_each(|attacker| attacker.join().unwrap());
    took.sort();
    println!(
        "hostile clients at {what}: {CLIENTS} at a time, {} made, {} of {} probes served, the slowest in {:.3} s, half in \
         {:.3} s (in calm the slowest of 5 in {:.3} s)",
        made.load(Ordering::Relaxed),
        took.len(),
        took.len(),
        took[took.len() - 1].as_secs_f64(),
        took[took.len() / 2].as_secs_f64(),
        calm.as_secs_f64(),
    );
}

#[test]
fn a_thousand_hostile_clients() {
    // Each connection takes a file descriptor of this process, and for a while one of the server.
    let limit = getrlimit(Resource::Nofile);
    setrlimit(Resource::Nofile, Rlimit { current: limit.maximum, ..limit }).unwrap();
    if limit.maximum.is_some_and(|maximum| maximum < 3 * CLIENTS as u64) {
        println!("skipped: this system lets a process have {:?} files", limit.maximum);
        return;
    }
    let dir = tempfile::tempdir().unwrap();
    give_models(dir.path());
    let port = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
    let (at, health, output) = (dir.path().to_string_lossy(), port.to_string(), dir.path().join("said"));
    let mut command = delaycast(&["up", "--dir", &at, "--port", "0", "--health", &health]);
    let up = Process::spawn(command.stderr(fs::File::create(&output).unwrap()));
    let base = up.line_after("delaycast is ready: ");
    let page: SocketAddr = base.trim_start_matches("http://").trim_end_matches('/').parse().unwrap();
    probe_under_attack("the port of health", port, "/livez");
    probe_under_attack("the page", page, "/flights/delays/predict_kafka");
    let output = fs::read_to_string(&output).unwrap();
    assert!(output.contains("drops connections whose clients keep it waiting"), "{output}");
    assert_eq!(up.terminate(), Some(0));
}
