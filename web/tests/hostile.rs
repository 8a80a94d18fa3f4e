//! Tests of the rules of `web/server/connections` on a real socket with small bounds. Clients are silent, slow, or
//! never read.

#![allow(clippy::unwrap_used, reason = "helpers of tests count as tests")]

mod common;

use std::{
    io::{ErrorKind, Read, Write},
    net::{SocketAddr, TcpStream},
    thread,
    time::{Duration, Instant},
};

use common::http_server::Server;
use delaycast_web::Config;
use server::ConnectionConfig;
use socket2::{Domain, SockRef, Socket, Type};

/// Timeout of a test's waits.
const DEADLINE: Duration = Duration::from_secs(60);
/// A deadline that does not pass in a test.
const NEVER: Duration = Duration::from_secs(3600);

/// A configuration whose deadlines do not pass: only the bound under test has an effect.
fn without_deadlines() -> ConnectionConfig {
    let (head_within, body_within, write_within) = (NEVER, NEVER, NEVER);
    ConnectionConfig {
        head_within,
        body_within,
        write_within,
        drain_within: Duration::from_millis(100),
        ..ConnectionConfig::default()
    }
}

fn start(connections: ConnectionConfig) -> Server {
    Server::start(Config { connections, ..Config::default() })
}

fn connect(address: SocketAddr) -> TcpStream {
    let stream = TcpStream::connect(address).unwrap();
    stream.set_read_timeout(Some(DEADLINE)).unwrap();
    stream
}

/// Reads until the end or a reset.
fn rest(stream: &mut TcpStream) -> String {
    let mut bytes = Vec::new();
    match stream.read_to_end(&mut bytes) {
        Ok(_) => {}
        Err(error) => assert_eq!(error.kind(), ErrorKind::ConnectionReset, "{error}"),
    }
    String::from_utf8(bytes).unwrap()
}

fn ask(address: SocketAddr, path: &str) -> String {
    let mut stream = connect(address);
    write!(stream, "GET {path} HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n").unwrap();
    rest(&mut stream)
}

fn is_served(address: SocketAddr) -> bool {
    ask(address, common::site::PAGE).starts_with("HTTP/1.1 200 OK\r\n")
}

fn until(what: &str, mut holds: impl FnMut() -> bool) {
    let start = Instant::now();
    while !holds() {
        assert!(start.elapsed() < DEADLINE, "waited in vain until {what}");
        thread::sleep(Duration::from_millis(5));
    }
}

fn count(config: &ConnectionConfig, why: &str) -> u64 {
    config.dropped.get().into_iter().find(|(name, _)| *name == why).unwrap().1
}

#[test]
fn rule_1_at_the_bound_the_client_awaited_longest_is_evicted() {
    let config = ConnectionConfig { connections_max: 3, address_share: 3, ..without_deadlines() };
    let mut server = start(config.clone());
    let mut silent = connect(server.address);
    let mut slow = connect(server.address);
    slow.write_all(b"GET / HT").unwrap();
    let mut idle = connect(server.address);
    idle.write_all(b"GET /ops.json HTTP/1.1\r\nHost: localhost\r\n\r\n").unwrap();
    let mut first = [0; 15];
    idle.read_exact(&mut first).unwrap();
    assert_eq!(&first, b"HTTP/1.1 200 OK");
    // At the bound of three: the silent one is evicted, then the slow one, then the idle one.
    for connection in [&mut silent, &mut slow, &mut idle] {
        let dropped = count(&config, "room");
        let mut new = connect(server.address);
        until("one is dropped", || count(&config, "room") == dropped + 1);
        new.write_all(b"GET /ops.json HTTP/1.1\r\nHost: localhost\r\n\r\n").unwrap();
        new.read_exact(&mut first).unwrap();
        assert_eq!(&first, b"HTTP/1.1 200 OK");
        rest(connection);
        std::mem::forget(new);
    }
    server.stop();
}

#[test]
fn rule_1_a_connection_with_a_request_in_progress_is_not_evicted() {
    let config = ConnectionConfig { connections_max: 1, address_share: 1, ..without_deadlines() };
    let mut server = start(config.clone());
    *server.doubles.store.delay.lock().unwrap() = Duration::from_secs(1);
    let mut working = connect(server.address);
    let path = format!("{}/response/no-one", common::site::CLASSIFY);
    write!(working, "GET {path} HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n").unwrap();
    until("the look-up is under way", || server.doubles.store.under_way.lock().unwrap().0 == 1);
    let mut refused = connect(server.address);
    let answer = rest(&mut refused);
    assert!(answer.starts_with("HTTP/1.1 503 ") && answer.contains("retry-after: 2"), "{answer}");
    assert_eq!(count(&config, "busy"), 1);
    assert!(rest(&mut working).starts_with("HTTP/1.1 200 OK\r\n"));
    server.stop();
}

