//! The binary between a real Kafka and a real MongoDB, looked at from outside: with clients that know nothing of it.
//!
//! Each test has a topic and a database of its own, and deletes both in the end.

#![cfg(all(feature = "kafka", feature = "mongo"))]
#![allow(clippy::expect_used, clippy::panic, clippy::print_stdout, clippy::unwrap_used)]

mod contract;
mod generations;
#[allow(dead_code, reason = "tests/faults uses it, too")]
mod place;
mod routes;
#[path = "../support/mod.rs"]
mod support;
mod tools;
