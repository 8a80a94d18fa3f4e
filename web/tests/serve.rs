//! The server on a real socket: a taken port, and an end that no client can hold up.

#![allow(clippy::unwrap_used, reason = "helpers of tests count as tests")]

mod common;

use std::{
    io::{ErrorKind, Read, Write},
    net::TcpStream,
    time::Duration,
};

use common::server::Server;
use delaycast_web::{Config, ServeError, bind};

#[test]
fn a_taken_port_is_an_error_that_names_it() {
    let first = bind("127.0.0.1:0".parse().unwrap()).unwrap();
    let address = first.local_addr().unwrap();
    let error = bind(address).unwrap_err();
    assert!(matches!(&error, ServeError::Bind { address: taken, .. } if *taken == address));
    assert!(error.to_string().contains(&address.to_string()));
}

#[test]
fn rule_5_it_serves_until_told_to_stop_and_a_client_that_dawdles_cannot_hold_it() {
    let config = Config { drain_within: Duration::from_millis(100), ..Config::default() };
    let mut server = Server::start_with_an_in_memory_log_and_store(config);
    let mut dawdling = TcpStream::connect(server.address).unwrap();
    dawdling.write_all(b"POST /flights/delays/predict/classify_realtime HTTP/1.1\r\nHost: x\r\nContent-Length: 9\r\nContent-Type: application/json\r\n\r\n").unwrap();

    let mut asking = TcpStream::connect(server.address).unwrap();
    asking.write_all(b"GET /flights/delays/predict_kafka HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n").unwrap();
    let mut answer = String::new();
    asking.read_to_string(&mut answer).unwrap();
    assert!(answer.starts_with("HTTP/1.1 200 OK\r\n"), "{answer}");

    server.stop();
    assert!(TcpStream::connect(server.address).is_err(), "nobody listens any more");
}

#[test]
fn rule_5_a_silent_connection_is_closed_and_those_beyond_the_bound_get_their_turn() {
    let config = Config { connections_max: 2, head_within: Duration::from_millis(300), ..Config::default() };
    let mut server = Server::start_with_an_in_memory_log_and_store(config);
    let mut silent = [(); 2].map(|()| TcpStream::connect(server.address).unwrap());
    silent[1].write_all(b"GET / HT").unwrap();

    // There is no third place: one of the silent ones is dropped for this one.
    let mut asking = TcpStream::connect(server.address).unwrap();
    asking.write_all(b"GET /flights/delays/predict_kafka HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n").unwrap();
    let mut answer = String::new();
    asking.read_to_string(&mut answer).unwrap();
    assert!(answer.starts_with("HTTP/1.1 200 OK\r\n"), "{answer}");
    for connection in &mut silent {
        connection.set_read_timeout(Some(Duration::from_secs(30))).unwrap();
        let mut rest = Vec::new();
        // Reset, or closed, perhaps after a word that the head took too long; not still open at the timeout.
        if let Err(error) = connection.read_to_end(&mut rest) {
            assert_eq!(error.kind(), ErrorKind::ConnectionReset, "{error}");
        }
    }
    server.stop();
}