#[test]
fn rule_1_other_clients_are_served_beside_many_silent_ones() {
    let config = ConnectionConfig { connections_max: 8, address_share: 2, ..without_deadlines() };
    let mut server = start(config.clone());
    let crowd: Vec<TcpStream> = (0..200).map(|_| connect(server.address)).collect();
    for _ in 0..20 {
        assert!(is_served(server.address));
    }
    assert!(count(&config, "room") >= 192);
    drop(crowd);
    server.stop();
}

/// A connection with a small receive buffer.
fn narrow(address: SocketAddr) -> TcpStream {
    let socket = Socket::new(Domain::IPV4, Type::STREAM, None).unwrap();
    socket.set_recv_buffer_size(2048).unwrap();
    socket.connect(&address.into()).unwrap();
    let stream = TcpStream::from(socket);
    stream.set_nonblocking(true).unwrap();
    stream
}

/// Pipelines requests until all are sent or none is accepted for a while; returns the number of bytes sent.
fn pipeline(stream: &mut TcpStream, request: &[u8], bytes_max: usize) -> usize {
    let requests = request.repeat(500);
    let (mut sent, mut last) = (0, Instant::now());
    while sent < bytes_max && last.elapsed() < Duration::from_secs(2) {
        let at = sent % requests.len();
        match stream.write(&requests[at..]) {
            Ok(bytes) => {
                sent += bytes;
                last = Instant::now();
            }
            Err(error) if error.kind() == ErrorKind::WouldBlock => thread::sleep(Duration::from_millis(1)),
            Err(_) => break,
        }
    }
    sent
}

#[test]
fn rule_3_a_client_that_never_reads_is_dropped() {
    let config = ConnectionConfig { write_within: Duration::from_millis(300), ..without_deadlines() };
    let mut server = start(config.clone());
    let mut never_reading = narrow(server.address);
    pipeline(&mut never_reading, b"GET /ops.json HTTP/1.1\r\nHost: localhost\r\n\r\n", 4 << 20);
    until("it is dropped", || count(&config, "not_read") == 1);
    until("it is reset", || matches!(never_reading.take_error(), Ok(Some(_))) || never_reading.write(b"x").is_err());
    server.stop();
}

#[test]
fn rule_3_a_body_has_a_deadline() {
    let config = ConnectionConfig { body_within: Duration::from_millis(200), ..without_deadlines() };
    let mut server = start(config);
    let mut slow = connect(server.address);
    let head = "Host: localhost\r\nContent-Type: application/json\r\nContent-Length: 9\r\nConnection: close\r\n\r\n{";
    write!(slow, "POST {} HTTP/1.1\r\n{head}", common::site::CLASSIFY).unwrap();
    let answer = rest(&mut slow);
    assert!(answer.starts_with("HTTP/1.1 400 ") && answer.contains("did not arrive within 200ms"), "{answer}");
    server.stop();
}

#[test]
fn rule_4_a_connection_ends_after_its_requests_and_at_its_maximum_age() {
    let of_two = ConnectionConfig { requests_max: 2, ..without_deadlines() };
    let of_age = ConnectionConfig { life_max: Duration::ZERO, ..without_deadlines() };
    for (config, requests) in [(of_two, 2), (of_age, 1)] {
        let mut server = start(config);
        let mut connection = connect(server.address);
        for _ in 0..requests {
            connection.write_all(b"GET /ops.json HTTP/1.1\r\nHost: localhost\r\n\r\n").unwrap();
        }
        let answers = rest(&mut connection);
        assert_eq!(answers.matches("HTTP/1.1 200 OK\r\n").count(), requests);
        assert_eq!(answers.matches("connection: close\r\n").count(), 1, "the last one says so");
        assert_eq!(answers.matches("\r\ndate: ").count(), requests);
        server.stop();
    }
}

#[test]
fn rule_4_a_connection_that_is_still_open_after_its_last_request_is_reset() {
    let ms = Duration::from_millis(50);
    let config =
        ConnectionConfig { life_max: ms, head_within: NEVER, body_within: ms, write_within: ms, ..without_deadlines() };
    // The head's deadline is part of the maximum age, so it must be short here; single bytes don't extend it.
    let config = ConnectionConfig { head_within: Duration::from_secs(2), ..config };
    let mut server = start(config);
    let mut dripping = connect(server.address);
    until("it is cut", || dripping.write_all(b"G").is_err());
    server.stop();
}

#[test]
fn rule_5_no_more_is_answered_than_is_read() {
    let mut server = start(without_deadlines());
    // HEAD: with bodies, hyper itself would not begin a second response.
    let mut never_reading = narrow(server.address);
    let (request, bytes_max) = (b"HEAD /ops.json HTTP/1.1\r\nHost: localhost\r\n\r\n", 64 << 20);
    let sent = pipeline(&mut never_reading, request, bytes_max);
    assert!(sent < bytes_max / 4, "{sent} bytes of requests were taken");
    assert!(SockRef::from(&never_reading).take_error().unwrap().is_none(), "and it is still connected");
    server.stop();
}
