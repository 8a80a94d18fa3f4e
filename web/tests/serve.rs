//! The server on a real socket: a port in use, and a shutdown that no client can delay.

#![allow(clippy::unwrap_used, reason = "helpers of tests count as tests")]

mod common;

use std::{
    io::{ErrorKind, Read, Write},
    net::TcpStream,
    time::Duration,
};

use common::http_server::Server;
use delaycast_web::Config;
use server::{ConnectionConfig, ServeError, bind};

#[test]
fn a_port_in_use_is_an_error_that_names_it() {
    let first = bind("127.0.0.1:0".parse().unwrap()).unwrap();
    let address = first.local_addr().unwrap();
    let error = bind(address).unwrap_err();
    assert!(matches!(&error, ServeError::Bind { address: taken, .. } if *taken == address));
    assert!(error.to_string().contains(&address.to_string()));
}

#[test]
fn rule_5_it_serves_until_shutdown_and_a_slow_client_cannot_delay_it() {
    let connections = ConnectionConfig { drain_within: Duration::from_millis(100), ..ConnectionConfig::default() };
    let mut server = Server::start(Config { connections, ..Config::default() });
    let mut slow = TcpStream::connect(server.address).unwrap();
    slow.write_all(b"POST /flights/delays/predict/classify_realtime HTTP/1.1\r\nHost: x\r\nContent-Length: 9\r\nContent-Type: application/json\r\n\r\n").unwrap();

    let mut asking = TcpStream::connect(server.address).unwrap();
    asking.write_all(b"GET /flights/delays/predict_kafka HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n").unwrap();
    let mut answer = String::new();
    asking.read_to_string(&mut answer).unwrap();
    assert!(answer.starts_with("HTTP/1.1 200 OK\r\n"), "{answer}");

    server.stop();
    assert!(TcpStream::connect(server.address).is_err(), "the listener is closed");
}

#[test]
fn rule_5_a_silent_connection_is_closed_and_those_beyond_the_bound_are_served() {
    let head_within = Duration::from_millis(300);
    let connections = ConnectionConfig { connections_max: 2, head_within, ..ConnectionConfig::default() };
    let mut server = Server::start(Config { connections, ..Config::default() });
    let mut silent = [(); 2].map(|()| TcpStream::connect(server.address).unwrap());
    silent[1].write_all(b"GET / HT").unwrap();

    // At the bound of two, one of the silent connections is evicted for this one.
    let mut asking = TcpStream::connect(server.address).unwrap();
    asking.write_all(b"GET /flights/delays/predict_kafka HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n").unwrap();
    let mut answer = String::new();
    asking.read_to_string(&mut answer).unwrap();
    assert!(answer.starts_with("HTTP/1.1 200 OK\r\n"), "{answer}");
    for connection in &mut silent {
        connection.set_read_timeout(Some(Duration::from_secs(30))).unwrap();
        let mut rest = Vec::new();
        // Reset, or closed, perhaps after a response about the timeout; not open until the read timeout.
        if let Err(error) = connection.read_to_end(&mut rest) {
            assert_eq!(error.kind(), ErrorKind::ConnectionReset, "{error}");
        }
    }
    server.stop();
}
