//! Tests of the binary between a real Kafka and a real MongoDB, with independent clients.
//!
//! Each test creates a topic and a database, and deletes both in the end.

#![cfg(all(feature = "kafka", feature = "mongo"))]
#![allow(clippy::expect_used, clippy::panic, clippy::print_stdout, clippy::unwrap_used)]

mod contract;
#[allow(dead_code, reason = "tests/faults uses it, too")]
mod fixture;
mod generations;
mod routes;
#[path = "../support/mod.rs"]
mod support;
mod tools;
